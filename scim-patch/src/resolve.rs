//! From operations with textual paths to steps on known attributes.

use scim_filter::{Filter, PatchPath, Predicate};
use scim_schema::{
    AttrPath, Extension, Mutability, Named, Quirk, Reading, ResourceType, ScimType, Target, Type, is_unassigned,
};
use serde_json::{Map, Value};

use crate::patch::{Action, Change, Keyed, Step};
use crate::{Limits, Op, Operation, Patch, PatchError, PatchRequest};

type Result<T> = std::result::Result<T, PatchError>;

impl PatchRequest {
    /// Resolves paths and values against a resource type: names, value filters, types, mutability.
    ///
    /// # Errors
    ///
    /// `invalidPath` or `invalidFilter` for a path, `noTarget` for a `remove` without one,
    /// `mutability` for a `readOnly` attribute, `invalidValue` for a value that does not suit its
    /// attribute. The error tells the operation's index and the path.
    pub fn resolve(self, on: &ResourceType, limits: &Limits, reading: &mut Reading<'_>) -> Result<Patch> {
        let mut steps = Vec::with_capacity(self.operations.len());
        for (index, operation) in self.operations.into_iter().enumerate() {
            reading.at_operation(Some(index));
            let mut resolver = Resolver { on, limits, reading, operation: index, op: operation.op, steps: &mut steps };
            resolver.operation(operation).map_err(|error| error.at(index))?;
        }
        reading.at_operation(None);
        Ok(Patch::new(on.clone(), steps, limits.clone()))
    }
}

/// Resolves one operation.
struct Resolver<'a, 'r> {
    on: &'a ResourceType,
    limits: &'a Limits,
    reading: &'a mut Reading<'r>,
    operation: usize,
    op: Op,
    steps: &'a mut Vec<Step>,
}

impl Resolver<'_, '_> {
    fn operation(&mut self, operation: Operation) -> Result<()> {
        let Some(path) = operation.path else { return self.pathless(operation.value) };
        if let Some(extension) = self.on.extension(&path) {
            return self.bare_extension(extension, operation.value);
        }
        match PatchPath::parse(&path, &self.limits.filter, self.reading) {
            Ok(PatchPath::Attribute(path)) => match self.find(&path)? {
                Some(target) => self.attribute(&target, operation.value),
                None => Ok(()),
            },
            Ok(PatchPath::Value { path, filter, sub }) => match self.find(&path)? {
                Some(target) => self.value_path(&target, &filter, sub.as_deref(), operation.value),
                None => Ok(()),
            },
            Err(error) => Err(PatchError::new(error.scim_type(), &path, error.to_string())),
        }
    }

    fn push(&mut self, target: &Target, action: Action) {
        self.steps.push(Step { operation: self.operation, target: target.clone(), action });
    }

    /// The attribute that a path names; `None` if it is unknown and that is tolerated.
    fn find(&mut self, path: &AttrPath) -> Result<Option<Target>> {
        if let Ok(target) = self.on.resolve(path, self.reading) {
            return Ok(Some(target));
        }
        // Only a wholly unknown attribute is skipped; a wrong sub-attribute of a known one has no
        // single sane reading.
        let parent = path.sub_attribute().and_then(|sub| {
            let text = path.as_str();
            let parent = text.get(..text.len().checked_sub(sub.len() + 1)?)?;
            self.on.resolve(&AttrPath::parse(parent).ok()?, self.reading).ok()
        });
        if let (Some(parent), Some(sub)) = (&parent, path.sub_attribute())
            && let Some(target) = self.sub_attribute(parent, sub)
        {
            return Ok(Some(target));
        }
        if parent.is_none() && self.reading.tolerates(Quirk::UnknownAttribute, path) {
            return Ok(None);
        }
        let reason = format!("{} has no such attribute", self.on.name());
        Err(PatchError::new(ScimType::InvalidPath, path, reason))
    }

    fn sub_attribute(&mut self, parent: &Target, name: &str) -> Option<Target> {
        parent.sub_attribute(name).cloned().or_else(|| {
            let display = parent.sub_attribute("display").filter(|_| name.eq_ignore_ascii_case("displayName"))?;
            self.reading.tolerates(Quirk::DisplayNameForDisplay, parent).then(|| display.clone())
        })
    }

