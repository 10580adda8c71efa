//! The memory provider copies only the attributes that a PATCH reads or writes. The result must be the same as if the
//! PATCH were applied to the complete resource.

use scim_core::patch::{PATCH_OP, PatchLimits, PatchRequest};
use scim_core::schema::{Projection, Quirk, ReadContext, ResourceType, Schema, Tolerance, standard};
use scim_core::{Context, Error, MemoryProvider, Provider, Resource, Update, UpdateOptions};
use serde_json::{Map, Value, json};

/// The resource type of a case: a standard type, or one that the file defines.
fn resource_type(file: &Value, case: &Value) -> ResourceType {
    let definition_of = |name: &str| {
        let mut types = file["types"].as_array().into_iter().flatten();
        types
            .find(|definition| definition["name"] == name)
            .unwrap_or_else(|| panic!("the file defines no type `{name}`"))
    };
    let definition = match case["type"].as_str() {
        None | Some("User") => return standard::user_type(),
        Some("Group") => return standard::group_type(),
        Some(name) => definition_of(name),
    };
    let schemas = |name: &str| definition[name].as_array().cloned().unwrap_or_default();
    let schema = |json: &Value| Schema::from_value(json).unwrap();
    let name = definition["name"].as_str().unwrap();
    let mut builder = ResourceType::builder(name, name, schema(&definition["schema"]));
    for extension in schemas("extensions") {
        builder = builder.extension(schema(&extension));
    }
    for extension in schemas("required_extensions") {
        builder = builder.required_extension(schema(&extension));
    }
    builder.build().unwrap()
}

/// The tolerance of a profile, whose name can be followed by a quirk to add (`+`) or to remove (`-`).
fn tolerance(profile: &str) -> Tolerance {
    let end = profile.find(['+', '-']).unwrap_or(profile.len());
    let (name, quirk) = profile.split_at(end);
    let tolerance = match name {
        "lenient" => Tolerance::lenient(),
        "strict" => Tolerance::strict(),
        _ => Tolerance::interop(),
    };
    match quirk.get(1..).and_then(|name| Quirk::ALL.iter().find(|quirk| quirk.name() == name)) {
        None => tolerance,
        Some(found) if quirk.starts_with('+') => tolerance.with(*found),
        Some(found) => tolerance.without(*found),
    }
}

/// The update of a case; `None` if the service would refuse it without calling the provider.
fn update(resource_type: &ResourceType, case: &Value, profile: &str) -> Option<Update> {
    if !case["limits"].is_null() {
        return None;
    }
    let text = match (&case["operations"], &case["text"]) {
        (Value::Null, Value::Null) => case["message"].to_string(),
        (Value::Null, text) => text.as_str().unwrap().to_owned(),
        (operations, _) => json!({ "schemas": [PATCH_OP], "Operations": operations }).to_string(),
    };
    let (tolerance, limits) = (tolerance(profile), PatchLimits::default());
    let mut read_context = ReadContext::new(&tolerance);
    let request = PatchRequest::parse(text.as_bytes(), &limits, &mut read_context).ok()?;
    let mut patch = request.resolve(resource_type, &limits, &mut read_context).ok()?;
    patch.take_write_only();
    Some(Update::Patch(patch))
}

/// A resource without the attributes that the provider adds: `meta`, and the `$ref` of members.
fn without_derived(resource_type: &ResourceType, resource: &Resource) -> Map<String, Value> {
    let mut object = resource.as_map().clone();
    object.remove("meta");
    for list in resource_type.attributes().filter(|target| target.holds_members()) {
        for element in object.get_mut(list.attribute().name()).into_iter().flat_map(Value::as_array_mut) {
            element
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|member| drop(member.remove("$ref")));
        }
    }
    object
}

fn status_and_type(error: &Error) -> (u16, Option<&'static str>) {
    (error.status().as_u16(), error.scim_type().map(|scim_type| scim_type.as_str()))
}

