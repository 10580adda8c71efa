//! Adoption: a request that would create a resource takes over one that exists. The provider finds the resource, and asks the
//! service whether the caller may change it; see [`Context::check_adoption`](crate::Context::check_adoption).

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use scim_schema::ResourceType;

use crate::{ChangedMembers, ETag, Result};

/// Decides whether the client may adopt the resource with an id. It gets the resource type, the extensions of the request
/// and the id.
pub(crate) type Check = dyn Fn(&ResourceType, &Extensions, &str) -> Result<bool> + Send + Sync;

/// Whether a request that would create a resource may adopt an existing one instead.
#[derive(Clone)]
pub(crate) enum Adoptions {
    /// There is no service that could ask: the application calls the provider itself.
    Unchecked,
    /// Never, for example through `/Me`.
    Forbidden,
    /// If this says so.
    Checked(Arc<Check>),
}

/// How a resource was adopted.
#[derive(Debug)]
pub(crate) struct Adopted {
    /// The version before the adoption.
    pub(crate) before: ETag,
    pub(crate) members: ChangedMembers,
}

impl fmt::Debug for Adoptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchecked => "Unchecked",
            Self::Forbidden => "Forbidden",
            Self::Checked(_) => "Checked",
        })
    }
}