    /// An operation whose value is an object of attributes.
    fn pathless(&mut self, value: Option<Value>) -> Result<()> {
        if self.op == Op::Remove {
            let reason = "a remove operation needs a path";
            return Err(PatchError::new(ScimType::NoTarget, "path", reason));
        }
        if !self.reading.tolerance().allows(Quirk::PathlessOperation) {
            return Err(PatchError::new(ScimType::InvalidSyntax, "path", "is required"));
        }
        let object = self.object(value, "value")?;
        for (key, value) in object {
            match self.on.named(&key, self.reading) {
                Some(Named::Extension(extension)) => self.extension(extension, value)?,
                Some(Named::Attribute(target)) => {
                    if is_service_owned(&target) {
                        self.ignore_read_only(&target)?;
                    } else {
                        self.attribute(&target, Some(value))?;
                    }
                }
                None if self.on.schema().is(&key) => {
                    return Err(PatchError::new(
                        ScimType::InvalidPath,
                        &key,
                        "core attributes stand at the top level of the value",
                    ));
                }
                None => self.unknown_key(&key)?,
            }
        }
        Ok(())
    }

    fn unknown_key(&mut self, key: &str) -> Result<()> {
        if self.reading.tolerates(Quirk::UnknownAttribute, key) {
            return Ok(());
        }
        let reason = format!("{} has no such attribute", self.on.name());
        Err(PatchError::new(ScimType::InvalidPath, key, reason))
    }

    fn ignore_read_only(&mut self, target: &Target) -> Result<()> {
        if self.reading.tolerates(Quirk::ReadOnlyIgnored, target) { Ok(()) } else { Err(read_only(target)) }
    }

    fn bare_extension(&mut self, extension: Extension<'_>, value: Option<Value>) -> Result<()> {
        let uri = extension.schema().id();
        if !self.reading.tolerates(Quirk::BareExtensionPath, uri) {
            return Err(PatchError::new(ScimType::InvalidPath, uri, "names a schema, not an attribute"));
        }
        match (self.op, value) {
            (Op::Remove, None | Some(Value::Null)) => self.extension(extension, Value::Null),
            (_, value) => {
                let object = self.object(value, uri)?;
                self.extension(extension, Value::Object(object))
            }
        }
    }

    /// Attributes of an extension, under its URI.
    fn extension(&mut self, extension: Extension<'_>, value: Value) -> Result<()> {
        let object = match value {
            Value::Null if self.op == Op::Add => return Ok(()),
            Value::Null => {
                for target in extension.attributes() {
                    if target.attribute().mutability() != Mutability::ReadOnly {
                        self.push(target, Action::Unassign);
                    }
                }
                return Ok(());
            }
            value => self.object(Some(value), extension.schema().id())?,
        };
        for (key, value) in object {
            // Names inside may be qualified or dotted once more, as at the top level.
            let target = match extension.attribute(&key) {
                Some(target) => target.clone(),
                None => match self.on.named(&format!("{}:{key}", extension.schema().id()), self.reading) {
                    Some(Named::Attribute(target)) => target,
                    _ => {
                        self.unknown_key(&key)?;
                        continue;
                    }
                },
            };
            if target.definition().mutability() == Mutability::ReadOnly {
                self.ignore_read_only(&target)?;
            } else {
                self.attribute(&target, Some(value))?;
            }
        }
        Ok(())
    }

    fn object(&mut self, value: Option<Value>, path: &str) -> Result<Map<String, Value>> {
        match self.unpack_text(value, path) {
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(PatchError::new(ScimType::InvalidValue, path, "must be an object of attributes")),
            None => Err(PatchError::new(ScimType::InvalidValue, path, "is required: an object of attributes")),
        }
    }

    /// JSON in a string, where only an object or a list can be meant.
    fn unpack_text(&mut self, value: Option<Value>, path: &str) -> Option<Value> {
        if let Some(Value::String(text)) = &value
            && text.trim_start().starts_with(['{', '['])
            && let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
            && self.reading.tolerates(Quirk::JsonText, path)
        {
            return Some(inner);
        }
        value
    }

    /// An attribute, or a sub-attribute without a value filter.
    fn attribute(&mut self, target: &Target, value: Option<Value>) -> Result<()> {
        if is_service_owned(target) {
            return if is_schemas(target) { self.schemas(target, value) } else { Err(read_only(target)) };
        }
        let mut value = value;
        if target.is_complex() {
            value = self.unpack_text(value, target.path().as_str());
            if let Some(inner) = value.as_mut() {
                self.unwrap_repeated_name(target, inner);
            }
        }
        if self.op == Op::Remove { self.remove(target, value) } else { self.assign(target, value) }
    }

