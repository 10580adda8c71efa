//! The trait that a host implements over its own users, groups and other resources.

use std::sync::Arc;

use async_trait::async_trait;
use scim_schema::{Projection, ResourceType};

use crate::{Context, ETag, Page, Precondition, Query, Resource, Result, Update};

/// A store of resources: what a host implements over its own database.
///
/// One value may serve all resource types of a service: the type is in the context. All that the
/// service hands over is checked already: resources are in canonical form and conform to their
/// resource type, filters and patches are resolved. `writeOnly` values such as passwords are in
/// [`Context::secrets`], never in a resource.
///
/// # Contract
///
/// - Every call is one atomic step: it happens as a whole or not at all, and two calls at once have
///   the effect of one after the other. In particular `update` never loses what another `update`
///   did between its read and its write.
/// - Whatever belongs to another tenant than [`Context::tenant`] does not exist.
/// - An id is unique among all resource types of a tenant and never used again.
/// - The order of resources is the same in every query as long as nothing changes.
/// - A version changes exactly when the resource does; see [`Resource::stamp_changed`].
/// - Errors are shown to the client as they are: their `detail` must not tell what it may not know.
///   [`Error::internal`](crate::Error::internal) hides its cause, and
///   [`Error::unavailable`](crate::Error::unavailable) asks for another try.
///
/// A call may be dropped before it is done, when the client goes away: it has then happened or not, as
/// with any that fails. No call is ever repeated by the service, which does not know whether the first
/// one has happened; clients do repeat, and what comes of that is said with each method.
///
/// # Examples
///
/// A complete provider over a map, of fewer than 60 lines, is in the [crate's documentation](crate).
#[async_trait]
pub trait Provider: Send + Sync {
    /// Finds resources of the context's type.
    ///
    /// [`Query::page`] does all of it for a store that can list its resources; a database
    /// translates [`Query::filter`] instead. Changes nothing, and a query over several types, or one
    /// that is sorted over them, calls it several times for one request.
    ///
    /// # Errors
    ///
    /// `invalidFilter` for an attribute that the store cannot search, `invalidValue` for one that it cannot
    /// sort by; never an empty page instead. What [`Query::page`] returns.
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page>;

    /// Creates a resource and returns it as stored, stamped by [`Resource::stamp_new`].
    ///
    /// A second call with the same resource makes a second one, unless a value must be unique. If a
    /// bulk request cannot complete what it created, [`delete`](Self::delete) follows.
    ///
    /// # Errors
    ///
    /// [`Error::uniqueness`](crate::Error::uniqueness) if a value that must be unique is in use,
    /// decided in the same step that stores the resource.
    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource>;

    /// Reads a resource; `None` if there is none of this type with this id.
    ///
    /// What the projection does not show need not be loaded, but the id and the version always are. May
    /// be called at any time and as often as it pleases.
    ///
    /// # Errors
    ///
    /// Only if the store fails.
    async fn retrieve(&self, cx: &Context<'_>, id: &str, projection: &Projection)
    -> Result<Option<Resource>>;

    /// Changes a resource: the body of a PUT or a PATCH.
    ///
    /// [`Update::apply`] does the work on a resource that is loaded, [`Update::split`] separates a
    /// list that is kept in rows. If that changes nothing, nothing is written and the version stays: so a
    /// second call with the same update does no harm, unless a precondition names the first version.
    /// [`Update::apply`] may be tried again on a fresh copy if somebody else was faster to write. A store
    /// that holds no lock meanwhile uses [`Update::apply_in_turns`], so that a large change does not keep the
    /// thread from other requests.
    ///
    /// # Errors
    ///
    /// [`Error::not_found`](crate::Error::not_found) if there is none of this type with this id; what
    /// [`Precondition::check`] returns, which comes before all that follows; what [`Update::apply`]
    /// returns; [`Error::uniqueness`](crate::Error::uniqueness) if a value that must be unique is in use.
    /// After any of them the resource is as it was.
    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated>;

    /// Deletes a resource. Its unique values may be used again at once, its id never.
    ///
    /// # Errors
    ///
    /// [`Error::not_found`](crate::Error::not_found), also for the second of two calls, and what [`Precondition::check`] returns.
    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted>;

    /// What the store can do for a resource type. What it claims here is announced to clients and
    /// tested by the provider suite, and no more. Asked when the service is built, and never again.
    fn capabilities(&self, on: &ResourceType) -> Capabilities {
        let _ = on;
        Capabilities::NONE
    }

    /// The attributes of a resource type, by canonical path, whose values the store keeps different
    /// from each other although the schema does not ask for it. `/Schemas` then says so.
    fn unique(&self, on: &ResourceType) -> Vec<String> {
        let _ = on;
        Vec::new()
    }
}

/// How an update is to be made, and what is wanted of the result.
///
/// ```
/// use scim_core::schema::{Projection, standard};
/// use scim_core::{ETag, Precondition, UpdateOptions};
///
/// let options = UpdateOptions::new()
///     .precondition(Precondition::matches(ETag::new("a1")))
///     .returning(Projection::new(&standard::user_type()));
/// assert!(options.precondition.check(&ETag::new("b2")).is_err());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UpdateOptions {
    /// What the client requires of the version before the change.
    pub precondition: Precondition,
    /// What of the resource the answer shows; `None` if it has no body.
    pub returning: Option<Projection>,
}

