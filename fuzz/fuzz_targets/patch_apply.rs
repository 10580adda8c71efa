//! PATCH of a user and of a group. The first line of an input is the resource; if it is empty, the resource is a user with
//! most attributes. The rest is the body of the PATCH.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_core::patch::{PatchLimits, PatchRequest};
use scim_core::schema::{ReadContext, ResourceType, Tolerance};
use scim_fuzz::{TYPES, TestTenant, USER, normalized, replace_ids};
use serde_json::{Map, Value};

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (resource, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let resource = if resource.is_empty() { USER.as_bytes() } else { resource };
    for resource_type in TYPES.iter() {
        for strict in [false, true] {
            let tolerance = if strict { Tolerance::strict() } else { Tolerance::lenient() };
            if let Some(before) = normalized(resource_type, resource, &tolerance) {
                check_library(resource_type, before, body, &tolerance);
                check_service(resource_type, resource, body, strict);
            }
        }
    }
});

/// Applies the PATCH with the library alone. `changed` must be correct, and the result must be valid.
fn check_library(
    resource_type: &ResourceType,
    before: Map<String, Value>,
    body: &[u8],
    tolerance: &Tolerance,
) {
    let limits = PatchLimits::default();
    let Ok(request) = PatchRequest::parse(body, &limits, &mut ReadContext::new(tolerance)) else { return };
    let Ok(patch) = request.resolve(resource_type, &limits, &mut ReadContext::new(tolerance)) else { return };
    let Ok(applied) = patch.apply(before.clone()) else { return };
    assert_eq!(applied.changed, applied.resource != before, "{before:?} {:?}", applied.resource);
    resource_type
        .validate(&applied.resource, Some(&before))
        .unwrap_or_else(|error| panic!("{error}: {:?}", applied.resource));
}

/// Sends the PATCH to a service. A PATCH that fails must not change the resource, and one that succeeds must store a valid
/// resource.
fn check_service(resource_type: &ResourceType, resource: &[u8], body: &[u8], strict: bool) {
    let tenant = TestTenant::new(strict);
    let mut ids = tenant.create_users_and_group();
    let Some(id) = tenant.create(resource_type.endpoint(), replace_ids(resource, &ids)) else { return };
    let url = format!("{}/{id}", resource_type.endpoint());
    ids.push(id);
    let (_, before) = tenant.call("GET", &url, "");
    let (status, answer) = tenant.call("PATCH", &url, replace_ids(body, &ids));
    let (_, after) = tenant.call("GET", &url, "");
    if status >= 400 {
        assert_eq!(after, before, "a PATCH that failed was applied in part: {answer}");
        return;
    }
    if status == 200 {
        assert_eq!(answer, after);
    }
    tenant.check(resource_type, &after);
    let versions = [&before, &after].map(|resource| &resource["meta"]["version"]);
    if before != after {
        assert_ne!(versions[0], versions[1], "the resource has changed without a new version: {after}");
    }
}
