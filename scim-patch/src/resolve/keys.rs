//! What the keys of a value name, in an operation without a path or with that of an extension.

use scim_schema::{AttrPath, AttributeRef, Extension, Quirk, ResolvedName, ScimType};
use serde_json::{Map, Value};

use super::path::core_schema_error;
use super::resolver::Resolver;
use crate::error::{Result, shortened};
use crate::mutability::{is_schemas, is_service_owned};
use crate::step::Action;
use crate::{Op, PatchError};

impl Resolver<'_, '_> {
    /// An operation whose value is an object of attributes.
    pub(super) fn resolve_pathless(&mut self, value: Option<Value>) -> Result<()> {
        if self.op == Op::Remove {
            let reason = "is required for a remove operation";
            return Err(PatchError::new(ScimType::NoTarget, "path", reason));
        }
        if !self.read_context.allow_quirk(Quirk::PathlessOperation, "path") {
            let reason = "is required; send one operation per attribute";
            return Err(PatchError::new(ScimType::InvalidSyntax, "path", reason));
        }
        self.names_in_value = true;
        let object = self.expect_object(value, "value")?;
        self.resolve_object(object)
    }

    /// Attributes, by the keys of a value.
    fn resolve_object(&mut self, object: Map<String, Value>) -> Result<()> {
        for (key, value) in object {
            match self.resource_type.resolve_name(&key, self.read_context) {
                Some(ResolvedName::Extension(extension)) => self.resolve_extension(extension, value)?,
                Some(ResolvedName::Attribute(target)) => self.resolve_member(&target, value)?,
                None if self.resource_type.schema().has_id(&key) => match value {
                    Value::Object(inner) if self.read_context.allow_quirk(Quirk::CoreSchemaPath, "value") => {
                        self.resolve_object(inner)?;
                    }
                    _ => return Err(core_schema_error(&key)),
                },
                None if key.contains('[')
                    && self.read_context.allow_quirk(Quirk::DottedKey, shortened(&key)) =>
                {
                    self.resolve_path(&key, Some(value))?;
                }
                None => self.unknown_attribute(&key)?,
            }
        }
        Ok(())
    }

    /// An attribute among others in a value. There null is as good as absent (RFC 7643 section 2.5),
    /// and what only the service writes may come along.
    fn resolve_member(&mut self, target: &AttributeRef, value: Value) -> Result<()> {
        if value.is_null() && self.op == Op::Add {
            return Ok(());
        }
        if !is_service_owned(target) {
            return self.resolve_attribute(target, Some(value));
        }
        if !is_schemas(target) {
            return self.confirm_read_only_member(target, value);
        }
        match self.resolve_attribute(target, Some(value)) {
            Err(_) if self.read_context.allow_quirk(Quirk::ReadOnlyIgnored, target) => Ok(()),
            confirmed => confirmed,
        }
    }

    /// A `readOnly` attribute among others in a value. Where it is not ignored it may be what it is, which
    /// shows when the patch is applied.
    fn confirm_read_only_member(&mut self, target: &AttributeRef, value: Value) -> Result<()> {
        if self.read_context.allow_quirk(Quirk::ReadOnlyIgnored, target) {
            return Ok(());
        }
        let attribute = self.resource_type.parent_attribute(target).unwrap_or(target).clone();
        self.record_reads([attribute]);
        self.push(target, Action::Confirm { requested_target: target.clone(), value });
        Ok(())
    }

    pub(super) fn resolve_extension_path(
        &mut self,
        extension: Extension<'_>,
        value: Option<Value>,
    ) -> Result<()> {
        let uri = extension.schema().id();
        // What a URI stands for is clear where all of it goes.
        if self.op != Op::Remove && !self.read_context.allow_quirk(Quirk::BareExtensionPath, uri) {
            let reason = "is the URI of a schema; append `:` and the name of an attribute";
            return Err(PatchError::new(ScimType::InvalidPath, uri, reason));
        }
        self.names_in_value = true;
        match (self.op, value) {
            (Op::Remove, value) => {
                if value.is_some() && !self.read_context.allow_quirk(Quirk::RemoveWithValue, uri) {
                    let reason =
                        "a remove operation takes no `value`; send one remove operation per attribute";
                    return Err(PatchError::new(ScimType::InvalidValue, uri, reason));
                }
                self.resolve_extension(extension, Value::Null)
            }
            (Op::Add, Some(Value::Null)) => self.allow_null_for_add(uri),
            (_, value) => {
                let object = self.expect_object(value, uri)?;
                self.resolve_extension(extension, Value::Object(object))
            }
        }
    }

    /// Attributes of an extension, under its URI.
    fn resolve_extension(&mut self, extension: Extension<'_>, value: Value) -> Result<()> {
        let uri = extension.schema().id();
        let object = match value {
            Value::Null if self.op == Op::Add => return Ok(()),
            Value::Null => {
                self.removes_extension = true;
                extension.attributes().iter().filter(|target| !is_service_owned(target)).for_each(|target| {
                    self.unassign(target);
                });
                self.removes_extension = false;
                return Ok(());
            }
            value => self.expect_object(Some(value), uri)?,
        };
        for (key, value) in object {
            match self.find_in_extension(extension, &key) {
                Some(target) => self.resolve_member(&target, value)?,
                None => self.unknown_attribute(&format!("{uri}:{key}"))?,
            }
        }
        Ok(())
    }

    /// What a key means inside an extension's object: its attribute, which may be dotted or qualified
    /// once more.
    fn find_in_extension(&mut self, extension: Extension<'_>, key: &str) -> Option<AttributeRef> {
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
