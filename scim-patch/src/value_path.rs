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
use crate::select::{Otherwise, Select};
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
        let change = match (self.op, value) {
            (Op::Remove, value) => {
                if value.is_some() {
                    self.tolerate_value(target)?;
                }
                Some(sub.map_or(Change::Remove, unassign_sub))
            }
            (_, None) => return Err(needs_value(target)),
            (op, Some(value)) => match (self.unpack(sub.unwrap_or(target), value)?, sub) {
                (Value::Null, _) if op == Op::Add => return self.add_nothing(sub.unwrap_or(target)),
                (value, Some(sub)) => self.merge_sub(target, sub, value)?,
                (value, None) => self.change_element(target, &filter, value)?,
            },
        };
        let Some(change) = change else { return Ok(()) };
        if sub.is_none()
            && let Some(change) = by_key(target, &filter, &change, self.op, self.operation)
        {
            self.push(target, Action::Keyed(Keyed { exactly: false, changes: vec![change] }));
            return Ok(());
        }
        let otherwise = self.otherwise(target, &filter, sub, &change)?;
        let several = self.reading.tolerance().allows(Quirk::SeveralSelected);
        self.push(target, Action::Select(Box::new(Select { filter, several, change, otherwise })));
        Ok(())
    }

    /// What is to be done if no element is selected. A `replace` then has no target, but for what Entra ID
    /// means by `emails[type eq "work"].value`: what the filter describes is created. Nobody becomes a
    /// member that way, and nothing is created for a filter that looks for a `value`.
    fn otherwise(
        &mut self,
        target: &Target,
        filter: &Predicate,
        sub: Option<&Target>,
        change: &Change,
    ) -> Result<Otherwise> {
        let list = target.definition().is_multi_valued();
        let described = list && sub.is_some() && !is_keyed(target);
        let element = match self.op {
            Op::Remove => return Ok(Otherwise::Nothing),
            Op::Replace if !described || !self.reading.tolerance().allows(Quirk::ReplaceCreates) => None,
            Op::Add if sub.is_some() && !described => None,
            _ if !list => None,
            _ => seed(target, filter, change, sub.is_some()),
        };
        let Some(element) = element else { return Ok(Otherwise::Refuse) };
        let mut element = Value::Object(element);
        if target.normalize_one(&mut element, self.reading).is_err() {
            return Ok(Otherwise::Refuse);
        }
        // Of nothing, nothing is made; and a list that keeps a single element keeps none of another type.
        if change.only_unassigns() || !target.is_of_single_type(&element, self.reading)? {
            return Ok(Otherwise::Nothing);
        }
        let Value::Object(element) = element else { return Ok(Otherwise::Refuse) };
        Ok(Otherwise::Create { element, tolerated: self.op == Op::Replace })
    }

    /// What `add` or `replace` does to a whole element; `None` if nothing.
    fn change_element(
        &mut self,
        target: &Target,
        filter: &Predicate,
        mut value: Value,
    ) -> Result<Option<Change>> {
        if !self.reading.tolerates(Quirk::WholeElement, target) {
            let reason = "elements are changed one sub-attribute at a time; put it behind the brackets";
            return Err(PatchError::new(ScimType::InvalidPath, target, reason));
        }
        if is_nothing(&value) {
            return Ok(Some(Change::Remove));
        }
        if is_keyed(target) && value.is_string() && !is_selected(filter, &value) {
            let reason = "a text says who the member is, which cannot change; send an object of sub-attributes, \
                          or remove this member and add the other";
            return Err(PatchError::new(ScimType::Mutability, target, reason));
        }
        if target.is_complex() {
            let whole = self.op == Op::Replace && !self.reading.tolerates(Quirk::ReplaceMerges, target);
            let members = self.members(target, value)?.unwrap_or_default();
            if !target.is_of_single_type(&Value::Object(members.clone()), self.reading)? {
                return Ok(None);
            }
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
fn by_key(
    target: &Target,
    filter: &Predicate,
    change: &Change,
    op: Op,
    operation: usize,
) -> Option<KeyedChange> {
    if !is_keyed(target) {
        return None;
    }
    let key = match filter.single_equality()? {
        (sub, Operand::Text(text)) if sub.definition().name() == "value" => text.given(),
        _ => return None,
    };
    match change {
        Change::Remove if op == Op::Remove => Some(KeyedChange::Remove(key.into())),
        Change::Merge { members, .. } if op == Op::Add => {
            let given = members.iter().filter(|member| !member.sub.is_derived());
            let mut element: Map<String, Value> =
                given.map(|member| (member.name().to_owned(), member.value.clone())).collect();
            let old = element.insert("value".to_owned(), Value::from(key));
            let same = old.is_none_or(|old| old == key);
            (same && is_fixed(target, &element)).then_some(KeyedChange::Add(operation, element))
        }
        _ => None,
    }
}

/// Whether a value filter selects the element with this `value`, and nothing else.
fn is_selected(filter: &Predicate, value: &Value) -> bool {
    filter.single_equality().is_some_and(|(sub, operand)| {
        sub.definition().name() == "value" && sub.comparison().equals(value, operand)
    })
}

/// The element that a conjunction of equalities describes, if it would be one with the change. A `value`
/// that is looked for, to change something beside it, is that of an element that should be there.
fn seed(target: &Target, filter: &Predicate, change: &Change, beside: bool) -> Option<Map<String, Value>> {
    if !target.is_complex() {
        return None;
    }
    let mut element = Map::new();
    for (sub, operand) in filter.equalities()? {
        let definition = sub.definition();
        let value = operand.to_value();
        let writable = definition.mutability() != Mutability::ReadOnly && sub.validate(&value).is_ok();
        let looked_for = beside && definition.name() == "value";
        if !writable || looked_for || element.insert(definition.name().to_owned(), value).is_some() {
            return None;
        }
    }
    let has_key = change.gives_key() || !key_of(&element).is_empty();
    (has_key || !is_keyed(target)).then_some(element)
}
