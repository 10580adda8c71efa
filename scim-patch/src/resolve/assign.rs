//! Resolving `add` and `replace` of an attribute, or of a sub-attribute without a value filter.
//!
//! The step depends on the kind of the attribute: a simple one is set, a singular complex one is merged or
//! replaced, and elements are added to a list or replace it. A sub-attribute without a filter is set in every
//! element of a list. A value that is null or an empty list means that there is no value (RFC 7643 section
//! 2.5): `replace` then removes the attribute, and `add` does nothing.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{AttributeRef, Mutability, Quirk, ScimType, is_unassigned};
use serde_json::{Map, Value};

use super::resolver::{Resolver, is_null_or_empty, missing_value, without_nulls};
use crate::error::Result;
use crate::key::{is_keyed, require_key};
use crate::mutability::{all_fixed, is_schemas, is_service_owned, read_only_error};
use crate::step::{Action, ElementChange, IfNoneSelected, KeyedChange, KeyedChanges, Select, SubValue};
use crate::{Op, PatchError};

impl Resolver<'_, '_> {
    /// Resolves an operation on an attribute, or on a sub-attribute without a value filter.
    pub(super) fn resolve_attribute(&mut self, target: &AttributeRef, value: Option<Value>) -> Result<()> {
        if is_schemas(target) {
            return self.check_schemas(target, value);
        }
        if is_service_owned(target) {
            return Err(read_only_error(target));
        }
        if self.op == Op::Remove {
            return self.remove(target, value);
        }
        let Some(value) = value else { return Err(missing_value(target)) };
        match self.unpack(target, value)? {
            Value::Null if self.op == Op::Add => self.allow_null_for_add(target),
            value => self.assign(target, value),
        }
    }

    /// Checks an operation on `schemas`. The service derives `schemas` from the extensions, so the operation
    /// has no effect, but it must not contradict the resource type.
    fn check_schemas(&mut self, target: &AttributeRef, value: Option<Value>) -> Result<()> {
        if self.op == Op::Remove && value.is_some() {
            self.allow_value_for_remove(target)?;
        }
        let mut value = value.unwrap_or(Value::Null);
        target.normalize(&mut value, self.read_context)?;
        let uris = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let uris: Vec<&str> = uris.iter().map(|uri| uri.as_str().unwrap_or_default()).collect();
        let has_core_schema = uris.iter().any(|uri| self.resource_type.schema().has_id(uri));
        let removes_core_schema = match self.op {
            Op::Add => false,
            Op::Remove => has_core_schema || uris.is_empty(),
            Op::Replace => !has_core_schema,
        };
        if removes_core_schema {
            let reason = "the core schema of the resource type cannot be removed";
            return Err(PatchError::new(ScimType::Mutability, target, reason));
        }
        for uri in uris {
            let known =
                self.resource_type.schema().has_id(uri) || self.resource_type.extension(uri).is_some();
            if !known && !self.read_context.allow_quirk(Quirk::ForeignSchema, target) {
                let reason = "lists a URI that is not a schema of this resource type";
                return Err(PatchError::new(ScimType::InvalidValue, target, reason));
            }
        }
        Ok(())
    }

    /// Resolves `add` and `replace` of an attribute, or of a sub-attribute without a value filter.
    fn assign(&mut self, target: &AttributeRef, mut value: Value) -> Result<()> {
        let list = target.attribute().is_multi_valued();
        if target.sub_attribute_definition().is_some() {
            return self.assign_sub(target, value);
        }
        if target.is_complex() && !list {
            return self.assign_complex(target, value);
        }
        if list && self.op == Op::Add && !self.names_in_value && !value.is_array() {
            // A single element needs no array around it (RFC 7644 section 3.5.2.1).
            value = Value::Array(vec![value]);
        }
        let assigned = target.normalize(&mut value, self.read_context)?;
        if !assigned {
            if self.op == Op::Replace {
                self.unassign(target);
            }
            return Ok(());
        }
        if let (Op::Replace, Value::Array(list)) = (self.op, &mut value) {
            target.merge_repeated(list);
        }
        target.validate(&value)?;
        match value {
            // If the service stores one element of each type, a new one replaces the old one of its type.
            Value::Array(elements) if self.op == Op::Add && !target.definition().kept_types().is_empty() => {
                elements.into_iter().for_each(|element| self.replace_element_of_type(target, element));
                Ok(())
            }
            Value::Array(elements) if list && (self.op == Op::Add || is_keyed(target)) => {
                self.assign_elements(target, elements)
            }
            value => {
                self.push(target, Action::Set(value));
                Ok(())
            }
        }
    }

    /// Adds an element to a list that keeps one element of each type.
    fn replace_element_of_type(&mut self, target: &AttributeRef, element: Value) {
        let element_type = element.get("type").cloned().unwrap_or_default();
        let sub = target.sub_attribute("type");
        let operand = sub.and_then(|sub| sub.comparison().prepare(&element_type));
        let (Some(sub), Some(operand), Value::Object(members)) = (sub, operand, &element) else { return };
        let select = Select {
            filter: Predicate::Compare { target: sub.clone(), op: CompareOp::Eq, operand },
            may_select_several: true,
            if_none: IfNoneSelected::Create { element: members.clone(), tolerated: false },
            change: ElementChange::Replace(element),
        };
        self.push(target, Action::Select(Box::new(select)));
    }

