//! The settings of the administrators' address.

use std::net::SocketAddr;

use http::Uri;

use super::read::{Get, address, choice, invalid};
use crate::{InvalidSettings, Tls};

/// The address of administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSettings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Whether connections are encrypted, with the certificate of the host.
    pub tls: bool,
    /// The host, and the port if it is not that of the scheme, by which administrators reach the pages.
    pub host: Option<String>,
    /// Whether administrators reach the pages by https.
    pub is_https: bool,
}

impl AdminSettings {
    pub(super) fn read(get: Get<'_>, tls: &Tls) -> Result<Option<Self>, InvalidSettings> {
        let (listen, url) = (address(get, "SCIM_ADMIN_LISTEN")?, get("SCIM_ADMIN_URL")?);
        let encrypt = choice(get, "SCIM_ADMIN_TLS", ["0", "1"], false)?;
        let Some(listen) = listen else {
            return match url.is_some() || encrypt {
                true => invalid("SCIM_ADMIN_URL and SCIM_ADMIN_TLS need an address; set SCIM_ADMIN_LISTEN"),
                false => Ok(None),
            };
        };
        if encrypt && !tls.is_on() {
            return invalid(
                "SCIM_ADMIN_TLS needs a certificate; set SCIM_TLS_CERT and SCIM_TLS_KEY, or SCIM_TLS=dev",
            );
        }
        let is_https = url.as_ref().map_or(encrypt, |url| url.starts_with("https:"));
        let host = match url {
            None => None,
            Some(url) => match host_and_port(&url) {
                Some(host) => Some(host),
                None => {
                    return invalid(format!(
                        "SCIM_ADMIN_URL must be a URL such as https://admin.example.com, not `{url}`"
                    ));
                }
            },
        };
        Ok(Some(Self { listen, tls: encrypt, host, is_https }))
    }
}

/// The host and port in a URL without a path.
fn host_and_port(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_path = uri.path() != "/" || uri.query().is_some();
    let authority =
        uri.authority().filter(|authority| is_web && !has_path && !authority.as_str().contains('@'))?;
    let default_port = if uri.scheme_str() == Some("https") { ":443" } else { ":80" };
    let host = authority.as_str();
    Some(host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase())
}
