//! From values to steps: what an operation does to the attribute that its path names.

use scim_schema::{Mutability, Quirk, ScimType, Target, is_unassigned};
use serde_json::{Map, Value};

use crate::change::{Change, Member};
use crate::error::Result;
use crate::keyed::{Keyed, KeyedChange, is_fixed, is_keyed, require_key};
use crate::patch::Action;
use crate::resolve::{Resolver, is_schemas, is_service_owned, read_only};
use crate::select::{Otherwise, Select};
use crate::{Op, PatchError};

impl Resolver<'_, '_> {
    /// An attribute, or a sub-attribute without a value filter.
    pub(crate) fn attribute(&mut self, target: &Target, value: Option<Value>) -> Result<()> {
        if is_schemas(target) {
            return self.schemas(target, value);
        }
        if is_service_owned(target) {
            return Err(read_only(target));
        }
        if self.op == Op::Remove {
            return self.remove(target, value);
        }
        let Some(value) = value else { return Err(needs_value(target)) };
        match self.unpack(target, value)? {
            Value::Null if self.op == Op::Add => self.add_nothing(target),
            value => self.assign(target, value),
        }
    }

    pub(crate) fn add_nothing(&mut self, path: impl std::fmt::Display) -> Result<()> {
        if self.reading.tolerates(Quirk::AddNothing, &path) {
            return Ok(());
        }
        let reason = "add needs a value that is not null; to take a value away send remove";
        Err(PatchError::new(ScimType::InvalidValue, path, reason))
    }

    /// The value itself: not as JSON text, nor under the attribute's own name as in
    /// `{"members": [..]}` for `members`.
    pub(crate) fn unpack(&mut self, target: &Target, mut value: Value) -> Result<Value> {
        if target.is_complex() {
            value = self.unpack_text(value, target);
        }
        let name = target.definition().name();
        if let Value::Object(object) = &mut value
            && object.len() == 1
            && target.sub_attribute(name).is_none()
            && object.keys().all(|key| key.eq_ignore_ascii_case(name))
            && self.reading.tolerates(Quirk::WrappedValue, target)
        {
            value = object.values_mut().next().map(Value::take).unwrap_or_default();
        }
        if value.as_array().is_some_and(|list| list.len() > self.limits.values) {
            let reason = format!("more than {} elements; send fewer at a time", self.limits.values);
            return Err(PatchError::too_large(target, reason));
        }
        Ok(value)
    }

    /// `schemas` follows the extensions by itself, so an operation on it can only confirm it.
    fn schemas(&mut self, target: &Target, value: Option<Value>) -> Result<()> {
        if self.op == Op::Remove && value.is_some() {
            self.tolerate_value(target)?;
        }
        let mut value = value.unwrap_or(Value::Null);
        target.normalize(&mut value, self.reading)?;
        let uris = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let uris: Vec<&str> = uris.iter().map(|uri| uri.as_str().unwrap_or_default()).collect();
        let core = uris.iter().any(|uri| self.on.schema().is(uri));
        let gone = match self.op {
            Op::Add => false,
            Op::Remove => core || uris.is_empty(),
            Op::Replace => !core,
        };
        if gone {
            let reason = "the core schema of the resource type cannot be removed";
            return Err(PatchError::new(ScimType::Mutability, target, reason));
        }
        for uri in uris {
            let known = self.on.schema().is(uri) || self.on.extension(uri).is_some();
            if !known && !self.reading.tolerates(Quirk::ForeignSchema, target) {
                let reason = "lists a URI that is not a schema of this resource type";
                return Err(PatchError::new(ScimType::InvalidValue, target, reason));
            }
        }
        Ok(())
    }

