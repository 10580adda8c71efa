//! Random resources and patches over a small world, so that they meet.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scim_patch::{Limits, PATCH_OP, Patch, PatchError, PatchRequest};
use scim_schema::{Attribute, Mutability, Reading, ResourceType, Schema, Tolerance, standard};
use serde_json::{Value, json};

use super::Object;

/// A type with one of everything.
pub(crate) fn thing() -> ResourceType {
    let immutable = |name: &str| Attribute::string(name).with_mutability(Mutability::Immutable);
    let read_only = |name: &str| Attribute::string(name).with_mutability(Mutability::ReadOnly);
    let tags = |name: &str| Attribute::string(name).multi_valued();
    let core = [
        Attribute::string("label").required(),
        Attribute::integer("size"),
        Attribute::boolean("active"),
        Attribute::date_time("since"),
        immutable("serial"),
        read_only("uses"),
        tags("tags"),
        immutable("batches").multi_valued(),
        Attribute::complex("maker", [tags("marks"), Attribute::string("value"), immutable("plant"), read_only("name")]),
        Attribute::complex(
            "parts",
            [
                Attribute::string("value").required(),
                Attribute::string("type"),
                Attribute::string("display"),
                Attribute::boolean("primary"),
                immutable("wing"),
            ],
        )
        .multi_valued(),
        Attribute::complex("places", [Attribute::string("type"), Attribute::string("note"), Attribute::boolean("primary")])
            .multi_valued(),
        Attribute::complex("members", [immutable("value"), immutable("display"), immutable("type")]).multi_valued(),
        Attribute::complex("holders", [immutable("value"), Attribute::string("note"), immutable("type")]).multi_valued(),
    ];
    let extension = [Attribute::string("label"), Attribute::string("code").required(), tags("tags")];
    let core = Schema::new("urn:example:params:scim:schemas:core:2.0:Thing", "Thing", core).unwrap();
    let extension = Schema::new("urn:example:params:scim:schemas:extension:x:2.0:Thing", "X", extension).unwrap();
    ResourceType::builder("Thing", "/Things", core).extension(extension).build().unwrap()
}

pub(crate) fn types() -> [ResourceType; 3] {
    [standard::user_type(), standard::group_type(), thing()]
}

/// A resource of each of the [`types`] that is valid, to begin with.
pub(crate) fn seed(on: &ResourceType) -> Object {
    let mut seed = json!({ "userName": "a", "displayName": "a", "label": "a" });
    let seed = seed.as_object_mut().unwrap();
    seed.retain(|name, _| on.attribute(name).is_some());
    on.update_schemas(seed);
    seed.clone()
}

pub(crate) const PATHS: &[&str] = &[
    "title", "userName", "active", "label", "size", "since", "serial", "uses", "tags", "batches", "displayName", "id",
    "schemas", "name", "name.givenName", "name.familyName", "maker", "maker.value", "maker.plant", "maker.marks",
    "maker.name", "emails", "emails.type", "emails.value", "emails[type eq \"a\"]", "emails[type eq \"a\"].value",
    "emails[value eq \"b\"].primary", "emails[primary eq true]", "emails[primary eq true].display",
    "emails[not (type eq \"a\")].display", "emails[type eq \"a\" and value eq \"b\"].display", "parts", "parts.primary",
    "parts.wing", "parts[type eq \"a\"]", "parts[value eq \"a\"].value", "parts[value eq \"b\"].wing",
    "parts[type eq \"b\"].primary", "parts[value pr]", "places", "places.note", "places[type eq \"a\"].note",
    "places[note eq \"b\"]", "members", "members.display", "members.value", "members[value eq \"a\"]",
    "members[value eq \"b\"]", "members[value eq \"a\"].display", "members[type eq \"a\"]", "members[type eq \"b\"].value",
    "holders", "holders[value eq \"a\"]", "holders[value eq \"b\"].note", "holders[note eq \"a\"]", "holders.note",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "urn:example:params:scim:schemas:extension:x:2.0:Thing:label",
    "urn:example:params:scim:schemas:extension:x:2.0:Thing:code",
    "urn:example:params:scim:schemas:extension:x:2.0:Thing:tags",
    "urn:example:params:scim:schemas:extension:x:2.0:Thing", "name[givenName eq \"a\"].familyName", "x", "x.y", "emails[",
    "", "tags[value eq \"a\"]", "emails[type eq \"a\" or type eq \"b\"]",
];

