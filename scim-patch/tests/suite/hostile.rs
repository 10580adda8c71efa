//! Requests that are made to cost much: they are refused, or cost little.

use scim_patch::{PatchError, PatchLimits, PatchRequest};
use scim_schema::{ReadContext, ResourceType, ScimType, Tolerance, standard};
use serde_json::{Value, json};

use crate::support::Object;
use crate::support::random::{message, resolve};

fn group(members: usize) -> Object {
    let members: Vec<Value> = (0..members).map(|n| json!({ "value": format!("member-{n:08}") })).collect();
    let group = json!({ "schemas": [standard::GROUP], "displayName": "g", "members": members });
    group.as_object().unwrap().clone()
}

fn user(attribute: &str, elements: Vec<Value>) -> Object {
    let user = json!({ "schemas": [standard::USER], "userName": "u", attribute: elements });
    user.as_object().unwrap().clone()
}

fn apply(on: &ResourceType, resource: Object, operations: &[Value]) -> Result<Object, PatchError> {
    let patch = resolve(on, &Tolerance::lenient(), message(operations));
    patch.and_then(|patch| patch.apply(resource)).map(|applied| applied.resource)
}

#[test]
fn many_operations_on_one_list_by_key_share_a_pass() {
    let remove = |n: usize| json!({ "op": "remove", "path": format!("members[value eq \"member-{n:08}\"]") });
    let operations: Vec<Value> = (0..1_000).map(|n| remove(n * 20)).collect();
    let left = apply(&standard::group_type(), group(20_000), &operations).unwrap();
    assert_eq!(left["members"].as_array().unwrap().len(), 19_000);
}

#[test]
fn operations_on_other_attributes_in_between_do_not_matter() {
    let operations: Vec<Value> = (0..500)
        .flat_map(|n| {
            let add = json!({ "op": "add", "path": "members", "value": [{ "value": format!("new-{n}") }] });
            [add, json!({ "op": "replace", "path": "displayName", "value": format!("g{n}") })]
        })
        .collect();
    let grown = apply(&standard::group_type(), group(20_000), &operations).unwrap();
    assert_eq!(grown["members"].as_array().unwrap().len(), 20_500);
    assert_eq!(grown["displayName"], "g499");
}

#[test]
fn as_many_values_as_are_allowed() {
    let new: Vec<Value> = (0..100_000).map(|n| json!({ "value": format!("new-{n}") })).collect();
    let on = standard::group_type();
    let add = json!({ "op": "add", "path": "members", "value": new });
    let grown = apply(&on, group(50_000), &[add]).unwrap();
    assert_eq!(grown["members"].as_array().unwrap().len(), 150_000);
    let remove = json!({ "op": "remove", "path": "members", "value": new });
    assert_eq!(apply(&on, grown.clone(), &[remove]).unwrap()["members"].as_array().unwrap().len(), 50_000);
    let replace = json!({ "op": "replace", "path": "members", "value": new });
    assert_eq!(apply(&on, grown, &[replace]).unwrap()["members"].as_array().unwrap().len(), 100_000);
}

#[test]
fn elements_without_keys_are_hashed_too() {
    let emails = |from: usize| {
        (from..from + 50_000).map(|n| json!({ "value": format!("{n}@example.com") })).collect::<Vec<_>>()
    };
    let on = standard::user_type();
    let add = json!({ "op": "add", "path": "emails", "value": emails(25_000) });
    let grown = apply(&on, user("emails", emails(0)), &[add]).unwrap();
    assert_eq!(grown["emails"].as_array().unwrap().len(), 75_000);
    let remove = json!({ "op": "remove", "path": "emails", "value": emails(50_000) });
    assert_eq!(apply(&on, grown, &[remove]).unwrap()["emails"].as_array().unwrap().len(), 50_000);
}

#[test]
fn elements_without_a_value_are_hashed_by_all_that_they_have() {
    let addresses = |from: usize| (from..from + 20_000).map(|n| json!({ "locality": format!("{n}") }));
    let (old, new): (Vec<_>, Vec<_>) = (addresses(0).collect(), addresses(10_000).collect());
    let on = standard::user_type();
    let count = |op: &str| {
        let operation = json!({ "op": op, "path": "addresses", "value": new });
        let user = apply(&on, user("addresses", old.clone()), &[operation]);
        user.map(|user| user["addresses"].as_array().unwrap().len())
    };
    assert_eq!(count("add"), Ok(30_000));
    assert_eq!(count("remove"), Ok(10_000));
}

