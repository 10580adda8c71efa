//! Which attributes a response shows (RFC 7644 section 3.9), and showing them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::path::AttrPath;
use crate::resource_type::{ResourceType, Section};
use crate::target::{Place, Target};
use crate::{Attribute, Reading, Returned};

/// The set of attributes that a response shows.
///
/// What `returned` says always holds: `always` cannot be excluded, `never` cannot be asked for,
/// `request` must be (RFC 7643 section 7).
///
/// ```
/// use scim_schema::{Projected, Projection, Reading, Tolerance, standard};
/// use serde_json::json;
///
/// let user = standard::user_type();
/// let tolerance = Tolerance::strict();
/// let projection = Projection::only(&user, "userName, name.givenName", &mut Reading::new(&tolerance));
/// assert!(projection.includes("userName") && !projection.includes("emails"));
///
/// let resource = json!({
///     "schemas": [scim_schema::standard::USER], "id": "42", "userName": "bea",
///     "name": { "givenName": "Bea", "familyName": "Lang" }, "title": "Dr"
/// });
/// let shown = serde_json::to_value(Projected::new(resource.as_object().unwrap(), &projection)).unwrap();
/// assert_eq!(shown, json!({
///     "schemas": [scim_schema::standard::USER], "id": "42", "userName": "bea",
///     "name": { "givenName": "Bea" }
/// }));
/// ```
#[derive(Clone)]
pub struct Projection {
    kind: Kind,
    /// The resource type's attributes.
    sections: Arc<[Section]>,
    /// For each section of the resource type, for each attribute, what is shown of it.
    shows: Arc<[Box<[Show]>]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Default,
    Only,
    Except,
}

#[derive(Clone, PartialEq, Eq)]
enum Show {
    Hide,
    /// The attribute and all its sub-attributes.
    Whole,
    /// The sub-attributes whose flag is set.
    Part(Box<[bool]>),
}

impl Projection {
    /// What is shown when nothing is asked for: `always` and `default`.
    pub fn new(on: &ResourceType) -> Self {
        on.default_projection().clone()
    }

    pub(crate) fn default_of(sections: Arc<[Section]>) -> Self {
        let shows = sections.iter().map(|section| section.attributes.iter().map(default_show).collect()).collect();
        Self { kind: Kind::Default, sections, shows }
    }

    /// The attributes that are always returned and those that a comma-separated list names.
    ///
    /// An extension's URI stands for all of its attributes. Names that the type does not have are
    /// ignored, and so is a value filter after a name.
    pub fn only(on: &ResourceType, names: &str, reading: &mut Reading<'_>) -> Self {
        let mut shows: Vec<Box<[Show]>> =
            on.sections().iter().map(|section| section.attributes.iter().map(minimal_show).collect()).collect();
        each_named(on, names, reading, |target| {
            if let Some(show) = slot(&mut shows, target.place()) {
                show.add(target);
            }
        });
        Self { kind: Kind::Only, sections: on.shared_sections(), shows: shows.into() }
    }

    /// The attributes that are returned by default without those that a comma-separated list names.
    pub fn except(on: &ResourceType, names: &str, reading: &mut Reading<'_>) -> Self {
        let mut shows = on.default_projection().shows.to_vec();
        each_named(on, names, reading, |target| {
            if let Some(show) = slot(&mut shows, target.place()) {
                show.remove(target);
            }
        });
        Self { kind: Kind::Except, sections: on.shared_sections(), shows: shows.into() }
    }

    /// Also shows an attribute that is returned on request, because the client has just written it
    /// (RFC 7643 section 7). Does nothing where attributes were asked for by name.
    pub fn supplied(&mut self, target: &Target) {
        if self.kind != Kind::Default || target.attribute().returned() != Returned::Request {
            return;
        }
        let mut shows = self.shows.to_vec();
        if let Some(show) = slot(&mut shows, target.place()) {
            show.add(target);
        }
        self.shows = shows.into();
    }

    /// No longer shows an attribute or sub-attribute, unless it is always returned: for callers that
    /// may not read it.
    pub fn hide(&mut self, target: &Target) {
        let mut shows = self.shows.to_vec();
        if let Some(show) = slot(&mut shows, target.place()) {
            show.remove(target);
        }
        self.shows = shows.into();
    }

