//! Who may do what: the host's policy, asked before any provider is.

use http::Extensions;
use scim_schema::{Projection, ResourceType, Target};

use crate::{Identity, Result};

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
    /// The attributes that would be written; `writeOnly` ones included.
    pub writes: &'a [Target],
    /// Who asks.
    pub identity: Option<&'a Identity>,
    /// What the host's middleware knows.
    pub extensions: &'a Extensions,
}

/// What a caller may read.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    hidden: Vec<String>,
}

impl Permit {
    /// Everything that the schemas return.
    pub fn all() -> Self {
        Self::default()
    }

    /// Everything but these attributes, by their canonical paths (`emails`, or with the URI of an
    /// extension in front). They are not shown, cannot be filtered or sorted by, and a replacement
    /// that leaves them out does not clear them.
    pub fn hiding<T: Into<String>>(paths: impl IntoIterator<Item = T>) -> Self {
        Self { hidden: paths.into_iter().map(Into::into).collect() }
    }

    /// Whether an attribute, or the attribute that a sub-attribute is in, may be read.
    pub fn may_read(&self, target: &Target) -> bool {
        let path = target.path().as_str();
        self.hidden.iter().all(|hidden| {
            let below = path.get(..hidden.len()).is_some_and(|head| head.eq_ignore_ascii_case(hidden));
            !(below && matches!(path.as_bytes().get(hidden.len()), None | Some(b'.')))
        })
    }

    pub(crate) fn is_all(&self) -> bool {
        self.hidden.is_empty()
    }

    /// Takes what may not be read out of a projection.
    pub(crate) fn restrict(&self, projection: &mut Projection, on: &ResourceType) {
        if self.is_all() {
            return;
        }
        let all =
            on.all_attributes().flat_map(|target| std::iter::once(target).chain(target.sub_attributes()));
        all.filter(|target| !self.may_read(target)).for_each(|target| projection.hide(target));
    }
}

/// Decides what a caller may do and read. Asked before the provider is called.
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
pub(crate) struct Everything;

impl Policy for Everything {
    fn check(&self, _: &Access<'_>) -> Result<Permit> {
        Ok(Permit::all())
    }
}
