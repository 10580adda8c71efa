//! What the keys of a value name, in an operation without a path or with that of an extension.

use scim_schema::{AttrPath, AttributeRef, Extension, Quirk, ResolvedName, ScimType};
use serde_json::{Map, Value};

use super::path::core_schema;
use super::resolver::Resolver;
use crate::error::{Result, shortened};
use crate::mutability::{is_schemas, is_service_owned};
use crate::step::Action;
use crate::{Op, PatchError};

impl Resolver<'_, '_> {
    /// An operation whose value is an object of attributes.
    pub(super) fn pathless(&mut self, value: Option<Value>) -> Result<()> {
        if self.op == Op::Remove {
            let reason = "is required for a remove operation";
            return Err(PatchError::new(ScimType::NoTarget, "path", reason));
        }
        if !self.read_context.allow_quirk(Quirk::PathlessOperation, "path") {
            let reason = "is required; send one operation per attribute";
            return Err(PatchError::new(ScimType::InvalidSyntax, "path", reason));
        }
        self.in_value = true;
        let object = self.object(value, "value")?;
        self.attributes(object)
    }

    /// Attributes, by the keys of a value.
    fn attributes(&mut self, object: Map<String, Value>) -> Result<()> {
        for (key, value) in object {
            match self.resource_type.resolve_name(&key, self.read_context) {
                Some(ResolvedName::Extension(extension)) => self.extension(extension, value)?,
                Some(ResolvedName::Attribute(target)) => self.member(&target, value)?,
                None if self.resource_type.schema().has_id(&key) => match value {
                    Value::Object(inner) if self.read_context.allow_quirk(Quirk::CoreSchemaPath, "value") => {
                        self.attributes(inner)?;
                    }
                    _ => return Err(core_schema(&key)),
                },
                None if key.contains('[')
                    && self.read_context.allow_quirk(Quirk::DottedKey, shortened(&key)) =>
                {
                    self.path(&key, Some(value))?;
                }
                None => self.unknown(&key)?,
            }
        }
        Ok(())
    }

    /// An attribute among others in a value. There null is as good as absent (RFC 7643 section 2.5),
    /// and what only the service writes may come along.
    fn member(&mut self, target: &AttributeRef, value: Value) -> Result<()> {
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
            Err(_) if self.read_context.allow_quirk(Quirk::ReadOnlyIgnored, target) => Ok(()),
            confirmed => confirmed,
        }
    }

    /// A `readOnly` attribute among others in a value. Where it is not ignored it may be what it is, which
    /// shows when the patch is applied.
    fn read_only_member(&mut self, target: &AttributeRef, value: Value) -> Result<()> {
        if self.read_context.allow_quirk(Quirk::ReadOnlyIgnored, target) {
            return Ok(());
        }
        let attribute = self.resource_type.parent_attribute(target).unwrap_or(target).clone();
        self.look_at([attribute]);
        self.push(target, Action::Confirm { named: target.clone(), value });
        Ok(())
    }

    pub(super) fn bare_extension(&mut self, extension: Extension<'_>, value: Option<Value>) -> Result<()> {
        let uri = extension.schema().id();
        // What a URI stands for is clear where all of it goes.
        if self.op != Op::Remove && !self.read_context.allow_quirk(Quirk::BareExtensionPath, uri) {
            let reason = "is the URI of a schema; append `:` and the name of an attribute";
            return Err(PatchError::new(ScimType::InvalidPath, uri, reason));
        }
        self.in_value = true;
        match (self.op, value) {
            (Op::Remove, value) => {
                if value.is_some() && !self.read_context.allow_quirk(Quirk::RemoveWithValue, uri) {
                    let reason =
                        "a remove operation takes no `value`; send one remove operation per attribute";
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
    fn in_extension(&mut self, extension: Extension<'_>, key: &str) -> Option<AttributeRef> {
        let uri = extension.schema().id();
        if let Some(target) = extension.attribute(key) {
            return Some(target.clone());
        }
        if key.contains(':') {
            return match self.resource_type.resolve_name(key, self.read_context) {
                Some(ResolvedName::Attribute(target)) => {
                    Some(target).filter(|target| target.extension() == Some(uri))
                }
                _ => None,
            };
        }
        let path = AttrPath::parse(&format!("{uri}:{key}")).ok()?;
        let target = self.resource_type.resolve(&path, self.read_context).ok()?;
        self.read_context.allow_quirk(Quirk::DottedKey, &target).then_some(target)
    }
}