    /// `{"members": [..]}` as the value for `members`.
    fn unwrap_repeated_name(&mut self, target: &Target, value: &mut Value) {
        let name = target.attribute().name();
        let Some(object) = value.as_object_mut() else { return };
        let repeats = target.sub().is_none()
            && object.len() == 1
            && target.sub_attribute(name).is_none()
            && object.keys().all(|key| key.eq_ignore_ascii_case(name));
        if repeats
            && self.reading.tolerates(Quirk::WrappedValue, target)
            && let Some(inner) = object.values_mut().next()
        {
            *value = inner.take();
        }
    }

    /// `schemas` follows the extensions by itself, so an operation on it can only confirm it.
    fn schemas(&mut self, target: &Target, value: Option<Value>) -> Result<()> {
        let mut value = value.unwrap_or(Value::Null);
        target.normalize(&mut value, self.reading)?;
        let listed = |uri: &Value| uri.as_str().unwrap_or_default().to_owned();
        let uris: Vec<String> = value.as_array().map(|uris| uris.iter().map(listed).collect()).unwrap_or_default();
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
        for uri in &uris {
            let known = self.on.schema().is(uri) || self.on.extension(uri).is_some();
            if !known && !self.reading.tolerates(Quirk::ForeignSchema, target) {
                let reason = "lists a URI that is not a schema of this resource type";
                return Err(PatchError::new(ScimType::InvalidValue, target, reason));
            }
        }
        Ok(())
    }

    /// `add` and `replace` of an attribute, or of a sub-attribute without a value filter.
    fn assign(&mut self, target: &Target, value: Option<Value>) -> Result<()> {
        let Some(mut value) = value else {
            return Err(PatchError::new(ScimType::InvalidValue, target, "the operation needs a value"));
        };
        if value.is_null() && self.op == Op::Add {
            return if self.reading.tolerates(Quirk::AddNothing, target) {
                Ok(())
            } else {
                Err(PatchError::new(ScimType::InvalidValue, target, "add needs a value that is not null"))
            };
        }
        let list = target.attribute().is_multi_valued();
        if target.is_complex() && !list {
            return self.assign_complex(target, value);
        }
        let assigned = target.normalize(&mut value, self.reading)?;
        if assigned {
            target.validate(&value)?;
        }
        match (list, target.sub().is_some()) {
            (true, true) => {
                let seed = self.op == Op::Add || self.reading.tolerance().allows(Quirk::ReplaceCreates);
                self.push(target, Action::Each { value: assigned.then_some(value), seed });
            }
            (true, false) if self.op == Op::Add => {
                if let Value::Array(elements) = value {
                    self.add_elements(target, elements)?;
                }
            }
            _ if assigned => {
                if target.is_keyed() {
                    require_keys(target, &value)?;
                }
                self.push(target, Action::Set(value));
            }
            _ if self.op == Op::Add => {}
            _ => self.push(target, Action::Unassign),
        }
        Ok(())
    }

    fn add_elements(&mut self, target: &Target, elements: Vec<Value>) -> Result<()> {
        if elements.is_empty() {
            return Ok(());
        }
        if !target.is_keyed() {
            self.push(target, Action::Append(elements));
            return Ok(());
        }
        let mut changes = Vec::with_capacity(elements.len());
        for element in elements {
            require_key(target, &element)?;
            if let Value::Object(element) = element {
                changes.push(Keyed::Add(element));
            }
        }
        self.push(target, Action::Keyed(changes));
        Ok(())
    }

