//! The envelope of protocol messages: PatchOp, SearchRequest, BulkRequest (RFC 7644 section 3.1).

use serde_json::{Map, Value};

use crate::{Quirk, ReadContext, ScimType, Violation};

/// Changes the member names of a message to their canonical case and drops foreign members.
///
/// `members` are the names that the message defines besides `schemas`; `uri` is the message schema
/// that `schemas` must contain, or `None` for an object inside a message, which has no `schemas`.
///
/// ```
/// use scim_schema::internal::canonicalize_message;
/// use scim_schema::{ReadContext, Tolerance};
/// use serde_json::json;
///
/// let tolerance = Tolerance::lenient();
/// let mut read_context = ReadContext::new(&tolerance);
/// let message = json!({ "operations": [], "id": "1" });
/// let uri = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// let message = canonicalize_message(message, Some(uri), &["Operations"], &mut read_context)?;
/// assert!(message.contains_key("Operations") && message.len() == 1);
/// assert_eq!(read_context.tolerated().len(), 3);
/// # Ok::<(), scim_schema::Violation>(())
/// ```
///
/// # Errors
///
/// `invalidSyntax` if the message is not an object, if a member occurs twice, or if the message has a
/// [`Quirk`] that is not tolerated.
pub fn canonicalize_message(
    message: Value,
    uri: Option<&str>,
    members: &[&str],
    read_context: &mut ReadContext<'_>,
) -> Result<Map<String, Value>, Violation> {
    let invalid = |path: &str, reason: &str| Err(Violation::new(ScimType::InvalidSyntax, path, reason));
    let Value::Object(members_sent) = message else {
        return invalid("", "the message must be a JSON object");
    };
    let mut schemas = None;
    let mut message = Map::new();
    for (key, value) in members_sent {
        if uri.is_some() && key.eq_ignore_ascii_case("schemas") {
            schemas = Some(value);
            continue;
        }
        let name = match members.iter().find(|name| **name == key) {
            Some(name) => *name,
            None => match members.iter().find(|name| name.eq_ignore_ascii_case(&key)) {
                Some(name) if read_context.allow_quirk(Quirk::MemberCase, name) => name,
                None if read_context.allow_quirk(Quirk::ForeignMember, &key) => continue,
                _ => return invalid(&key, "the message has no such member"),
            },
        };
        if message.insert(name.to_owned(), value).is_some() {
            return invalid(name, "duplicate member");
        }
    }
    if let Some(uri) = uri {
        let listed = schemas.as_ref().and_then(Value::as_array).is_some_and(|uris| {
            uris.iter().filter_map(Value::as_str).any(|listed| listed.eq_ignore_ascii_case(uri))
        });
        if !listed && !read_context.allow_quirk(Quirk::MessageSchemas, "schemas") {
            return invalid("schemas", &format!("must contain {uri}"));
        }
    }
    Ok(message)
}
