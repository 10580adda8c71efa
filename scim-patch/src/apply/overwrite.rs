//! Overwriting a value with another one.

use serde_json::Value;

/// Overwrites a value and reuses its memory, which saves a tenth of the time that it takes to apply a patch to a user
/// (`patch/apply` of `bars`). Returns whether the values differed.
pub(super) fn overwrite(old: &mut Value, new: &Value) -> bool {
    match (old, new) {
        (Value::String(old), Value::String(new)) if old != new => {
            old.clone_from(new);
            true
        }
        (Value::Array(old), Value::Array(new)) => {
            let mut changed = old.len() != new.len();
            old.truncate(new.len());
            old.iter_mut().zip(new).for_each(|(old, new)| changed |= overwrite(old, new));
            old.extend(new.iter().skip(old.len()).cloned());
            changed
        }
        (Value::Object(old), Value::Object(new)) if old.keys().eq(new.keys()) => {
            let mut changed = false;
            old.values_mut().zip(new.values()).for_each(|(old, new)| changed |= overwrite(old, new));
            changed
        }
        (old, new) => {
            let changed = old != new;
            if changed {
                *old = new.clone();
            }
            changed
        }
    }
}
