//! Who makes a request.

use crate::Scopes;

/// Who makes a request. The host's [authentication](crate::Authenticate) puts it into the request's extensions.
///
/// A request without an identity is answered with 401, so that a service is closed if the host forgets its
/// authentication.
///
/// ```
/// use scim_core::{Identity, Scopes};
///
/// let mut request = http::Request::get("/Users").body(Vec::<u8>::new()).unwrap();
/// let identity = Identity::new("reports").in_tenant("contoso").with_scopes(Scopes::read_only());
/// request.extensions_mut().insert(identity);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The name of the client.
    pub principal: String,
    /// The tenant that the client works in.
    pub tenant: Option<String>,
    /// What the client may do; `None` if its token does not restrict it.
    pub scopes: Option<Scopes>,
}

impl Identity {
    /// An identity without a tenant that may read and write.
    pub fn new(principal: impl Into<String>) -> Self {
        Self { principal: principal.into(), tenant: None, scopes: None }
    }

    /// The same identity in a tenant.
    #[must_use]
    pub fn in_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// The same identity, restricted to these scopes.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// Whether the scopes allow to see resources.
    pub(crate) fn may_read(&self) -> bool {
        self.scopes.as_ref().is_none_or(Scopes::may_read)
    }

    /// Whether the scopes allow to change resources.
    pub(crate) fn may_write(&self) -> bool {
        self.scopes.as_ref().is_none_or(Scopes::may_write)
    }
}
