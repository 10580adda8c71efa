//! The typed structs have a field for every attribute of the standard schemas, and keep all other attributes.

use std::fmt::Debug;

use scim_schema::typed::{Element, EnterpriseUser, Group, TypedExtension, User};
use scim_schema::{Attribute, Schema, Type, standard};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// A value that suits an attribute, with all its sub-attributes.
fn sample(attribute: &Attribute) -> Value {
    let value = match attribute.data_type() {
        Type::Boolean => json!(true),
        Type::Complex => attribute.sub_attributes().iter().map(|sub| (sub.name(), sample(sub))).collect(),
        _ => json!(format!("some {}", attribute.name())),
    };
    if attribute.is_multi_valued() { json!([value, value]) } else { value }
}

fn full(schema: &Schema) -> Map<String, Value> {
    let attributes = schema.attributes().iter().filter(|attribute| attribute.name() != "password");
    attributes.map(|attribute| (attribute.name().to_owned(), sample(attribute))).collect()
}

fn with_common(mut resource: Map<String, Value>, schema: &Schema) -> Value {
    let meta =
        json!({ "resourceType": "R", "created": "c", "lastModified": "m", "location": "l", "version": "v" });
    let common = json!({ "schemas": [schema.id()], "id": "1", "externalId": "e", "meta": meta });
    resource.extend(common.as_object().unwrap().clone());
    resource.into()
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: &Value) -> T {
    let typed: T = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), *json);
    // Deserializing from text takes another code path in serde than from a `Value`.
    assert_eq!(serde_json::from_str::<T>(&json.to_string()).unwrap(), typed);
    typed
}

fn assert_no_other(element: &Element) {
    assert!(element.other.is_empty() && element.value.is_some(), "{element:?}");
}

#[test]
fn user_has_a_field_for_every_attribute() {
    let user: User = round_trip(&with_common(full(&standard::user()), &standard::user()));
    assert_eq!(user.other, Map::new());
    assert_eq!(user.name.unwrap().other, Map::new());
    assert_eq!(user.meta.unwrap().other, Map::new());
    assert!(user.addresses.iter().all(|address| address.other.is_empty()));
    let lists = [user.emails, user.phone_numbers, user.ims, user.photos, user.groups, user.entitlements];
    lists.iter().chain([&user.roles, &user.x509_certificates]).flatten().for_each(assert_no_other);
}

#[test]
fn group_and_extension_have_a_field_for_every_attribute() {
    let group: Group = round_trip(&with_common(full(&standard::group()), &standard::group()));
    assert_eq!(group.other, Map::new());
    group.members.iter().for_each(assert_no_other);
    let enterprise: EnterpriseUser = round_trip(&full(&standard::enterprise_user()).into());
    assert_eq!((enterprise.other, enterprise.manager.unwrap().other), (Map::new(), Map::new()));
    assert_eq!(EnterpriseUser::URI, standard::enterprise_user().id());
}

#[test]
fn unknown_attributes_are_kept() {
    let user = json!({
        "schemas": [standard::USER, "urn:example:x"],
        "userName": "mila",
        "shoeSize": { "left": 38.5, "right": 12345678901234567890_u64 },
        "name": { "givenName": "Mila", "clan": "Novak" },
        "emails": [{ "value": "mila@example.org", "verified": true }, { "primary": true }],
        "addresses": [{ "planet": "Earth" }],
        "meta": { "reviewed": null },
        "urn:example:x": { "badge": 7, "deep": [[{}]] },
    });
    let typed: User = round_trip(&user);
    assert_eq!(typed.email(), None);
    assert_eq!(Element::preferred(&typed.emails[..1]), Some("mila@example.org"));
    round_trip::<Group>(
        &json!({ "displayName": "Crew", "members": [{ "value": "1", "rank": 2 }], "urn:example:y": [] }),
    );
    round_trip::<EnterpriseUser>(
        &json!({ "department": "Reef", "pager": "17", "manager": { "since": 2020 } }),
    );
    // A resource that a projection reduced does not get default values.
    round_trip::<User>(&json!({ "id": "1" }));
}

#[test]
fn new_resources_have_a_name_and_schemas() {
    assert_eq!(
        serde_json::to_value(User::new("mila")).unwrap(),
        json!({ "schemas": [standard::USER], "userName": "mila" })
    );
    assert_eq!(
        serde_json::to_value(Group::new("Crew")).unwrap(),
        json!({ "schemas": [standard::GROUP], "displayName": "Crew" })
    );
    assert!(serde_json::from_value::<User>(json!({ "userName": 7 })).is_err());
}
