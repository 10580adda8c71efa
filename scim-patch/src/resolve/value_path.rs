//! What an operation does to the elements that a value path selects.

use scim_filter::Predicate;
use scim_schema::{AttributeRef, Mutability, Operand, Quirk, ScimType};
use serde_json::{Map, Value};

use super::remove::unassign_sub;
use super::resolver::{Resolver, is_null_or_empty, missing_value, without_nulls};
use crate::error::Result;
use crate::key::{is_keyed, key_of, require_key};
use crate::mutability::all_fixed;
use crate::step::{Action, ElementChange, IfNoneSelected, KeyedChange, KeyedChanges, Select, SubValue};
use crate::{Op, PatchError};

impl Resolver<'_, '_> {
    /// A value path, with or without a sub-attribute.
    pub(super) fn resolve_selected(
        &mut self,
        target: &AttributeRef,
        filter: Predicate,
        sub: Option<&AttributeRef>,
        value: Option<Value>,
    ) -> Result<()> {
        let change = match (self.op, value) {
            (Op::Remove, value) => {
                if value.is_some() {
                    self.allow_value_for_remove(target)?;
                }
                Some(sub.map_or(ElementChange::Remove, unassign_sub))
            }
            (_, None) => return Err(missing_value(target)),
            (op, Some(value)) => match (self.unpack(sub.unwrap_or(target), value)?, sub) {
                (Value::Null, _) if op == Op::Add => return self.allow_null_for_add(sub.unwrap_or(target)),
                (value, Some(sub)) => self.merge_sub(target, sub, value)?,
                (value, None) => self.element_change(target, &filter, value)?,
            },
        };
        let Some(change) = change else { return Ok(()) };
        if sub.is_none()
            && let Some(change) = keyed_change(target, &filter, &change, self.op, self.operation)
        {
            self.push(target, Action::Keyed(KeyedChanges { exactly: false, changes: vec![change] }));
            return Ok(());
        }
        let if_none = self.if_none_selected(target, &filter, sub, &change)?;
        let may_select_several = self.read_context.tolerance().allows(Quirk::SeveralSelected);
        self.push(target, Action::Select(Box::new(Select { filter, may_select_several, change, if_none })));
        Ok(())
    }

    /// What to do if no element is selected. A `replace` then has no target. But Entra ID sends `replace` of
    /// `emails[type eq "work"].value` to create that element, which is tolerated; not for lists of members,
    /// nor for a filter that looks for a `value`.
    fn if_none_selected(
        &mut self,
        target: &AttributeRef,
        filter: &Predicate,
        sub: Option<&AttributeRef>,
        change: &ElementChange,
    ) -> Result<IfNoneSelected> {
        let list = target.definition().is_multi_valued();
        let may_be_described = list && sub.is_some() && !is_keyed(target);
        let element = match self.op {
            Op::Remove => return Ok(IfNoneSelected::Nothing),
            Op::Replace
                if !may_be_described || !self.read_context.tolerance().allows(Quirk::ReplaceCreates) =>
            {
                None
            }
            Op::Add if sub.is_some() && !may_be_described => None,
            _ if !list => None,
            _ => element_from_filter(target, filter, change, sub.is_some()),
        };
        let Some(element) = element else { return Ok(IfNoneSelected::Refuse) };
        let mut element = Value::Object(element);
        if target.normalize_single(&mut element, self.read_context).is_err() {
            return Ok(IfNoneSelected::Refuse);
        }
        // No element is made of nothing, nor one of a type that the list does not keep.
        if change.only_unassigns() || !target.is_of_single_type(&element, self.read_context)? {
            return Ok(IfNoneSelected::Nothing);
        }
        let Value::Object(element) = element else { return Ok(IfNoneSelected::Refuse) };
        Ok(IfNoneSelected::Create { element, tolerated: self.op == Op::Replace })
    }

