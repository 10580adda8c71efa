//! From operations with textual paths to attributes: what a path, or a key of a value, names.

use scim_filter::{Filter, PatchPath};
use scim_schema::{AttrPath, Extension, Mutability, Named, Quirk, Reading, ResourceType, ScimType, Target};
use serde_json::{Map, Value};

use crate::error::{Result, shortened};
use crate::patch::{Action, Step};
use crate::{Limits, Op, Operation, Patch, PatchError, PatchRequest};

impl PatchRequest {
    /// Resolves paths and values against a resource type: names, value filters, types, mutability
    /// (RFC 7644 section 3.5.2 and figure 7).
    ///
    /// ```
    /// use scim_patch::{Limits, Op, Operation, PatchRequest};
    /// use scim_schema::{Reading, ScimType, Tolerance, standard};
    ///
    /// let (tolerance, limits) = (Tolerance::strict(), Limits::default());
    /// let resolve = |path: &str, value: serde_json::Value| {
    ///     let operation = Operation { op: Op::Add, path: Some(path.to_owned()), value: Some(value) };
    ///     let request = PatchRequest { operations: vec![operation] };
    ///     request.resolve(&standard::user_type(), &limits, &mut Reading::new(&tolerance))
    /// };
    /// let refused = |path, value| resolve(path, value).unwrap_err().scim_type().unwrap();
    /// assert!(resolve("emails[type eq \"work\"].value", "bea@example.com".into()).is_ok());
    /// assert_eq!(refused("shoeSize", 38.into()), ScimType::InvalidPath);
    /// assert_eq!(refused("emails[shoeSize eq 38].value", "a".into()), ScimType::InvalidFilter);
    /// assert_eq!(refused("active", "yes".into()), ScimType::InvalidValue);
    /// assert_eq!(refused("groups", serde_json::json!([])), ScimType::Mutability);
    /// ```
    ///
    /// # Errors
    ///
    /// `invalidPath` or `invalidFilter` for a path, `noTarget` for a `remove` without one,
    /// `mutability` for a `readOnly` attribute, `invalidValue` for a value that does not suit its
    /// attribute, `invalidSyntax` for an unknown sub-attribute inside a value and for what the tolerance
    /// refuses, `sensitive` for a filter on what is never returned; too large for a list with more
    /// elements than [`Limits::values`]. The error tells the operation's index and the path.
    pub fn resolve(self, on: &ResourceType, limits: &Limits, reading: &mut Reading<'_>) -> Result<Patch> {
        let mut steps = Vec::with_capacity(self.operations.len());
        let mut looked_at = Vec::new();
        for (index, operation) in self.operations.into_iter().enumerate() {
            reading.at_operation(Some(index));
            let mut resolver = Resolver {
                on,
                limits,
                reading,
                operation: index,
                op: operation.op,
                in_value: false,
                whole_extension: false,
                steps: &mut steps,
                looked_at: &mut looked_at,
            };
            resolver.operation(operation).map_err(|error| error.at(index))?;
        }
        reading.at_operation(None);
        Ok(Patch::new(on.clone(), steps, looked_at, limits.clone()))
    }
}

/// Resolves one operation.
pub(crate) struct Resolver<'a, 'r> {
    pub(crate) on: &'a ResourceType,
    pub(crate) limits: &'a Limits,
    pub(crate) reading: &'a mut Reading<'r>,
    pub(crate) operation: usize,
    pub(crate) op: Op,
    /// Whether attributes are named by the keys of the value, and not by the path.
    pub(crate) in_value: bool,
    /// Whether all attributes of an extension are removed by its URI.
    whole_extension: bool,
    steps: &'a mut Vec<Step>,
    looked_at: &'a mut Vec<Target>,
}

