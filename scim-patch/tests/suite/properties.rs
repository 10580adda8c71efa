//! What holds of every patch, whatever it says.

use crate::support::Object;
use crate::support::random::{anything, message, resolve, resource, scenario, tolerance, types};
use proptest::prelude::*;
use proptest::sample::select;
use scim_patch::{PatchLimits, PatchRequest};
use scim_schema::{Mutability, ReadContext, ResourceType, Tolerance};
use serde_json::{Value, json};

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_is_applied_as_a_whole_or_not_at_all((on, before, operations) in scenario(), tolerance in tolerance()) {
        on.validate(&before, None).unwrap();
        let Ok(patch) = resolve(&on, &tolerance, message(&operations)) else { return Ok(()) };
        let Ok(applied) = patch.apply(before.clone()) else { return Ok(()) };
        prop_assert_eq!(applied.changed, applied.resource != before, "{:#}", json!(applied.resource));
        if let Err(violation) = on.validate(&applied.resource, Some(&before)) {
            prop_assert!(false, "{violation} in {:#}", json!(applied.resource));
        }
        // What came out is in canonical form, so that it can be patched again.
        let mut normal = applied.resource.clone();
        on.normalize(&mut normal, &mut ReadContext::new(&Tolerance::lenient())).unwrap();
        prop_assert_eq!(normal, without_read_only(&on, applied.resource));
    }

    #[test]
    fn operations_one_by_one_come_to_the_same((on, before, operations) in scenario(), tolerance in tolerance()) {
        let one = |resource: Object, operation: &Value| {
            resolve(&on, &tolerance, message(std::slice::from_ref(operation)))?.apply(resource).map(|a| a.resource)
        };
        let Ok(expected) = operations.iter().try_fold(before.clone(), one) else { return Ok(()) };
        // A member that is listed again in the same request keeps what is fixed in it, while one that
        // went with an earlier request has lost it. That may matter to later operations.
        let applied = match resolve(&on, &tolerance, message(&operations)).unwrap().apply(before) {
            Ok(applied) => applied,
            Err(_) if on.attributes().any(|target| target.holds_members()) => return Ok(()),
            Err(error) => panic!("{error}"),
        };
        prop_assert_eq!(only_keys(&on, applied.resource), only_keys(&on, expected));
    }

    #[test]
    fn many_elements_at_once_come_to_the_same_as_one_after_the_other(
        list in select(&["emails", "addresses", "roles"][..]),
        before in elements(),
        given in elements(),
        op in select(&["add", "remove"][..]),
    ) {
        let on = scim_schema::standard::user_type();
        let apply = |resource: Object, value: Value| {
            let operation = json!({ "op": op, "path": list, "value": value });
            let patch = resolve(&on, &Tolerance::lenient(), message(&[operation])).ok()?;
            Some(patch.apply(resource).unwrap().resource)
        };
        let mut before = json!({ list: before, "userName": "a" }).as_object().unwrap().clone();
        on.normalize(&mut before, &mut ReadContext::new(&Tolerance::lenient())).unwrap();
        // What says nothing, or lists nothing, is refused alone as well as among others.
        let one = |resource, element| apply(resource, json!([element]));
        let Some(expected) = given.iter().try_fold(before.clone(), one) else { return Ok(()) };
        prop_assert_eq!(apply(before, json!(given)), Some(expected));
    }

    #[test]
    fn garbage_is_refused_without_a_panic(
        on in select(types().to_vec()),
        message in anything(),
        bytes in any::<Vec<u8>>(),
    ) {
        let (tolerance, limits) = (Tolerance::lenient(), PatchLimits::default());
        let mut read_context = ReadContext::new(&tolerance);
        let _ = PatchRequest::parse(&bytes, &limits, &mut read_context);
        let _ = resolve(&on, &tolerance, message.clone());
        let _ = resolve(&on, &tolerance, json!({ "Operations": message }));
        let _ = resolve(&on, &tolerance, json!({ "Operations": [message] }));
        let _ = resolve(&on, &tolerance, json!({ "Operations": [{ "op": "add", "path": message, "value": message }] }));
    }

    #[test]
    fn the_difference_leads_from_one_to_the_other(
        (on, from, to) in select(types().to_vec()).prop_flat_map(|on| (Just(on.clone()), resource(&on), resource(&on))),
        tolerance in tolerance(),
    ) {
        let mut to = with_immutable_of(&on, &from, to);
        // Operations may have left two elements that a client could not send apart.
        for target in on.attributes() {
            if let Some(Value::Array(list)) = to.get_mut(target.attribute().name()) {
                target.merge_repeated(list);
            }
        }
        if on.validate(&to, Some(&from)).is_err() {
            return Ok(());
        }
        let request = PatchRequest::diff(&on, &from, &to);
        prop_assert_eq!(request.operations.is_empty(), same(&on, &from, &to));
        if request.operations.is_empty() {
            return Ok(());
        }
        let limits = PatchLimits::default();
        let mut read_context = ReadContext::new(&tolerance);
        let received = PatchRequest::parse(&serde_json::to_vec(&request).unwrap(), &limits, &mut read_context).unwrap();
        prop_assert_eq!(&received, &request);
        let applied = received.resolve(&on, &limits, &mut read_context).unwrap().apply(from.clone()).unwrap();
        prop_assert!(read_context.tolerated().iter().all(|tolerated| Tolerance::strict().allows(tolerated.quirk)));
        prop_assert!(same(&on, &applied.resource, &to), "{}\n{:#}", json!(request), json!(applied.resource));
    }
}

