//! Telling whether several steps together changed an attribute, without a copy of it.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use scim_filter::Budget;
use serde_json::Value;

/// A hash of the values of an attribute, whatever the order of the members of objects.
pub(super) async fn fingerprint(hasher: &RandomState, value: Option<&Value>, budget: &Budget) -> Option<u64> {
    // So many elements take so little time that nobody waits for them.
    const CHUNK: usize = 4096;
    let mut state = hasher.build_hasher();
    match value? {
        Value::Array(list) => {
            for elements in list.chunks(CHUNK) {
                elements.iter().for_each(|element| hash_value(hasher, &mut state, element));
                budget.count_toward_yield(elements.len());
                budget.yield_if_due().await;
            }
        }
        value => hash_value(hasher, &mut state, value),
    }
    Some(state.finish())
}

fn hash_value(hasher: &RandomState, state: &mut impl Hasher, value: &Value) {
    std::mem::discriminant(value).hash(state);
    match value {
        Value::Null => {}
        Value::Bool(flag) => flag.hash(state),
        Value::Number(number) => number.hash(state),
        Value::String(text) => text.hash(state),
        Value::Array(list) => {
            state.write_usize(list.len());
            list.iter().for_each(|element| hash_value(hasher, state, element));
        }
        Value::Object(object) => {
            let member = |(name, value): (&String, &Value)| {
                let mut state = hasher.build_hasher();
                name.hash(&mut state);
                hash_value(hasher, &mut state, value);
                state.finish()
            };
            state.write_u64(object.iter().map(member).fold(0, u64::wrapping_add));
        }
    }
}
