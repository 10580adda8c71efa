//! The URLs of the issuer of access tokens, of its endpoints, and of the SCIM service that they are for.

use scim_core::BaseUrl;

use crate::Error;

/// The well-known path of the metadata of an issuer (RFC 8414 section 3), and that of a service (RFC 9728 section 3).
const WELL_KNOWN: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"];
/// Stands for the name of the tenant in a base URL.
const TENANT: &str = "{tenant}";

/// Whether a tenant can be named by the path of a URL: whether it consists of ASCII letters, digits and `-._~`, and does not begin
/// with a point.
///
/// ```
/// assert!(scim_auth::fits_path("contoso-eu"));
/// assert!(!scim_auth::fits_path("contoso eu") && !scim_auth::fits_path(".."));
/// ```
pub fn fits_path(tenant: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !tenant.is_empty() && !tenant.starts_with('.') && tenant.bytes().all(is_allowed)
}

/// The URLs of a service, or of one tenant of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Urls {
    /// Without a path.
    origin: String,
    /// The issuer of access tokens (RFC 8414 section 2): the origin, followed by the path of the tenant.
    pub(crate) issuer: String,
    /// The base URL of the SCIM service, which is the audience of access tokens and the protected resource (RFC 9728).
    pub(crate) resource: String,
}

impl Urls {
    /// # Errors
    ///
    /// If it is no base URL.
    pub(crate) fn new(base_url: &str) -> Result<Self, Error> {
        let resource =
            BaseUrl::new(base_url).map_err(|error| Error::invalid(error.to_string()))?.as_str().to_owned();
        let host = resource.find("://").map_or(0, |colon| colon + 3);
        let path =
            resource.get(host..).and_then(|rest| rest.find('/')).map_or(resource.len(), |slash| host + slash);
        let origin = resource.get(..path).unwrap_or_default().to_owned();
        if origin.contains(['{', '}']) {
            return Err(Error::invalid("`{tenant}` must be in the path of the base URL, not in its host"));
        }
        let issuer = match resource.find(TENANT) {
            Some(at) => resource.get(..at + TENANT.len()).unwrap_or_default().to_owned(),
            None => origin.clone(),
        };
        Ok(Self { origin, issuer, resource })
    }

    /// Whether each tenant has a path.
    pub(crate) fn have_tenant(&self) -> bool {
        self.resource.contains(TENANT)
    }

    /// The tenant that the path of a request names: below the service, at an endpoint of the issuer, or after a well-known
    /// path. It consists of ASCII letters, digits and `-._~`, and does not begin with a point.
    pub(crate) fn tenant_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (before, _) = self.path(&self.resource).split_once(TENANT)?;
        let path = WELL_KNOWN.iter().find_map(|well_known| path.strip_prefix(well_known)).unwrap_or(path);
        let tenant = path.strip_prefix(before)?.split('/').next()?;
        fits_path(tenant).then_some(tenant)
    }

    /// The URLs of one tenant.
    pub(crate) fn of_tenant(&self, tenant: &str) -> Self {
        let fill = |url: &str| url.replace(TENANT, tenant);
        Self { origin: self.origin.clone(), issuer: fill(&self.issuer), resource: fill(&self.resource) }
    }

    pub(crate) fn token_endpoint(&self) -> String {
        format!("{}/oauth/token", self.issuer)
    }

    pub(crate) fn jwks(&self) -> String {
        format!("{}/oauth/jwks", self.issuer)
    }

    /// The metadata of the issuer (RFC 8414 section 3.1): the well-known path, followed by the path of the issuer.
    pub(crate) fn issuer_metadata(&self) -> String {
        let [issuer, _] = WELL_KNOWN;
        format!("{}{issuer}{}", self.origin, self.path(&self.issuer))
    }

    /// The metadata of the SCIM service (RFC 9728 section 3.1): the well-known path, followed by the path of the service.
    pub(crate) fn resource_metadata(&self) -> String {
        let [_, resource] = WELL_KNOWN;
        format!("{}{resource}{}", self.origin, self.path(&self.resource))
    }

    /// The path of one of these URLs.
    pub(crate) fn path<'u>(&self, url: &'u str) -> &'u str {
        url.strip_prefix(self.origin.as_str()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_paths_are_followed_by_the_path_of_the_issuer_or_resource() {
        let urls = Urls::new("https://app.example.com/scim/v2/").unwrap();
        assert_eq!(urls.issuer, "https://app.example.com");
        assert_eq!(urls.token_endpoint(), "https://app.example.com/oauth/token");
        assert_eq!(urls.issuer_metadata(), "https://app.example.com/.well-known/oauth-authorization-server");
        let resource = "https://app.example.com/.well-known/oauth-protected-resource/scim/v2";
        assert_eq!(urls.resource_metadata(), resource);

        let urls = Urls::new("https://app.example.com:8443/{tenant}/scim/v2").unwrap();
        assert!(urls.have_tenant());
        for (path, tenant) in [
            ("/contoso/scim/v2/Users", Some("contoso")),
            ("/contoso", Some("contoso")),
            ("/contoso/oauth/token", Some("contoso")),
            ("/.well-known/oauth-protected-resource/contoso/scim/v2", Some("contoso")),
            ("/.well-known/oauth-authorization-server/contoso", Some("contoso")),
            ("/.well-known/oauth-authorization-server", None),
            ("/.well-known/other/contoso", None),
            ("/con%2Ftoso/scim/v2", None),
            ("/..", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(urls.tenant_in(path), tenant, "{path}");
        }
        let urls = urls.of_tenant("contoso");
        assert_eq!(urls.jwks(), "https://app.example.com:8443/contoso/oauth/jwks");
        let issuer = "https://app.example.com:8443/.well-known/oauth-authorization-server/contoso";
        assert_eq!(urls.issuer_metadata(), issuer);
        let resource = "https://app.example.com:8443/.well-known/oauth-protected-resource/contoso/scim/v2";
        assert_eq!(urls.resource_metadata(), resource);

        assert_eq!(Urls::new("http://127.0.0.1:8080").unwrap().issuer, "http://127.0.0.1:8080");
        for url in ["", "/scim/v2", "https://{tenant}.example.com/scim"] {
            assert!(Urls::new(url).is_err(), "{url}");
        }
    }
}