    /// A singular complex attribute: what is given is set, what is null is unassigned, the rest stays.
    fn assign_complex(&mut self, target: &Target, mut value: Value) -> Result<()> {
        if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
            if self.op == Op::Replace {
                self.push(target, Action::Unassign);
            }
            return Ok(());
        }
        let mut cleared = Vec::new();
        if let (Op::Replace, Some(object)) = (self.op, value.as_object()) {
            for key in object.iter().filter(|(_, value)| is_unassigned(value)).map(|(key, _)| key) {
                let writable = |sub: &&Target| sub.definition().mutability() != Mutability::ReadOnly;
                cleared.extend(target.sub_attribute(key).filter(writable).cloned());
            }
        }
        let empty_text = value.as_str().is_some_and(str::is_empty);
        let assigned = target.normalize(&mut value, self.reading)?;
        match value {
            Value::Object(members) if assigned => {
                for (name, value) in &members {
                    if let Some(sub) = target.sub_attribute(name) {
                        sub.validate(value)?;
                    }
                }
                if self.op == Op::Replace && self.reading.tolerance().replaces_whole_complex() {
                    self.push(target, Action::Set(Value::Object(members)));
                    return Ok(());
                }
                self.push(target, Action::Merge(members));
            }
            value if assigned => target.validate(&value)?,
            _ if empty_text => self.push(target, Action::Unassign),
            _ => {}
        }
        for sub in cleared {
            self.push(&sub, Action::Unassign);
        }
        Ok(())
    }

    /// `remove` of an attribute, or of a sub-attribute without a value filter.
    fn remove(&mut self, target: &Target, value: Option<Value>) -> Result<()> {
        let list = target.attribute().is_multi_valued();
        // A value never means "everything": only what it lists goes.
        let Some(mut value) = value.filter(|value| !value.is_null()) else {
            let action = if list && target.sub().is_some() {
                Action::Each { value: None, seed: false }
            } else {
                Action::Unassign
            };
            self.push(target, action);
            return Ok(());
        };
        if !self.reading.tolerates(Quirk::RemoveWithValue, target) {
            let reason = "remove takes no value; select what to remove in the path, as in `members[value eq \"..\"]`";
            return Err(PatchError::new(ScimType::InvalidValue, target, reason));
        }
        if !target.normalize(&mut value, self.reading)? {
            return Ok(());
        }
        match value {
            Value::Array(listed) if target.is_keyed() => {
                let mut changes = Vec::with_capacity(listed.len());
                for element in &listed {
                    changes.push(Keyed::Remove(require_key(target, element)?.into()));
                }
                self.push(target, Action::Keyed(changes));
            }
            Value::Array(listed) if list && target.sub().is_none() => {
                self.push(target, Action::RemoveListed(listed));
            }
            value => self.push(target, Action::UnassignEqual(value)),
        }
        Ok(())
    }

    /// A path with a value filter: `emails[type eq "work"]`, with or without a sub-attribute.
    fn value_path(
        &mut self,
        target: &Target,
        filter: &Filter,
        sub: Option<&str>,
        value: Option<Value>,
    ) -> Result<()> {
        let attribute = target.attribute();
        if is_service_owned(target) {
            return Err(read_only(target));
        }
        if target.sub().is_some() || !attribute.is_multi_valued() {
            let complex = target.sub().is_none() && target.is_complex();
            if !complex || !self.reading.tolerates(Quirk::FilteredSingular, target) {
                let reason = "only the elements of a multi-valued attribute can be selected";
                return Err(PatchError::new(ScimType::InvalidPath, target, reason));
            }
        }
        let predicate = filter
            .resolve_within(target, self.reading)
            .map_err(|error| PatchError::new(error.scim_type(), target, error.to_string()))?;
        let sub = match sub {
            None => None,
            Some(name) => Some(self.sub_attribute(target, name).ok_or_else(|| {
                PatchError::new(ScimType::InvalidPath, format_args!("{target}.{name}"), "there is no such sub-attribute")
            })?),
        };
        if let Some(sub) = &sub
            && sub.definition().mutability() == Mutability::ReadOnly
        {
            return Err(read_only(sub));
        }
        if self.op == Op::Remove {
            return self.remove_selected(target, predicate, sub);
        }
        let Some(value) = value else {
            return Err(PatchError::new(ScimType::InvalidValue, target, "the operation needs a value"));
        };
        let change = match sub {
            Some(sub) => self.change_sub(sub, value)?,
            None => self.change_element(target, value)?,
        };
        let Some(change) = change else { return Ok(()) };
        if let (Some(key), Change::Merge(members)) = (key_of(target, &predicate), &change) {
            let same = members.get("value").and_then(Value::as_str).is_none_or(|value| value == key);
            if same && self.op == Op::Add {
                let mut members = members.clone();
                members.insert("value".to_owned(), Value::from(key));
                self.push(target, Action::Keyed(vec![Keyed::Add(members)]));
                return Ok(());
            }
        }
        let creates = self.op == Op::Add || self.reading.tolerance().allows(Quirk::ReplaceCreates);
        let seed = if creates { seed(target, &predicate) } else { None };
        self.push(target, Action::Select { filter: predicate, change, seed });
        Ok(())
    }

    fn remove_selected(&mut self, target: &Target, predicate: Predicate, sub: Option<Target>) -> Result<()> {
        let action = match (sub, key_of(target, &predicate)) {
            (None, Some(key)) => Action::Keyed(vec![Keyed::Remove(key.into())]),
            (None, None) => Action::Select { filter: predicate, change: Change::Remove, seed: None },
            (Some(sub), _) => Action::Select { filter: predicate, change: Change::RemoveSub(sub), seed: None },
        };
        self.push(target, action);
        Ok(())
    }

    fn change_sub(&mut self, sub: Target, mut value: Value) -> Result<Option<Change>> {
        if sub.normalize(&mut value, self.reading)? {
            sub.validate(&value)?;
            return Ok(Some(Change::SetSub(sub, value)));
        }
        Ok((self.op == Op::Replace).then_some(Change::RemoveSub(sub)))
    }

    fn change_element(&mut self, target: &Target, value: Value) -> Result<Option<Change>> {
        // The element may come in a list of its own.
        let value = match value {
            Value::Array(mut list) if list.len() == 1 && self.reading.tolerates(Quirk::ListForSingular, target) => {
                list.pop().unwrap_or_default()
            }
            value => value,
        };
        let wrong = || Err(PatchError::new(ScimType::InvalidValue, target, "must be one element"));
        let mut element = if target.attribute().is_multi_valued() {
            let mut list = Value::Array(vec![value]);
            if !target.normalize(&mut list, self.reading)? {
                return Ok((self.op == Op::Replace).then_some(Change::Remove));
            }
            match list {
                Value::Array(mut list) if list.len() == 1 => list.pop().unwrap_or_default(),
                _ => return wrong(),
            }
        } else {
            let mut value = value;
            if !target.normalize(&mut value, self.reading)? {
                return Ok(None);
            }
            value
        };
        match &mut element {
            Value::Object(members) if target.definition().data_type() == Type::Complex => {
                for (name, value) in members.iter() {
                    if let Some(sub) = target.sub_attribute(name) {
                        sub.validate(value)?;
                    }
                }
                if self.op == Op::Replace && !self.reading.tolerance().allows(Quirk::ReplaceMerges) {
                    if self.reading.tolerance().replaces_whole_complex() {
                        let reason = "the elements of a list are replaced one sub-attribute at a time";
                        return Err(PatchError::new(ScimType::InvalidPath, target, reason));
                    }
                    return Ok(Some(Change::Replace(element)));
                }
                Ok(Some(Change::Merge(std::mem::take(members))))
            }
            element => {
                target.validate_one(element)?;
                Ok(Some(Change::Replace(element.take())))
            }
        }
    }
}