impl<'a> Resolver<'a, '_> {
    fn operation(&mut self, operation: Operation) -> Result<()> {
        match operation.path {
            None => self.pathless(operation.value),
            Some(path) => self.path(&path, operation.value),
        }
    }

    fn path(&mut self, path: &str, value: Option<Value>) -> Result<()> {
        // Most paths are a name, and most others that of an extension's attribute.
        if !path.contains('[') {
            let qualified = |(uri, name)| self.on.extension(uri)?.attribute(name);
            let named = self.on.attribute(path).or_else(|| path.rsplit_once(':').and_then(qualified));
            if let Some(target) = named {
                return self.attribute(target, value);
            }
            if let Some(extension) = self.on.extension(path) {
                return self.bare_extension(extension, value);
            }
            if self.on.schema().is(path) {
                if self.op != Op::Remove && self.reading.tolerates(Quirk::CoreSchemaPath, "path") {
                    return self.pathless(value);
                }
                return Err(core_schema(path));
            }
            if path.trim().is_empty() {
                let reason = "is empty; name an attribute, or leave it out to name attributes in the value";
                return Err(PatchError::new(ScimType::InvalidPath, "path", reason));
            }
        }
        match PatchPath::parse(path, &self.limits.filter, self.reading) {
            Ok(PatchPath::Attribute(path)) => match self.find(&path)? {
                Some(target) => self.attribute(target, value),
                None => Ok(()),
            },
            Ok(PatchPath::Value { path, filter, sub }) => {
                self.value_path(&path, &filter, sub.as_deref(), value)
            }
            Err(_) if path.starts_with('/') => {
                let reason = "is a JSON Pointer; send an attribute path such as `name.familyName`";
                Err(PatchError::new(ScimType::InvalidPath, path, reason))
            }
            Err(_) if has_index(path) => {
                let reason =
                    "elements have no index; select them by a filter, as in `emails[type eq \"work\"]`";
                Err(PatchError::new(ScimType::InvalidPath, path, reason))
            }
            Err(error) => Err(PatchError::new(error.scim_type(), path, error.to_string())),
        }
    }

    pub(crate) fn push(&mut self, target: &Target, action: Action) {
        // Steps work on top-level attributes.
        let attribute = if target.sub().is_some() { self.on.attribute_of(target) } else { None };
        let target = attribute.unwrap_or(target).clone();
        let whole_extension = self.whole_extension;
        self.steps.push(Step { operation: self.operation, target, action, whole_extension });
    }

    /// Remembers attributes whose stored values the patch is compared with.
    pub(crate) fn look_at(&mut self, targets: impl IntoIterator<Item = Target>) {
        for target in targets {
            if !self.looked_at.contains(&target) {
                self.looked_at.push(target);
            }
        }
    }

    /// The attribute that a path names; `None` if it is unknown and that is tolerated.
    fn find(&mut self, path: &AttrPath) -> Result<Option<&'a Target>> {
        if let Some(target) = self.on.find(path, self.reading) {
            return Ok(Some(target));
        }
        if let Some(sub) = path.sub_attribute()
            && let Some(end) = path.as_str().len().checked_sub(sub.len() + 1)
            && let Some(parent) = path.as_str().get(..end).and_then(|parent| AttrPath::parse(parent).ok())
            && let Some(parent) = self.on.find(&parent, self.reading)
        {
            return self.sub_attribute(parent, sub);
        }
        self.unknown(path.as_str()).map(|()| None)
    }

    /// The sub-attribute of that name; `None` if there is none and that is tolerated.
    fn sub_attribute(&mut self, parent: &'a Target, name: &str) -> Result<Option<&'a Target>> {
        if let Some(sub) = parent.sub_attribute(name) {
            return Ok(Some(sub));
        }
        if let Some(display) = parent.sub_attribute("display")
            && name.eq_ignore_ascii_case("displayName")
            && self.reading.tolerates(Quirk::DisplayNameForDisplay, display)
        {
            return Ok(Some(display));
        }
        self.unknown(&format!("{parent}.{name}")).map(|()| None)
    }

    fn unknown(&mut self, path: &str) -> Result<()> {
        if self.reading.tolerates(Quirk::UnknownAttribute, shortened(path)) {
            return Ok(());
        }
        if self.in_value && (path.contains('[') || scim_schema::internal::has_path(self.on, path)) {
            let reason =
                "is a path, where the name of a member is wanted; send it as the `path` of an operation";
            return Err(PatchError::new(ScimType::InvalidPath, path, reason));
        }
        let reason = format!("{} has no such attribute", self.on.name());
        Err(PatchError::new(ScimType::InvalidPath, path, reason))
    }

    /// A path with a value filter: `emails[type eq "work"]`, with or without a sub-attribute.
    fn value_path(
        &mut self,
        path: &AttrPath,
        filter: &Filter,
        sub: Option<&str>,
        value: Option<Value>,
    ) -> Result<()> {
        let Some(target) = self.find(path)? else { return Ok(()) };
        if is_service_owned(target) {
            return Err(read_only(target));
        }
        let list = target.sub().is_none() && target.attribute().is_multi_valued();
        let singular = target.sub().is_none() && target.is_complex();
        let selectable = list || singular && self.reading.tolerates(Quirk::FilteredSingular, target);
        if !selectable {
            let reason =
                "only the elements of a multi-valued attribute can be selected; leave the filter out";
            return Err(PatchError::new(ScimType::InvalidPath, target, reason));
        }
        let filter = filter
            .resolve_within(target, self.reading)
            .map_err(|error| PatchError::new(error.scim_type(), target, error.to_string()))?;
        self.look_at(std::iter::once(target.clone()).chain(filter.targets().cloned()));
        if self.steps.iter().any(|step| step.target == *target) {
            // What was written before may have been there already, and then is no element of its own.
            let merged_by = ["type", "value"].iter().filter_map(|name| target.sub_attribute(name));
            self.look_at(merged_by.cloned());
        }
        let sub = match sub {
            None => None,
            Some(name) => match self.sub_attribute(target, name)? {
                None => return Ok(()),
                Some(sub) if sub.definition().mutability() == Mutability::ReadOnly => {
                    return Err(read_only(sub));
                }
                sub => sub,
            },
        };
        self.selected(target, filter, sub, value)
    }

    /// An operation whose value is an object of attributes.
    fn pathless(&mut self, value: Option<Value>) -> Result<()> {
        if self.op == Op::Remove {
            let reason = "a remove operation needs a path";
            return Err(PatchError::new(ScimType::NoTarget, "path", reason));
        }
        if !self.reading.tolerates(Quirk::PathlessOperation, "path") {
            let reason = "is required; send an operation for each attribute";
            return Err(PatchError::new(ScimType::InvalidSyntax, "path", reason));
        }
        self.in_value = true;
        let object = self.object(value, "value")?;
        self.attributes(object)
    }

    /// Attributes, by the keys of a value.
    fn attributes(&mut self, object: Map<String, Value>) -> Result<()> {
        for (key, value) in object {
            match self.on.named(&key, self.reading) {
                Some(Named::Extension(extension)) => self.extension(extension, value)?,
                Some(Named::Attribute(target)) => self.member(&target, value)?,
                None if self.on.schema().is(&key) => match value {
                    Value::Object(inner) if self.reading.tolerates(Quirk::CoreSchemaPath, "value") => {
                        self.attributes(inner)?;
                    }
                    _ => return Err(core_schema(&key)),
                },
                None if key.contains('[') && self.reading.tolerates(Quirk::DottedKey, shortened(&key)) => {
                    self.path(&key, Some(value))?;
                }
                None => self.unknown(&key)?,
            }
        }
        Ok(())
    }

    /// An attribute among others in a value. There null is as good as absent (RFC 7643 section 2.5),
    /// and what only the service writes may come along.
    fn member(&mut self, target: &Target, value: Value) -> Result<()> {
        if value.is_null() && self.op == Op::Add {
            return Ok(());
        }
        if !is_service_owned(target) {
            return self.attribute(target, Some(value));
        }
        if !is_schemas(target) {
            return self.read_only_member(target, value);
        }
        match self.attribute(target, Some(value)) {
            Err(_) if self.reading.tolerates(Quirk::ReadOnlyIgnored, target) => Ok(()),
            confirmed => confirmed,
        }
    }

    /// A `readOnly` attribute among others in a value. Where it is not ignored it may be what it is, which
    /// shows when the patch is applied.
    fn read_only_member(&mut self, target: &Target, value: Value) -> Result<()> {
        if self.reading.tolerates(Quirk::ReadOnlyIgnored, target) {
            return Ok(());
        }
        let attribute = self.on.attribute_of(target).unwrap_or(target).clone();
        self.look_at([attribute]);
        self.push(target, Action::Confirm { named: target.clone(), value });
        Ok(())
    }

    fn bare_extension(&mut self, extension: Extension<'_>, value: Option<Value>) -> Result<()> {
        let uri = extension.schema().id();
        // What a URI stands for is clear where all of it goes.
        if self.op != Op::Remove && !self.reading.tolerates(Quirk::BareExtensionPath, uri) {
            let reason = "names a schema; send the path of an attribute, with `:` between the two";
            return Err(PatchError::new(ScimType::InvalidPath, uri, reason));
        }
        self.in_value = true;
        match (self.op, value) {
            (Op::Remove, value) => {
                if value.is_some() && !self.reading.tolerates(Quirk::RemoveWithValue, uri) {
                    let reason = "remove takes no value; send the paths of the attributes to remove";
                    return Err(PatchError::new(ScimType::InvalidValue, uri, reason));
                }
                self.extension(extension, Value::Null)
            }
            (Op::Add, Some(Value::Null)) => self.add_nothing(uri),
            (_, value) => {
                let object = self.object(value, uri)?;
                self.extension(extension, Value::Object(object))
            }
        }
    }

    /// Attributes of an extension, under its URI.
    fn extension(&mut self, extension: Extension<'_>, value: Value) -> Result<()> {
        let uri = extension.schema().id();
        let object = match value {
            Value::Null if self.op == Op::Add => return Ok(()),
            Value::Null => {
                self.whole_extension = true;
                extension.attributes().iter().filter(|target| !is_service_owned(target)).for_each(|target| {
                    self.unassign(target);
                });
                self.whole_extension = false;
                return Ok(());
            }
            value => self.object(Some(value), uri)?,
        };
        for (key, value) in object {
            match self.in_extension(extension, &key) {
                Some(target) => self.member(&target, value)?,
                None => self.unknown(&format!("{uri}:{key}"))?,
            }
        }
        Ok(())
    }

    /// What a key means inside an extension's object: its attribute, which may be dotted or qualified
    /// once more.
    fn in_extension(&mut self, extension: Extension<'_>, key: &str) -> Option<Target> {
        let uri = extension.schema().id();
        if let Some(target) = extension.attribute(key) {
            return Some(target.clone());
        }
        if key.contains(':') {
            return match self.on.named(key, self.reading) {
                Some(Named::Attribute(target)) => {
                    Some(target).filter(|target| target.extension() == Some(uri))
                }
                _ => None,
            };
        }
        let path = AttrPath::parse(&format!("{uri}:{key}")).ok()?;
        let target = self.on.resolve(&path, self.reading).ok()?;
        self.reading.tolerates(Quirk::DottedKey, &target).then_some(target)
    }

    fn object(&mut self, value: Option<Value>, path: &str) -> Result<Map<String, Value>> {
        let reason = match value.map(|value| self.unpack_text(value, path)) {
            Some(Value::Object(object)) => return Ok(object),
            Some(_) => "must be an object of attributes",
            None => "is required: an object of attributes",
        };
        Err(PatchError::new(ScimType::InvalidValue, path, reason))
    }

    /// JSON in a string, where only an object or a list can be meant.
    pub(crate) fn unpack_text(&mut self, value: Value, path: impl std::fmt::Display) -> Value {
        if let Value::String(text) = &value
            && text.trim_start().starts_with(['{', '['])
            && let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
            && self.reading.tolerates(Quirk::JsonText, path)
        {
            return inner;
        }
        value
    }
}

fn has_index(path: &str) -> bool {
    let inside = path.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    inside.is_some_and(|(index, _)| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
}

fn core_schema(uri: &str) -> PatchError {
    let reason = "is the core schema, whose attributes stand at the top level; leave it out";
    PatchError::new(ScimType::InvalidPath, uri, reason)
}

/// Whether only the service writes the attribute, or the sub-attribute.
pub(crate) fn is_service_owned(target: &Target) -> bool {
    target.attribute().mutability() == Mutability::ReadOnly
        || target.definition().mutability() == Mutability::ReadOnly
        || is_schemas(target)
}

pub(crate) fn is_schemas(target: &Target) -> bool {
    target.extension().is_none() && target.attribute().name() == "schemas"
}

pub(crate) fn read_only(target: &Target) -> PatchError {
    PatchError::new(ScimType::Mutability, target, "is readOnly; only the service changes it")
}
