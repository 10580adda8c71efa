//! Lists that keep one element of each of some types.

use scim_patch::{PatchLimits, PatchRequest};
use scim_schema::{Attribute, ReadContext, ResourceType, Schema, Tolerance};
use serde_json::{Value, json};

fn crews() -> ResourceType {
    let subs = [Attribute::string("value"), Attribute::string("type"), Attribute::boolean("primary")];
    let horns = Attribute::complex("horns", subs).multi_valued().keep_only_types(["bow", "stern"]);
    let schema = Schema::new("urn:example:crew", "Crew", [horns]).unwrap();
    ResourceType::builder("Crew", "/Crews", schema).build().unwrap()
}

/// Applies one operation to horns at bow and stern. Returns the horns, or the error.
fn apply(operation: Value, tolerance: &Tolerance) -> Result<Value, String> {
    let crews = crews();
    let message = json!({ "schemas": [scim_patch::PATCH_OP], "Operations": [operation] }).to_string();
    let (limits, mut read_context) = (PatchLimits::default(), ReadContext::new(tolerance));
    let patch = PatchRequest::parse(message.as_bytes(), &limits, &mut read_context)
        .and_then(|request| request.resolve(&crews, &limits, &mut read_context))
        .map_err(|error| error.to_string())?;
    let stored = json!({
        "schemas": ["urn:example:crew"],
        "horns": [{ "value": "b1", "type": "bow" }, { "value": "s1", "type": "stern" }]
    });
    let applied = patch.apply(stored.as_object().unwrap().clone()).map_err(|error| error.to_string())?;
    let mut horns = applied.resource.get("horns").cloned().unwrap_or_default();
    if let Value::Array(list) = &mut horns {
        list.sort_by_key(|element| element["value"].to_string());
    }
    Ok(horns)
}

#[test]
fn an_added_element_replaces_the_one_of_its_type() {
    let lenient = Tolerance::lenient();
    let horns = |bow: &str, stern: &str| {
        Ok(json!([{ "value": bow, "type": "bow" }, { "value": stern, "type": "stern" }]))
    };
    let add = |value: Value| json!({ "op": "add", "path": "horns", "value": value });
    assert_eq!(apply(add(json!([{ "value": "s2", "type": "Stern" }])), &lenient).unwrap()[1]["value"], "s2");
    assert_eq!(apply(add(json!([{ "value": "b2", "type": "bow" }])), &lenient), horns("b2", "s1"));
    assert_eq!(apply(add(json!([{ "value": "b2" }])), &lenient), horns("b2", "s1"), "without a type");
    let both = json!([{ "value": "s3", "type": "stern" }, { "value": "b3", "type": "bow" }]);
    assert_eq!(apply(add(both), &lenient), horns("b3", "s3"));
    let by_type = json!({ "op": "replace", "path": "horns[type eq \"stern\"].value", "value": "s4" });
    assert_eq!(apply(by_type, &lenient), horns("b1", "s4"));
}

#[test]
fn an_element_that_a_filter_creates_without_a_type_has_the_first_one() {
    let primary = json!({ "op": "replace", "path": "horns[primary eq true].value", "value": "b5" });
    let expected =
        json!([{ "value": "b5", "type": "bow", "primary": true }, { "value": "s1", "type": "stern" }]);
    assert_eq!(apply(primary, &Tolerance::lenient()), Ok(expected));
}

#[test]
fn a_replacement_keeps_only_what_it_contains() {
    let replace = json!({ "op": "replace", "path": "horns", "value": [{ "value": "s5", "type": "stern" }] });
    let expected = json!([{ "value": "s5", "type": "stern" }]);
    assert_eq!(apply(replace, &Tolerance::lenient()), Ok(expected));
}

#[test]
fn elements_of_other_types_are_ignored_or_refused() {
    let add = json!({ "op": "add", "path": "horns", "value": [{ "value": "m", "type": "mast" }] });
    let unchanged = json!([{ "value": "b1", "type": "bow" }, { "value": "s1", "type": "stern" }]);
    assert_eq!(apply(add.clone(), &Tolerance::lenient()), Ok(unchanged));
    let refused = apply(add, &Tolerance::strict()).unwrap_err();
    assert!(refused.contains("only an element of type `bow` or `stern` is stored"), "{refused}");
}
