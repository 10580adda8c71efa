//! A line of a file in JSON.

use std::fs::File;
use std::io::BufReader;

use scim_core::schema::{Quirk, ReadContext, ResolvedName, ResourceType, Tolerance, is_unassigned};
use serde_json::Value;

use super::lines::{MAX_LINE, is_blank, read_line};
use super::row::Content;

/// How many bytes are kept of a line that cannot be read.
const MAX_KEPT: usize = 1000;

/// Reads the next line that is not blank: its text, or why it has none, and its beginning.
#[expect(clippy::type_complexity, reason = "a type for one function would be harder to read")]
pub(super) fn json_line(
    reader: &mut BufReader<File>,
    line: &mut u64,
) -> Result<Option<Result<String, (String, String)>>, String> {
    let mut bytes = Vec::new();
    while read_line(reader, &mut bytes).map_err(|error| error.to_string())? {
        *line += 1;
        if is_blank(&bytes) {
            continue;
        }
        let unreadable = |reason: String| {
            let beginning = bytes.get(..MAX_KEPT).unwrap_or(&bytes);
            Ok(Some(Err((reason, String::from_utf8_lossy(beginning).trim().to_owned()))))
        };
        if bytes.len() > MAX_LINE {
            return unreadable(format!("it is longer than {MAX_LINE} bytes"));
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return unreadable("it is not in UTF-8".to_owned());
        };
        return Ok(Some(Ok(text.trim_start_matches('\u{feff}').trim().to_owned())));
    }
    Ok(None)
}

/// Reads a resource, and the attributes that it unassigns with null or `[]` (RFC 7643 section 2.5). Members whose names begin
/// with `#` are left out.
pub(super) fn resource(text: &str, resource_type: &ResourceType) -> Result<Content, String> {
    let mut resource = match serde_json::from_str(text) {
        Ok(Value::Object(resource)) => resource,
        Ok(_) => return Err("it is not a JSON object".to_owned()),
        Err(_) if text.starts_with(['[', ']']) => {
            return Err("write JSON lines, not a list: one object on each line, without brackets around them and commas between them".to_owned());
        }
        Err(error) => return Err(format!("it is not JSON: {error}")),
    };
    resource.retain(|name, _| !name.starts_with('#'));
    let tolerance = Tolerance::lenient().without(Quirk::UnknownAttribute);
    let mut read_context = ReadContext::new(&tolerance);
    let mut unassigned = Vec::new();
    for (name, value) in &resource {
        match resource_type.resolve_name(name, &mut read_context) {
            Some(ResolvedName::Attribute(target)) if is_unassigned(value) => unassigned.push(target),
            Some(ResolvedName::Extension(extension)) => {
                let members = value.as_object().into_iter().flatten();
                let empty = members.filter(|(_, value)| is_unassigned(value));
                unassigned.extend(empty.filter_map(|(name, _)| extension.attribute(name).cloned()));
            }
            _ => {}
        }
    }
    resource_type.normalize(&mut resource, &mut read_context).map_err(|violation| violation.to_string())?;
    for target in resource_type.all_attributes() {
        if let Some(value) = target.get(&resource) {
            target.validate(value).map_err(|violation| violation.to_string())?;
        }
    }
    Ok(Content::Resource(resource, unassigned))
}
