//! The cases of `testdata/schema`: normalising, validating, projecting.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use scim_schema::{
    Attribute, Mutability, Projected, Projection, Reading, ResourceType, Returned, Schema, Tolerance,
    Violation, standard,
};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Expected {
    #[serde(rename = "scimType")]
    scim_type: Option<String>,
    path: Option<String>,
}

impl Expected {
    fn check(&self, name: &str, error: &Violation) {
        if let Some(scim_type) = &self.scim_type {
            assert_eq!(error.scim_type().as_str(), scim_type, "{name}: {error}");
        }
        if let Some(path) = &self.path {
            assert_eq!(error.path(), path, "{name}: {error}");
        }
    }
}

fn resource_type(name: &str) -> ResourceType {
    match name {
        "User" => standard::user_type(),
        "Group" => standard::group_type(),
        "Device" => device("Device", []),
        "Locker" => {
            let code = Attribute::string("code").required().with_mutability(Mutability::WriteOnly);
            device("Locker", [code.with_returned(Returned::Never)])
        }
        other => panic!("{other} is not a resource type of the cases"),
    }
}

fn device(name: &str, more: impl IntoIterator<Item = Attribute>) -> ResourceType {
    let attributes = [
        Attribute::string("serial").with_mutability(Mutability::Immutable).required(),
        Attribute::string("kind").with_canonical_values(["phone", "laptop"]).only_canonical_values(),
        Attribute::string("label").with_max_length(10),
        Attribute::integer("ports"),
        Attribute::decimal("weight"),
        Attribute::complex("owner", [Attribute::string("value").required(), Attribute::string("note")]),
    ];
    let id = format!("urn:example:params:scim:schemas:core:2.0:{name}");
    let schema = Schema::new(id, name, attributes.into_iter().chain(more)).unwrap();
    ResourceType::builder(name, format!("/{name}s"), schema).build().unwrap()
}

fn tolerance(profile: &str) -> Tolerance {
    match profile {
        "lenient" => Tolerance::lenient(),
        "strict" => Tolerance::strict(),
        "interop" => Tolerance::interop(),
        other => panic!("{other} is not a profile"),
    }
}

#[derive(Deserialize)]
struct Normalize {
    name: String,
    on: String,
    profiles: Vec<String>,
    given: Map<String, Value>,
    then: Option<Map<String, Value>>,
    fired: Option<Vec<String>>,
    error: Option<Expected>,
}

#[test]
fn normalize() {
    let cases: Vec<Normalize> = testdata::load("schema/rules-normalize.json");
    assert!(cases.len() > 30);
    for case in &cases {
        let on = resource_type(&case.on);
        for profile in &case.profiles {
            let name = format!("{} ({profile})", case.name);
            let tolerance = tolerance(profile);
            let mut reading = Reading::new(&tolerance);
            let mut resource = case.given.clone();
            match (on.normalize(&mut resource, &mut reading), &case.error) {
                (Ok(()), None) => {
                    assert_eq!(Some(&resource), case.then.as_ref(), "{name}");
                    let again = resource.clone();
                    // Values stay as they were sent, base64 or not.
                    let strict = Tolerance::strict().with(scim_schema::Quirk::NotBase64);
                    on.normalize(&mut resource, &mut Reading::new(&strict)).unwrap();
                    assert_eq!(resource, again, "{name}: canonical form is not canonical");
                }
                (Err(error), Some(expected)) => expected.check(&name, &error),
                (result, _) => panic!("{name}: {result:?}"),
            }
            if let Some(fired) = &case.fired {
                let met: Vec<&str> = reading.fired().iter().map(|fired| fired.quirk.name()).collect();
                assert_eq!(&met, fired, "{name}");
            }
        }
    }
}

/// Each deviation that is tolerated alone is refused, or read otherwise, without it.
#[test]
fn each_quirk_can_be_switched_off() {
    let cases: Vec<Normalize> = testdata::load("schema/rules-normalize.json");
    for case in cases.iter().filter(|case| case.fired.as_ref().is_some_and(|fired| fired.len() == 1)) {
        let on = resource_type(&case.on);
        let name = &case.fired.as_ref().unwrap()[0];
        let quirk = *scim_schema::Quirk::ALL.iter().find(|quirk| quirk.name() == name).unwrap();
        let tolerance = Tolerance::lenient().without(quirk);
        let mut resource = case.given.clone();
        let accepted = on
            .normalize(&mut resource, &mut Reading::new(&tolerance))
            .and_then(|()| on.validate(&resource, None))
            .is_ok();
        assert!(
            !accepted || Some(&resource) != case.then.as_ref(),
            "{}: `{name}` makes no difference",
            case.name
        );
    }
}

