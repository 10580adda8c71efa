//! The requests that lead from one resource to another: which operations they have.

use scim_patch::{PatchLimits, PatchRequest};
use scim_schema::{Attribute, Mutability, ReadContext, ResourceType, Schema, Tolerance, standard};
use serde_json::{Value, json};

/// The operations of a request that does what it should under the strictest tolerance.
fn operations(on: &ResourceType, from: &Value, to: &Value) -> Value {
    let object = |value: &Value| value.as_object().unwrap().clone();
    let request = PatchRequest::diff(on, &object(from), &object(to));
    let operations = serde_json::to_value(&request.operations).unwrap();
    let (tolerance, limits) = (Tolerance::interop(), PatchLimits::default());
    if !request.operations.is_empty() {
        let patch = request.resolve(on, &limits, &mut ReadContext::new(&tolerance)).unwrap();
        assert!(patch.apply(object(from)).is_ok());
    }
    operations
}

#[test]
fn what_only_the_service_writes_is_left_alone() {
    let on = standard::user_type();
    let user = |id: &str, name: &str, group: &str| {
        json!({
            "schemas": [standard::USER, standard::ENTERPRISE_USER],
            "id": id,
            "meta": { "version": id },
            "userName": "a",
            "groups": [{ "value": group }],
            standard::ENTERPRISE_USER: { "manager": { "value": "m", "displayName": name } },
        })
    };
    let (mut from, mut to) = (user("1", "Mika", "g"), user("2", "Noor", "h"));
    assert_eq!(operations(&on, &from, &to), json!([]));

    let manager = format!("{}:manager.value", standard::ENTERPRISE_USER);
    to[standard::ENTERPRISE_USER]["manager"]["value"] = "n".into();
    assert_eq!(operations(&on, &from, &to), json!([{ "op": "replace", "path": manager, "value": "n" }]));
    from.as_object_mut().unwrap().remove(standard::ENTERPRISE_USER);
    from["schemas"] = json!([standard::USER]);
    assert_eq!(operations(&on, &to, &from)[0]["op"], "remove");
}

#[test]
fn what_only_the_service_writes_in_elements_is_left_alone() {
    let floor = Attribute::string("floor").with_mutability(Mutability::ReadOnly);
    let doors = Attribute::complex("doors", [Attribute::string("value"), floor]).multi_valued();
    let schema = Schema::new("urn:example:params:scim:schemas:core:2.0:House", "House", [doors]).unwrap();
    let on = ResourceType::builder("House", "/Houses", schema).build().unwrap();
    let house = |floor: &str, value: &str| json!({ "doors": [{ "value": value, "floor": floor }] });
    assert_eq!(operations(&on, &house("1", "a"), &house("2", "a")), json!([]));
    let replace = json!([{ "op": "replace", "path": "doors", "value": [{ "value": "b" }] }]);
    assert_eq!(operations(&on, &house("1", "a"), &house("1", "b")), replace);
}

#[test]
fn each_change_takes_one_operation() {
    let on = standard::user_type();
    let from = json!({
        "userName": "a",
        "title": "t",
        "name": { "givenName": "g", "familyName": "f" },
        "emails": [{ "value": "a@example.com" }],
        "phoneNumbers": [{ "value": "1" }, { "value": "2" }],
    });
    let to = json!({
        "userName": "b",
        "name": { "givenName": "h", "formatted": "h f" },
        "emails": [{ "value": "a@example.com" }, { "value": "b@example.com" }],
        "phoneNumbers": [{ "value": "2" }],
    });
    assert_eq!(
        operations(&on, &from, &to),
        json!([
            { "op": "replace", "path": "userName", "value": "b" },
            { "op": "replace", "path": "name.formatted", "value": "h f" },
            { "op": "remove", "path": "name.familyName" },
            { "op": "replace", "path": "name.givenName", "value": "h" },
            { "op": "remove", "path": "title" },
            { "op": "add", "path": "emails", "value": [{ "value": "b@example.com" }] },
            { "op": "replace", "path": "phoneNumbers", "value": [{ "value": "2" }] },
        ])
    );
    assert_eq!(operations(&on, &from, &from), json!([]));
}

#[test]
fn members_are_replaced_where_that_is_shorter() {
    let on = standard::group_type();
    let group = |ids: &[&str]| {
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        json!({ "displayName": "g", "members": members })
    };
    let from = group(&["a", "b", "c"]);
    assert_eq!(operations(&on, &from, &group(&["c", "a", "b"])), json!([]));
    let one = json!([{ "op": "remove", "path": "members[value eq \"b\"]" }]);
    assert_eq!(operations(&on, &from, &group(&["a", "c"])), one);
    let all = json!([{ "op": "replace", "path": "members", "value": [{ "value": "d" }] }]);
    assert_eq!(operations(&on, &from, &group(&["d"])), all);
}