const KEYS: &[&str] = &[
    "value", "type", "primary", "display", "note", "wing", "givenName", "familyName", "marks", "plant", "$ref",
    "displayName", "userName", "label", "code", "tags", "active", "title", "emails", "parts", "members", "holders", "name",
    "maker", "places", "size", "name.familyName", "id", "x", "VALUE",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "urn:example:params:scim:schemas:extension:x:2.0:Thing",
    "urn:example:params:scim:schemas:extension:x:2.0:Thing:code", "emails[type eq \"a\"].value",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => select(&["a", "b", "A", "c"][..]).prop_map(Value::from),
        1 => select(&["", "True", "1", "2024-03-01T10:00:00Z", "{\"value\":\"a\"}", "[{\"value\":\"b\"}]"][..]).prop_map(Value::from),
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        1 => select(&[0, 1, 2][..]).prop_map(Value::from),
        1 => Just(json!(1.5)),
    ]
}

/// An element, or a complex value, that may well suit an attribute.
fn element() -> impl Strategy<Value = Value> {
    let text = || select(&["a", "b", "c"][..]).prop_map(Value::from);
    let member = prop_oneof![
        4 => text().prop_map(|value| ("value", value)),
        2 => text().prop_map(|value| ("type", value)),
        2 => text().prop_map(|value| ("display", value)),
        1 => text().prop_map(|value| ("note", value)),
        1 => text().prop_map(|value| ("givenName", value)),
        1 => any::<bool>().prop_map(|value| ("primary", Value::from(value))),
    ];
    vec(member, 1..4).prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Any JSON in terms of the small world.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let anything = leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec((select(KEYS), inner), 0..4)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    });
    prop_oneof![
        3 => anything,
        2 => leaf(),
        2 => element(),
        3 => vec(element(), 0..4).prop_map(Value::Array),
    ]
}

pub(crate) fn operation() -> impl Strategy<Value = Value> {
    let op = select(&["add", "add", "replace", "replace", "remove", "Add", "move"][..]);
    (op, proptest::option::weighted(0.9, select(PATHS)), proptest::option::weighted(0.9, value())).prop_map(
        |(op, path, value)| {
            let mut operation = json!({ "op": op });
            // Most that remove name no value.
            let value = value.filter(|value| op != "remove" || value.is_array());
            if let Some(path) = path {
                operation["path"] = path.into();
            }
            if let Some(value) = value {
                operation["value"] = value;
            }
            operation
        },
    )
}

pub(crate) fn message(operations: &[Value]) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}

pub(crate) fn resolve(on: &ResourceType, tolerance: &Tolerance, message: Value) -> Result<Patch, PatchError> {
    let limits = Limits::default();
    let mut reading = Reading::new(tolerance);
    PatchRequest::from_value(message, &limits, &mut reading)?.resolve(on, &limits, &mut reading)
}

/// A resource of a type: what a few operations, of which most fail, make of the seed.
pub(crate) fn grow(on: &ResourceType, operations: &[Value]) -> Object {
    let tolerance = Tolerance::lenient();
    operations.iter().fold(seed(on), |resource, operation| {
        let patch = resolve(on, &tolerance, message(std::slice::from_ref(operation)));
        let applied = patch.and_then(|patch| patch.apply(resource.clone()));
        applied.map_or(resource, |applied| applied.resource)
    })
}