    /// What `add` or `replace` does to an element as such; `None` if nothing.
    fn element_change(
        &mut self,
        target: &AttributeRef,
        filter: &Predicate,
        mut value: Value,
    ) -> Result<Option<ElementChange>> {
        if !self.read_context.allow_quirk(Quirk::WholeElement, target) {
            let reason = "an element can only be changed one sub-attribute at a time; append the name of the sub-attribute to the path";
            return Err(PatchError::new(ScimType::InvalidPath, target, reason));
        }
        if is_null_or_empty(&value) {
            return Ok(Some(ElementChange::Remove));
        }
        if is_keyed(target) && value.is_string() && !selects_only(filter, &value) {
            let reason = "a member cannot be replaced by another one; send an object with the sub-attributes \
                          to change, or remove this member and add the other one";
            return Err(PatchError::new(ScimType::Mutability, target, reason));
        }
        if target.is_complex() {
            let replaces =
                self.op == Op::Replace && !self.read_context.allow_quirk(Quirk::ReplaceMerges, target);
            let members = self.sub_values(target, value)?.unwrap_or_default();
            if !target.is_of_single_type(&Value::Object(members.clone()), self.read_context)? {
                return Ok(None);
            }
            if !replaces {
                let values = SubValue::from_object(target, members);
                return Ok(Some(ElementChange::Merge { values, append_lists: self.op == Op::Add }));
            }
            value = Value::Object(without_nulls(members));
        } else if !target.normalize_single(&mut value, self.read_context)? {
            return Ok(None);
        }
        target.validate_single(&value)?;
        if is_keyed(target) {
            require_key(target, &value)?;
        }
        Ok(Some(ElementChange::Replace(value)))
    }
}

/// The same change by key, if the filter selects by the key of a list and nothing else.
fn keyed_change(
    target: &AttributeRef,
    filter: &Predicate,
    change: &ElementChange,
    op: Op,
    operation: usize,
) -> Option<KeyedChange> {
    if !is_keyed(target) {
        return None;
    }
    let key = match filter.single_equality()? {
        (sub, Operand::Text(text)) if sub.definition().name() == "value" => text.original(),
        _ => return None,
    };
    match change {
        ElementChange::Remove if op == Op::Remove => Some(KeyedChange::Remove(key.into())),
        ElementChange::Merge { values, .. } if op == Op::Add => {
            let stored = values.iter().filter(|sub| !sub.sub.is_derived());
            let mut element: Map<String, Value> =
                stored.map(|sub| (sub.name().to_owned(), sub.value.clone())).collect();
            let old = element.insert("value".to_owned(), Value::from(key));
            let is_same = old.is_none_or(|old| old == key);
            (is_same && all_fixed(target, &element)).then_some(KeyedChange::Add(operation, element))
        }
        _ => None,
    }
}

/// Whether a value filter selects the element with this `value`, and nothing else.
fn selects_only(filter: &Predicate, value: &Value) -> bool {
    filter.single_equality().is_some_and(|(sub, operand)| {
        sub.definition().name() == "value" && sub.comparison().equals(value, operand)
    })
}

/// The element that the filter describes, if it is a conjunction of equalities and the change completes it.
/// `None` for a filter that looks for a `value` to change something `beside` it: that element should exist.
fn element_from_filter(
    target: &AttributeRef,
    filter: &Predicate,
    change: &ElementChange,
    changes_sibling: bool,
) -> Option<Map<String, Value>> {
    if !target.is_complex() {
        return None;
    }
    let mut element = Map::new();
    for (sub, operand) in filter.equalities()? {
        let definition = sub.definition();
        let value = operand.to_value();
        let writable = definition.mutability() != Mutability::ReadOnly && sub.validate(&value).is_ok();
        let searches_value = changes_sibling && definition.name() == "value";
        if !writable || searches_value || element.insert(definition.name().to_owned(), value).is_some() {
            return None;
        }
    }
    let has_key = change.sets_key() || !key_of(&element).is_empty();
    (has_key || !is_keyed(target)).then_some(element)
}
