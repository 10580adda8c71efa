//! Bringing client data into canonical form: names, null, lists, extensions, `schemas`.
//!
//! Once a resource is canonical, every later step finds its attributes by exact lookups.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::resource_type::{Extension, Named, ResourceType};
use crate::target::Target;
use crate::targets::Targets;
use crate::value::is_unassigned;
use crate::{Quirk, Reading, ScimType, Violation};

impl ResourceType {
    /// Brings a resource that a client sent into canonical form, in place.
    ///
    /// - names get the case of their definition (RFC 7643 section 2.1);
    /// - null, `[]` and objects without values are the same as absence (RFC 7643 section 2.5);
    /// - `readOnly` attributes are dropped (RFC 7644 section 3.3), and so is the `$ref` of a
    ///   reference whose `value` is there: the service writes it from the value;
    /// - of list elements that are the same, one stays ([`Target::merge_repeated`]);
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
        reading: &mut Reading<'_>,
    ) -> Result<(), Violation> {
        let Swept { mut strays, dropped } = self.sweep(resource, reading)?;
        if !strays.is_empty() {
            // Whole attributes and extensions first: names with a path add to them.
            strays.sort_by_key(|(key, _)| self.attribute(key).is_none() && self.extension(key).is_none());
            for (key, value) in strays {
                self.place(resource, &key, value, &dropped, reading)?;
            }
            self.sweep(resource, reading)?;
        }
        self.normalize_schemas(resource, reading)
    }

    /// Normalises the values of members with canonical names; takes the other members out.
    fn sweep(
        &self,
        resource: &mut Map<String, Value>,
        reading: &mut Reading<'_>,
    ) -> Result<Swept<'_>, Violation> {
        let mut core = self.core().attributes.lookup();
        sweep(resource, |key, value| match core(key) {
            Some(target) => normalize_writable(target, value, reading),
            None => match self.extensions().find(|extension| extension.schema().id() == key) {
                Some(extension) => normalize_extension(extension, value, reading),
                None => Ok(Fate::Stray),
            },
        })
    }

    /// Puts the value of a name that is not canonical where it belongs, as it is.
    fn place(
        &self,
        resource: &mut Map<String, Value>,
        key: &str,
        value: Value,
        dropped: &[&str],
        reading: &mut Reading<'_>,
    ) -> Result<(), Violation> {
        let whole = self.attribute(key).map(Target::name);
        if let Some(name) = whole.or_else(|| self.extension(key).map(|extension| extension.schema().id())) {
            return insert_once(resource, name, value, dropped, &"");
        }
        // Only what has a value is worth an opinion on its name.
        if is_unassigned(&value) {
            return Ok(());
        }
        match self.named(key, reading) {
            Some(Named::Attribute(target)) => target.insert(resource, value),
            Some(Named::Extension(_)) => Ok(()),
            None if self.has_path(key) && !reading.tolerance().allows(Quirk::UnknownAttribute) => {
                let reason =
                    "is a path, where the name of a member is wanted; send objects inside each other";
                Err(Violation::new(ScimType::InvalidSyntax, key, reason))
            }
            None => unknown(key, reading),
        }
    }

    fn normalize_schemas(
        &self,
        resource: &mut Map<String, Value>,
        reading: &mut Reading<'_>,
    ) -> Result<(), Violation> {
        if self.has_right_schemas(resource) {
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
            match self.sections().iter().position(|section| section.schema.is(uri)) {
                None if reading.tolerates(Quirk::ForeignSchema, "schemas") => {}
                None => return wrong("lists a URI that is not a schema of this resource type"),
                Some(section) if !listed.contains(&section) => listed.push(section),
                Some(_) if reading.tolerates(Quirk::RepeatedSchema, "schemas") => {}
                Some(_) => return wrong("lists a URI twice"),
            }
        }
        if !listed.contains(&0) && !reading.tolerates(Quirk::MissingSchemas, "schemas") {
            return wrong("must list the core schema of the resource type");
        }
        self.update_schemas(resource);
        Ok(())
    }

    /// Makes `schemas` list the core schema, the required extensions, and those that have values.
    pub fn update_schemas(&self, resource: &mut Map<String, Value>) {
        if !self.has_right_schemas(resource) {
            let uris = self.right_schemas(resource).map(Value::from).collect();
            resource.insert("schemas".to_owned(), Value::Array(uris));
        }
    }

    fn has_right_schemas(&self, resource: &Map<String, Value>) -> bool {
        let listed = resource.get("schemas").and_then(Value::as_array);
        listed
            .is_some_and(|listed| listed.iter().map(Value::as_str).eq(self.right_schemas(resource).map(Some)))
    }

    fn right_schemas(&self, resource: &Map<String, Value>) -> impl Iterator<Item = &str> {
        let there = |extension: &Extension<'_>| {
            extension.is_required() || resource.contains_key(extension.schema().id())
        };
        let extensions = self.extensions().filter(there).map(|extension| extension.schema().id());
        std::iter::once(self.schema().id()).chain(extensions)
    }
}

/// What becomes of a member.
enum Fate<'a> {
    Keep,
    /// It has no value or is not the client's to write; this is its canonical name.
    Drop(&'a str),
    /// Its name is not canonical.
    Stray,
}