    /// `add` and `replace` of an attribute, or of a sub-attribute without a value filter.
    fn assign(&mut self, target: &Target, mut value: Value) -> Result<()> {
        let list = target.attribute().is_multi_valued();
        if target.sub().is_some() {
            return self.assign_sub(target, value);
        }
        if target.is_complex() && !list {
            return self.assign_complex(target, value);
        }
        if list && self.op == Op::Add && !self.in_value && !value.is_array() {
            // What is added is a value of the list, which may well come alone (RFC 7644 section 3.5.2.1).
            value = Value::Array(vec![value]);
        }
        let assigned = target.normalize(&mut value, self.reading)?;
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
            // The only element that a list keeps is replaced by one that is added.
            value if target.definition().single_type().is_some() => {
                self.push(target, Action::Set(value));
                Ok(())
            }
            Value::Array(elements) if list && (self.op == Op::Add || is_keyed(target)) => {
                self.elements(target, elements)
            }
            value => {
                self.push(target, Action::Set(value));
                Ok(())
            }
        }
    }

    /// A sub-attribute without a value filter: of the value of a singular attribute, or of each element.
    fn assign_sub(&mut self, target: &Target, value: Value) -> Result<()> {
        let parent = self.on.attribute_of(target).unwrap_or(target);
        let list = parent.definition().is_multi_valued();
        let empty = value.as_str().is_some_and(|text| text.trim().is_empty());
        if empty && !list && target.is_resource_id() && self.reading.tolerates(Quirk::EmptyForComplex, parent)
        {
            self.unassign(parent);
            return Ok(());
        }
        let Some(change) = self.merge_sub(parent, target, value)? else { return Ok(()) };
        let creates = !list || self.op == Op::Add && !is_keyed(parent);
        let otherwise = match creates {
            true => Otherwise::Create { element: Map::new(), tolerated: false },
            false => Otherwise::Refuse,
        };
        self.push(target, Action::Select(Box::new(Select::all(change, otherwise))));
        Ok(())
    }

    /// Elements to be added to a list, or to be all that is in a list with keys.
    fn elements(&mut self, target: &Target, elements: Vec<Value>) -> Result<()> {
        let keyed = is_keyed(target);
        if keyed {
            elements.iter().try_for_each(|element| require_key(target, element).map(|_| ()))?;
        }
        let exactly = self.op == Op::Replace;
        let fixed = |element: &Value| element.as_object().is_some_and(|element| is_fixed(target, element));
        let action = if keyed && (exactly || elements.iter().all(fixed)) {
            let operation = self.operation;
            let change = |element| match element {
                Value::Object(element) => Some(KeyedChange::Add(operation, element)),
                _ => None,
            };
            Action::Keyed(Keyed { exactly, changes: elements.into_iter().filter_map(change).collect() })
        } else {
            Action::Append(elements)
        };
        self.push(target, action);
        Ok(())
    }

    /// A singular complex attribute: what is given is set, what is null is unassigned, the rest stays.
    fn assign_complex(&mut self, target: &Target, value: Value) -> Result<()> {
        let empty_text = value.as_str().is_some_and(|text| text.trim().is_empty())
            && target.sub_attribute("value").is_some();
        if is_nothing(&value) || (empty_text && self.reading.tolerates(Quirk::EmptyForComplex, target)) {
            if self.op == Op::Replace || empty_text {
                self.unassign(target);
            }
            return Ok(());
        }
        let Some(members) = self.members(target, value)? else {
            self.unassign(target);
            return Ok(());
        };
        let change = if self.op == Op::Replace && self.reading.tolerance().replaces_whole_complex() {
            let members = without_nulls(members);
            if members.is_empty() {
                self.unassign(target);
                return Ok(());
            }
            let value = Value::Object(members);
            target.validate_one(&value)?;
            Change::Replace(value)
        } else {
            Change::Merge { members: Member::all(target, members), adding: self.op == Op::Add }
        };
        let otherwise = Otherwise::Create { element: Map::new(), tolerated: false };
        self.push(target, Action::Select(Box::new(Select::all(change, otherwise))));
        Ok(())
    }

    /// The sub-attributes that a complex value gives, checked one by one; for `replace` those that
    /// it unassigns are null. `None` if it is a reference to nothing, which unassigns the attribute.
    pub(crate) fn members(
        &mut self,
        target: &Target,
        mut value: Value,
    ) -> Result<Option<Map<String, Value>>> {
        if let Value::Array(list) = &mut value
            && let [one] = list.as_mut_slice()
            && self.reading.tolerates(Quirk::ListForSingular, target)
        {
            value = one.take();
        }
        let mut unassigned = Vec::new();
        if let (Op::Replace, Value::Object(object)) = (self.op, &value) {
            let writable = |sub: &&Target| sub.definition().mutability() != Mutability::ReadOnly;
            let empty = object.iter().filter(|(_, value)| is_unassigned(value));
            let subs = empty.filter_map(|(name, _)| target.sub_attribute(name)).filter(writable);
            unassigned.extend(subs.map(|sub| sub.definition().name().to_owned()));
        }
        let assigned = target.normalize_one(&mut value, self.reading)?;
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

    /// What `add` or `replace` does to a sub-attribute of an attribute; `None` if nothing.
    pub(crate) fn merge_sub(
        &mut self,
        parent: &Target,
        sub: &Target,
        mut value: Value,
    ) -> Result<Option<Change>> {
        let adding = self.op == Op::Add;
        if sub.normalize(&mut value, self.reading)? {
            if let Value::Array(list) = &mut value {
                sub.merge_repeated(list);
            }
            sub.validate(&value)?;
        } else if adding {
            return Ok(None);
        } else {
            value = Value::Null;
        }
        let element = Value::Object(Map::from_iter([(sub.definition().name().to_owned(), value.clone())]));
        if !parent.is_of_single_type(&element, self.reading)? {
            return Ok(None);
        }
        Ok(Some(Change::Merge { members: vec![Member { sub: sub.clone(), value }], adding }))
    }

    pub(crate) fn unassign(&mut self, target: &Target) {
        let action = if is_keyed(target) {
            Action::Keyed(Keyed { exactly: true, changes: Vec::new() })
        } else if target.is_complex() && !target.definition().is_multi_valued() {
            Action::Select(Box::new(Select::all(Change::Remove, Otherwise::Nothing)))
        } else {
            Action::Unassign
        };
        self.push(target, action);
    }

    /// `remove` of an attribute, or of a sub-attribute without a value filter.
    fn remove(&mut self, target: &Target, value: Option<Value>) -> Result<()> {
        if let Some(value) = value {
            self.tolerate_value(target)?;
            if target.definition().is_multi_valued() {
                return self.remove_listed(target, value);
            }
        }
        if target.sub().is_none() {
            self.unassign(target);
        } else {
            let change = unassign_sub(target);
            self.push(target, Action::Select(Box::new(Select::all(change, Otherwise::Nothing))));
        }
        Ok(())
    }

    /// Asks for tolerance of a `remove` with a value: what is removed is what the path selects.
    pub(crate) fn tolerate_value(&mut self, target: &Target) -> Result<()> {
        if self.reading.tolerates(Quirk::RemoveWithValue, target) {
            return Ok(());
        }
        let reason =
            "remove takes no value; select what to remove in the path, as in `members[value eq \"..\"]`";
        Err(PatchError::new(ScimType::InvalidValue, target, reason))
    }

    /// `remove` of a multi-valued attribute with a value, which lists what is removed. Whatever it is, it
    /// never means "everything".
    fn remove_listed(&mut self, target: &Target, value: Value) -> Result<()> {
        let mut value = self.unpack(target, value)?;
        let invalid = |reason| PatchError::new(ScimType::InvalidValue, target, reason);
        if value.is_null() {
            return Err(invalid("null lists nothing; to remove all elements leave `value` out"));
        }
        if is_nothing(&value) || !target.normalize(&mut value, self.reading)? {
            return Ok(());
        }
        let Value::Array(listed) = value else { return Err(invalid("must list what to remove")) };
        let has_value = target.sub_attribute("value").is_some();
        let is_usable = |element: &Value| match element {
            Value::Object(members) if target.is_complex() => !has_value || gives_value(members),
            element => !target.is_complex() && !element.is_object(),
        };
        if !listed.iter().all(is_usable) {
            return Err(invalid("each element that is listed must have a `value`"));
        }
        self.look_at_listed(target, &listed);
        let action = if is_keyed(target) {
            let key = |element| require_key(target, element).map(|key| KeyedChange::Remove(key.into()));
            Action::Keyed(Keyed { exactly: false, changes: listed.iter().map(key).collect::<Result<_>>()? })
        } else if target.sub().is_some() {
            let change = Change::RemoveEqual(Member { sub: target.clone(), value: Value::Array(listed) });
            Action::Select(Box::new(Select::all(change, Otherwise::Nothing)))
        } else {
            Action::RemoveListed(listed)
        };
        self.push(target, action);
        Ok(())
    }

    /// Whether a listed element is there shows in the answer, so that it is looked at.
    fn look_at_listed(&mut self, target: &Target, listed: &[Value]) {
        let given = |sub: &&Target| listed.iter().any(|one| one.get(sub.definition().name()).is_some());
        let subs: Vec<Target> = target.sub_attributes().iter().filter(given).cloned().collect();
        self.look_at(std::iter::once(target.clone()).chain(subs));
    }
}

/// Whether an element has a `value` that is not empty.
fn gives_value(members: &Map<String, Value>) -> bool {
    match members.get("value") {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    }
}

pub(crate) fn needs_value(target: &Target) -> PatchError {
    PatchError::new(ScimType::InvalidValue, target, "the operation needs a value")
}

pub(crate) fn unassign_sub(sub: &Target) -> Change {
    Change::Merge { members: vec![Member { sub: sub.clone(), value: Value::Null }], adding: false }
}

pub(crate) fn without_nulls(members: Map<String, Value>) -> Map<String, Value> {
    members.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// Whether a value means that there is none (RFC 7643 section 2.5).
pub(crate) fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}
