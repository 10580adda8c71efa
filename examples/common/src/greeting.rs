//! What a host prints when it is ready.

use std::net::SocketAddr;

use crate::{Settings, Tenants};

/// A user to create, and a change of it.
const USER: &str =
    r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea@example.com"}"#;
const PATCH: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"Diver"}]}"#;

/// The text of a host that listens on this address: its URL, and `curl` lines with the token, if one was made for this run.
pub(crate) fn greeting(settings: &Settings, listening: SocketAddr, token: Option<&str>) -> String {
    let url = settings.local_url(listening);
    let mut greeting = format!("listening on {url}");
    let Some(token) = token else { return greeting };
    let curl = match settings.tls.is_on() {
        true => "curl --insecure",
        false => "curl",
    };
    let authorization = format!("-H \"Authorization: Bearer {token}\"");
    let json = "-H \"Content-Type: application/scim+json\"";
    greeting.push_str("\nSCIM_TOKEN is not set. A token was generated; it is valid until the host stops:\n");
    greeting.push_str(&format!("{curl} {authorization} \"{url}/Users\"\n"));
    greeting.push_str("Create a user, and change it:\n");
    greeting.push_str(&format!(
        "user=$({curl} -s {authorization} {json} -d '{USER}' \"{url}/Users\" | sed 's/.*\"location\":\"\\([^\"]*\\)\".*/\\1/')\n"
    ));
    greeting.push_str(&format!("{curl} -X PATCH {authorization} {json} -d '{PATCH}' \"$user\""));
    greeting
}

/// What an administrator does if nobody can authenticate.
pub(crate) fn hint_without_credentials(program: &str, tenants: Tenants) -> Option<String> {
    (tenants != Tenants::Off).then(|| {
        format!("There are no credentials yet. Create one with `{program} token create NAME --tenant TENANT`")
    })
}
