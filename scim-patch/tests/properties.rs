//! What holds of every patch, whatever it says.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scim_patch::{Limits, PatchRequest};
use scim_schema::{Mutability, Reading, ResourceType, Tolerance};
use serde_json::{Value, json};
use support::Object;
use support::random::{grow, message, operation, resolve, types, value};

fn tolerance() -> impl Strategy<Value = Tolerance> {
    let profiles = vec![Tolerance::lenient(), Tolerance::lenient(), Tolerance::strict(), Tolerance::interop()];
    select(profiles)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_is_applied_as_a_whole_or_not_at_all(
        on in select(types().to_vec()),
        tolerance in tolerance(),
        before in vec(operation(), 0..12),
        operations in vec(operation(), 1..6),
    ) {
        let before = grow(&on, &before);
        on.validate(&before, None).unwrap();
        let Ok(patch) = resolve(&on, &tolerance, message(&operations)) else { return Ok(()) };
        let Ok(applied) = patch.apply(before.clone()) else { return Ok(()) };
        prop_assert_eq!(applied.changed, applied.resource != before, "{:#}", json!(applied.resource));
        if let Err(violation) = on.validate(&applied.resource, Some(&before)) {
            prop_assert!(false, "{violation} in {:#}", json!(applied.resource));
        }
        // What came out is in canonical form, so that it can be patched again.
        let mut normal = applied.resource.clone();
        on.normalize(&mut normal, &mut Reading::new(&Tolerance::strict())).unwrap();
        prop_assert_eq!(normal, without_read_only(&on, applied.resource));
    }

    #[test]
    fn operations_one_by_one_come_to_the_same(
        on in select(types().to_vec()),
        tolerance in tolerance(),
        before in vec(operation(), 0..12),
        operations in vec(operation(), 2..6),
    ) {
        // Members may keep what the service filled in when they are listed again in the same request.
        let before = grow(&on, &before);
        let one = |resource: Object, operation: &Value| {
            resolve(&on, &tolerance, message(std::slice::from_ref(operation)))?.apply(resource).map(|a| a.resource)
        };
        let Ok(expected) = operations.iter().try_fold(before.clone(), one) else { return Ok(()) };
        let applied = resolve(&on, &tolerance, message(&operations)).unwrap().apply(before).unwrap();
        prop_assert_eq!(keys_sorted(&on, applied.resource), keys_sorted(&on, expected));
    }

    #[test]
    fn garbage_is_refused_without_a_panic(on in select(types().to_vec()), message in value(), bytes in any::<Vec<u8>>()) {
        let (tolerance, limits) = (Tolerance::lenient(), Limits::default());
        let mut reading = Reading::new(&tolerance);
        let _ = PatchRequest::parse(&bytes, &limits, &mut reading);
        let _ = resolve(&on, &tolerance, message.clone());
        let _ = resolve(&on, &tolerance, json!({ "Operations": message }));
        let _ = resolve(&on, &tolerance, json!({ "Operations": [{ "op": message.clone(), "path": message }] }));
    }

    #[test]
    fn the_difference_leads_from_one_to_the_other(
        on in select(types().to_vec()),
        tolerance in tolerance(),
        from in vec(operation(), 0..12),
        to in vec(operation(), 0..12),
    ) {
        let (from, to) = (grow(&on, &from), grow(&on, &to));
        prop_assume!(on.validate(&to, Some(&from)).is_ok());
        let request = PatchRequest::diff(&on, &from, &to);
        prop_assert_eq!(request.operations.is_empty(), same(&on, &from, &to));

        let sent = serde_json::to_vec(&request).unwrap();
        if request.operations.is_empty() {
            return Ok(());
        }
        let limits = Limits::default();
        let mut reading = Reading::new(&tolerance);
        let received = PatchRequest::parse(&sent, &limits, &mut reading).unwrap();
        prop_assert_eq!(&received, &request);
        let applied = received.resolve(&on, &limits, &mut reading).unwrap().apply(from.clone()).unwrap();
        prop_assert!(reading.fired().iter().all(|fired| Tolerance::strict().allows(fired.quirk)));
        prop_assert!(same(&on, &applied.resource, &to), "{}\n{:#}", json!(request), json!(applied.resource));
    }
}

fn same(on: &ResourceType, a: &Object, b: &Object) -> bool {
    keys_sorted(on, without_read_only(on, a.clone())) == keys_sorted(on, without_read_only(on, b.clone()))
}

/// The resource with the lists that have keys in the order of the keys.
fn keys_sorted(on: &ResourceType, mut resource: Object) -> Object {
    for target in on.attributes().filter(|target| target.is_keyed()) {
        if let Some(Value::Array(list)) = resource.get_mut(target.attribute().name()) {
            list.sort_by_key(|element| element["value"].as_str().map(str::to_lowercase));
        }
    }
    resource
}

fn without_read_only(on: &ResourceType, mut resource: Object) -> Object {
    resource.retain(|name, _| on.attribute(name).is_none_or(|t| t.definition().mutability() != Mutability::ReadOnly));
    resource
}
