//! Parses a bulk request (RFC 7644 section 3.7), but not its operations.

use scim_schema::internal::canonicalize_message;
use scim_schema::{Quirk, ReadContext, ScimType};
use serde_json::Value;

use super::json;
use crate::message_uri::BULK_REQUEST;
use crate::operation::BulkRequest;
use crate::{Error, Result};

pub(super) fn read_bulk_request(
    body: &[u8],
    max_operations: usize,
    read_context: &mut ReadContext<'_>,
) -> Result<BulkRequest> {
    let json::Message { members, list: operations } = json::parse_message(body, "Operations")?;
    if !members.keys().any(|name| name.eq_ignore_ascii_case("Operations")) {
        return Err(Error::invalid_syntax("`Operations` is required and must be an array"));
    }
    let members = Value::Object(members);
    let mut message =
        canonicalize_message(members, Some(BULK_REQUEST), &["Operations", "failOnErrors"], read_context)?;
    if operations.len() > max_operations {
        return Err(Error::too_large(format!(
            "the bulk request has more than {max_operations} operations (maxOperations); send several requests"
        )));
    }
    let fail_on_errors = match message.remove("failOnErrors") {
        None | Some(Value::Null) => usize::MAX,
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
            match number.as_u64().map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)) {
                Some(limit) if limit > 0 => limit,
                _ if read_context.allow_quirk(Quirk::NoErrorLimit, "failOnErrors") => usize::MAX,
                _ => {
                    let detail = "`failOnErrors` must be 1 or more; leave it out for no limit";
                    return Err(Error::from_scim_type(ScimType::InvalidValue, detail));
                }
            }
        }
        Some(_) => {
            return Err(Error::from_scim_type(ScimType::InvalidValue, "`failOnErrors` must be an integer"));
        }
    };
    Ok(BulkRequest { operations, fail_on_errors })
}
