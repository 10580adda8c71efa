//! What an operation does to the elements that a value path selects.

use scim_filter::Predicate;
use scim_schema::{Mutability, Operand, Quirk, ScimType, Target};
use serde_json::{Map, Value};

use crate::assign::{is_nothing, needs_value, unassign_sub, without_nulls};
use crate::change::{Change, Member};
use crate::error::Result;
use crate::keyed::{Keyed, KeyedChange, is_fixed, is_keyed, require_key};
use crate::patch::{Action, key_of};
use crate::resolve::Resolver;
use crate::select::Select;
use crate::{Op, PatchError};

impl Resolver<'_, '_> {
    /// A value path, with or without a sub-attribute.
    pub(crate) fn selected(
        &mut self,
        target: &Target,
        filter: Predicate,
        sub: Option<&Target>,
        value: Option<Value>,
    ) -> Result<()> {
        let value = match value {
            Some(value) => Some(self.unpack(sub.unwrap_or(target), value)?),
            None => None,
        };
        let change = match (self.op, value) {
            (Op::Remove, value) => {
                self.remove_selected(target, sub, value.filter(|value| !value.is_null()))?
            }
            (_, None) => return Err(needs_value(target)),
            (Op::Add, Some(Value::Null)) => return self.add_nothing(sub.unwrap_or(target)),
            (_, Some(value)) => match sub {
                Some(sub) => self.merge_sub(sub, value)?,
                None => self.change_element(target, value)?,
            },
        };
        let Some(change) = change else { return Ok(()) };
        if sub.is_none()
            && let Some(change) = by_key(target, &filter, &change, self.op)
        {
            self.push(target, Action::Keyed(Keyed { exactly: false, changes: vec![change] }));
            return Ok(());
        }
        let otherwise = self.otherwise(&change, || seed(target, &filter, &change));
        let several = self.reading.tolerance().allows(Quirk::SeveralSelected);
        let effort = filter.targets().count().max(1);
        self.push(target, Action::Select(Box::new(Select { filter, effort, several, change, otherwise })));
        Ok(())
    }

    fn remove_selected(
        &mut self,
        target: &Target,
        sub: Option<&Target>,
        value: Option<Value>,
    ) -> Result<Option<Change>> {
        let Some(sub) = sub else {
            let Some(value) = value else { return Ok(Some(Change::Remove)) };
            let change = |value| match value {
                Value::Array(listed) => Change::RemoveListed(listed),
                Value::Object(members) => Change::RemoveEqual(Member::all(target, members)),
                value => Change::RemoveListed(vec![value]),
            };
            return Ok(self.listed(target, value)?.map(change));
        };
        let Some(value) = value else { return Ok(Some(unassign_sub(sub))) };
        let change = |value| Change::RemoveEqual(vec![Member { sub: sub.clone(), value }]);
        Ok(self.listed(sub, value)?.map(change))
    }

    /// What `add` or `replace` does to a whole element; `None` if nothing.
    fn change_element(&mut self, target: &Target, mut value: Value) -> Result<Option<Change>> {
        if !self.reading.tolerates(Quirk::WholeElement, target) {
            let reason = "elements are changed one sub-attribute at a time; put it behind the brackets";
            return Err(PatchError::new(ScimType::InvalidPath, target, reason));
        }
        if is_nothing(&value) {
            return Ok(Some(Change::Remove));
        }
        if target.is_complex() {
            let whole = self.op == Op::Replace && !self.reading.tolerates(Quirk::ReplaceMerges, target);
            let members = self.members(target, value)?;
            if !whole {
                let members = Member::all(target, members);
                return Ok(Some(Change::Merge { members, adding: self.op == Op::Add }));
            }
            value = Value::Object(without_nulls(members));
        } else if !target.normalize_one(&mut value, self.reading)? {
            return Ok(None);
        }
        target.validate_one(&value)?;
        if is_keyed(target) {
            require_key(target, &value)?;
        }
        Ok(Some(Change::Replace(value)))
    }
}

/// The change by key alone that a filter on the key of a list, and nothing else, comes to.
fn by_key(target: &Target, filter: &Predicate, change: &Change, op: Op) -> Option<KeyedChange> {
    if !is_keyed(target) {
        return None;
    }
    let key = match filter.single_equality()? {
        (sub, Operand::Text(text)) if sub.definition().name() == "value" => text.given(),
        _ => return None,
    };
    match change {
        Change::Remove => Some(KeyedChange::Remove(key.into())),
        Change::Merge { members, .. } if op == Op::Add => {
            let given = members.iter().filter(|member| !member.sub.is_derived());
            let mut element: Map<String, Value> =
                given.map(|member| (member.name().to_owned(), member.value.clone())).collect();
            let old = element.insert("value".to_owned(), Value::from(key));
            let same = old.is_none_or(|old| old == key);
            (same && is_fixed(target, &element)).then_some(KeyedChange::Add(element))
        }
        _ => None,
    }
}

/// The element that a conjunction of equalities describes, if it would be one with the change.
fn seed(target: &Target, filter: &Predicate, change: &Change) -> Option<Map<String, Value>> {
    if !target.is_complex() {
        return None;
    }
    let mut element = Map::new();
    for (sub, operand) in filter.equalities()? {
        let definition = sub.definition();
        let value = operand.to_value();
        let writable = definition.mutability() != Mutability::ReadOnly && sub.validate(&value).is_ok();
        if !writable || element.insert(definition.name().to_owned(), value).is_some() {
            return None;
        }
    }
    let has_key = change.gives_key() || !key_of(&element).is_empty();
    (has_key || !is_keyed(target)).then_some(element)
}
