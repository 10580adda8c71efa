//! Normalizes a resource that a client sent: names, null, lists, extensions, `schemas`.
//!
//! After that, every later step finds the attributes by their exact names.

use serde_json::{Map, Value};

use super::members::{
    MemberKind, Split, check_unknown, insert_once, normalize_members, normalize_writable, split_members,
};
use crate::{
    AttributeRef, Extension, Quirk, ReadContext, ResolvedName, ResourceType, ScimType, Violation,
    is_unassigned,
};

impl ResourceType {
    /// Brings a resource that a client sent into canonical form, in place:
    ///
    /// - names get the case of their definition (RFC 7643 section 2.1);
    /// - null, `[]` and objects without values are the same as absence (RFC 7643 section 2.5);
    /// - `readOnly` attributes are dropped (RFC 7644 section 3.3), and so is the `$ref` next to the
    ///   `value` of a reference, because the service derives it from the `value`;
    /// - equal list elements are merged into one ([`AttributeRef::merge_repeated`]);
    /// - extension attributes end up under their schema's URI, and `schemas` lists the core schema
    ///   and the extensions that have values (RFC 7643 section 3);
    /// - each [`Quirk`] that `read_context` tolerates is corrected and recorded.
    ///
    /// All other values stay as the client sent them; [`validate`](Self::validate) checks them.
    ///
    /// # Errors
    ///
    /// `invalidSyntax` for a name that occurs twice, or that is unknown and not tolerated;
    /// `invalidValue` for a value that cannot be normalized. After an error the content of `resource`
    /// is unspecified.
    pub fn normalize(
        &self,
        resource: &mut Map<String, Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        let Split { mut unknown_members, dropped } = self.split_members(resource, read_context)?;
        if !unknown_members.is_empty() {
            // Complete attributes and extensions go first, because names with a path add to them.
            unknown_members
                .sort_by_key(|(key, _)| self.attribute(key).is_none() && self.extension(key).is_none());
            for (key, value) in unknown_members {
                self.insert_noncanonical(resource, &key, value, &dropped, read_context)?;
            }
            self.split_members(resource, read_context)?;
        }
        self.normalize_schemas(resource, read_context)
    }

    /// Normalizes the values of members with canonical names and takes the other members out.
    fn split_members(
        &self,
        resource: &mut Map<String, Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<Split<'_>, Violation> {
        let mut core = self.core().attributes.lookup();
        split_members(resource, |key, value| match core(key) {
            Some(target) => normalize_writable(target, value, read_context),
            None => match self.extensions().find(|extension| extension.schema().id() == key) {
                Some(extension) => normalize_extension(extension, value, read_context),
                None => Ok(MemberKind::Unknown),
            },
        })
    }

    /// Inserts the value of a member with a noncanonical name under the canonical name, not normalized yet.
    fn insert_noncanonical(
        &self,
        resource: &mut Map<String, Value>,
        key: &str,
        value: Value,
        dropped: &[&str],
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        let attribute_name = self.attribute(key).map(AttributeRef::name);
        if let Some(name) =
            attribute_name.or_else(|| self.extension(key).map(|extension| extension.schema().id()))
        {
            return insert_once(resource, name, value, dropped, &"");
        }
        // A member without a value means the same as no member, even if its name is unknown.
        if is_unassigned(&value) {
            return Ok(());
        }
        match self.resolve_name(key, read_context) {
            Some(ResolvedName::Attribute(target)) => target.insert(resource, value),
            Some(ResolvedName::Extension(_)) => Ok(()),
            None if self.has_path(key) && !read_context.tolerance().allows(Quirk::UnknownAttribute) => {
                let reason = "is a path, but only the name of an attribute is allowed here; send nested objects instead";
                Err(Violation::new(ScimType::InvalidSyntax, key, reason))
            }
            None => check_unknown(key, read_context),
        }
    }

    fn normalize_schemas(
        &self,
        resource: &mut Map<String, Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        if self.lists_expected_schemas(resource) {
            return Ok(());
        }
        let invalid = |reason: &str| Err(Violation::new(ScimType::InvalidSyntax, "schemas", reason));
        let uris = match resource.get("schemas") {
            None => &[],
            Some(Value::Array(uris)) => uris.as_slice(),
            Some(_) => return invalid("must be an array of strings"),
        };
        let mut listed = Vec::new();
        for uri in uris {
            let Some(uri) = uri.as_str() else { return invalid("must be an array of strings") };
            match self.sections().iter().position(|section| section.schema.has_id(uri)) {
                None if read_context.allow_quirk(Quirk::ForeignSchema, "schemas") => {}
                None => return invalid("contains a URI that is not a schema of this resource type"),
                Some(section) if !listed.contains(&section) => listed.push(section),
                Some(_) if read_context.allow_quirk(Quirk::RepeatedSchema, "schemas") => {}
                Some(_) => return invalid("contains the same URI twice"),
            }
        }
        if !listed.contains(&0) && !read_context.allow_quirk(Quirk::MissingSchemas, "schemas") {
            return invalid("must contain the URI of the core schema of the resource type");
        }
        self.update_schemas(resource);
        Ok(())
    }

    /// Sets `schemas` to the URIs of the core schema, the required extensions, and the extensions that have values.
    pub fn update_schemas(&self, resource: &mut Map<String, Value>) {
        if !self.lists_expected_schemas(resource) {
            let uris = self.expected_schemas(resource).map(Value::from).collect();
            resource.insert("schemas".to_owned(), Value::Array(uris));
        }
    }

    fn lists_expected_schemas(&self, resource: &Map<String, Value>) -> bool {
        let listed = resource.get("schemas").and_then(Value::as_array);
        listed.is_some_and(|listed| {
            listed.iter().map(Value::as_str).eq(self.expected_schemas(resource).map(Some))
        })
    }

    fn expected_schemas(&self, resource: &Map<String, Value>) -> impl Iterator<Item = &str> {
        let there = |extension: &Extension<'_>| {
            extension.is_required() || resource.contains_key(extension.schema().id())
        };
        let extensions = self.extensions().filter(there).map(|extension| extension.schema().id());
        std::iter::once(self.schema().id()).chain(extensions)
    }
}

impl AttributeRef {
    /// Inserts the value of the attribute or sub-attribute, and creates the parent objects that are missing.
    fn insert(&self, resource: &mut Map<String, Value>, value: Value) -> Result<(), Violation> {
        let path_prefix = [self.extension(), self.sub().map(|_| self.attribute().name())];
        let mut object = resource;
        for name in path_prefix.into_iter().flatten() {
            let invalid = || Violation::new(ScimType::InvalidValue, self, "its parent must be a JSON object");
            let inner = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or_else(invalid)?;
        }
        let path = self.path().as_str();
        let path_prefix = path.strip_suffix(self.name()).unwrap_or_default();
        insert_once(object, self.name(), value, &[], &path_prefix)
    }
}

fn normalize_extension<'a>(
    extension: Extension<'a>,
    value: &mut Value,
    read_context: &mut ReadContext<'_>,
) -> Result<MemberKind<'a>, Violation> {
    let uri = extension.schema().id();
    match value {
        Value::Null => return Ok(MemberKind::Drop(uri)),
        Value::Object(object) => {
            normalize_members(extension.attribute_refs(), object, &format_args!("{uri}:"), read_context)?;
            if object.is_empty() {
                return Ok(MemberKind::Drop(uri));
            }
        }
        _ => return Err(Violation::new(ScimType::InvalidValue, uri, "an extension must be an object")),
    }
    Ok(MemberKind::Keep)
}
