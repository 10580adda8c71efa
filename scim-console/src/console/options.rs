//! What the pages have to know about the service.

use scim_core::schema::ResourceType;

/// What a [`Console`](crate::Console) shows of the service, and who may use it.
///
/// ```
/// use scim_console::ConsoleOptions;
///
/// let options = ConsoleOptions::new("https://app.example.com/scim/v2", "https://app.example.com/oauth/token")
///     .host("admin.example.com")
///     .secure_cookies();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConsoleOptions {
    pub(super) base_url: String,
    pub(super) token_url: String,
    pub(super) root: String,
    pub(super) hosts: Vec<String>,
    pub(super) secure_cookies: bool,
    pub(super) tenants: bool,
    pub(super) resource_types: Vec<ResourceType>,
}

impl ConsoleOptions {
    /// The base URL of the service and the URL of the token endpoint. If each tenant has a path, both contain `{tenant}`.
    pub fn new(base_url: impl Into<String>, token_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            token_url: token_url.into(),
            root: String::new(),
            hosts: Vec::new(),
            secure_cookies: false,
            tenants: false,
            resource_types: Vec::new(),
        }
    }

    /// Sets the path below which the pages are, such as `/admin/scim`. Without it, they are at the root.
    pub fn mounted_at(mut self, path: &str) -> Self {
        self.root = path.trim_end_matches('/').to_owned();
        self
    }

    /// Adds a host, with a port if it is not that of the scheme, by which administrators reach the pages. `localhost` and
    /// IP addresses are always accepted. Every other host is refused, so that no web site can reach the pages by a DNS
    /// entry of its own that points to them.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// Lets browsers send the cookie of the session over TLS only, and to `localhost`. Call it unless only this machine can
    /// reach the pages.
    pub fn secure_cookies(mut self) -> Self {
        self.secure_cookies = true;
        self
    }

    /// Demands a tenant of each credential that is created.
    pub fn tenants(mut self) -> Self {
        self.tenants = true;
        self
    }

    /// Sets the resource types of the service, whose attributes the page of a connection maps.
    pub fn resource_types<'t>(mut self, types: impl IntoIterator<Item = &'t ResourceType>) -> Self {
        self.resource_types = types.into_iter().cloned().collect();
        self
    }
}
