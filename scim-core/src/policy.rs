//! Who may do what: the host's policy, asked before any provider is.

use http::Extensions;
use scim_schema::{Projection, ResourceType, Target};

use crate::{Identity, Permit, Query, Result};

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Find resources.
    Query,
    /// Create one (POST).
    Create,
    /// Read one (GET).
    Retrieve,
    /// Replace one (PUT).
    Replace,
    /// Change one (PATCH).
    Patch,
    /// Delete one.
    Delete,
}

impl Action {
    /// A word for logs: `query`, `create`, `retrieve`, `replace`, `patch` or `delete`.
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

/// What a [`Policy`] is asked about: one operation, also each one of a bulk request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Access<'a> {
    /// What is to be done.
    pub action: Action,
    /// To resources of which type.
    pub resource_type: &'a ResourceType,
    /// To which resource; `None` for queries and creations.
    pub id: Option<&'a str>,
    /// The attributes that would be written; `writeOnly` ones included. A replacement names those
    /// that it has a value for; see [`Permit::protecting`] for what it leaves out.
    pub writes: &'a [Target],
    /// Who asks.
    pub identity: Option<&'a Identity>,
    /// What the host's middleware knows.
    pub extensions: &'a Extensions,
    pub(crate) reads: Reads<'a>,
}

/// What says which attributes would be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reads<'a> {
    Nothing,
    Shown(&'a Projection),
    Queried(&'a Query),
    /// What the answer to a change shows, if anything, and what the change looks at.
    Changed(Option<&'a Projection>, &'a [Target]),
}

impl<'a> Access<'a> {
    /// The attributes that would be read: those that the response shows where a resource has them,
    /// those that a query filters or sorts by, and those that a PATCH selects by. An attribute may be
    /// there twice.
    pub fn reads(&self) -> impl Iterator<Item = &'a Target> {
        let (projection, query, selects): (_, _, &[Target]) = match self.reads {
            Reads::Nothing => (None, None, &[]),
            Reads::Shown(projection) => (Some(projection), None, &[]),
            Reads::Queried(query) => (Some(&query.projection), Some(query), &[]),
            Reads::Changed(projection, selects) => (projection, None, selects),
        };
        let on = self.resource_type;
        let shown = projection
            .into_iter()
            .flat_map(move |projection| on.all_attributes().filter(|target| projection.shows(target)));
        shown.chain(query.into_iter().flat_map(Query::targets)).chain(selects)
    }
}

/// Decides what a caller may do, read and write. Asked before the provider is called.
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
    /// Permits the operation, and says what may be read.
    ///
    /// # Errors
    ///
    /// [`Error::forbidden`](crate::Error::forbidden), or
    /// [`Error::not_found`](crate::Error::not_found) where even existence is a secret.
    fn check(&self, access: &Access<'_>) -> Result<Permit>;
}

/// The default: every identified caller may do everything.
pub(crate) struct AllowAll;

impl Policy for AllowAll {
    fn check(&self, _: &Access<'_>) -> Result<Permit> {
        Ok(Permit::all())
    }
}
