//! The trait that a host implements over its own users, groups and other resources.

use std::sync::Arc;

use async_trait::async_trait;
use scim_schema::{AttributeRef, Projection, ResourceType};

use crate::{ChangedMembers, Context, ETag, Page, Precondition, Query, Resource, Result, Update};

/// A store of resources. A host implements it over its own database.
///
/// One provider may serve all resource types of a service: [`Context::resource_type`] tells which one a call
/// is about. The service has checked everything that it passes: resources are in canonical form and conform
/// to their resource type, filters and patches are resolved. `writeOnly` values such as passwords are in
/// [`Context::secrets`], never in a resource.
///
/// # Contract
///
/// - Every call is atomic: it happens as a whole or not at all, and two concurrent calls have the effect of
///   one after the other. In particular, an `update` never overwrites what another `update` wrote between
///   its read and its write.
/// - Resources of other tenants than [`Context::tenant`] do not exist.
/// - An id is unique among all resource types of a tenant, and is never used again.
/// - The order of resources is the same in every query as long as nothing changes.
/// - A version changes exactly when the resource changes; see [`Resource::stamp_changed`].
/// - A store keeps every attribute that it is given, or its resource type does not have the attribute; it
///   never accepts a value and forgets it.
/// - The client sees the `detail` of an error, so it must not contain anything that the client may not know.
///   [`Error::internal`](crate::Error::internal) hides its cause, and
///   [`Error::unavailable`](crate::Error::unavailable) asks the client to try again.
///
/// The service drops the future of a call when the client disconnects. The call has then happened or not, as
/// with any call that fails. The service never repeats a call, since it does not know whether the first one
/// happened. Clients do repeat requests; each method says what happens then.
///
/// # Examples
///
/// A complete provider over a map is in the [crate's documentation](crate).
#[async_trait]
pub trait Provider: Send + Sync {
    /// Finds resources of the context's type. Changes nothing.
    ///
    /// A store that can list its resources calls [`Query::page`], which does everything; a database
    /// translates [`Query::filter`] instead. The service calls this several times for one request if that
    /// asks for several resource types.
    ///
    /// # Errors
    ///
    /// `invalidFilter` for an attribute that the store cannot search, and `invalidValue` for one that it
    /// cannot sort by, but never an empty page instead; and the errors of [`Query::page`].
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page>;

    /// Creates a resource and returns it as stored, stamped by [`Resource::stamp_new`].
    ///
    /// A second call with the same resource creates a second resource, unless a value must be unique. If a
    /// bulk request creates a resource and cannot add its references later, the service calls
    /// [`delete`](Self::delete).
    ///
    /// # Errors
    ///
    /// [`Error::uniqueness`](crate::Error::uniqueness) if another resource has a value that must be unique.
    /// The check is part of the atomic step that stores the resource.
    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource>;

    /// Reads a resource; `None` if no resource of this type has this id. Changes nothing.
    ///
    /// Attributes that the projection does not show need not be loaded, but the id and the version always
    /// are.
    ///
    /// # Errors
    ///
    /// Only if the store fails.
    async fn retrieve(&self, cx: &Context<'_>, id: &str, projection: &Projection)
    -> Result<Option<Resource>>;

    /// Changes a resource: a PUT or a PATCH.
    ///
    /// [`Update::apply`] applies the change to a resource that was loaded; [`Update::split`] separates the
    /// changes of a list that is stored in rows of its own. If nothing changes, the store writes nothing and
    /// the version stays the same. So a second call with the same update is harmless, unless its precondition
    /// names the version before the first.
    ///
    /// A store that compares and swaps calls [`Update::apply`] again on a fresh copy if another writer was
    /// faster. A store that holds no lock meanwhile calls [`Update::apply_yielding`], so that other tasks of
    /// the thread can run during a large change.
    ///
    /// # Errors
    ///
    /// [`Error::not_found`](crate::Error::not_found) if no resource of this type has this id; then the error
    /// of [`Precondition::check`], before any of the following; then the errors of [`Update::apply`], and
    /// [`Error::uniqueness`](crate::Error::uniqueness) if another resource has a value that must be unique.
    /// After an error the resource is unchanged.
    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated>;

    /// Deletes a resource. Its unique values can be used again at once, its id never.
    ///
    /// # Errors
    ///
    /// [`Error::not_found`](crate::Error::not_found), also for the second of two calls, and the error of
    /// [`Precondition::check`].
    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted>;

    /// What the store can do for a resource type. The service announces exactly this to clients, and the
    /// provider suite tests it. Called once, when the service is built.
    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        let _ = resource_type;
        Capabilities::NONE
    }

    /// The canonical paths of attributes whose values the store keeps unique although the schema does not
    /// require it. `/Schemas` then announces them as unique. Called once, when the service is built.
    fn unique(&self, resource_type: &ResourceType) -> Vec<String> {
        let _ = resource_type;
        Vec::new()
    }
}