/// Applies an update in the memory provider and to the complete resource, and compares the results. Returns whether the
/// update has changed anything.
async fn compare(resource_type: &ResourceType, seed: Resource, update: &Update) -> Result<bool, String> {
    let request = Context::builder(resource_type);
    let cx = request.context();
    let store = MemoryProvider::new().keep_unknown_members();
    let all = Projection::new(resource_type);
    let before = store.create(&cx, seed).await.unwrap();
    let (id, snapshot) = (before.id().to_owned(), before.clone());
    let options = UpdateOptions::new().returning(all.clone());

    let expected = update.apply(&cx, before.clone());
    let updated = store.update(&cx, &id, update, &options).await;
    let after = store.retrieve(&cx, &id, &all).await.unwrap().unwrap();
    if snapshot.as_map() != before.as_map() {
        return Err("the update has changed a resource that was read before it".to_owned());
    }
    match (expected, updated) {
        (Err(expected), Err(error)) if status_and_type(&expected) == status_and_type(&error) => {
            match after == before {
                true => Ok(false),
                false => Err("the update was refused, but has changed the resource".to_owned()),
            }
        }
        (Ok(expected), Ok(updated)) => {
            let has_new_version = updated.before != updated.version;
            let (actual, expected) =
                (without_derived(resource_type, &after), without_derived(resource_type, &expected.resource));
            if actual != expected {
                return Err(format!("expected {}\n got {}", json!(expected), json!(actual)));
            }
            if has_new_version != (actual != without_derived(resource_type, &before))
                || after.version() != Some(updated.version)
            {
                return Err(format!(
                    "expected a new version exactly if the resource changed, got a new one: {has_new_version}"
                ));
            }
            match updated.resource == Some(after) {
                true => Ok(has_new_version),
                false => Err("the update returns another resource than retrieve".to_owned()),
            }
        }
        (expected, updated) => {
            Err(format!("expected the error {:?}, got {:?}", expected.err(), updated.err()))
        }
    }
}

/// Cases in which the resource has an extension that the operation does not change.
fn cases_with_two_extensions() -> Value {
    let [pay, car] = ["urn:example:pay", "urn:example:car"];
    let schema = |id: &str, attributes: Value| json!({ "id": id, "name": "One", "attributes": attributes });
    let attribute = |name: &str| json!({ "name": name, "type": "string" });
    let case = |resource: Value, operation: Value| {
        let mut case = json!({ "name": operation, "type": "Worker", "operations": [operation] });
        case["resource"] = resource;
        case
    };
    let both_extensions = json!({ pay: { "grade": "7" }, car: { "plate": "A 1" } });
    json!({
        "types": [{
            "name": "Worker",
            "schema": schema("urn:example:worker", json!([attribute("nick")])),
            "extensions": [schema(pay, json!([attribute("grade"), attribute("bonus")])), schema(car, json!([attribute("plate")]))],
        }],
        "cases": [
            case(json!({ car: { "plate": "A 1" } }), json!({ "op": "add", "path": "urn:example:pay:grade", "value": "7" })),
            case(json!({ pay: { "grade": "7" } }), json!({ "op": "add", "value": { car: { "plate": "A 1" } } })),
            case(both_extensions.clone(), json!({ "op": "remove", "path": "urn:example:pay:grade" })),
            case(both_extensions.clone(), json!({ "op": "remove", "path": "urn:example:car:plate" })),
            case(both_extensions.clone(), json!({ "op": "add", "path": "urn:example:pay:bonus", "value": "1" })),
            case(both_extensions, json!({ "op": "replace", "path": "nick", "value": "Bo" })),
        ],
    })
}

#[test]
fn a_patch_in_memory_has_the_same_result_as_on_the_complete_resource() {
    let (mut changed, mut failures) = (0, Vec::new());
    let files = testdata::files("patch").into_iter().map(|path| testdata::load(&path));
    for file in files.chain([cases_with_two_extensions()]) {
        for case in file["cases"].as_array().unwrap() {
            let resource_type = resource_type(&file, case);
            let mut seed = case["resource"].as_object().cloned().unwrap_or_default();
            if !seed.contains_key("schemas") {
                resource_type.update_schemas(&mut seed);
            }
            let profiles = case["profiles"].as_array().cloned();
            for profile in profiles.unwrap_or(vec![json!("lenient"), json!("strict")]) {
                let profile = profile.as_str().unwrap();
                let Some(update) = update(&resource_type, case, profile) else { continue };
                match pollster::block_on(compare(&resource_type, Resource::new(seed.clone()), &update)) {
                    Ok(has_changed) => changed += usize::from(has_changed),
                    Err(reason) => failures.push(format!("{} ({profile}): {reason}", case["name"])),
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail\n{}", failures.len(), failures.join("\n"));
    assert!(changed > 300, "only {changed} cases change something");
}
