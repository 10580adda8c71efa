//! Random resources and patches over a small world, so that they meet.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scim_patch::{PATCH_OP, Patch, PatchError, PatchLimits, PatchRequest};
use scim_schema::{
    Attribute, AttributeRef, Mutability, ReadContext, ResourceType, Schema, Tolerance, Type, standard,
};
use serde_json::{Value, json};

use super::Object;

/// A type with one of everything.
pub(crate) fn thing() -> ResourceType {
    let immutable = |name: &str| Attribute::string(name).with_mutability(Mutability::Immutable);
    let read_only = |name: &str| Attribute::string(name).with_mutability(Mutability::ReadOnly);
    let reference = || Attribute::reference("$ref", ["User"]);
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
        Attribute::complex(
            "maker",
            [tags("marks"), Attribute::string("value"), immutable("plant"), read_only("name")],
        ),
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
        Attribute::complex(
            "places",
            [Attribute::string("type"), Attribute::string("note"), Attribute::boolean("primary")],
        )
        .multi_valued(),
        Attribute::complex(
            "members",
            [immutable("value"), reference(), immutable("display"), immutable("type")],
        )
        .multi_valued(),
        Attribute::complex(
            "holders",
            [immutable("value"), reference(), Attribute::string("note"), immutable("type")],
        )
        .multi_valued(),
    ];
    let extension = [Attribute::string("label"), Attribute::string("code").required(), tags("tags")];
    let core = Schema::new("urn:example:params:scim:schemas:core:2.0:Thing", "Thing", core).unwrap();
    let extension =
        Schema::new("urn:example:params:scim:schemas:extension:x:2.0:Thing", "X", extension).unwrap();
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

const TEXTS: &[&str] = &["a", "b", "c"];

fn leaf() -> impl Strategy<Value = Value> {
    const ODD: &[&str] = &["", "A", "True", "1", "{\"value\":\"a\"}", "[{\"value\":\"b\"}]"];
    prop_oneof![
        4 => select(TEXTS).prop_map(Value::from),
        2 => select(ODD).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => (0..3).prop_map(Value::from),
        1 => Just(json!(1.5)),
    ]
}

