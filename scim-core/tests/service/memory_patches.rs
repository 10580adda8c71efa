//! The memory provider copies only the part of a resource that a PATCH is about. What comes of that must be the
//! same as if the PATCH were applied to the complete resource.

use scim_core::patch::{Limits, PATCH_OP, PatchRequest};
use scim_core::schema::{Projection, Quirk, Reading, ResourceType, Schema, Tolerance, standard};
use scim_core::{Context, Error, MemoryProvider, Provider, Resource, Update, UpdateOptions};
use serde_json::{Map, Value, json};

fn resource_type(file: &Value, case: &Value) -> ResourceType {
    let named = |name: &str| {
        let all = file["types"].as_array().into_iter().flatten();
        all.into_iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("type {name}"))
    };
    let one = match case["type"].as_str() {
        None | Some("User") => return standard::user_type(),
        Some("Group") => return standard::group_type(),
        Some(name) => named(name),
    };
    let schemas = |name: &str| one[name].as_array().cloned().unwrap_or_default();
    let schema = |json: &Value| Schema::from_value(json).unwrap();
    let name = one["name"].as_str().unwrap();
    let mut builder = ResourceType::builder(name, name, schema(&one["schema"]));
    for extension in schemas("extensions") {
        builder = builder.extension(schema(&extension));
    }
    for extension in schemas("required_extensions") {
        builder = builder.required_extension(schema(&extension));
    }
    builder.build().unwrap()
}

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
        Some(one) if quirk.starts_with('+') => tolerance.with(*one),
        Some(one) => tolerance.without(*one),
    }
}

/// The update that a case asks for; `None` if it is refused before a store sees it.
fn update(on: &ResourceType, case: &Value, profile: &str) -> Option<Update> {
    if !case["limits"].is_null() {
        return None;
    }
    let text = match (&case["operations"], &case["text"]) {
        (Value::Null, Value::Null) => case["message"].to_string(),
        (Value::Null, text) => text.as_str().unwrap().to_owned(),
        (operations, _) => json!({ "schemas": [PATCH_OP], "Operations": operations }).to_string(),
    };
    let (tolerance, limits) = (tolerance(profile), Limits::default());
    let mut reading = Reading::new(&tolerance);
    let request = PatchRequest::parse(text.as_bytes(), &limits, &mut reading).ok()?;
    let mut patch = request.resolve(on, &limits, &mut reading).ok()?;
    patch.take_write_only();
    Some(Update::Patch(patch))
}

/// What counts of a resource.
fn content(on: &ResourceType, resource: &Resource) -> Map<String, Value> {
    let mut object = resource.as_map().clone();
    object.remove("meta");
    for list in on.attributes().filter(|target| target.holds_members()) {
        for element in object.get_mut(list.attribute().name()).into_iter().flat_map(Value::as_array_mut) {
            // Derived, not stored.
            element.iter_mut().filter_map(Value::as_object_mut).for_each(|one| drop(one.remove("$ref")));
        }
    }
    object
}

fn outcome(result: &Error) -> (u16, Option<&'static str>) {
    (result.status().as_u16(), result.scim_type().map(|scim_type| scim_type.as_str()))
}

/// What is wrong with what the store makes of a case, if anything; whether it changed something.
async fn check(on: &ResourceType, seed: Resource, update: &Update) -> Result<bool, String> {
    let request = Context::builder(on);
    let cx = request.context();
    let store = MemoryProvider::new().keep_unknown_members();
    let all = Projection::new(on);
    let before = store.create(&cx, seed).await.unwrap();
    let (id, kept) = (before.id().to_owned(), before.clone());
    let options = UpdateOptions::new().returning(all.clone());

    let whole = update.apply(&cx, before.clone());
    let updated = store.update(&cx, &id, update, &options).await;
    let after = store.retrieve(&cx, &id, &all).await.unwrap().unwrap();
    if kept.as_map() != before.as_map() {
        return Err("what was read before has changed".to_owned());
    }
    match (whole, updated) {
        (Err(whole), Err(error)) if outcome(&whole) == outcome(&error) => match after == before {
            true => Ok(false),
            false => Err("it was refused and has changed something".to_owned()),
        },
        (Ok(whole), Ok(updated)) => {
            let moved = updated.before != updated.version;
            let (is, should) = (content(on, &after), content(on, &whole.resource));
            if is != should {
                return Err(format!("is {}\n should be {}", json!(is), json!(should)));
            }
            if moved != (is != content(on, &before)) || after.version() != Some(updated.version) {
                return Err(format!("that the version has moved is {moved}"));
            }
            (updated.resource == Some(after)).then_some(moved).ok_or("returns another".to_owned())
        }
        (whole, updated) => Err(format!("{:?} but the store {:?}", whole.err(), updated.err())),
    }
}

/// A resource with an extension that an operation is not about.
fn beside_another_extension() -> Value {
    let [pay, car] = ["urn:example:pay", "urn:example:car"];
    let schema = |id: &str, attributes: Value| json!({ "id": id, "name": "One", "attributes": attributes });
    let one = |name: &str| json!({ "name": name, "type": "string" });
    let two = |resource: Value, operation: Value| {
        let mut case = json!({ "name": operation, "type": "Worker", "operations": [operation] });
        case["resource"] = resource;
        case
    };
    let both = json!({ pay: { "grade": "7" }, car: { "plate": "A 1" } });
    json!({
        "types": [{
            "name": "Worker",
            "schema": schema("urn:example:worker", json!([one("nick")])),
            "extensions": [schema(pay, json!([one("grade"), one("bonus")])), schema(car, json!([one("plate")]))],
        }],
        "cases": [
            two(json!({ car: { "plate": "A 1" } }), json!({ "op": "add", "path": "urn:example:pay:grade", "value": "7" })),
            two(json!({ pay: { "grade": "7" } }), json!({ "op": "add", "value": { car: { "plate": "A 1" } } })),
            two(both.clone(), json!({ "op": "remove", "path": "urn:example:pay:grade" })),
            two(both.clone(), json!({ "op": "remove", "path": "urn:example:car:plate" })),
            two(both.clone(), json!({ "op": "add", "path": "urn:example:pay:bonus", "value": "1" })),
            two(both, json!({ "op": "replace", "path": "nick", "value": "Bo" })),
        ],
    })
}

#[test]
fn patching_a_part_gives_the_same_result_as_patching_the_complete_resource() {
    let (mut changed, mut failures) = (0, Vec::new());
    let files = testdata::files("patch").into_iter().map(|path| testdata::load(&path));
    for file in files.chain([beside_another_extension()]) {
        for case in file["cases"].as_array().unwrap() {
            let on = resource_type(&file, case);
            let mut seed = case["resource"].as_object().cloned().unwrap_or_default();
            if !seed.contains_key("schemas") {
                on.update_schemas(&mut seed);
            }
            let profiles = case["profiles"].as_array().cloned();
            for profile in profiles.unwrap_or(vec![json!("lenient"), json!("strict")]) {
                let profile = profile.as_str().unwrap();
                let Some(update) = update(&on, case, profile) else { continue };
                match pollster::block_on(check(&on, Resource::new(seed.clone()), &update)) {
                    Ok(moved) => changed += usize::from(moved),
                    Err(wrong) => failures.push(format!("{} ({profile}): {wrong}", case["name"])),
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} fail\n{}", failures.len(), failures.join("\n"));
    assert!(changed > 300, "{changed} cases change something");
}
