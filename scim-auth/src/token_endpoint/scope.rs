//! The scopes of an access token (RFC 6749 section 3.3).

use super::error::TokenError;

/// The scopes that an access token gets, and the text of the response.
///
/// Without a `scope`, they are those of the client. `scim` and `scim.readwrite`, which Entra ID sends, mean the same.
///
/// # Errors
///
/// If the client asks for a scope that it does not have, or that does not exist.
pub(super) fn granted(
    requested: Option<&str>,
    of_client: &[String],
) -> Result<(Vec<String>, String), TokenError> {
    let all = || (of_client.to_vec(), of_client.join(" "));
    let Some(requested) = requested else { return Ok(all()) };
    let mut scopes: Vec<String> = Vec::new();
    for name in requested.split_ascii_whitespace() {
        let names: &[&str] = match name {
            "scim" | "scim.readwrite" => {
                scopes.extend(of_client.iter().cloned());
                continue;
            }
            "scim.read" => &["read"],
            "scim.write" => &["write"],
            name => &[name],
        };
        for name in names {
            if !of_client.iter().any(|scope| scope == name) {
                return Err(TokenError::invalid_scope(format!(
                    "the client does not have the scope `{}`; it has `{}`",
                    name.escape_debug(),
                    of_client.join(" ")
                )));
            }
            scopes.push((*name).to_owned());
        }
    }
    if scopes.is_empty() {
        return Ok(all());
    }
    scopes.sort_unstable();
    scopes.dedup();
    // The scope is told in the client's own words if it gets all that it has asked for (RFC 6749 section 5.1).
    let asks_for_all =
        requested.split_ascii_whitespace().any(|name| matches!(name, "scim" | "scim.readwrite"));
    let gets_all = ["read", "write"].iter().all(|name| scopes.iter().any(|scope| scope == name));
    let text = if asks_for_all && !gets_all { scopes.join(" ") } else { requested.to_owned() };
    Ok((scopes, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_what_it_asks_for_if_it_has_it() {
        let both = ["read".to_owned(), "write".to_owned()];
        let read = ["read".to_owned()];
        let scopes = |requested, of_client: &[String]| {
            granted(requested, of_client).ok().map(|(scopes, text)| (scopes.join(" "), text))
        };
        let expected = |scopes: &str, text: &str| Some((scopes.to_owned(), text.to_owned()));
        assert_eq!(scopes(None, &both), expected("read write", "read write"));
        assert_eq!(scopes(Some("scim"), &both), expected("read write", "scim"));
        assert_eq!(scopes(Some("scim.readwrite"), &read), expected("read", "read"));
        assert_eq!(scopes(Some("write read write"), &both), expected("read write", "write read write"));
        assert_eq!(scopes(Some("scim.read"), &both), expected("read", "scim.read"));
        assert_eq!(scopes(Some(" "), &read), expected("read", "read"));
        for refused in ["write", "Read", "openid", "read write"] {
            assert_eq!(scopes(Some(refused), &read), None, "{refused}");
        }
    }
}