/// What a pass over an object took out of it.
struct Swept<'a> {
    strays: Vec<(String, Value)>,
    /// The canonical names of what was dropped. They count when a name must not occur twice.
    dropped: Vec<&'a str>,
}

fn sweep<'a>(
    object: &mut Map<String, Value>,
    mut fate: impl FnMut(&str, &mut Value) -> Result<Fate<'a>, Violation>,
) -> Result<Swept<'a>, Violation> {
    let mut swept = Swept { strays: Vec::new(), dropped: Vec::new() };
    for (key, value) in object.iter_mut() {
        match fate(key, value)? {
            Fate::Keep => {}
            Fate::Drop(name) => swept.dropped.push(name),
            Fate::Stray => swept.strays.push((key.clone(), value.take())),
        }
    }
    for name in swept.strays.iter().map(|(key, _)| key.as_str()).chain(swept.dropped.iter().copied()) {
        object.remove(name);
    }
    Ok(swept)
}

/// The members of an extension object or of a complex value; `around` is the beginning of their paths.
fn normalize_members(
    targets: &Targets,
    object: &mut Map<String, Value>,
    around: &dyn Display,
    reading: &mut Reading<'_>,
) -> Result<(), Violation> {
    let pass = |object: &mut Map<String, Value>, reading: &mut Reading<'_>| {
        let mut lookup = targets.lookup();
        sweep(object, |key, value| match lookup(key) {
            Some(target) => normalize_writable(target, value, reading),
            None => Ok(Fate::Stray),
        })
    };
    let Swept { strays, dropped } = pass(object, reading)?;
    if strays.is_empty() {
        return Ok(());
    }
    for (key, value) in strays {
        let display = || {
            let target = targets.exact("display").filter(|_| key.eq_ignore_ascii_case("displayName"))?;
            reading.tolerates(Quirk::DisplayNameForDisplay, target).then_some(target)
        };
        match targets.find(&key).or_else(display) {
            Some(target) => insert_once(object, target.name(), value, &dropped, around)?,
            None if is_unassigned(&value) => {}
            None => unknown(format_args!("{around}{key}"), reading)?,
        }
    }
    pass(object, reading).map(|_| ())
}

impl Target {
    /// The members of a complex value.
    pub(crate) fn normalize_members(
        &self,
        object: &mut Map<String, Value>,
        reading: &mut Reading<'_>,
    ) -> Result<(), Violation> {
        normalize_members(self.subs(), object, &format_args!("{self}."), reading)
    }

    /// Puts a value where the attribute lives, making the objects around it.
    fn insert(&self, resource: &mut Map<String, Value>, value: Value) -> Result<(), Violation> {
        let around = [self.extension(), self.sub().map(|_| self.attribute().name())];
        let mut object = resource;
        for name in around.into_iter().flatten() {
            let wrong =
                || Violation::new(ScimType::InvalidValue, self, "what it belongs to is not an object");
            let inner = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or_else(wrong)?;
        }
        let path = self.path().as_str();
        let around = path.strip_suffix(self.name()).unwrap_or_default();
        insert_once(object, self.name(), value, &[], &around)
    }
}

/// What only the server writes is dropped; what it is, does not matter.
fn normalize_writable<'a>(
    target: &'a Target,
    value: &mut Value,
    reading: &mut Reading<'_>,
) -> Result<Fate<'a>, Violation> {
    let writable = !target.is_read_only();
    let keep = writable && (target.is_plain(value) || target.normalize(value, reading)?);
    if keep && let Value::Array(list) = value {
        target.merge_repeated(list);
    }
    Ok(if keep { Fate::Keep } else { Fate::Drop(target.name()) })
}

fn normalize_extension<'a>(
    extension: Extension<'a>,
    value: &mut Value,
    reading: &mut Reading<'_>,
) -> Result<Fate<'a>, Violation> {
    let uri = extension.schema().id();
    match value {
        Value::Null => return Ok(Fate::Drop(uri)),
        Value::Object(object) => {
            normalize_members(extension.targets(), object, &format_args!("{uri}:"), reading)?;
            if object.is_empty() {
                return Ok(Fate::Drop(uri));
            }
        }
        _ => return Err(Violation::new(ScimType::InvalidValue, uri, "an extension must be an object")),
    }
    Ok(Fate::Keep)
}

fn insert_once(
    object: &mut Map<String, Value>,
    name: &str,
    value: Value,
    dropped: &[&str],
    around: &dyn Display,
) -> Result<(), Violation> {
    if dropped.contains(&name) || object.insert(name.to_owned(), value).is_some() {
        let path = format!("{around}{name}");
        return Err(Violation::new(ScimType::InvalidSyntax, path, "the attribute is there twice"));
    }
    Ok(())
}

fn unknown(path: impl Display, reading: &mut Reading<'_>) -> Result<(), Violation> {
    if reading.tolerates(Quirk::UnknownAttribute, &path) {
        return Ok(());
    }
    Err(Violation::new(ScimType::InvalidSyntax, path, "the resource type has no such attribute"))
}
