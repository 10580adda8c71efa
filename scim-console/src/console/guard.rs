//! What is checked before a page is shown: the host, the origin of a form, and the session.

use std::net::IpAddr;

use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Method};

use super::options::ConsoleOptions;

/// The name of the cookie with the secret of the session. The prefix lets browsers accept it over TLS only, from this host.
const COOKIE_NAME: &str = "scim_admin";
const SECURE_COOKIE_NAME: &str = "__Host-scim_admin";

/// Why a request is refused before its session is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intrusion {
    /// The URL has a host that is not expected.
    Host,
    /// The form is not on one of these pages.
    Origin,
}

/// Checks the host of a request, and the origin of a POST.
///
/// # Errors
///
/// If the request may come from a page of another web site.
pub(super) fn check(options: &ConsoleOptions, parts: &Parts) -> Result<(), Intrusion> {
    let host = host(parts).ok_or(Intrusion::Host)?;
    if !is_expected(options, &host) {
        return Err(Intrusion::Host);
    }
    if parts.method != Method::GET && parts.method != Method::HEAD {
        // Browsers send it with every POST. A proxy for TLS changes the scheme, and perhaps the host.
        let origin = parts.headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let origin = origin.and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
        let origin = origin.map(str::to_ascii_lowercase);
        let is_own = |origin: &String| *origin == host || options.hosts.contains(origin);
        if !origin.as_ref().is_some_and(is_own) {
            return Err(Intrusion::Origin);
        }
    }
    Ok(())
}

/// The host and port of the URL, in lower case.
fn host(parts: &Parts) -> Option<String> {
    let authority = match parts.headers.get(HOST) {
        Some(host) => host.to_str().ok()?,
        // HTTP/2 has it in the URI.
        None => parts.uri.authority()?.as_str(),
    };
    Some(authority.to_ascii_lowercase())
}

/// Whether a host is one by which administrators reach the pages. No DNS entry of a web site is `localhost` or an IP
/// address.
fn is_expected(options: &ConsoleOptions, host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name == "localhost"
        || address.parse::<IpAddr>().is_ok()
        || options.hosts.iter().any(|known| known == host)
}

/// Whether the browser that sends a form keeps a cookie that is for TLS only: it does for pages over TLS, and for those of
/// its own machine.
pub(super) fn keeps_secure_cookies(parts: &Parts) -> bool {
    let origin = parts.headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some((scheme, authority)) = origin.and_then(|origin| origin.split_once("://")) else { return false };
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    scheme == "https" || ["localhost", "127.0.0.1", "[::1]"].contains(&authority.host())
}

/// The secret of the session, from the cookie.
pub(super) fn session_secret<'p>(options: &ConsoleOptions, parts: &'p Parts) -> Option<&'p str> {
    let name = cookie_name(options);
    let headers = parts.headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    headers
        .flat_map(|header| header.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// The header that stores the secret of a session for its lifetime in seconds, or deletes the cookie with 0 seconds.
pub(super) fn set_cookie(options: &ConsoleOptions, secret: &str, seconds: i64) -> Option<HeaderValue> {
    let secure = if options.secure_cookies { "; Secure" } else { "" };
    let name = cookie_name(options);
    let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&cookie).ok()
}

fn cookie_name(options: &ConsoleOptions) -> &'static str {
    if options.secure_cookies { SECURE_COOKIE_NAME } else { COOKIE_NAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, host: &str, origin: Option<&str>) -> Parts {
        let mut request = http::Request::builder().method(method).uri("/").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_expected_hosts_are_answered() {
        let options = ConsoleOptions::new("", "").host("Admin.example.com");
        for (host, is_expected) in [
            ("localhost:9090", true),
            ("127.0.0.1:9090", true),
            ("[::1]:9090", true),
            ("192.0.2.7", true),
            ("admin.example.com", true),
            ("ADMIN.EXAMPLE.COM", true),
            ("admin.example.com:9090", false),
            ("localhost.example.com", false),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("user@evil.example", false),
            ("", false),
        ] {
            assert_eq!(check(&options, &parts("GET", host, None)).is_ok(), is_expected, "{host}");
        }
    }

    #[test]
    fn a_form_comes_from_one_of_the_pages() {
        let options = ConsoleOptions::new("", "").host("admin.example.com");
        for (origin, is_expected) in [
            (Some("http://localhost:9090"), true),
            (Some("https://localhost:9090"), true),
            (Some("http://localhost"), false),
            (Some("https://admin.example.com"), true),
            (Some("http://evil.example"), false),
            (Some("http://localhost:9090.evil.example"), false),
            (Some("null"), false),
            (None, false),
        ] {
            for method in ["POST", "PUT", "DELETE"] {
                let checked = check(&options, &parts(method, "localhost:9090", origin));
                assert_eq!(checked.is_ok(), is_expected, "{method} {origin:?}");
            }
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let options = ConsoleOptions::new("", "");
        let request =
            http::Request::get("/").header("cookie", "a=b; scim_admin=x=y;c=d").header("cookie", "e=f");
        let parts = request.body(()).unwrap().into_parts().0;
        assert_eq!(session_secret(&options, &parts), Some("x=y"));
        assert_eq!(session_secret(&options.clone().secure_cookies(), &parts), None);
        let cookie = set_cookie(&options.secure_cookies(), "x", 60).unwrap();
        let expected = "__Host-scim_admin=x; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure";
        assert_eq!(cookie, expected);
    }
}