/// The `value` that a filter on a keyed list asks for, if it asks for nothing else.
fn key_of<'a>(target: &Target, predicate: &'a Predicate) -> Option<&'a str> {
    if !target.is_keyed() {
        return None;
    }
    match predicate.single_equality()? {
        (sub, scim_schema::Operand::Text(text)) if sub.definition().name() == "value" => Some(text.given()),
        _ => None,
    }
}

/// The element that a conjunction of equalities describes.
fn seed(target: &Target, predicate: &Predicate) -> Option<Map<String, Value>> {
    if !target.is_complex() {
        return None;
    }
    let mut element = Map::new();
    for (sub, operand) in predicate.equalities()? {
        let definition = sub.definition();
        let before = element.insert(definition.name().to_owned(), operand.to_value());
        if before.is_some() || definition.mutability() == Mutability::ReadOnly {
            return None;
        }
    }
    Some(element)
}

/// Whether only the service writes the attribute, or the sub-attribute.
fn is_service_owned(target: &Target) -> bool {
    target.attribute().mutability() == Mutability::ReadOnly
        || target.definition().mutability() == Mutability::ReadOnly
        || is_schemas(target)
}

fn is_schemas(target: &Target) -> bool {
    target.extension().is_none() && target.attribute().name() == "schemas"
}

fn read_only(target: &Target) -> PatchError {
    PatchError::new(ScimType::Mutability, target, "is readOnly")
}

fn require_keys(target: &Target, list: &Value) -> Result<()> {
    list.as_array().into_iter().flatten().try_for_each(|element| require_key(target, element).map(|_| ()))
}

fn require_key<'a>(target: &Target, element: &'a Value) -> Result<&'a str> {
    match element.get("value").and_then(Value::as_str) {
        Some(key) if !key.is_empty() => Ok(key),
        _ => Err(PatchError::new(ScimType::InvalidValue, target, "each element must have a `value`, a string")),
    }
}
