//! The part of a resource that a PATCH is about. The rest need not be copied for it, and stays as it
//! is whatever becomes of the PATCH.

use std::collections::BTreeSet;

use scim_filter::Budget;
use scim_schema::{ResourceType, Target};
use serde_json::{Map, Value};

use crate::{Resource, Update};

/// The attributes that an update writes, taken out of a resource together with those that it only looks at.
pub(super) struct Part {
    /// The names of the JSON members that it writes; `None` if it may write all of them.
    names: Option<BTreeSet<String>>,
}

/// A list of more elements takes so long to copy that others should have their turn meanwhile.
const LONG: usize = 1024;

/// What an update is to be applied to: a part of a resource, copied without its long lists at first.
pub(super) struct Copied {
    pub(super) resource: Resource,
    /// The names of the lists of which elements are missing.
    missing: Vec<String>,
}

impl Copied {
    fn new(names: impl Iterator<Item = String>, object: &Map<String, Value>) -> Self {
        let mut copied = Self { resource: Resource::default(), missing: Vec::new() };
        for name in names {
            match object.get(&name) {
                Some(Value::Array(list)) if list.len() > LONG => {
                    let empty = Value::Array(Vec::with_capacity(list.len()));
                    copied.resource.as_map_mut().insert(name.clone(), empty);
                    copied.missing.push(name);
                }
                Some(value) => drop(copied.resource.as_map_mut().insert(name, value.clone())),
                None => {}
            }
        }
        copied
    }

    pub(super) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Copies more elements from the resource that this is a part of; how many.
    pub(super) fn go_on(&mut self, from: &Resource) -> usize {
        let Some(name) = self.missing.pop() else { return 0 };
        let all = from.get(&name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let list = self.resource.as_map_mut().get_mut(&name).and_then(Value::as_array_mut);
        let Some(list) = list else { return 0 };
        let begin = list.len();
        list.extend(all.iter().skip(begin).take(LONG).cloned());
        let copied = list.len() - begin;
        if list.len() < all.len() {
            self.missing.push(name);
        }
        copied
    }
}

/// Frees what a resource holds, in turns as long lists are copied.
pub(super) async fn free(resource: Resource, budget: &Budget) {
    for value in resource.into_map().values_mut() {
        let Value::Array(list) = value else { continue };
        while list.len() > LONG {
            list.truncate(list.len() - LONG);
            budget.pass(LONG);
            budget.turn().await;
        }
    }
}

impl Part {
    /// The part that an update is about, and a resource that has only that.
    pub(super) fn of(on: &ResourceType, update: &Update, resource: &Resource) -> (Self, Copied) {
        let object = resource.as_map();
        let Update::Patch(patch) = update else {
            return (Self { names: None }, Copied::new(object.keys().cloned(), object));
        };
        let name = |target: &Target| target.extension().unwrap_or(target.attribute().name()).to_owned();
        let names: BTreeSet<String> = patch.attributes().map(name).chain(["schemas".to_owned()]).collect();
        let looked_at: BTreeSet<String> = patch.looked_at().map(name).collect();
        // `schemas` follows the extensions that there are, whatever is in them.
        let extensions = on.extensions().map(|extension| extension.schema().id());
        let there = extensions.filter(|uri| object.contains_key(*uri));
        let mut copied = Copied::new(names.union(&looked_at).cloned(), object);
        for uri in there {
            let part = copied.resource.as_map_mut();
            part.entry(uri).or_insert_with(|| Value::Object(Map::new()));
        }
        (Self { names: Some(names) }, copied)
    }

    /// Whether what became of the part is not what the resource has.
    pub(super) fn differs(&self, part: &Resource, resource: &Resource) -> bool {
        let (part, resource) = (part.as_map(), resource.as_map());
        match &self.names {
            None => part != resource,
            Some(names) => names.iter().any(|name| part.get(name) != resource.get(name)),
        }
    }

    /// Gives a resource what became of the part, and the part what the resource had.
    pub(super) fn swap(&self, part: &mut Resource, resource: &mut Resource) {
        let Some(names) = &self.names else {
            std::mem::swap(part, resource);
            return;
        };
        let (part, object) = (part.as_map_mut(), resource.as_map_mut());
        for name in names {
            let before = match part.remove(name) {
                Some(value) => object.insert(name.clone(), value),
                None => object.remove(name),
            };
            if let Some(before) = before {
                part.insert(name.clone(), before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use scim_patch::{Limits, PATCH_OP, PatchRequest};
    use scim_schema::{Projection, Quirk, Reading, Schema, Tolerance, standard};
    use serde_json::json;

    use super::*;
    use crate::{Context, Error, MemoryProvider, Provider, Result, UpdateOptions};

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
        let schema =
            |id: &str, attributes: Value| json!({ "id": id, "name": "One", "attributes": attributes });
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
    fn a_patch_of_a_part_comes_to_what_one_of_the_whole_does() {
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
}