#[test]
fn the_same_element_over_and_over_is_found_at_once() {
    let operation = json!({ "op": "add", "path": "emails", "value": vec![json!({ "value": "a" }); 50_000] });
    let user = apply(&standard::user_type(), user("emails", vec![]), &[operation]);
    assert_eq!(user.map(|user| user["emails"].as_array().unwrap().len()), Ok(1));
}

/// Each of these changes what the one before has found, so that the list is looked through again.
#[test]
fn elements_that_change_each_other_are_paid_for() {
    let old: Vec<Value> = (0..20_000).map(|n| json!({ "value": format!("{n}"), "display": "x" })).collect();
    let given = (0..10_000)
        .flat_map(|n| [json!({ "value": format!("{n}"), "display": "y" }), json!({ "display": "x" })]);
    let operation = json!({ "op": "add", "path": "roles", "value": given.collect::<Vec<_>>() });
    let error = apply(&standard::user_type(), user("roles", old), &[operation]).unwrap_err();
    assert!(error.is_too_large() && error.operation() == Some(0), "{error}");
}

#[test]
fn one_value_of_many_types_is_many_elements_at_once() {
    let given: Vec<Value> = (0..20_000).map(|n| json!({ "value": "a", "type": format!("{n}") })).collect();
    let operation = json!({ "op": "replace", "path": "emails", "value": given });
    let user = apply(&standard::user_type(), user("emails", vec![]), &[operation]).unwrap();
    assert_eq!(user["emails"].as_array().unwrap().len(), 20_000);
}

#[test]
fn filters_are_paid_for_by_term_and_element() {
    let terms: Vec<String> = (0..400).map(|n| format!("display eq \"{n}\"")).collect();
    let remove = json!({ "op": "remove", "path": format!("members[{}]", terms.join(" or ")) });
    let error = apply(&standard::group_type(), group(30_000), &[remove]).unwrap_err();
    assert!(error.is_too_large(), "{error}");

    let each = json!({ "op": "remove", "path": "members[display eq \"x\"]" });
    let error = apply(&standard::group_type(), group(20_000), &vec![each; 1_000]).unwrap_err();
    assert_eq!((error.is_too_large(), error.operation()), (true, Some(500)));
}

#[test]
fn many_attributes_in_many_operations_are_sorted_out() {
    let value = json!({
        "title": "t", "nickName": "n", "displayName": "d", "locale": "l", "timezone": "z", "active": true,
        "userType": "u", "externalId": "e", "profileUrl": "https://example.com/", "preferredLanguage": "en",
    });
    let operations = vec![json!({ "op": "add", "value": value }); 1_000];
    let user = apply(&standard::user_type(), user("roles", vec![]), &operations).unwrap();
    assert_eq!(user["title"], "t");
}

#[test]
fn depth_is_refused_by_the_reader() {
    let (tolerance, limits) = (Tolerance::lenient(), PatchLimits::default());
    for text in ["[".repeat(100_000), format!("{{\"Operations\":{}", "[{\"a\":".repeat(50_000))] {
        let error =
            PatchRequest::parse(text.as_bytes(), &limits, &mut ReadContext::new(&tolerance)).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn messages_stay_short() {
    let long = "x".repeat(1 << 20);
    for operation in [
        json!({ "op": long, "path": "title" }),
        json!({ "op": "add", "path": long, "value": 1 }),
        json!({ "op": "add", "path": format!("{long}["), "value": 1 }),
        json!({ "op": "add", "path": format!("emails[type eq \"{long}\"]"), "value": 1 }),
        json!({ "op": "add", "path": format!("emails[{long} eq 1]"), "value": 1 }),
        json!({ "op": "add", "value": { format!("{long}["): 1 } }),
        json!({ "op": "add", "value": { long.clone(): 1 } }),
        json!({ "op": "add", "path": "title", long.clone(): 1 }),
        json!({ "op": "add", "path": "name", "value": { long.clone(): 1 } }),
        json!({ "op": "add", "path": "active", "value": long }),
    ] {
        for tolerance in [Tolerance::lenient(), Tolerance::strict()] {
            let limits = PatchLimits::default();
            let mut read_context = ReadContext::new(&tolerance);
            let read = PatchRequest::from_value(
                message(std::slice::from_ref(&operation)),
                &limits,
                &mut read_context,
            );
            let resolved =
                read.and_then(|read| read.resolve(&standard::user_type(), &limits, &mut read_context));
            if let Err(error) = resolved {
                assert!(error.to_string().len() < 1_000, "{} bytes", error.to_string().len());
            }
        }
    }
}
