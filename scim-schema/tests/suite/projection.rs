//! `schema/projection.json`: the attributes that a response shows.
//!
//! A case has a resource, the requested or excluded attributes, and the attributes that the client has just
//! `supplied`. It expects the complete resource in `shown`, or some members in `shows` and `hides`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use scim_schema::internal::DeriveValues;
use scim_schema::{AttributeRef, Projected, Projection, ReadContext, ResourceType, Tolerance, standard};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::support::{Object, Types, profiles};

#[derive(Deserialize)]
struct File {
    resources: BTreeMap<String, Object>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    resource: String,
    /// The only profile for which the case holds.
    profile: Option<String>,
    attributes: Option<String>,
    excluded: Option<String>,
    #[serde(default)]
    supplied: Object,
    /// The complete resource in the response.
    shown: Option<Value>,
    #[serde(default)]
    shows: Object,
    #[serde(default)]
    hides: Vec<String>,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

fn projection(resource_type: &ResourceType, case: &Case, tolerance: &Tolerance) -> Projection {
    let mut read_context = ReadContext::new(tolerance);
    let mut projection = match (&case.attributes, &case.excluded) {
        (Some(names), _) => Projection::only(resource_type, names, &mut read_context),
        (None, Some(names)) => Projection::excluding(resource_type, names, &mut read_context),
        (None, None) => Projection::new(resource_type),
    };
    let is_supplied = |target: &&AttributeRef| target.values(&case.supplied).next().is_some();
    resource_type
        .all_attribute_refs()
        .filter(is_supplied)
        .for_each(|target| projection.show_supplied(target));
    projection
}

/// The JSON of a resource, after checking that both ways to write it agree.
fn text(projected: &Projected<'_>) -> String {
    let mut text = Vec::new();
    projected.write_to(&mut text);
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text, serde_json::to_string(projected).unwrap());
    text
}

#[test]
fn cases_show_the_expected_attributes() {
    let types = Types::load();
    let file: File = testdata::load("schema/projection.json");
    for case in &file.cases {
        let resource_type = types.get("Record");
        let resource = &file.resources[&case.resource];
        for (profile, tolerance) in profiles() {
            if case.profile.as_ref().is_some_and(|only| only != profile) {
                continue;
            }
            let at = format!("{} ({profile})", case.name);
            let projection = projection(resource_type, case, &tolerance);
            let shown: Value = serde_json::from_str(&text(&Projected::new(resource, &projection))).unwrap();
            if let Some(all) = &case.shown {
                assert_eq!(shown, *all, "{at}");
            }
            for (name, value) in &case.shows {
                assert_eq!(shown.get(name), Some(value), "{at}");
            }
            for name in &case.hides {
                assert_eq!(shown.get(name), None, "{at}");
            }
            // `Projection::shows` agrees with the JSON.
            for target in resource_type.all_attributes() {
                let seen = target.get(shown.as_object().unwrap()).is_some();
                assert!(projection.shows(target) || !seen, "{at}: {target}");
            }
        }
    }
}

struct Service;

impl DeriveValues for Service {
    fn value_of<'a>(&'a self, target: &AttributeRef, object: &'a Object) -> Option<Cow<'a, str>> {
        match target.definition().name() {
            "$ref" => Some(format!("https://example.com/Users/{}", object.get("value")?.as_str()?).into()),
            "resourceType" => Some("Record".into()),
            "location" => Some("https://example.com/Records/r1".into()),
            _ => None,
        }
    }
}

/// The order is `schemas`, `id`, `externalId`, the attributes of the schema, the extensions, `meta`. Sub-attributes are
/// in the order of the schema too.
#[test]
fn members_are_in_schema_order_and_include_derived_ones() {
    let types = Types::load();
    let file: File = testdata::load("schema/projection.json");
    let resource_type = types.get("Record");
    let text = |projection: &Projection, resource: &Object| {
        text(&Projected::new(resource, projection).with_derived(&Service))
    };
    let names =
        "externalId,artist,label,owners,meta,urn:example:scim:schemas:extension:sales:2.0:Record:agent";
    let some = Projection::only(resource_type, names, &mut ReadContext::new(&Tolerance::strict()));
    assert_eq!(
        text(&some, &file.resources["full"]),
        concat!(
            r#"{"schemas":["urn:example:scim:schemas:core:2.0:Record","urn:example:scim:schemas:extension:sales:2.0:Record","#,
            r#""urn:example:scim:schemas:extension:ledger:2.0:Record"],"id":"r1","externalId":"cat-0042","#,
            r#""title":"Harbour Songs","artist":"The Moorings","label":{"code":"PIER","name":"Pier Discs"},"#,
            r#""studio":{"name":"Boathouse","room":"B"},"#,
            r#""owners":[{"value":"u1","$ref":"https://example.com/Users/u1","type":"User"}],"#,
            r#""urn:example:scim:schemas:extension:sales:2.0:Record":{"agent":{"value":"u9","name":"Gil"}},"#,
            r#""meta":{"resourceType":"Record","created":"2020-05-01T10:00:00Z","#,
            r#""location":"https://example.com/Records/r1","version":"W/\"5\""}}"#,
        )
    );
    // Derived members are shown even if nothing is stored, replace stored values, and can be excluded.
    let bare = json!({ "id": "r1", "meta": { "location": "elsewhere" } });
    let bare = bare.as_object().unwrap();
    assert_eq!(
        text(&Projection::new(resource_type), bare),
        r#"{"id":"r1","meta":{"resourceType":"Record","location":"https://example.com/Records/r1"}}"#
    );
    let without =
        Projection::excluding(resource_type, "meta.location", &mut ReadContext::new(&Tolerance::strict()));
    assert_eq!(text(&without, bare), r#"{"id":"r1","meta":{"resourceType":"Record"}}"#);
    let without = Projection::excluding(resource_type, "meta", &mut ReadContext::new(&Tolerance::strict()));
    assert_eq!(text(&without, bare), r#"{"id":"r1"}"#);
}

/// The selection handles members in chunks; this object needs several.
#[test]
fn an_object_with_many_members_is_shown_completely() {
    let attributes = (0..100).map(|n| scim_schema::Attribute::integer(format!("n{n}")));
    let schema = scim_schema::Schema::new("urn:example:many", "Many", attributes).unwrap();
    let resource_type = ResourceType::builder("Many", "/Many", schema).build().unwrap();
    let resource: Object = (0..100).map(|n| (format!("n{n}"), json!(n))).collect();
    let text = text(&Projected::new(&resource, &Projection::new(&resource_type)));
    let members: Vec<String> = (0..100).map(|n| format!(r#""n{n}":{n}"#)).collect();
    assert_eq!(text, format!("{{{}}}", members.join(",")));
}

#[test]
fn a_store_can_ask_which_attributes_are_shown() {
    let resource_type = standard::group_type();
    let tolerance = Tolerance::strict();
    let read_context = &mut ReadContext::new(&tolerance);
    let members = resource_type.attribute("members").unwrap();
    assert!(
        Projection::new(&resource_type).includes("members") && Projection::new(&resource_type).is_default()
    );
    assert!(!Projection::excluding(&resource_type, "members", read_context).includes("Members"));
    let only = Projection::only(&resource_type, "members.value", read_context);
    assert!(only.shows(members) && only.shows(members.sub_attribute("value").unwrap()));
    assert!(!only.shows(members.sub_attribute("type").unwrap()) && !only.includes("displayName"));
    let mut hidden = Projection::new(&resource_type);
    hidden.hide(members);
    hidden.hide(resource_type.attribute("id").unwrap());
    assert!(!hidden.includes("members") && hidden.includes("id"));
}
