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
        let value = match value {
            Some(value) => Some(self.unpack(target, value)?),
            None => None,
        };
        match self.op {
            Op::Remove => self.remove(target, value),
            Op::Add | Op::Replace => match value {
                None => Err(needs_value(target)),
                Some(Value::Null) if self.op == Op::Add => self.add_nothing(target),
                Some(value) => self.assign(target, value),
            },
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
            let Some(change) = self.merge_sub(target, value)? else { return Ok(()) };
            let otherwise = if list {
                let seed = change.gives_key() || !self.on.attribute_of(target).is_some_and(is_keyed);
                self.otherwise(&change, || seed.then(Map::new))
            } else {
                Otherwise::Create { element: Map::new(), tolerated: false }
            };
            self.push(target, Action::Select(Box::new(Select::all(change, otherwise))));
            return Ok(());
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
        target.validate(&value)?;
        match value {
            Value::Array(elements) if list && (self.op == Op::Add || is_keyed(target)) => {
                self.elements(target, elements)
            }
            value => {
                self.push(target, Action::Set(value));
                Ok(())
            }
        }
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
            let change = |element| match element {
                Value::Object(element) => Some(KeyedChange::Add(element)),
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
        let empty_text = value.as_str().is_some_and(str::is_empty) && target.sub_attribute("value").is_some();
        if is_nothing(&value) || (empty_text && self.reading.tolerates(Quirk::EmptyForComplex, target)) {
            if self.op == Op::Replace || empty_text {
                self.unassign(target);
            }
            return Ok(());
        }
        let members = self.members(target, value)?;
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
    /// it unassigns are null.
    pub(crate) fn members(&mut self, target: &Target, mut value: Value) -> Result<Map<String, Value>> {
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
        for (name, value) in &members {
            if let Some(sub) = target.sub_attribute(name) {
                sub.validate(value)?;
            }
        }
        for name in unassigned {
            members.entry(name).or_insert(Value::Null);
        }
        Ok(members)
    }

    /// What `add` or `replace` does to a sub-attribute; `None` if nothing.
    pub(crate) fn merge_sub(&mut self, sub: &Target, mut value: Value) -> Result<Option<Change>> {
        let adding = self.op == Op::Add;
        if sub.normalize(&mut value, self.reading)? {
            sub.validate(&value)?;
        } else if adding {
            return Ok(None);
        } else {
            value = Value::Null;
        }
        Ok(Some(Change::Merge { members: vec![Member { sub: sub.clone(), value }], adding }))
    }

    /// What is to be done if no element is selected; `seed` makes what one would be made from.
    pub(crate) fn otherwise(
        &self,
        change: &Change,
        seed: impl FnOnce() -> Option<Map<String, Value>>,
    ) -> Otherwise {
        let lenient = self.reading.tolerance().allows(Quirk::ReplaceCreates);
        match self.op {
            Op::Remove => Otherwise::Nothing,
            Op::Replace if !lenient => Otherwise::Refuse,
            _ if change.only_unassigns() => Otherwise::Nothing,
            op => seed().map_or(Otherwise::Refuse, |element| Otherwise::Create {
                element,
                tolerated: op == Op::Replace,
            }),
        }
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
        let Some(value) = value.filter(|value| !value.is_null()) else {
            if target.sub().is_none() {
                self.unassign(target);
            } else {
                let change = unassign_sub(target);
                self.push(target, Action::Select(Box::new(Select::all(change, Otherwise::Nothing))));
            }
            return Ok(());
        };
        let Some(value) = self.listed(target, value)? else { return Ok(()) };
        let action = match value {
            Value::Array(listed) if is_keyed(target) => {
                let key = |element| require_key(target, element).map(|key| KeyedChange::Remove(key.into()));
                Action::Keyed(Keyed {
                    exactly: false,
                    changes: listed.iter().map(key).collect::<Result<_>>()?,
                })
            }
            value if target.sub().is_some() => {
                let change = Change::RemoveEqual(vec![Member { sub: target.clone(), value }]);
                Action::Select(Box::new(Select::all(change, Otherwise::Nothing)))
            }
            Value::Array(listed) => Action::RemoveListed(listed),
            Value::Object(members) => {
                let change = Change::RemoveEqual(Member::all(target, members));
                Action::Select(Box::new(Select::all(change, Otherwise::Nothing)))
            }
            value => Action::UnassignEqual(value),
        };
        self.push(target, action);
        Ok(())
    }

    /// What the value of a `remove` lists; `None` if nothing. A value never means "everything": only
    /// what it lists goes.
    pub(crate) fn listed(&mut self, target: &Target, mut value: Value) -> Result<Option<Value>> {
        if !self.reading.tolerates(Quirk::RemoveWithValue, target) {
            let reason =
                "remove takes no value; select what to remove in the path, as in `members[value eq \"..\"]`";
            return Err(PatchError::new(ScimType::InvalidValue, target, reason));
        }
        if !target.normalize(&mut value, self.reading)? {
            return Ok(None);
        }
        let suits = value.is_array() == target.definition().is_multi_valued();
        let complex = |value: &Value| value.is_object() == target.is_complex();
        if suits && value.as_array().map_or_else(|| complex(&value), |list| list.iter().all(complex)) {
            return Ok(Some(value));
        }
        Err(PatchError::new(ScimType::InvalidValue, target, "must be a value that the attribute could have"))
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
