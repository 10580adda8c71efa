//! Client authentication (RFC 6749 section 2.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::assertion;
use super::authenticated_client::{AuthenticatedClient, known_client};
use super::error::TokenError;
use super::parameters::Parameters;
use crate::Auth;

/// The `client_id` that a request to the token endpoint names, whether or not the client is known. For a log.
///
/// ```
/// let request = http::Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
/// let (parts, ()) = request.body(()).unwrap().into_parts();
/// let body = b"grant_type=client_credentials&client_id=42&client_secret=wrong";
/// assert_eq!(scim_auth::claimed_client_id(&parts, body).as_deref(), Some("42"));
/// ```
pub fn claimed_client_id(parts: &Parts, body: &[u8]) -> Option<String> {
    let of_header = basic(&parts.headers).ok().flatten().map(|(id, _)| id);
    of_header.or_else(|| Parameters::parse(parts, body).ok()?.get("client_id").map(str::to_owned))
}

/// Finds out which client sends a request.
///
/// # Errors
///
/// `invalid_request` if it authenticates in several ways, `invalid_client` if it does not, or is not known.
pub(super) async fn authenticate(
    auth: &Auth,
    headers: &HeaderMap,
    parameters: &Parameters,
    now: DateTime<Utc>,
) -> Result<AuthenticatedClient, TokenError> {
    let basic = basic(headers)?;
    let (secret, assertion) = (parameters.get("client_secret"), parameters.get("client_assertion"));
    if usize::from(basic.is_some()) + usize::from(secret.is_some()) + usize::from(assertion.is_some()) > 1 {
        return Err(TokenError::invalid_request(
            "the client authenticates in several ways; send either an Authorization header, a `client_secret` or a \
             `client_assertion`",
        ));
    }
    let client_id = parameters.get("client_id");
    if let Some(assertion) = assertion {
        return assertion::authenticate(auth, parameters, client_id, assertion, now).await;
    }
    let (id, secret) = match (&basic, client_id, secret) {
        (Some((id, _)), Some(other), _) if id != other => {
            return Err(TokenError::invalid_request(
                "the Authorization header and `client_id` name different clients",
            ));
        }
        (Some((id, secret)), _, _) => (id.as_str(), secret.as_str()),
        (None, Some(id), Some(secret)) => (id, secret),
        (None, None, Some(_)) => return Err(TokenError::invalid_request("`client_id` is missing")),
        (None, _, None) => {
            return Err(TokenError::invalid_client(
                "the client does not authenticate; send its id and secret in an Authorization header of the scheme Basic, \
                 or as `client_id` and `client_secret`, or send a `client_assertion`",
            ));
        }
    };
    by_secret(auth, id, secret, now).await
}

async fn by_secret(
    auth: &Auth,
    id: &str,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<AuthenticatedClient, TokenError> {
    let unknown = || TokenError::invalid_client("the client is not known, or its secret is wrong");
    let client = known_client(auth, id).await?.ok_or_else(unknown)?;
    // All secrets are looked at, so that the time does not tell which of them was equal.
    let equal = client.secrets.iter().filter(|record| record.hash.matches(secret));
    let (expired, valid): (Vec<_>, Vec<_>) = equal.partition(|record| record.expires <= now);
    match (valid.first(), expired.first()) {
        (Some(valid), _) => Ok(AuthenticatedClient {
            id: id.to_owned(),
            credential: valid.id.clone(),
            scopes: client.owner.scopes,
        }),
        // Only who has the secret gets to know this.
        (None, Some(expired)) => Err(TokenError::invalid_client(format!(
            "the secret has expired on {}; ask for a new one",
            expired.expires.format("%Y-%m-%d")
        ))),
        (None, None) => Err(unknown()),
    }
}

/// The id and the secret of an Authorization header of the scheme Basic, each of them form-encoded (RFC 6749 section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(TokenError::invalid_request("there are several Authorization headers; send one"));
    }
    let malformed = || {
        TokenError::invalid_client(
            "the Authorization header must be `Basic`, a space, and the client's id and secret with a colon between them, \
             in base64",
        )
    };
    let value = value.to_str().map_err(|_| malformed())?;
    let (scheme, credentials) = value.trim().split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(malformed());
    }
    let credentials = STANDARD.decode(credentials.trim()).map_err(|_| malformed())?;
    let credentials = String::from_utf8(credentials).map_err(|_| malformed())?;
    let (id, secret) = credentials.split_once(':').ok_or_else(malformed)?;
    Ok(Some((form_decoded(id), form_decoded(secret))))
}

/// A text of `application/x-www-form-urlencoded`, decoded.
fn form_decoded(text: &str) -> String {
    // An `&` or `=` is encoded in such a text. If a client has not encoded it, it stands for itself.
    let encoded = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(encoded.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credentials_of_a_basic_header_are_form_encoded() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            basic(&headers).ok().flatten()
        };
        for (credentials, expected) in [
            ("id:secret", Some(("id", "secret"))),
            ("id:a:b", Some(("id", "a:b"))),
            ("a%3Ab:c+d%2B", Some(("a:b", "c d+"))),
            ("id:a&b=c", Some(("id", "a&b=c"))),
            ("id:", Some(("id", ""))),
            ("id", None),
        ] {
            let expected = expected.map(|(id, secret)| (id.to_owned(), secret.to_owned()));
            assert_eq!(read(&format!("Basic {}", STANDARD.encode(credentials))), expected, "{credentials}");
        }
        for value in ["Basic !", "Basic", "Bearer aWQ6c2VjcmV0", "Basic /w=="] {
            assert_eq!(read(value), None, "{value}");
        }
        assert_eq!(basic(&HeaderMap::new()).unwrap(), None);
    }
}
