//! Properties that hold for every patch.

use crate::support::Object;
use crate::support::random::{any_json, message, resolve, resource, scenario, tolerance, types};
use proptest::prelude::*;
use proptest::sample::select;
use scim_patch::{PatchLimits, PatchRequest};
use scim_schema::{Mutability, ReadContext, ResourceType, Tolerance};
use serde_json::{Value, json};

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_is_applied_as_a_whole_or_not_at_all((resource_type, before, operations) in scenario(), tolerance in tolerance()) {
        resource_type.validate(&before, None).unwrap();
        let Ok(patch) = resolve(&resource_type, &tolerance, message(&operations)) else { return Ok(()) };
        let Ok(applied) = patch.apply(before.clone()) else { return Ok(()) };
        prop_assert_eq!(applied.changed, applied.resource != before, "{:#}", json!(applied.resource));
        if let Err(violation) = resource_type.validate(&applied.resource, Some(&before)) {
            prop_assert!(false, "{violation} in {:#}", json!(applied.resource));
        }
        // The result is in canonical form, so that it can be patched again.
        let mut normal = applied.resource.clone();
        resource_type.normalize(&mut normal, &mut ReadContext::new(&Tolerance::lenient())).unwrap();
        prop_assert_eq!(normal, without_read_only(&resource_type, applied.resource));
    }

    #[test]
    fn operations_one_by_one_give_the_same_result((resource_type, before, operations) in scenario(), tolerance in tolerance()) {
        let apply_single = |resource: Object, operation: &Value| {
            resolve(&resource_type, &tolerance, message(std::slice::from_ref(operation)))?.apply(resource).map(|a| a.resource)
        };
        let Ok(expected) = operations.iter().try_fold(before.clone(), apply_single) else { return Ok(()) };
        // A member that is removed and added again in one request keeps its immutable sub-attributes, while in
        // separate requests it loses them. Later operations may depend on that.
        let applied = match resolve(&resource_type, &tolerance, message(&operations)).unwrap().apply(before) {
            Ok(applied) => applied,
            Err(_) if resource_type.attributes().any(|target| target.holds_members()) => return Ok(()),
            Err(error) => panic!("{error}"),
        };
        prop_assert_eq!(only_keys(&resource_type, applied.resource), only_keys(&resource_type, expected));
    }

    #[test]
    fn many_elements_at_once_give_the_same_result_as_one_by_one(
        list in select(&["emails", "addresses", "roles"][..]),
        before in elements(),
        elements_to_apply in elements(),
        op in select(&["add", "remove"][..]),
    ) {
        let resource_type = scim_schema::standard::user_type();
        let apply = |resource: Object, value: Value| {
            let operation = json!({ "op": op, "path": list, "value": value });
            let patch = resolve(&resource_type, &Tolerance::lenient(), message(&[operation])).ok()?;
            Some(patch.apply(resource).unwrap().resource)
        };
        let mut before = json!({ list: before, "userName": "a" }).as_object().unwrap().clone();
        resource_type.normalize(&mut before, &mut ReadContext::new(&Tolerance::lenient())).unwrap();
        // An element that is refused on its own is refused among others too.
        let apply_single = |resource, element| apply(resource, json!([element]));
        let Some(expected) = elements_to_apply.iter().try_fold(before.clone(), apply_single) else { return Ok(()) };
        prop_assert_eq!(apply(before, json!(elements_to_apply)), Some(expected));
    }

    #[test]
    fn garbage_is_refused_without_a_panic(
        resource_type in select(types().to_vec()),
        message in any_json(),
        bytes in any::<Vec<u8>>(),
    ) {
        let (tolerance, limits) = (Tolerance::lenient(), PatchLimits::default());
        let mut read_context = ReadContext::new(&tolerance);
        let _ = PatchRequest::parse(&bytes, &limits, &mut read_context);
        let _ = resolve(&resource_type, &tolerance, message.clone());
        let _ = resolve(&resource_type, &tolerance, json!({ "Operations": message }));
        let _ = resolve(&resource_type, &tolerance, json!({ "Operations": [message] }));
        let _ = resolve(&resource_type, &tolerance, json!({ "Operations": [{ "op": "add", "path": message, "value": message }] }));
    }

    #[test]
    fn applying_the_difference_gives_the_other_resource(
        (resource_type, from, to) in select(types().to_vec()).prop_flat_map(|resource_type| (Just(resource_type.clone()), resource(&resource_type), resource(&resource_type))),
        tolerance in tolerance(),
    ) {
        let mut to = with_immutable_of(&resource_type, &from, to);
        // Operations may have created two elements that are the same if a client sends them, so merge them.
        for target in resource_type.attributes() {
            if let Some(Value::Array(list)) = to.get_mut(target.attribute().name()) {
                target.merge_repeated(list);
            }
        }
        if resource_type.validate(&to, Some(&from)).is_err() {
            return Ok(());
        }
        let request = PatchRequest::diff(&resource_type, &from, &to);
        prop_assert_eq!(request.operations.is_empty(), same(&resource_type, &from, &to));
        if request.operations.is_empty() {
            return Ok(());
        }
        let limits = PatchLimits::default();
        let mut read_context = ReadContext::new(&tolerance);
        let received = PatchRequest::parse(&serde_json::to_vec(&request).unwrap(), &limits, &mut read_context).unwrap();
        prop_assert_eq!(&received, &request);
        let applied = received.resolve(&resource_type, &limits, &mut read_context).unwrap().apply(from.clone()).unwrap();
        prop_assert!(read_context.tolerated().iter().all(|tolerated| Tolerance::strict().allows(tolerated.quirk)));
        prop_assert!(same(&resource_type, &applied.resource, &to), "{}\n{:#}", json!(request), json!(applied.resource));
    }
}