    /// Whether any of a core attribute is shown, by its name (`members`); for a store that need not
    /// load what nobody asked for. For other attributes see [`shows`](Self::shows).
    pub fn includes(&self, attribute: &str) -> bool {
        let core = self.sections.first();
        core.is_some_and(|core| core.attribute(attribute).is_some_and(|target| self.shows(target)))
    }

    /// Whether any of the target is shown.
    pub fn shows(&self, target: &Target) -> bool {
        let place = target.place();
        match self.at(place) {
            Show::Hide => false,
            Show::Whole => true,
            Show::Part(flags) => match place.sub {
                None => true,
                Some(sub) => flags.get(sub).copied().unwrap_or(false),
            },
        }
    }

    /// Whether this is the set that is shown when nothing is asked for.
    pub fn is_default(&self) -> bool {
        self.kind == Kind::Default
    }

    fn at(&self, place: Place) -> &Show {
        self.shows.get(place.section).and_then(|section| section.get(place.attribute)).unwrap_or(&Show::Hide)
    }
}

impl fmt::Debug for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Projection({:?})", self.kind)
    }
}

fn slot(shows: &mut [Box<[Show]>], place: Place) -> Option<&mut Show> {
    shows.get_mut(place.section)?.get_mut(place.attribute)
}

impl Show {
    fn add(&mut self, target: &Target) {
        if target.attribute().returned() == Returned::Never {
            return;
        }
        let all = flags(target, |sub| sub.returned() != Returned::Never && sub.returned() != Returned::Request);
        match target.place().sub {
            None => *self = Self::of(all),
            Some(place) => {
                let mut flags = match std::mem::replace(self, Self::Hide) {
                    Self::Whole => all,
                    Self::Part(flags) => flags,
                    Self::Hide => flags(target, |sub| sub.returned() == Returned::Always),
                };
                if let (Some(flag), Some(sub)) = (flags.get_mut(place), target.sub()) {
                    *flag |= sub.returned() != Returned::Never;
                }
                *self = Self::of(flags);
            }
        }
    }

    fn remove(&mut self, target: &Target) {
        if target.attribute().returned() == Returned::Always {
            return;
        }
        match target.place().sub {
            None => *self = Self::Hide,
            Some(place) => {
                let mut flags = match std::mem::replace(self, Self::Hide) {
                    Self::Whole => flags(target, |_| true),
                    Self::Part(flags) => flags,
                    Self::Hide => return,
                };
                if let (Some(flag), Some(sub)) = (flags.get_mut(place), target.sub()) {
                    *flag &= sub.returned() == Returned::Always;
                }
                *self = Self::of(flags);
            }
        }
    }

    fn of(flags: Box<[bool]>) -> Self {
        if flags.iter().all(|flag| *flag) {
            Self::Whole
        } else if flags.iter().any(|flag| *flag) {
            Self::Part(flags)
        } else {
            Self::Hide
        }
    }
}

/// A flag for each sub-attribute of the target's attribute.
fn flags(target: &Target, flag: impl Fn(&Attribute) -> bool) -> Box<[bool]> {
    target.attribute().sub_attributes().iter().map(flag).collect()
}

fn default_show(target: &Target) -> Show {
    match target.attribute().returned() {
        Returned::Always | Returned::Default => {
            Show::of(flags(target, |sub| matches!(sub.returned(), Returned::Always | Returned::Default)))
        }
        Returned::Never | Returned::Request => Show::Hide,
    }
}

fn minimal_show(target: &Target) -> Show {
    if target.attribute().returned() == Returned::Always { default_show(target) } else { Show::Hide }
}

