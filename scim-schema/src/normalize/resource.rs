//! Bringing client data into canonical form: names, null, lists, extensions, `schemas`.
//!
//! Once a resource is canonical, every later step finds its attributes by exact lookups.

use serde_json::{Map, Value};

use super::members::{
    MemberKind, Split, insert_once, normalize_members, normalize_writable, split_members, unknown,
};
use crate::{
    AttributeRef, Extension, Quirk, ReadContext, ResolvedName, ResourceType, ScimType, Violation,
    is_unassigned,
};

impl ResourceType {
    /// Brings a resource that a client sent into canonical form, in place.
    ///
    /// - names get the case of their definition (RFC 7643 section 2.1);
    /// - null, `[]` and objects without values are the same as absence (RFC 7643 section 2.5);
    /// - `readOnly` attributes are dropped (RFC 7644 section 3.3), and so is the `$ref` of a
    ///   reference whose `value` is there: the service writes it from the value;
    /// - of list elements that are the same, one stays ([`AttributeRef::merge_repeated`]);
    /// - extension attributes end up under their schema's URI, and `schemas` lists the core schema
    ///   and the extensions that have values (RFC 7643 section 3);
    /// - what [`Quirk`] lists is put right if the reading tolerates it.
    ///
    /// Values stay as they were sent otherwise. Whether they are right is what
    /// [`validate`](Self::validate) says.
    ///
    /// # Errors
    ///
    /// `invalidSyntax` for a name that occurs twice, or that is unknown where that is not
    /// tolerated; `invalidValue` for what cannot be brought into form. The resource is then in no
    /// particular state.
    pub fn normalize(
        &self,
        resource: &mut Map<String, Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        let Split { mut unknown_members, dropped } = self.split_members(resource, read_context)?;
        if !unknown_members.is_empty() {
            // Whole attributes and extensions first: names with a path add to them.
            unknown_members
                .sort_by_key(|(key, _)| self.attribute(key).is_none() && self.extension(key).is_none());
            for (key, value) in unknown_members {
                self.insert_noncanonical(resource, &key, value, &dropped, read_context)?;
            }
            self.split_members(resource, read_context)?;
        }
        self.normalize_schemas(resource, read_context)
    }

    /// Normalises the values of members with canonical names; takes the other members out.
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

    /// Puts the value of a name that is not canonical where it belongs, as it is.
    fn insert_noncanonical(
        &self,
        resource: &mut Map<String, Value>,
        key: &str,
        value: Value,
        dropped: &[&str],
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        let whole = self.attribute(key).map(AttributeRef::name);
        if let Some(name) = whole.or_else(|| self.extension(key).map(|extension| extension.schema().id())) {
            return insert_once(resource, name, value, dropped, &"");
        }
        // A member without a value does no harm, so that its name may be unknown.
        if is_unassigned(&value) {
            return Ok(());
        }
        match self.resolve_name(key, read_context) {
            Some(ResolvedName::Attribute(target)) => target.insert(resource, value),
            Some(ResolvedName::Extension(_)) => Ok(()),
            None if self.has_path(key) && !read_context.tolerance().allows(Quirk::UnknownAttribute) => {
                let reason =
                    "is a path, where the name of a member is wanted; send objects inside each other";
                Err(Violation::new(ScimType::InvalidSyntax, key, reason))
            }
            None => unknown(key, read_context),
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
        let wrong = |reason: &str| Err(Violation::new(ScimType::InvalidSyntax, "schemas", reason));
        let uris = match resource.get("schemas") {
            None => &[],
            Some(Value::Array(uris)) => uris.as_slice(),
            Some(_) => return wrong("must be an array of strings"),
        };
        let mut listed = Vec::new();
        for uri in uris {
            let Some(uri) = uri.as_str() else { return wrong("must be an array of strings") };
            match self.sections().iter().position(|section| section.schema.has_id(uri)) {
                None if read_context.allow_quirk(Quirk::ForeignSchema, "schemas") => {}
                None => return wrong("lists a URI that is not a schema of this resource type"),
                Some(section) if !listed.contains(&section) => listed.push(section),
                Some(_) if read_context.allow_quirk(Quirk::RepeatedSchema, "schemas") => {}
                Some(_) => return wrong("lists a URI twice"),
            }
        }
        if !listed.contains(&0) && !read_context.allow_quirk(Quirk::MissingSchemas, "schemas") {
            return wrong("must list the core schema of the resource type");
        }
        self.update_schemas(resource);
        Ok(())
    }

    /// Makes `schemas` list the core schema, the required extensions, and those that have values.
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
    /// Puts a value where the attribute lives, making the objects around it.
    fn insert(&self, resource: &mut Map<String, Value>, value: Value) -> Result<(), Violation> {
        let around = [self.extension(), self.sub().map(|_| self.attribute().name())];
        let mut object = resource;
        for name in around.into_iter().flatten() {
            let wrong = || {
                Violation::new(ScimType::InvalidValue, self, "the value that should hold it is not an object")
            };
            let inner = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or_else(wrong)?;
        }
        let path = self.path().as_str();
        let around = path.strip_suffix(self.name()).unwrap_or_default();
        insert_once(object, self.name(), value, &[], &around)
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
            normalize_members(extension.targets(), object, &format_args!("{uri}:"), read_context)?;
            if object.is_empty() {
                return Ok(MemberKind::Drop(uri));
            }
        }
        _ => return Err(Violation::new(ScimType::InvalidValue, uri, "an extension must be an object")),
    }
    Ok(MemberKind::Keep)
}
