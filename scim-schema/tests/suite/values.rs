//! Reading and changing the values of attributes in a resource.

use scim_schema::{AttributeRef, ResourceType, standard};
use serde_json::{Map, Value, json};

fn find<'a>(resource_type: &'a ResourceType, path: &str) -> &'a AttributeRef {
    resource_type.all_attribute_refs().find(|target| target.path().as_str() == path).unwrap()
}

fn in_extension(name: &str) -> String {
    format!("{}:{name}", standard::ENTERPRISE_USER)
}

#[test]
fn attributes_can_be_set_read_and_removed() {
    let resource_type = standard::user_type();
    let mut resource = Map::new();
    for (number, target) in resource_type.all_attributes().enumerate() {
        assert_eq!(target.get(&resource), None, "{target}");
        assert_eq!(target.get_mut(&mut resource), None, "{target}");
        assert_eq!(target.remove(&mut resource), None, "{target}");
        assert_eq!(target.set(&mut resource, json!(number)), None, "{target}");
        assert_eq!(target.set(&mut resource, json!([number])), Some(json!(number)), "{target}");
    }
    for (number, target) in resource_type.all_attributes().enumerate() {
        assert_eq!(target.get(&resource), Some(&json!([number])), "{target}");
        *target.get_mut(&mut resource).unwrap() = json!(number);
        assert_eq!(target.remove(&mut resource), Some(json!(number)), "{target}");
        assert_eq!(target.get(&resource), None, "{target}");
    }
    assert_eq!(resource, Map::new());
}

#[test]
fn an_extension_is_removed_with_its_last_attribute() {
    let resource_type = standard::user_type();
    let department = find(&resource_type, &in_extension("department")).clone();
    let mut resource = Map::new();
    department.set(&mut resource, json!("Sales"));
    find(&resource_type, &in_extension("division")).set(&mut resource, json!("North"));
    department.remove(&mut resource);
    assert_eq!(
        Value::Object(resource.clone()),
        json!({ standard::ENTERPRISE_USER: { "division": "North" } })
    );
    find(&resource_type, &in_extension("division")).remove(&mut resource);
    assert_eq!(resource, Map::new());

    let mut empty = json!({ standard::ENTERPRISE_USER: {} });
    assert_eq!(department.remove(empty.as_object_mut().unwrap()), None);
    assert_eq!(empty, json!({}));
}

#[test]
fn an_extension_that_is_not_an_object_has_no_attributes() {
    let resource_type = standard::user_type();
    let department = find(&resource_type, &in_extension("department"));
    let mut resource = json!({ standard::ENTERPRISE_USER: "Sales" });
    let resource = resource.as_object_mut().unwrap();
    assert_eq!(department.get(resource), None);
    assert_eq!(department.get_mut(resource), None);
    assert_eq!(department.remove(resource), None);
    assert_eq!(resource[standard::ENTERPRISE_USER], "Sales");
    assert_eq!(department.set(resource, json!("Support")), None);
    assert_eq!(resource[standard::ENTERPRISE_USER], json!({ "department": "Support" }));
}

#[test]
fn sub_attributes_access_their_parent_attribute() {
    let resource_type = standard::user_type();
    let given_name = find(&resource_type, "name.givenName");
    let mut resource = Map::new();
    given_name.set(&mut resource, json!({ "givenName": "Bea" }));
    assert_eq!(resource["name"], json!({ "givenName": "Bea" }));
    assert_eq!(given_name.get(&resource), find(&resource_type, "name").get(&resource));
    assert_eq!(given_name.remove(&mut resource), Some(json!({ "givenName": "Bea" })));
}
