//! PATCH on a stored user and a stored group. The first line of an input is the resource, or empty for a user that has
//! nearly everything; the rest is the body.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use scim_core::patch::{Limits, PatchRequest};
use scim_core::schema::{Reading, ResourceType, Tolerance, standard};
use scim_fuzz::{USER, World, canonical, fill};
use serde_json::{Map, Value};

static TYPES: LazyLock<[ResourceType; 2]> = LazyLock::new(|| [standard::user_type(), standard::group_type()]);

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (resource, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let resource = if resource.is_empty() { USER.as_bytes() } else { resource };
    for on in TYPES.iter() {
        for strict in [false, true] {
            let tolerance = if strict { Tolerance::strict() } else { Tolerance::lenient() };
            if let Some(before) = canonical(on, resource, &tolerance) {
                alone(on, before, body, &tolerance);
                stored(on, resource, body, strict);
            }
        }
    }
});

/// The patch by itself: it says rightly whether it changed anything, and what it makes is a good resource.
fn alone(on: &ResourceType, before: Map<String, Value>, body: &[u8], tolerance: &Tolerance) {
    let limits = Limits::default();
    let Ok(request) = PatchRequest::parse(body, &limits, &mut Reading::new(tolerance)) else { return };
    let Ok(patch) = request.resolve(on, &limits, &mut Reading::new(tolerance)) else { return };
    let Ok(applied) = patch.apply(before.clone()) else { return };
    assert_eq!(applied.changed, applied.resource != before, "{before:?} {:?}", applied.resource);
    on.validate(&applied.resource, Some(&before))
        .unwrap_or_else(|error| panic!("{error}: {:?}", applied.resource));
}

/// The patch on a service: an error leaves everything as it was, and what is stored afterwards is a good resource.
fn stored(on: &ResourceType, resource: &[u8], body: &[u8], strict: bool) {
    let world = World::new(strict);
    let mut names = vec![world.user("anna"), world.user("bert")];
    names.push(world.group("others", &[&names[0]]));
    let Some(id) = world.create(on.endpoint(), fill(resource, &names)) else { return };
    let url = format!("{}/{id}", on.endpoint());
    names.push(id);
    let (_, before) = world.call("GET", &url, "");
    let (status, answer) = world.call("PATCH", &url, fill(body, &names));
    let (_, after) = world.call("GET", &url, "");
    if status >= 400 {
        assert_eq!(after, before, "half applied, and then: {answer}");
        return;
    }
    if status == 200 {
        assert_eq!(answer, after);
    }
    world.check(on, &after);
    let versions = [&before, &after].map(|resource| &resource["meta"]["version"]);
    if before != after {
        assert_ne!(versions[0], versions[1], "changed without a new version: {after}");
    }
}