    /// Resolves `add` and `replace` of a sub-attribute without a value filter, in the value of a singular
    /// attribute or in each element of a list.
    fn assign_sub(&mut self, target: &AttributeRef, value: Value) -> Result<()> {
        let parent = self.resource_type.parent_attribute(target).unwrap_or(target);
        let list = parent.definition().is_multi_valued();
        let empty_text = value.as_str().is_some_and(|text| text.trim().is_empty());
        if empty_text
            && !list
            && target.is_resource_id()
            && self.read_context.allow_quirk(Quirk::EmptyForComplex, parent)
        {
            self.unassign(parent);
            return Ok(());
        }
        let Some(change) = self.merge_sub(parent, target, value)? else { return Ok(()) };
        let creates = !list || self.op == Op::Add && !is_keyed(parent);
        let if_none = match creates {
            true => IfNoneSelected::Create { element: Map::new(), tolerated: false },
            false => IfNoneSelected::Refuse,
        };
        self.push(target, Action::Select(Box::new(Select::all(change, if_none))));
        Ok(())
    }

    /// Resolves `add` of elements to a list, or `replace` of a keyed list.
    fn assign_elements(&mut self, target: &AttributeRef, elements: Vec<Value>) -> Result<()> {
        let keyed = is_keyed(target);
        if keyed {
            elements.iter().try_for_each(|element| require_key(target, element).map(|_| ()))?;
        }
        let exactly = self.op == Op::Replace;
        let has_only_fixed =
            |element: &Value| element.as_object().is_some_and(|element| all_fixed(target, element));
        let action = if keyed && (exactly || elements.iter().all(has_only_fixed)) {
            let operation = self.operation;
            let change = |element| match element {
                Value::Object(element) => Some(KeyedChange::Add(operation, element)),
                _ => None,
            };
            Action::Keyed(KeyedChanges {
                exactly,
                changes: elements.into_iter().filter_map(change).collect(),
            })
        } else {
            Action::Append(elements)
        };
        self.push(target, action);
        Ok(())
    }

    /// Resolves `add` and `replace` of a singular complex attribute. Sub-attributes in the value are set, or
    /// removed if they are null. The others stay, unless the tolerance makes `replace` replace the whole
    /// value.
    fn assign_complex(&mut self, target: &AttributeRef, value: Value) -> Result<()> {
        let empty_text = value.as_str().is_some_and(|text| text.trim().is_empty())
            && target.sub_attribute("value").is_some();
        if is_null_or_empty(&value)
            || (empty_text && self.read_context.allow_quirk(Quirk::EmptyForComplex, target))
        {
            if self.op == Op::Replace || empty_text {
                self.unassign(target);
            }
            return Ok(());
        }
        let Some(members) = self.sub_values(target, value)? else {
            self.unassign(target);
            return Ok(());
        };
        let change = if self.op == Op::Replace && self.read_context.tolerance().replaces_all_sub_attributes()
        {
            let members = without_nulls(members);
            if members.is_empty() {
                self.unassign(target);
                return Ok(());
            }
            let value = Value::Object(members);
            target.validate_single(&value)?;
            ElementChange::Replace(value)
        } else {
            ElementChange::Merge {
                values: SubValue::from_object(target, members),
                append_lists: self.op == Op::Add,
            }
        };
        let if_none = IfNoneSelected::Create { element: Map::new(), tolerated: false };
        self.push(target, Action::Select(Box::new(Select::all(change, if_none))));
        Ok(())
    }

    /// Normalizes and checks the sub-attributes in a complex value, one by one. For `replace`, those to
    /// remove are null in the result. Returns `None` if the value is a reference with an empty `value`, which
    /// removes the attribute.
    pub(super) fn sub_values(
        &mut self,
        target: &AttributeRef,
        mut value: Value,
    ) -> Result<Option<Map<String, Value>>> {
        if let Value::Array(list) = &mut value
            && let [element] = list.as_mut_slice()
            && self.read_context.allow_quirk(Quirk::ListForSingular, target)
        {
            value = element.take();
        }
        let mut unassigned = Vec::new();
        if let (Op::Replace, Value::Object(object)) = (self.op, &value) {
            let writable = |sub: &&AttributeRef| sub.definition().mutability() != Mutability::ReadOnly;
            let empty = object.iter().filter(|(_, value)| is_unassigned(value));
            let subs = empty.filter_map(|(name, _)| target.sub_attribute(name)).filter(writable);
            unassigned.extend(subs.map(|sub| sub.definition().name().to_owned()));
        }
        let assigned = target.normalize_single(&mut value, self.read_context)?;
        let mut members = match value {
            Value::Object(members) => members,
            _ if assigned => {
                return Err(PatchError::new(ScimType::InvalidValue, target, "must be an object"));
            }
            _ => Map::new(),
        };
        if !assigned && members.contains_key("value") {
            return Ok(None);
        }
        for (name, value) in &members {
            if let Some(sub) = target.sub_attribute(name) {
                sub.validate(value)?;
            }
        }
        for name in unassigned {
            members.entry(name).or_insert(Value::Null);
        }
        Ok(Some(members))
    }

    /// Returns the change that `add` or `replace` makes to a sub-attribute, or `None` if it changes nothing.
    pub(super) fn merge_sub(
        &mut self,
        parent: &AttributeRef,
        sub: &AttributeRef,
        mut value: Value,
    ) -> Result<Option<ElementChange>> {
        let append_lists = self.op == Op::Add;
        if sub.normalize(&mut value, self.read_context)? {
            if let Value::Array(list) = &mut value {
                sub.merge_repeated(list);
            }
            sub.validate(&value)?;
        } else if append_lists {
            return Ok(None);
        } else {
            value = Value::Null;
        }
        let element = Value::Object(Map::from_iter([(sub.definition().name().to_owned(), value.clone())]));
        if !parent.is_kept_element(&element, self.read_context)? {
            return Ok(None);
        }
        Ok(Some(ElementChange::Merge { values: vec![SubValue { sub: sub.clone(), value }], append_lists }))
    }
}