/// Elements, enough of them that they are hashed rather than compared pair by pair.
fn elements() -> impl Strategy<Value = Vec<Value>> {
    let text = || proptest::option::of(select(&["a", "b", "c", "B"][..]));
    let element = (text(), text(), text()).prop_map(|(value, kind, other)| {
        let mut element = json!({ "value": value, "type": kind, "display": other, "locality": other });
        element.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        element
    });
    let element = element.prop_filter("an element has at least apply_single sub-attribute", |element| {
        element.as_object().is_some_and(|element| !element.is_empty())
    });
    proptest::collection::vec(element, 12..20)
}

fn same(resource_type: &ResourceType, a: &Object, b: &Object) -> bool {
    keys_sorted(resource_type, without_read_only(resource_type, a.clone()))
        == keys_sorted(resource_type, without_read_only(resource_type, b.clone()))
}

/// Sorts the keyed lists of a resource by key.
fn keys_sorted(resource_type: &ResourceType, mut resource: Object) -> Object {
    for target in resource_type.attributes().filter(|target| target.holds_members()) {
        if let Some(Value::Array(list)) = resource.get_mut(target.attribute().name()) {
            list.sort_by_key(|element| element["value"].as_str().map(str::to_lowercase));
        }
    }
    resource
}

/// Reduces the keyed lists of a resource to their sorted keys.
fn only_keys(resource_type: &ResourceType, resource: Object) -> Object {
    let mut resource = keys_sorted(resource_type, resource);
    for target in resource_type.attributes().filter(|target| target.holds_members()) {
        if let Some(Value::Array(list)) = resource.get_mut(target.attribute().name()) {
            list.iter_mut().for_each(|element| *element = element["value"].take());
        }
    }
    resource
}

fn with_immutable_of(resource_type: &ResourceType, from: &Object, mut to: Object) -> Object {
    for target in resource_type.attributes().filter(|t| t.definition().mutability() == Mutability::Immutable)
    {
        if let Some(value) = target.get(from) {
            to.insert(target.attribute().name().to_owned(), value.clone());
        }
    }
    to
}

fn without_read_only(resource_type: &ResourceType, mut resource: Object) -> Object {
    resource.retain(|name, _| {
        resource_type.attribute(name).is_none_or(|t| t.definition().mutability() != Mutability::ReadOnly)
    });
    resource
}
