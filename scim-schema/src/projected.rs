//! Showing a resource through a projection.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::projection::{Projection, Show};
use crate::target::Target;
use crate::targets::Targets;

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
        let mut sections = self.projection.sections();
        let Some((core, shows)) = sections.next() else { return out.end() };
        let Some((meta_show, shows)) = shows.split_last() else { return out.end() };
        let core = Object { projected: self, targets: &core.attributes, shows, members: self.resource };
        core.write(&mut out)?;
        for (extension, shows) in sections {
            let uri = extension.schema.id();
            if shows.iter().all(|show| *show == Show::Hide) {
                continue;
            }
            let Some(members) = self.resource.get(uri).and_then(Value::as_object) else { continue };
            let object = Object { projected: self, targets: &extension.attributes, shows, members };
            if object.has_any() {
                out.serialize_entry(uri, &object)?;
            }
        }
        // `meta` comes last; most of it may be derived, so it need not be stored.
        if let Some(meta) = core.targets.as_slice().last()
            && *meta_show != Show::Hide
        {
            let none = Map::new();
            let stored = self.resource.get(meta.name()).and_then(Value::as_object);
            let members = Members { projected: self, target: meta, show: meta_show, members: stored.unwrap_or(&none) };
            if members.has_any() {
                out.serialize_entry(meta.name(), &members)?;
            }
        }
        out.end()
    }
}

/// How many members of an object are put into schema order at once.
const AT_ONCE: usize = 32;

/// The values of some targets, beginning with the one at `from`, found in one pass over an object.
fn in_schema_order<'a>(
    targets: &'a Targets,
    object: &'a Map<String, Value>,
    from: usize,
) -> impl Iterator<Item = (usize, &'a Target, Option<&'a Value>)> {
    let mut values = [None; AT_ONCE];
    let mut lookup = targets.lookup();
    for (name, value) in object {
        let place = lookup.place(name).and_then(|place| place.checked_sub(from));
        if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
            *slot = Some(value);
        }
    }
    targets.iter().enumerate().skip(from).zip(values).map(|((place, target), value)| (place, target, value))
}

/// The resource itself, or the object of an extension.
struct Object<'a> {
    projected: &'a Projected<'a>,
    targets: &'a Targets,
    shows: &'a [Show],
    members: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    fn write<M: SerializeMap>(&self, out: &mut M) -> Result<(), M::Error> {
        for from in (0..self.shows.len()).step_by(AT_ONCE) {
            for (place, target, value) in in_schema_order(self.targets, self.members, from) {
                if let (Some(value), Some(show)) = (value, self.shows.get(place))
                    && let Some(shown) = self.shown(target, show, value)
                {
                    out.serialize_entry(target.name(), &shown)?;
                }
            }
        }
        Ok(())
    }

    fn has_any(&self) -> bool {
        self.targets.iter().zip(self.shows).any(|(target, show)| {
            *show != Show::Hide
                && self.members.get(target.name()).is_some_and(|value| self.shown(target, show, value).is_some())
        })
    }

    /// A value as it is shown, if anything of it is.
    fn shown(&self, target: &'a Target, show: &'a Show, value: &'a Value) -> Option<Shown<'a>> {
        let shown = Shown { projected: self.projected, target, show, value };
        (*show != Show::Hide && shown.has_any()).then_some(shown)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        self.write(&mut out)?;
        out.end()
    }
}

/// The value of an attribute.
struct Shown<'a> {
    projected: &'a Projected<'a>,
    target: &'a Target,
    show: &'a Show,
    value: &'a Value,
}

impl<'a> Shown<'a> {
    /// The members of an element, if any are shown.
    fn element(&self, value: &'a Value) -> Option<Members<'a>> {
        let members = value.as_object()?;
        let members = Members { projected: self.projected, target: self.target, show: self.show, members };
        members.has_any().then_some(members)
    }

    /// Whether anything of the value is seen. What is not an object is nothing of a complex
    /// attribute, so that none of its rules can be got around.
    fn has_any(&self) -> bool {
        match (self.value, self.target.is_complex()) {
            (Value::Null, _) => false,
            (Value::Array(list), true) => list.iter().any(|element| self.element(element).is_some()),
            (Value::Array(list), false) => list.iter().any(|element| !element.is_null()),
            (value, true) => self.element(value).is_some(),
            (_, false) => true,
        }
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Array(list) if self.target.is_complex() => {
                serializer.collect_seq(list.iter().filter_map(|element| self.element(element)))
            }
            value => match self.element(value) {
                Some(members) if self.target.is_complex() => members.serialize(serializer),
                _ => value.serialize(serializer),
            },
        }
    }
}

/// The sub-attributes of a complex value.
struct Members<'a> {
    projected: &'a Projected<'a>,
    target: &'a Target,
    show: &'a Show,
    members: &'a Map<String, Value>,
}

impl Members<'_> {
    fn derived(&self, sub: &Target) -> Option<Cow<'_, str>> {
        if !sub.is_derived() {
            return None;
        }
        self.projected.derive?.derive(sub, self.members)
    }

    fn has_any(&self) -> bool {
        let subs = self.target.subs();
        let mut lookup = subs.lookup();
        let stored = |(name, value): (&String, &Value)| {
            !value.is_null() && lookup.place(name).is_some_and(|place| self.show.is_shown(place))
        };
        self.members.iter().any(stored)
            || subs.iter().enumerate().any(|(place, sub)| self.show.is_shown(place) && self.derived(sub).is_some())
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        let subs = self.target.subs();
        for from in (0..subs.as_slice().len()).step_by(AT_ONCE) {
            for (place, sub, value) in in_schema_order(subs, self.members, from) {
                if !self.show.is_shown(place) {
                    continue;
                }
                if let Some(text) = self.derived(sub) {
                    out.serialize_entry(sub.name(), &text)?;
                } else if let Some(value) = value.filter(|value| !value.is_null()) {
                    out.serialize_entry(sub.name(), value)?;
                }
            }
        }
        out.end()
    }
}