/// Enough of them that they are looked up, not compared with each other.
fn elements() -> impl Strategy<Value = Vec<Value>> {
    let text = || proptest::option::of(select(&["a", "b", "c", "B"][..]));
    let element = (text(), text(), text()).prop_map(|(value, kind, other)| {
        let mut element = json!({ "value": value, "type": kind, "display": other, "locality": other });
        element.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        element
    });
    let element = element.prop_filter("an element has something in it", |element| {
        element.as_object().is_some_and(|element| !element.is_empty())
    });
    proptest::collection::vec(element, 12..20)
}

fn same(on: &ResourceType, a: &Object, b: &Object) -> bool {
    keys_sorted(on, without_read_only(on, a.clone())) == keys_sorted(on, without_read_only(on, b.clone()))
}

/// The resource with the lists that have keys in the order of the keys.
fn keys_sorted(on: &ResourceType, mut resource: Object) -> Object {
    for target in on.attributes().filter(|target| target.holds_members()) {
        if let Some(Value::Array(list)) = resource.get_mut(target.attribute().name()) {
            list.sort_by_key(|element| element["value"].as_str().map(str::to_lowercase));
        }
    }
    resource
}

/// The resource with the lists that have keys reduced to those, in order.
fn only_keys(on: &ResourceType, resource: Object) -> Object {
    let mut resource = keys_sorted(on, resource);
    for target in on.attributes().filter(|target| target.holds_members()) {
        if let Some(Value::Array(list)) = resource.get_mut(target.attribute().name()) {
            list.iter_mut().for_each(|element| *element = element["value"].take());
        }
    }
    resource
}

fn with_immutable_of(on: &ResourceType, from: &Object, mut to: Object) -> Object {
    for target in on.attributes().filter(|t| t.definition().mutability() == Mutability::Immutable) {
        if let Some(value) = target.get(from) {
            to.insert(target.attribute().name().to_owned(), value.clone());
        }
    }
    to
}

fn without_read_only(on: &ResourceType, mut resource: Object) -> Object {
    resource.retain(|name, _| {
        on.attribute(name).is_none_or(|t| t.definition().mutability() != Mutability::ReadOnly)
    });
    resource
}