/// Calls back for each attribute that a comma-separated list names.
fn each_named(on: &ResourceType, names: &str, reading: &mut Reading<'_>, mut found: impl FnMut(&Target)) {
    let mut depth = 0_usize;
    let names = names.split(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    for name in names {
        // A value filter after a name says which elements, which a projection cannot.
        let name = name.split_once('[').map_or(name, |(name, _)| name).trim();
        if let Some(extension) = on.extension(name) {
            extension.attributes().iter().for_each(&mut found);
        } else if on.schema().is(name) {
            on.attributes().for_each(&mut found);
        } else if let Ok(path) = AttrPath::parse(name)
            && let Ok(target) = on.resolve(&path, reading)
        {
            found(&target);
        }
    }
}

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
        let mut sections = self.projection.sections.iter().zip(self.projection.shows.iter());
        let Some((core, core_shows)) = sections.next() else { return out.end() };
        let mut core = core.attributes.iter().zip(core_shows.iter());
        let meta = core.next_back();
        for (target, show) in core {
            self.attribute(&mut out, target, show, self.resource)?;
        }
        for (section, shows) in sections {
            let Some(object) = self.resource.get(section.schema.id()).and_then(Value::as_object) else { continue };
            let container = Container { projected: self, section, shows, object };
            if container.visible().next().is_some() {
                out.serialize_entry(section.schema.id(), &container)?;
            }
        }
        if let Some((target, show)) = meta {
            let stored = self.resource.get("meta").and_then(Value::as_object);
            let empty = Map::new();
            let members = Members { projected: self, target, show, object: stored.unwrap_or(&empty) };
            if *show != Show::Hide && !members.is_empty() {
                out.serialize_entry("meta", &members)?;
            }
        }
        out.end()
    }
}

impl Projected<'_> {
    fn attribute<M: SerializeMap>(
        &self,
        out: &mut M,
        target: &Target,
        show: &Show,
        object: &Map<String, Value>,
    ) -> Result<(), M::Error> {
        if *show == Show::Hide {
            return Ok(());
        }
        let Some(value) = object.get(target.attribute().name()) else { return Ok(()) };
        let shown = Shown { projected: self, target, show, value };
        if shown.is_empty() { Ok(()) } else { out.serialize_entry(target.attribute().name(), &shown) }
    }
}

/// The object of an extension.
struct Container<'a> {
    projected: &'a Projected<'a>,
    section: &'a Section,
    shows: &'a [Show],
    object: &'a Map<String, Value>,
}

impl Container<'_> {
    fn visible(&self) -> impl Iterator<Item = (&Target, &Show)> {
        self.section.attributes.iter().zip(self.shows).filter(|(target, show)| {
            **show != Show::Hide && self.object.contains_key(target.attribute().name())
        })
    }
}

impl Serialize for Container<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        for (target, show) in self.visible() {
            self.projected.attribute(&mut out, target, show, self.object)?;
        }
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
    fn members(&self, object: &'a Map<String, Value>) -> Members<'a> {
        Members { projected: self.projected, target: self.target, show: self.show, object }
    }

    /// Whether nothing of the value would be seen.
    fn is_empty(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::Array(list) => match self.show {
                Show::Part(_) => list.iter().all(|e| e.as_object().is_none_or(|o| self.members(o).is_empty())),
                _ => list.is_empty(),
            },
            Value::Object(object) => self.members(object).is_empty(),
            _ => false,
        }
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Object(object) if self.target.is_complex() => self.members(object).serialize(serializer),
            Value::Array(list) if self.target.is_complex() => {
                let elements = list.iter().filter_map(Value::as_object).map(|object| self.members(object));
                serializer.collect_seq(elements.filter(|members| !members.is_empty()))
            }
            value => value.serialize(serializer),
        }
    }
}

/// The sub-attributes of a complex value.
struct Members<'a> {
    projected: &'a Projected<'a>,
    target: &'a Target,
    show: &'a Show,
    object: &'a Map<String, Value>,
}

impl Members<'_> {
    fn shown(&self) -> impl Iterator<Item = &Target> {
        let flags = match self.show {
            Show::Part(flags) => Some(flags),
            _ => None,
        };
        let subs = self.target.sub_attributes().iter().enumerate();
        subs.filter(move |(at, _)| flags.is_none_or(|f| f.get(*at) == Some(&true))).map(|(_, sub)| sub)
    }

    fn derived(&self, sub: &Target) -> Option<Cow<'_, str>> {
        if !sub.is_derived() {
            return None;
        }
        self.projected.derive?.derive(sub, self.object)
    }

    fn is_empty(&self) -> bool {
        !self.shown().any(|sub| self.object.contains_key(sub.definition().name()) || self.derived(sub).is_some())
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        for sub in self.shown() {
            let name = sub.definition().name();
            if let Some(text) = self.derived(sub) {
                out.serialize_entry(name, &text)?;
            } else if let Some(value) = self.object.get(name)
                && !value.is_null()
            {
                out.serialize_entry(name, value)?;
            }
        }
        out.end()
    }
}
