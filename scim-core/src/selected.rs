//! What a PATCH looks at besides what it writes: the value filters in its paths.

use scim_filter::PatchPath;
use scim_patch::{Limits, PatchRequest};
use scim_schema::{Reading, ResourceType, Target, Tolerance};
use serde_json::{Map, Value};

/// The attributes that the value filters of a PATCH select by. Whether such a filter selects something
/// shows in the answer, so it is for those only who may read them (RFC 7644 section 7.5.2).
///
/// A filter that cannot be read is not looked at, since the request is refused for it anyway.
pub(crate) fn selected(request: &PatchRequest, on: &ResourceType, limits: &Limits) -> Vec<Target> {
    let mut selected = Vec::new();
    for operation in &request.operations {
        match (&operation.path, &operation.value) {
            (Some(path), _) => add(path, on, limits, &mut selected),
            // Some clients name attributes by paths that are keys of the value, or of JSON in a string.
            (None, Some(Value::Object(object))) => {
                object.keys().for_each(|key| add(key, on, limits, &mut selected));
            }
            (None, Some(Value::String(text))) if text.contains('[') => {
                let object: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
                object.keys().for_each(|key| add(key, on, limits, &mut selected));
            }
            _ => {}
        }
    }
    selected
}

fn add(path: &str, on: &ResourceType, limits: &Limits, selected: &mut Vec<Target>) {
    if !path.contains('[') {
        return;
    }
    // What is tolerated here is reported, or refused, when the request is resolved.
    let tolerance = Tolerance::lenient();
    let mut aside = Reading::new(&tolerance);
    if let Ok(PatchPath::Value { path, filter, .. }) = PatchPath::parse(path, &limits.filter, &mut aside)
        && let Some(target) = on.find(&path, &mut aside)
        && let Ok(predicate) = filter.resolve_within(target, &mut aside)
    {
        selected.push(target.clone());
        selected.extend(predicate.targets().cloned());
    }
}
