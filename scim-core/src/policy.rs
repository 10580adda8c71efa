//! Authorization: the host's policy, which the service asks before it calls a provider.

use http::Extensions;
use scim_schema::{AttributeRef, Mutability, Projection, ResourceType};

use crate::{Error, Identity, Permit, Query, Result};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Find resources (GET or POST `/.search`).
    Query,
    /// Create a resource (POST).
    Create,
    /// Read a resource (GET).
    Retrieve,
    /// Replace a resource (PUT).
    Replace,
    /// Change a resource (PATCH).
    Patch,
    /// Delete a resource (DELETE).
    Delete,
}

impl Action {
    /// The name for logs: `query`, `create`, `retrieve`, `replace`, `patch` or `delete`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Create => "create",
            Self::Retrieve => "retrieve",
            Self::Replace => "replace",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// Refuses an action that the [scopes](crate::Scopes) of the caller do not allow. The policy is asked after that.
pub(crate) fn check_scopes(extensions: &Extensions, action: Action) -> Result<()> {
    let identity = extensions.get::<Identity>();
    let (scope, is_granted) = match action {
        Action::Query | Action::Retrieve => ("read", identity.is_none_or(Identity::may_read)),
        Action::Create | Action::Replace | Action::Patch | Action::Delete => {
            ("write", identity.is_none_or(Identity::may_write))
        }
    };
    if is_granted { Ok(()) } else { Err(Error::insufficient_scope(scope)) }
}

/// Refuses to write attributes of an existing resource that the caller may not write, or whose new value would reveal the
/// stored one.
pub(crate) fn check_changes(permit: &Permit, writes: &[AttributeRef]) -> Result<()> {
    check_revealing(permit, writes)?;
    check_writes(permit, writes)
}

/// Refuses to write an attribute that the caller may not write.
pub(crate) fn check_writes<'t>(
    permit: &Permit,
    writes: impl IntoIterator<Item = &'t AttributeRef>,
) -> Result<()> {
    match writes.into_iter().find(|target| !permit.may_write(target)) {
        Some(target) => Err(Error::not_writable(target)),
        None => Ok(()),
    }
}

/// Refuses to write an attribute if that would reveal a value that the caller may not read: a new value of an immutable
/// attribute is refused unless it equals the stored one. Members are identified by their immutable `value`, so a new one is
/// another member and is not refused.
pub(crate) fn check_revealing(permit: &Permit, writes: &[AttributeRef]) -> Result<()> {
    let is_hidden = |target: &AttributeRef| {
        target.definition().mutability() == Mutability::Immutable && !permit.may_read(target)
    };
    let reveals = |target: &&AttributeRef| {
        is_hidden(target) || !target.holds_members() && target.sub_attributes().iter().any(is_hidden)
    };
    match writes.iter().find(reveals) {
        Some(target) => Err(Error::not_writable(target)),
        None => Ok(()),
    }
}

/// What a [`Policy`] decides about: one operation. Each operation of a bulk request is decided on its own.
#[derive(Debug)]
#[non_exhaustive]
pub struct Access<'a> {
    /// What the operation does.
    pub action: Action,
    /// The type of the resources.
    pub resource_type: &'a ResourceType,
    /// The id of the resource; `None` for queries and creations.
    pub id: Option<&'a str>,
    /// The attributes that the operation writes, including `writeOnly` attributes. For a replacement these are the
    /// attributes that it has values for; see [`Permit::protecting`] for those that it leaves out.
    pub writes: &'a [AttributeRef],
    /// Who makes the request.
    pub identity: Option<&'a Identity>,
    /// The request's extensions, which the host's middleware fills.
    pub extensions: &'a Extensions,
    pub(crate) reads: Reads<'a>,
}

/// The attributes that the operation reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reads<'a> {
    Nothing,
    Shown(&'a Projection),
    Queried(&'a Query),
    /// Those that the response to a change shows, if it has a body, and those that a PATCH selects by.
    Changed(Option<&'a Projection>, &'a [AttributeRef]),
}

impl<'a> Access<'a> {
    /// The attributes that the operation reads: those that the response shows, those that a query filters or sorts
    /// by, and those that a PATCH selects by. An attribute may occur twice.
    pub fn reads(&self) -> impl Iterator<Item = &'a AttributeRef> {
        let (projection, query, selects): (_, _, &[AttributeRef]) = match self.reads {
            Reads::Nothing => (None, None, &[]),
            Reads::Shown(projection) => (Some(projection), None, &[]),
            Reads::Queried(query) => (Some(&query.projection), Some(query), &[]),
            Reads::Changed(projection, selects) => (projection, None, selects),
        };
        let resource_type = self.resource_type;
        let shown = projection.into_iter().flat_map(move |projection| {
            resource_type.all_attributes().filter(|target| projection.shows(target))
        });
        shown.chain(query.into_iter().flat_map(Query::targets)).chain(selects)
    }
}

/// Decides what a caller may do, read and write. The service asks it before it calls a provider.
///
/// ```
/// use scim_core::{Access, Action, Error, Permit, Policy, Result};
///
/// /// The help desk reads users without their addresses, and changes nothing.
/// struct HelpDesk;
///
/// impl Policy for HelpDesk {
///     fn check(&self, access: &Access<'_>) -> Result<Permit> {
///         match access.action {
///             Action::Query | Action::Retrieve => Ok(Permit::hiding(["addresses"])),
///             _ => Err(Error::forbidden("the help desk only reads")),
///         }
///     }
/// }
/// ```
pub trait Policy: Send + Sync {
    /// Permits the operation, and returns the attributes that the caller may read and write.
    ///
    /// # Errors
    ///
    /// [`Error::forbidden`](crate::Error::forbidden) to refuse the operation, or
    /// [`Error::not_found`](crate::Error::not_found) if the caller may not learn that the resource exists.
    fn check(&self, access: &Access<'_>) -> Result<Permit>;
}

/// The default: every identified caller may do everything.
pub(crate) struct AllowAll;

impl Policy for AllowAll {
    fn check(&self, _: &Access<'_>) -> Result<Permit> {
        Ok(Permit::all())
    }
}