impl UpdateOptions {
    /// Whatever the version is, and nothing of the resource in the answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires something of the version before the change.
    #[must_use]
    pub fn precondition(mut self, precondition: Precondition) -> Self {
        self.precondition = precondition;
        self
    }

    /// Wants the resource as it is afterwards, this much of it.
    #[must_use]
    pub fn returning(mut self, projection: Projection) -> Self {
        self.returning = Some(projection);
        self
    }
}

/// The result of an update.
#[derive(Clone, Debug)]
pub struct Updated {
    /// The version before.
    pub before: ETag,
    /// The version now; the same exactly if nothing changed.
    pub version: ETag,
    /// The resource now, if [`UpdateOptions::returning`] asked for it.
    pub resource: Option<Resource>,
}

impl Updated {
    /// The result of an update from one stored resource to another; give the same twice if nothing
    /// changed.
    pub fn new(before: &Resource, after: &Resource, options: &UpdateOptions) -> Self {
        let version = |resource: &Resource| resource.version().unwrap_or_else(|| ETag::new(""));
        let resource = options.returning.is_some().then(|| after.clone());
        Self { before: version(before), version: version(after), resource }
    }
}

/// The result of a deletion.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The version that was deleted.
    pub version: ETag,
}

/// What a store can do for a resource type.
///
/// ```
/// use scim_core::Capabilities;
///
/// let capabilities = Capabilities::NONE.with_filter().with_sort();
/// assert!(capabilities.filter() && !capabilities.memberships());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    filter: bool,
    sort: bool,
    cursor: bool,
    change_password: bool,
    memberships: bool,
}

impl Capabilities {
    /// Nothing beyond create, retrieve, update, delete and unfiltered queries.
    pub const NONE: Self =
        Self { filter: false, sort: false, cursor: false, change_password: false, memberships: false };

    /// What [`Query::page`] does: filters, sorting and both paginations.
    pub const PAGE: Self = Self { filter: true, sort: true, cursor: true, ..Self::NONE };

    /// It evaluates filters.
    #[must_use]
    pub const fn with_filter(self) -> Self {
        Self { filter: true, ..self }
    }

    /// It sorts.
    #[must_use]
    pub const fn with_sort(self) -> Self {
        Self { sort: true, ..self }
    }

    /// It pages by position (RFC 9865).
    #[must_use]
    pub const fn with_cursor(self) -> Self {
        Self { cursor: true, ..self }
    }

    /// It stores passwords.
    #[must_use]
    pub const fn with_change_password(self) -> Self {
        Self { change_password: true, ..self }
    }

    /// It keeps what relates its resource types in step: members exist, a user's `groups` is filled,
    /// deleting a member removes it from its groups, and no group contains itself.
    #[must_use]
    pub const fn with_memberships(self) -> Self {
        Self { memberships: true, ..self }
    }

    /// Whether it evaluates filters.
    pub const fn filter(self) -> bool {
        self.filter
    }

    /// Whether it sorts.
    pub const fn sort(self) -> bool {
        self.sort
    }

    /// Whether it pages by position.
    pub const fn cursor(self) -> bool {
        self.cursor
    }

    /// Whether it stores passwords.
    pub const fn change_password(self) -> bool {
        self.change_password
    }

    /// Whether it keeps memberships in step.
    pub const fn memberships(self) -> bool {
        self.memberships
    }

    /// What a service of both types can do: what both can do, and store passwords if either can, since
    /// only users have them.
    pub(crate) const fn together(self, other: Self) -> Self {
        Self {
            filter: self.filter && other.filter,
            sort: self.sort && other.sort,
            cursor: self.cursor && other.cursor,
            change_password: self.change_password || other.change_password,
            memberships: self.memberships && other.memberships,
        }
    }
}

/// Forwards every method, so that a pointer to a provider is one.
macro_rules! forward {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<P: Provider + ?Sized> Provider for $pointer<P> {
            async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
                (**self).query(cx, query).await
            }

            async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
                (**self).create(cx, resource).await
            }

            async fn retrieve(
                &self,
                cx: &Context<'_>,
                id: &str,
                projection: &Projection,
            ) -> Result<Option<Resource>> {
                (**self).retrieve(cx, id, projection).await
            }

            async fn update(
                &self,
                cx: &Context<'_>,
                id: &str,
                update: &Update,
                options: &UpdateOptions,
            ) -> Result<Updated> {
                (**self).update(cx, id, update, options).await
            }

            async fn delete(
                &self,
                cx: &Context<'_>,
                id: &str,
                precondition: &Precondition,
            ) -> Result<Deleted> {
                (**self).delete(cx, id, precondition).await
            }

            fn capabilities(&self, on: &ResourceType) -> Capabilities {
                (**self).capabilities(on)
            }

            fn unique(&self, on: &ResourceType) -> Vec<String> {
                (**self).unique(on)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
