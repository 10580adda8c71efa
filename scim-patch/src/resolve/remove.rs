//! `remove` of an attribute, or of a sub-attribute without a value filter.

use scim_schema::{AttributeRef, ScimType};
use serde_json::{Map, Value};

use super::resolver::{Resolver, is_null_or_empty};
use crate::PatchError;
use crate::error::Result;
use crate::key::{is_keyed, require_key};
use crate::step::{Action, ElementChange, IfNoneSelected, KeyedChange, KeyedChanges, Select, SubValue};

impl Resolver<'_, '_> {
    /// `remove` of an attribute, or of a sub-attribute without a value filter.
    pub(super) fn remove(&mut self, target: &AttributeRef, value: Option<Value>) -> Result<()> {
        if let Some(value) = value {
            self.allow_value_for_remove(target)?;
            if target.definition().is_multi_valued() {
                return self.remove_listed(target, value);
            }
        }
        if target.sub().is_none() {
            self.unassign(target);
        } else {
            let change = unassign_sub(target);
            self.push(target, Action::Select(Box::new(Select::all(change, IfNoneSelected::Nothing))));
        }
        Ok(())
    }

    pub(super) fn unassign(&mut self, target: &AttributeRef) {
        let action = if is_keyed(target) {
            Action::Keyed(KeyedChanges { exactly: true, changes: Vec::new() })
        } else if target.is_complex() && !target.definition().is_multi_valued() {
            Action::Select(Box::new(Select::all(ElementChange::Remove, IfNoneSelected::Nothing)))
        } else {
            Action::Unassign
        };
        self.push(target, action);
    }

    /// `remove` of a multi-valued attribute with a value, which lists what is removed. No value means
    /// "everything".
    fn remove_listed(&mut self, target: &AttributeRef, value: Value) -> Result<()> {
        let mut value = self.unpack(target, value)?;
        let invalid = |reason| PatchError::new(ScimType::InvalidValue, target, reason);
        if value.is_null() {
            return Err(invalid("null is not a list of elements; leave `value` out to remove all elements"));
        }
        if is_null_or_empty(&value) || !target.normalize(&mut value, self.read_context)? {
            return Ok(());
        }
        let Value::Array(listed) = value else {
            return Err(invalid("the `value` of a remove operation must be a list of elements"));
        };
        let defines_value = target.sub_attribute("value").is_some();
        let is_usable = |element: &Value| match element {
            Value::Object(members) if target.is_complex() => !defines_value || has_value(members),
            element => !target.is_complex() && !element.is_object(),
        };
        if !listed.iter().all(is_usable) {
            return Err(invalid("each element to remove must have a `value`"));
        }
        self.record_listed_reads(target, &listed);
        let action = if is_keyed(target) {
            let key = |element| require_key(target, element).map(|key| KeyedChange::Remove(key.into()));
            Action::Keyed(KeyedChanges {
                exactly: false,
                changes: listed.iter().map(key).collect::<Result<_>>()?,
            })
        } else if target.sub().is_some() {
            let change =
                ElementChange::RemoveEqual(SubValue { sub: target.clone(), value: Value::Array(listed) });
            Action::Select(Box::new(Select::all(change, IfNoneSelected::Nothing)))
        } else {
            Action::RemoveListed(listed)
        };
        self.push(target, action);
        Ok(())
    }

    /// The answer shows whether a listed element is there, so that listing it reads the attribute.
    fn record_listed_reads(&mut self, target: &AttributeRef, listed: &[Value]) {
        let is_listed =
            |sub: &&AttributeRef| listed.iter().any(|element| element.get(sub.definition().name()).is_some());
        let subs: Vec<AttributeRef> = target.sub_attributes().iter().filter(is_listed).cloned().collect();
        self.record_reads(std::iter::once(target.clone()).chain(subs));
    }
}

/// Whether an element has a `value` that is not empty.
fn has_value(members: &Map<String, Value>) -> bool {
    match members.get("value") {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    }
}

pub(super) fn unassign_sub(sub: &AttributeRef) -> ElementChange {
    ElementChange::Merge {
        values: vec![SubValue { sub: sub.clone(), value: Value::Null }],
        append_lists: false,
    }
}