/// The conditions of an update, and what its result contains.
///
/// ```
/// use scim_core::schema::{Projection, standard};
/// use scim_core::{ETag, Precondition, UpdateOptions};
///
/// let options = UpdateOptions::new()
///     .precondition(Precondition::if_match(ETag::new("a1")))
///     .returning(Projection::new(&standard::user_type()));
/// assert!(options.precondition.check(&ETag::new("b2")).is_err());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UpdateOptions {
    /// The versions on which the client wants the change to be made.
    pub precondition: Precondition,
    /// The attributes of the changed resource that the response shows, or that a [`Monitor`](crate::Monitor) gets; `None`
    /// if nobody needs it.
    pub returning: Option<Projection>,
    /// The attribute with the members of the resource, if somebody needs to know how they change.
    pub(crate) members: Option<AttributeRef>,
}

impl UpdateOptions {
    /// An update of any version, whose result does not contain the resource.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the change only if the version meets a precondition.
    #[must_use]
    pub fn precondition(mut self, precondition: Precondition) -> Self {
        self.precondition = precondition;
        self
    }

    /// Returns the changed resource, with the attributes of a projection.
    #[must_use]
    pub fn returning(mut self, projection: Projection) -> Self {
        self.returning = Some(projection);
        self
    }
}

/// The result of an update.
#[derive(Clone, Debug)]
pub struct Updated {
    /// The version before the update.
    pub before: ETag,
    /// The version after the update; it equals `before` exactly if nothing changed.
    pub version: ETag,
    /// The resource after the update, if [`UpdateOptions::returning`] asked for it.
    pub resource: Option<Resource>,
    /// The members that a group has got and lost, for the [`Monitor`](crate::Monitor).
    pub members: ChangedMembers,
}

impl Updated {
    /// The result of an update, from the stored resource before and after it, both with their members. Pass the same resource
    /// twice if nothing changed.
    pub fn new(before: &Resource, after: &Resource, options: &UpdateOptions) -> Self {
        let version = |resource: &Resource| resource.version().unwrap_or_else(|| ETag::new(""));
        let resource = options.returning.is_some().then(|| after.clone());
        let members = match &options.members {
            Some(list) => ChangedMembers::between(list, before.as_map(), after.as_map()),
            None => ChangedMembers::default(),
        };
        Self { before: version(before), version: version(after), resource, members }
    }
}

/// The result of a deletion.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The version of the deleted resource.
    pub version: ETag,
}

/// What a store can do for a resource type, besides creating, reading, changing, deleting and listing resources.
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
    /// Nothing besides creating, reading, changing, deleting and listing resources.
    pub const NONE: Self =
        Self { filter: false, sort: false, cursor: false, change_password: false, memberships: false };

    /// What [`Query::page`] does: filters, sorting and both paginations.
    pub const QUERY: Self = Self { filter: true, sort: true, cursor: true, ..Self::NONE };

    /// The store also evaluates filters.
    #[must_use]
    pub const fn with_filter(self) -> Self {
        Self { filter: true, ..self }
    }

    /// The store also sorts.
    #[must_use]
    pub const fn with_sort(self) -> Self {
        Self { sort: true, ..self }
    }

    /// The store also returns the positions that cursors need (RFC 9865).
    #[must_use]
    pub const fn with_cursor(self) -> Self {
        Self { cursor: true, ..self }
    }

    /// The store also keeps passwords, or hashes of them.
    #[must_use]
    pub const fn with_change_password(self) -> Self {
        Self { change_password: true, ..self }
    }

    /// The store also keeps references between its resources consistent: members exist, a user's `groups` is
    /// filled, deleting a member removes it from its groups, and no group contains itself.
    #[must_use]
    pub const fn with_memberships(self) -> Self {
        Self { memberships: true, ..self }
    }

    /// Whether the store evaluates filters.
    pub const fn filter(self) -> bool {
        self.filter
    }

    /// Whether the store sorts.
    pub const fn sort(self) -> bool {
        self.sort
    }

    /// Whether the store returns the positions that cursors need.
    pub const fn cursor(self) -> bool {
        self.cursor
    }

    /// Whether the store keeps passwords.
    pub const fn change_password(self) -> bool {
        self.change_password
    }

    /// Whether the store keeps references between its resources consistent.
    pub const fn memberships(self) -> bool {
        self.memberships
    }

    /// What a service with both resource types can do: what both can do, except that it supports passwords if
    /// one of them does, since only users have passwords.
    pub(crate) const fn combined(self, other: Self) -> Self {
        Self {
            filter: self.filter && other.filter,
            sort: self.sort && other.sort,
            cursor: self.cursor && other.cursor,
            change_password: self.change_password || other.change_password,
            memberships: self.memberships && other.memberships,
        }
    }
}

/// Implements the trait for a pointer to a provider.
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

            fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
                (**self).capabilities(resource_type)
            }

            fn unique(&self, resource_type: &ResourceType) -> Vec<String> {
                (**self).unique(resource_type)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
