//! Which attributes a response shows (RFC 7644 section 3.9).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::path::AttrPath;
use crate::resource_type::{ResourceType, Section};
use crate::selection::{Selected, Selection};
use crate::target::{Place, Target};
use crate::{Attribute, Reading, Returned, Schema};

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
    /// The same, as the response needs it.
    selections: Arc<[Selection]>,
    /// What was excluded although it is shown only on request anyway.
    excluded: Vec<Target>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Default,
    Only,
    Except,
}

/// What is shown of an attribute.
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
        let shows = each_attribute(&sections, default_show);
        Self::of(Kind::Default, sections, shows)
    }

    /// The attributes that are always returned and those that a comma-separated list names.
    ///
    /// An extension's URI stands for all of its attributes. Names that the type does not have are
    /// ignored, and so is a value filter after a name.
    pub fn only(on: &ResourceType, names: &str, reading: &mut Reading<'_>) -> Self {
        let mut shows = each_attribute(on.sections(), minimal_show);
        each_named(on, names, reading, |target| {
            if let Some(show) = slot(&mut shows, target.place()) {
                show.add(target);
            }
        });
        Self::of(Kind::Only, on.shared_sections(), shows)
    }

    /// The attributes that are returned by default without those that a comma-separated list names.
    pub fn except(on: &ResourceType, names: &str, reading: &mut Reading<'_>) -> Self {
        let mut shows = on.default_projection().shows.to_vec();
        let mut excluded = Vec::new();
        each_named(on, names, reading, |target| {
            if let Some(show) = slot(&mut shows, target.place()) {
                show.remove(target);
            }
            if is_on_request(target) {
                excluded.push(target.clone());
            }
        });
        Self { excluded, ..Self::of(Kind::Except, on.shared_sections(), shows) }
    }

    fn of(kind: Kind, sections: Arc<[Section]>, shows: Vec<Box<[Show]>>) -> Self {
        let selections = sections.iter().zip(&shows).map(|(section, shows)| select(section, shows)).collect();
        Self { kind, sections, shows: shows.into(), selections, excluded: Vec::new() }
    }

    /// Also shows an attribute or sub-attribute that is returned on request, because the client has
    /// just written it (RFC 7643 section 7). Does nothing where attributes were asked for by name,
    /// or this one was excluded.
    pub fn supplied(&mut self, target: &Target) {
        let excluded = self.excluded.iter().any(|excluded| {
            excluded == target || excluded.sub().is_none() && excluded.attribute() == target.attribute()
        });
        if self.kind == Kind::Only || !is_on_request(target) || excluded {
            return;
        }
        let hidden = *self.at(target.place()) == Show::Hide;
        if hidden && target.attribute().returned() != Returned::Request {
            return;
        }
        self.edit(target, Show::add);
    }

    /// Calls [`supplied`](Self::supplied) for everything that a resource has, at all levels: the
    /// resource, in canonical form, that a client sent.
    pub fn supplied_all(&mut self, on: &ResourceType, resource: &Map<String, Value>) {
        for target in on.all_targets() {
            if is_on_request(target) && target.values(resource).next().is_some() {
                self.supplied(target);
            }
        }
    }

    /// No longer shows an attribute or sub-attribute, unless it is always returned: for callers that
    /// may not read it.
    pub fn hide(&mut self, target: &Target) {
        self.edit(target, Show::remove);
    }

    fn edit(&mut self, target: &Target, change: impl FnOnce(&mut Show, &Target)) {
        let mut shows = self.shows.to_vec();
        if let Some(show) = slot(&mut shows, target.place()) {
            change(show, target);
        }
        let excluded = std::mem::take(&mut self.excluded);
        *self = Self { excluded, ..Self::of(self.kind, self.sections.clone(), shows) };
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
        let show = self.at(place);
        place.sub.map_or(*show != Show::Hide, |sub| show.is_shown(sub))
    }

    /// Whether this is the set that is shown when nothing is asked for.
    pub fn is_default(&self) -> bool {
        self.kind == Kind::Default
    }

    /// Whether this is a clone of another projection, which has not been changed since: what one
    /// shows, the other does too. Two that were made alike are not.
    pub fn is_clone_of(&self, other: &Projection) -> bool {
        Arc::ptr_eq(&self.selections, &other.selections)
    }

    /// For each schema of the resource type, what is shown of its attributes.
    pub(crate) fn selections(&self) -> impl Iterator<Item = (&Schema, &Selection)> {
        self.sections.iter().map(|section| &section.schema).zip(self.selections.iter())
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
    /// Shows what a path names: of an attribute, all that is not returned on request only.
    fn add(&mut self, target: &Target) {
        if target.attribute().returned() == Returned::Never {
            return;
        }
        let named = target.place().sub;
        let asked = |(place, sub): (usize, &Attribute)| match sub.returned() {
            Returned::Always => true,
            Returned::Default => named.is_none_or(|named| named == place),
            Returned::Request => named == Some(place),
            Returned::Never => false,
        };
        let subs = target.attribute().sub_attributes().iter().enumerate();
        *self = Self::of(subs.map(|sub| self.is_shown(sub.0) || asked(sub)).collect());
    }

    fn remove(&mut self, target: &Target) {
        if target.definition().returned() == Returned::Always {
            return;
        }
        let Some(excluded) = target.place().sub else {
            *self = Self::Hide;
            return;
        };
        let subs = 0..target.attribute().sub_attributes().len();
        *self = Self::of(subs.map(|place| self.is_shown(place) && place != excluded).collect());
    }

    /// Whether a sub-attribute is shown.
    fn is_shown(&self, sub: usize) -> bool {
        match self {
            Self::Hide => false,
            Self::Whole => true,
            Self::Part(flags) => flags.get(sub).copied().unwrap_or(false),
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

fn select(section: &Section, shows: &[Show]) -> Selection {
    let selected = |(target, show): (&Target, &Show)| {
        let subs = match show {
            Show::Hide => return None,
            Show::Whole => target.whole().cloned(),
            Show::Part(flags) => {
                let subs = target.sub_attributes().iter().zip(flags).filter(|(_, shown)| **shown);
                let subs = subs.map(|(sub, _)| Selected::new(sub, None));
                Some(Arc::new(Selection::new(subs.collect())))
            }
        };
        Some(Selected::new(target, subs))
    };
    Selection::new(section.attributes.iter().zip(shows).filter_map(selected).collect())
}

fn each_attribute(sections: &[Section], show: fn(&Target) -> Show) -> Vec<Box<[Show]>> {
    sections.iter().map(|section| section.attributes.iter().map(show).collect()).collect()
}

fn default_show(target: &Target) -> Show {
    let by_default =
        |attribute: &Attribute| matches!(attribute.returned(), Returned::Always | Returned::Default);
    if by_default(target.attribute()) {
        Show::of(target.attribute().sub_attributes().iter().map(by_default).collect())
    } else {
        Show::Hide
    }
}

fn minimal_show(target: &Target) -> Show {
    if target.attribute().returned() == Returned::Always { default_show(target) } else { Show::Hide }
}

/// Whether an attribute, or the sub-attribute that is meant of one, is returned on request only.
fn is_on_request(target: &Target) -> bool {
    target.attribute().returned() == Returned::Request || target.definition().returned() == Returned::Request
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
        let name = without_filter(name.trim());
        let name = &*name;
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

/// A name without its value filter, which says of which elements; a projection shows parts of all.
fn without_filter(name: &str) -> Cow<'_, str> {
    match (name.split_once('['), name.rsplit_once(']')) {
        (Some((attribute, _)), Some((_, sub))) => Cow::Owned(format!("{}{}", attribute.trim(), sub.trim())),
        _ => Cow::Borrowed(name),
    }
}