/// Any JSON, in terms of the small world.
pub(crate) fn anything() -> impl Strategy<Value = Value> {
    const KEYS: &[&str] = &[
        "value",
        "type",
        "primary",
        "display",
        "note",
        "marks",
        "plant",
        "$ref",
        "displayName",
        "userName",
        "label",
        "code",
        "tags",
        "active",
        "title",
        "emails",
        "parts",
        "members",
        "name",
        "maker",
        "name.familyName",
        "id",
        "x",
        "VALUE",
        "schemas",
        "emails[type eq \"a\"].value",
        "op",
        "path",
        "Operations",
    ];
    leaf().prop_recursive(3, 12, 3, |inner| {
        let members = vec((select(KEYS), inner.clone()), 0..4);
        let object =
            members.prop_map(|all| all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        prop_oneof![vec(inner, 0..3).prop_map(Value::Array), object]
    })
}

/// A value that suits an attribute, or one of its elements.
fn fitting_one(target: &AttributeRef) -> BoxedStrategy<Value> {
    match target.definition().data_type() {
        Type::String => select(TEXTS).prop_map(Value::from).boxed(),
        Type::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Type::Integer | Type::Decimal => (0..3).prop_map(Value::from).boxed(),
        Type::DateTime => {
            select(&["2024-03-01T10:00:00Z", "2024-03-01T11:00:00+01:00"][..]).prop_map(Value::from).boxed()
        }
        Type::Binary => Just(json!("YQ==")).boxed(),
        Type::Reference => {
            select(&["https://example.com/a", "https://example.com/b"][..]).prop_map(Value::from).boxed()
        }
        Type::Complex => {
            let subs = target.sub_attributes().to_vec();
            let member = select(subs).prop_flat_map(|sub| {
                let name = sub.definition().name().to_owned();
                prop_oneof![12 => fitting(&sub), 1 => Just(Value::Null)]
                    .prop_map(move |value| (name.clone(), value))
            });
            let object = vec(member, 1..4).prop_map(|members| members.into_iter().collect::<Object>());
            // Most elements have a value.
            let value = match target.sub_attribute("value") {
                Some(sub) => proptest::option::weighted(0.8, fitting(sub)).boxed(),
                None => Just(None).boxed(),
            };
            (object, value)
                .prop_map(|(mut object, value)| {
                    object.extend(value.map(|value| ("value".to_owned(), value)));
                    Value::Object(object)
                })
                .boxed()
        }
    }
}

/// A value that suits an attribute.
fn fitting(target: &AttributeRef) -> BoxedStrategy<Value> {
    if target.definition().is_multi_valued() {
        vec(fitting_one(target), 0..4).prop_map(Value::Array).boxed()
    } else {
        fitting_one(target)
    }
}

/// A filter that may select an element.
fn filter(target: &AttributeRef) -> BoxedStrategy<String> {
    let sub = match target.sub_attributes() {
        [] => return fitting_one(target).prop_map(|value| format!("value eq {value}")).boxed(),
        subs => select(subs.to_vec()),
    };
    let term = sub.prop_flat_map(|sub| {
        let name = sub.definition().name().to_owned();
        fitting_one(&sub).prop_map(move |value| format!("{name} eq {value}"))
    });
    (term.clone(), term, 0..8)
        .prop_map(|(a, b, form)| match form {
            0 => format!("{a} and {b}"),
            1 => format!("{a} or {b}"),
            2 => format!("not ({a})"),
            _ => a,
        })
        .boxed()
}

/// A path to an attribute or part of it, with a value that suits it.
fn place(on: &ResourceType) -> impl Strategy<Value = (String, Value)> + use<> {
    // Certificates that are none are tolerated, which is not what is tried here.
    let left_out = ["id", "meta", "schemas", "groups", "x509Certificates"];
    let attributes: Vec<AttributeRef> = on
        .all_attributes()
        .filter(|target| !left_out.contains(&target.attribute().name()))
        .cloned()
        .collect();
    select(attributes).prop_flat_map(|target| {
        let whole = fitting(&target).prop_map({
            let path = target.to_string();
            move |value| (path.clone(), value)
        });
        let mut ways = vec![(4, whole.boxed())];
        if !target.sub_attributes().is_empty() {
            let sub = select(target.sub_attributes().to_vec());
            let sub = sub.prop_flat_map(|sub| (Just(sub.to_string()), fitting(&sub)));
            ways.push((2, sub.boxed()));
        }
        if target.definition().is_multi_valued() {
            let path = target.to_string();
            let element = (filter(&target), fitting_one(&target));
            ways.push((
                1,
                element.prop_map(move |(filter, value)| (format!("{path}[{filter}]"), value)).boxed(),
            ));
            if !target.sub_attributes().is_empty() {
                let path = target.to_string();
                let sub = select(target.sub_attributes().to_vec());
                let sub = sub.prop_flat_map(|sub| (Just(sub.definition().name().to_owned()), fitting(&sub)));
                let part = (filter(&target), sub);
                let part =
                    part.prop_map(move |(filter, (sub, value))| (format!("{path}[{filter}].{sub}"), value));
                ways.push((3, part.boxed()));
            }
        }
        proptest::strategy::Union::new_weighted(ways)
    })
}

/// An operation on resources of a type; most suit it.
pub(crate) fn operation(on: &ResourceType) -> impl Strategy<Value = Value> + use<> {
    let op = |op: &'static str| {
        move |(path, value): (String, Value)| match (op, &value) {
            ("remove", Value::Array(_)) if path.len() % 2 == 0 => {
                json!({ "op": op, "path": path, "value": value })
            }
            ("remove", _) => json!({ "op": op, "path": path }),
            _ => json!({ "op": op, "path": path, "value": value }),
        }
    };
    let odd = (select(&["add", "replace", "remove", "Add", "move"][..]), place(on), anything());
    let odd = odd.prop_map(|(op, (path, _), value)| json!({ "op": op, "path": path, "value": value }));
    let pathless = vec(place(on), 1..4).prop_map(|places| {
        let value: Object = places.into_iter().collect();
        json!({ "op": if value.len().is_multiple_of(2) { "add" } else { "replace" }, "value": value })
    });
    prop_oneof![
        6 => place(on).prop_map(op("add")),
        5 => place(on).prop_map(op("replace")),
        4 => place(on).prop_map(op("remove")),
        1 => pathless,
        1 => odd,
        1 => (select(&["add", "replace", "remove"][..]), anything()).prop_map(|(op, value)| json!({ "op": op, "value": value })),
    ]
}

/// A type, operations that make a resource of it, and a patch of one to some operations.
pub(crate) fn scenario() -> impl Strategy<Value = (ResourceType, Object, Vec<Value>)> {
    select(types().to_vec()).prop_flat_map(|on| (Just(on.clone()), resource(&on), vec(operation(&on), 1..6)))
}

/// A valid resource of a type.
pub(crate) fn resource(on: &ResourceType) -> impl Strategy<Value = Object> + use<> {
    let on = on.clone();
    vec(operation(&on), 0..25).prop_map(move |operations| grow(&on, &operations))
}

pub(crate) fn tolerance() -> impl Strategy<Value = Tolerance> {
    select(vec![Tolerance::lenient(), Tolerance::lenient(), Tolerance::strict(), Tolerance::interop()])
}

pub(crate) fn message(operations: &[Value]) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}

pub(crate) fn resolve(on: &ResourceType, tolerance: &Tolerance, message: Value) -> Result<Patch, PatchError> {
    let limits = PatchLimits::default();
    let mut read_context = ReadContext::new(tolerance);
    PatchRequest::from_value(message, &limits, &mut read_context)?.resolve(on, &limits, &mut read_context)
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
