//! Who makes a request.

/// Who makes a request. The host's authentication puts it into the request's extensions.
///
/// A request without an identity is answered with 401, so that a service is closed if the host forgets its
/// authentication.
///
/// ```
/// let mut request = http::Request::get("/Users").body(Vec::<u8>::new()).unwrap();
/// request.extensions_mut().insert(scim_core::Identity::new("entra").in_tenant("contoso"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The name of the client.
    pub principal: String,
    /// The tenant that the client works in.
    pub tenant: Option<String>,
}

impl Identity {
    /// An identity without a tenant.
    pub fn new(principal: impl Into<String>) -> Self {
        Self { principal: principal.into(), tenant: None }
    }

    /// The same identity in a tenant.
    #[must_use]
    pub fn in_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }
}