#[derive(Deserialize)]
struct Validate {
    name: String,
    on: String,
    resource: Map<String, Value>,
    before: Option<Map<String, Value>>,
    error: Option<Expected>,
}

#[test]
fn validate() {
    let cases: Vec<Validate> = testdata::load("schema/rules-validate.json");
    assert!(cases.len() > 30);
    for case in &cases {
        let on = resource_type(&case.on);
        match (on.validate(&case.resource, case.before.as_ref()), &case.error) {
            (Ok(()), None) => {}
            (Err(error), Some(expected)) => expected.check(&case.name, &error),
            (result, _) => panic!("{}: {result:?}", case.name),
        }
    }
}

#[derive(Deserialize)]
struct Projections {
    resource: Map<String, Value>,
    cases: Vec<ProjectionCase>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectionCase {
    name: String,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
    then: Value,
}

#[test]
fn project() {
    let Projections { resource, cases } = testdata::load("schema/rules-projection.json");
    let on = standard::user_type();
    let tolerance = Tolerance::strict();
    for case in &cases {
        let mut reading = Reading::new(&tolerance);
        let projection = match (&case.attributes, &case.excluded_attributes) {
            (Some(names), _) => Projection::only(&on, names, &mut reading),
            (_, Some(names)) => Projection::except(&on, names, &mut reading),
            _ => Projection::new(&on),
        };
        let text = serde_json::to_string(&Projected::new(&resource, &projection)).unwrap();
        let shown: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(shown, case.then, "{}", case.name);
        // `schemas`, `id` first and `meta` last, whatever the order of the map is.
        assert!(text.starts_with("{\"schemas\":"), "{text}");
        if let Some(name) = text.find("\"userName\"") {
            assert!(text.find("\"id\"") < Some(name), "{text}");
        }
        if let Some(meta) = text.find("\"meta\"") {
            assert!(Some(meta) > text.find("\"department\""), "{text}");
        }
    }
}

/// An attribute that is returned on request is shown when it is asked for, or was just written.
#[test]
fn returned_on_request() {
    let notes = Attribute::string("notes").with_returned(Returned::Request);
    let on = device("Device", [notes]);
    let resource = serde_json::json!({ "id": "1", "serial": "s", "notes": "n" });
    let show = |projection: &Projection| {
        serde_json::to_value(Projected::new(resource.as_object().unwrap(), projection)).unwrap()
    };
    let mut projection = Projection::new(&on);
    assert!(show(&projection).get("notes").is_none());
    projection.supplied(on.attribute("notes").unwrap());
    assert_eq!(show(&projection)["notes"], "n");
    let named = Projection::only(&on, "notes", &mut Reading::new(&Tolerance::strict()));
    assert_eq!(show(&named)["notes"], "n");
}

/// A schema or type that is not well formed is refused with the place that is wrong.
#[test]
fn malformed_schemas_name_the_place() {
    let schema = |attributes: &str| {
        let text = format!(r#"{{ "id": "urn:example:bad", "name": "Bad", "attributes": {attributes} }}"#);
        Schema::from_json(&text).unwrap_err().to_string()
    };
    for (attributes, place) in [
        (r#"[{ "name": "1st" }]"#, "1st"),
        (r#"[{ "name": "a" }, { "name": "A" }]"#, "A"),
        (r#"[{ "name": "a", "type": "text" }]"#, "a"),
        (r#"[{ "name": "a", "type": "complex" }]"#, "a"),
        (r#"[{ "name": "a", "subAttributes": [{ "name": "b" }] }]"#, "a"),
        (
            r#"[{ "name": "a", "type": "complex", "subAttributes": [{ "name": "b", "returned": "often" }] }]"#,
            "b",
        ),
        (r#"[{ "name": "a", "mutability": "writeOnly" }]"#, "a"),
        (r#"[{ "type": "string" }]"#, "name"),
        (r#"{}"#, "attributes"),
    ] {
        let error = schema(attributes);
        assert!(error.contains(place), "{attributes}: {error}");
    }
    assert!(Schema::new("no uri", "X", []).is_err());
    assert!(standard::user().adjust("emails.shape", |a| a).unwrap_err().to_string().contains("shape"));
    let nested = Attribute::complex("a", [Attribute::complex("b", [Attribute::string("c")])]);
    let nested = Schema::new("urn:example:nested", "Nested", [nested]).unwrap();
    assert!(ResourceType::builder("X", "/X", nested).build().unwrap_err().to_string().contains("a.b"));
    assert!(ResourceType::builder("X", "/a/b", standard::user()).build().is_err());
    assert!(ResourceType::builder("X", "/X", standard::user()).extension(standard::user()).build().is_err());
}
