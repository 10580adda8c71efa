//! Standard, adjusted and malformed schemas and resource types.

use scim_schema::{
    Attribute, Mutability, ResourceType, Returned, Schema, SchemaError, Type, Uniqueness, standard,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Malformed {
    name: String,
    /// Exactly one of `text`, `schema` and `attributes` is present.
    text: Option<String>,
    schema: Option<Value>,
    attributes: Option<Value>,
    #[serde(default)]
    path: String,
    says: String,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

#[test]
fn errors_in_malformed_schemas_name_the_attribute() {
    let cases: Vec<Malformed> = testdata::load("schema/malformed.json");
    for case in &cases {
        let with_attributes =
            |attributes: &Value| json!({ "id": "urn:example:x", "name": "X", "attributes": attributes });
        let schema = case.schema.clone().or_else(|| case.attributes.as_ref().map(with_attributes));
        let text = schema.map_or_else(|| case.text.clone().unwrap(), |schema| schema.to_string());
        let error = Schema::from_json(&text).unwrap_err();
        let path = if case.attributes.is_some() {
            format!("urn:example:x:{}", case.path)
        } else {
            case.path.clone()
        };
        assert_eq!(error.path(), path, "{}: {error}", case.name);
        assert!(error.to_string().contains(&case.says), "{}: {error}", case.name);
        // Deserializing with serde gives the same error.
        let by_serde = serde_json::from_str::<Schema>(&text).map(|_| ()).unwrap_err();
        assert!(
            case.text.is_some() || by_serde.to_string().contains(&case.says),
            "{}: {by_serde}",
            case.name
        );
    }
}

fn standard_schemas() -> Vec<Schema> {
    vec![
        standard::user(),
        standard::group(),
        standard::enterprise_user(),
        standard::service_provider_config(),
        standard::resource_type(),
        standard::schema(),
    ]
}

#[test]
fn standard_schemas_load_and_are_written_as_they_were_read() {
    let names: Vec<String> = standard_schemas().iter().map(|schema| schema.name().to_owned()).collect();
    assert_eq!(
        names,
        ["User", "Group", "EnterpriseUser", "Service Provider Configuration", "ResourceType", "Schema"]
    );
    for schema in standard_schemas() {
        let written = serde_json::to_value(&schema).unwrap();
        assert_eq!(serde_json::to_value(Schema::from_value(&written).unwrap()).unwrap(), written);
        // Each attribute has a description, and states its characteristics even where they are the defaults.
        fn check(attribute: &Value) {
            for member in ["description", "type", "multiValued", "required", "mutability", "returned"] {
                assert!(attribute.get(member).is_some(), "{member} of {attribute}");
            }
            attribute.get("subAttributes").and_then(Value::as_array).into_iter().flatten().for_each(check);
        }
        written["attributes"].as_array().unwrap().iter().for_each(check);
    }
    assert_eq!(standard::user_type().extensions().count(), 1);
    assert_eq!(standard::group_type().endpoint(), "/Groups");
}

#[test]
fn the_standard_schemas_have_the_characteristics_of_the_rfc() {
    let user = standard::user();
    let find = |schema: &Schema, name: &str| schema.attribute(name).unwrap().clone();
    let user_name = find(&user, "userName");
    assert!(user_name.is_required() && !user_name.is_case_exact() && user_name.is_compared_as_user_name());
    assert_eq!(user_name.uniqueness(), Uniqueness::Server);
    let password = find(&user, "password");
    assert_eq!((password.mutability(), password.returned()), (Mutability::WriteOnly, Returned::Never));
    assert_eq!(find(&user, "active").default_value(), Some(&json!(true)));
    let groups = find(&user, "groups");
    assert!(groups.sub_attributes().iter().all(|sub| sub.mutability() == Mutability::ReadOnly));
    assert!(find(&user, "addresses").sub_attributes().iter().any(|sub| sub.name() == "primary"));
    assert!(find(&standard::group(), "displayName").is_required());
    let members = find(&standard::group(), "members");
    assert!(members.sub_attributes().iter().all(|sub| sub.mutability() == Mutability::Immutable));
    let manager = find(&standard::enterprise_user(), "manager");
    assert!(manager.sub_attributes().iter().any(|sub| sub.name() == "value" && sub.is_case_exact()));
}

/// RFC 7643 section 2.2.
#[test]
fn missing_characteristics_have_their_defaults() {
    let schema = Schema::from_json(r#"{ "id": "urn:example:x", "attributes": [{ "name": "a" }] }"#).unwrap();
    let attribute = schema.attribute("A").unwrap();
    assert_eq!(attribute, &Attribute::string("a"));
    assert_eq!(attribute.data_type(), Type::String);
    assert!(!attribute.is_required() && !attribute.is_multi_valued() && !attribute.is_case_exact());
    assert_eq!((attribute.mutability(), attribute.returned()), (Mutability::ReadWrite, Returned::Default));
    assert_eq!(attribute.uniqueness(), Uniqueness::None);
    assert!(attribute.canonical_values().is_empty() && attribute.reference_types().is_empty());
    assert_eq!(schema.name(), "urn:example:x");
}

/// Names and keywords can be in any case, null means the same as absent, and unknown members are ignored.
#[test]
fn schemas_are_read_leniently() {
    let text = r#"{
        "ID": "urn:example:x", "Name": "X", "meta": {}, "description": null,
        "Attributes": [
            { "NAME": "a", "Type": "DATETIME", "multivalued": true, "caseExact": true, "subAttributes": null },
            { "name": "b", "type": "complex", "uniqueness": "none", "caseExact": false, "mutability": "ReadOnly",
              "subattributes": [{ "name": "c", "vendor": 1 }, { "name": "$ref", "type": "reference" }] }
        ]
    }"#;
    let schema = Schema::from_json(text).unwrap();
    assert_eq!(schema.attribute("a").unwrap(), &Attribute::date_time("a").multi_valued());
    let b = schema.attribute("b").unwrap();
    assert!(b.sub_attributes().iter().all(|sub| sub.mutability() == Mutability::ReadOnly));
    assert!(serde_json::to_value(b).unwrap().get("uniqueness").is_none());
}

#[test]
fn standard_schemas_are_described_as_in_the_rfc() {
    assert_eq!(standard::user().description(), "User Account");
    assert_eq!(standard::user_type().description(), "User Account");
}

#[test]
fn a_host_adjusts_standard_schemas() {
    let user = standard::user()
        .adjust("NAME.familyName", |a| a.required())
        .and_then(|user| user.adjust("title", |a| a.with_canonical_values(["Dr"]).only_canonical_values()))
        .and_then(|user| user.adjust("emails", |a| a.required()))
        .and_then(|user| user.without("ims"))
        .and_then(|user| user.without("name.middleName"))
        .and_then(|user| user.with_attribute(Attribute::string("externalId").required().case_exact(true)))
        .unwrap();
    assert_eq!(user.description(), standard::user().description());
    assert!(user.attribute("ims").is_none() && standard::user().attribute("ims").is_some());
    let resource_type = ResourceType::builder("User", "Users", user).build().unwrap();
    assert_eq!(resource_type.endpoint(), "/Users");
    let check = |change: Value| {
        let mut resource = json!({
            "schemas": [standard::USER], "userName": "mila", "externalId": "7",
            "emails": [{ "value": "mila@example.org" }], "name": { "familyName": "Novak" }
        });
        resource.as_object_mut().unwrap().append(&mut change.as_object().unwrap().clone());
        resource_type
            .validate(resource.as_object().unwrap(), None)
            .map_err(|violation| violation.path().to_owned())
    };
    assert_eq!(check(json!({ "title": "dr" })), Ok(()));
    assert_eq!(check(json!({ "title": "Sir" })), Err("title".to_owned()));
    assert_eq!(check(json!({ "externalId": "" })), Err("externalId".to_owned()));
    assert_eq!(check(json!({ "emails": [] })), Err("emails".to_owned()));
    assert_eq!(check(json!({ "name": { "givenName": "Mila" } })), Err("name.familyName".to_owned()));
    assert_eq!(check(json!({ "ims": [] })), Err("ims".to_owned()));
    assert_eq!(
        resource_type.attributes().filter(|target| target.attribute().name() == "externalId").count(),
        1
    );
}

#[test]
fn errors_of_adjustments_name_the_attribute() {
    let error = |result: Result<Schema, SchemaError>| result.unwrap_err().to_string();
    let user = |name: &str| format!("`{}:{name}`", standard::USER);
    assert!(error(standard::user().adjust("shoeSize", |a| a)).starts_with(&user("shoeSize")));
    assert!(error(standard::user().adjust("emails.shape", |a| a)).starts_with(&user("emails.shape")));
    assert!(error(standard::user().adjust("userName.first", |a| a)).starts_with(&user("userName.first")));
    assert!(
        error(standard::user().adjust("title", |a| a.only_canonical_values())).starts_with(&user("title"))
    );
    assert!(error(standard::user().adjust("active", |a| a.with_max_length(4))).starts_with(&user("active")));
    assert!(error(standard::user().without("nothing")).starts_with(&user("nothing")));
    assert!(error(standard::user().with_attribute(Attribute::string("TITLE"))).starts_with(&user("TITLE")));
}

#[test]
fn resource_types_are_checked() {
    let schema = |attributes: &[Attribute]| Schema::new("urn:example:x", "X", attributes.to_vec()).unwrap();
    let build = |endpoint: &str, attributes: &[Attribute]| {
        ResourceType::builder("X", endpoint, schema(attributes)).build().map_err(|error| error.to_string())
    };
    for endpoint in ["", "/", "/a/b", "/a b", "/a?b", "//a", "/é"] {
        assert!(build(endpoint, &[]).is_err(), "{endpoint}");
    }
    let nested = Attribute::complex("a", [Attribute::complex("b", [Attribute::string("c")])]);
    assert_eq!(build("/X", &[nested]).unwrap_err(), "`urn:example:x:a.b`: a sub-attribute cannot be complex");
    let flag = Attribute::boolean("a").with_default_value("yes");
    assert_eq!(
        build("/X", &[flag]).unwrap_err(),
        "`urn:example:x:a`: its default value must be true or false"
    );
    let sub = Attribute::complex("a", [Attribute::integer("b").with_default_value(1.5)]);
    assert_eq!(
        build("/X", &[sub]).unwrap_err(),
        "`urn:example:x:a.b`: its default value must be a whole number"
    );
    let twice = ResourceType::builder("X", "/X", schema(&[])).extension(schema(&[])).build();
    assert_eq!(twice.unwrap_err().to_string(), "`urn:example:x`: duplicate schema");
    let resource_type = build("X", &[Attribute::string("ID"), Attribute::string("meta")]).unwrap();
    let names: Vec<&str> = resource_type.attributes().map(|target| target.path().as_str()).collect();
    assert_eq!(names, ["schemas", "id", "externalId", "meta"]);
}
