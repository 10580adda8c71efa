//! Showing a resource through a projection.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::Projection;
use super::selection::{Selected, Selection};
use crate::Target;

/// What the service writes into a response itself: `meta.resourceType`, `meta.location`, and the
/// `$ref` of references to its own resources.
pub trait Derive {
    /// The value of a derived sub-attribute, given the object that it is a member of.
    fn derive<'a>(&'a self, target: &Target, object: &'a Map<String, Value>) -> Option<Cow<'a, str>>;
}

/// A resource as a response shows it: serialises through a projection, in schema order, without
/// copying the resource.
#[derive(Clone, Copy)]
pub struct Projected<'a> {
    resource: &'a Map<String, Value>,
    projection: &'a Projection,
    derive: Option<&'a dyn Derive>,
}

impl<'a> Projected<'a> {
    /// Shows what a projection leaves of a resource in canonical form.
    pub fn new(resource: &'a Map<String, Value>, projection: &'a Projection) -> Self {
        Self { resource, projection, derive: None }
    }

    /// Also writes what the service derives.
    #[must_use]
    pub fn deriving(self, derive: &'a dyn Derive) -> Self {
        Self { derive: Some(derive), ..self }
    }
}

impl Serialize for Projected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        let mut selections = self.projection.selections();
        let Some((_, core)) = selections.next() else { return out.end() };
        let mut meta = None;
        core.each(self.resource, |selected, value| {
            // It comes last, and as most of it may be derived it need not be stored.
            if *selected.name == *"meta" {
                meta = selected.subs.as_deref().map(|subs| (subs, value.and_then(Value::as_object)));
                return Ok(());
            }
            self.write(&mut out, selected, value)
        })?;
        for (schema, selection) in selections.filter(|(_, selection)| !selection.is_empty()) {
            let Some(members) = self.resource.get(schema.id()).and_then(Value::as_object) else { continue };
            let object = Extension { projected: *self, selection, members };
            if object.has_any() {
                out.serialize_entry(schema.id(), &object)?;
            }
        }
        if let Some((subs, stored)) = meta {
            let none = Map::new();
            let meta = Complex { derive: self.derive, subs, members: stored.unwrap_or(&none) };
            if meta.has_any() {
                out.serialize_entry("meta", &meta)?;
            }
        }
        out.end()
    }
}

impl<'a> Projected<'a> {
    fn write<M: SerializeMap>(
        &self,
        out: &mut M,
        selected: &'a Selected,
        value: Option<&'a Value>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => {
                let shown = Shown { derive: self.derive, subs: selected.subs.as_deref(), value };
                if shown.has_any() || selected.target.holds_members() {
                    out.serialize_entry(&*selected.name, &shown)
                } else {
                    Ok(())
                }
            }
            // A list without members is shown, since clients compare it with theirs.
            None if selected.target.holds_members() => out.serialize_entry(&*selected.name, &[(); 0]),
            None => Ok(()),
        }
    }
}

/// The object of an extension.
struct Extension<'a> {
    projected: Projected<'a>,
    selection: &'a Selection,
    members: &'a Map<String, Value>,
}

impl Extension<'_> {
    fn has_any(&self) -> bool {
        self.selection.iter().any(|selected| {
            let subs = selected.subs.as_deref();
            let value = self.members.get(&*selected.name);
            value.is_some_and(|value| Shown { derive: self.projected.derive, subs, value }.has_any())
        })
    }
}

impl Serialize for Extension<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        self.selection
            .each(self.members, |selected, value| self.projected.write(&mut out, selected, value))?;
        out.end()
    }
}

/// The value of an attribute; with sub-attributes exactly if it is a complex one.
struct Shown<'a> {
    derive: Option<&'a dyn Derive>,
    subs: Option<&'a Selection>,
    value: &'a Value,
}

impl<'a> Shown<'a> {
    /// Whether anything of the value is seen. Of a complex attribute, what is not an object is
    /// nothing: no rule for a sub-attribute is got around.
    fn has_any(&self) -> bool {
        match (self.value, self.subs) {
            (Value::Null, _) => false,
            (Value::Array(list), Some(subs)) => {
                list.iter().any(|element| self.complex(subs, element).is_some())
            }
            (value, Some(subs)) => self.complex(subs, value).is_some(),
            (Value::Array(list), None) => !list.is_empty(),
            (_, None) => true,
        }
    }

    /// A complex value, if anything of it is seen.
    fn complex(&self, subs: &'a Selection, value: &'a Value) -> Option<Complex<'a>> {
        let complex = Complex { derive: self.derive, subs, members: value.as_object()? };
        complex.has_any().then_some(complex)
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.subs) {
            (Value::Array(list), Some(subs)) => {
                serializer.collect_seq(list.iter().filter_map(|element| self.complex(subs, element)))
            }
            (Value::Object(members), Some(subs)) => {
                Complex { derive: self.derive, subs, members }.serialize(serializer)
            }
            (value, _) => value.serialize(serializer),
        }
    }
}

/// An object of sub-attributes.
struct Complex<'a> {
    derive: Option<&'a dyn Derive>,
    subs: &'a Selection,
    members: &'a Map<String, Value>,
}

impl Complex<'_> {
    fn derived(&self, sub: &Selected) -> Option<Cow<'_, str>> {
        if sub.is_derived { self.derive?.derive(&sub.target, self.members) } else { None }
    }

    fn has_any(&self) -> bool {
        self.subs.has_any(self.members) || self.subs.iter().any(|sub| self.derived(sub).is_some())
    }
}

impl Serialize for Complex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        self.subs.each(self.members, |sub, value| match (self.derived(sub), value) {
            (Some(text), _) => out.serialize_entry(&*sub.name, &text),
            (None, None | Some(Value::Null)) => Ok(()),
            (None, Some(value)) => out.serialize_entry(&*sub.name, value),
        })?;
        out.end()
    }
}
