//! Which attributes a response shows (RFC 7644 section 3.9).

mod json_writer;
mod projected;
mod selection;

use std::fmt;
use std::sync::Arc;

use self::selection::{SelectedMember, Selection};
use crate::attribute_ref::{Position, Section};
use crate::{Attribute, AttributeRef, Returned, Schema};

pub use projected::{Derive, Projected};

/// The set of attributes that a response shows.
///
/// What `returned` says always holds: `always` cannot be excluded, `never` cannot be asked for,
/// `request` must be (RFC 7643 section 7).
///
/// ```
/// use scim_schema::{Projected, Projection, ReadContext, Tolerance, standard};
/// use serde_json::json;
///
/// let user = standard::user_type();
/// let tolerance = Tolerance::strict();
/// let projection = Projection::only(&user, "userName, name.givenName", &mut ReadContext::new(&tolerance));
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
    available: Arc<Available>,
    /// For each section of the resource type, for each attribute, what is shown of it.
    shows: Arc<[Box<[Visibility]>]>,
    /// The same, as the response needs it.
    selections: Arc<[Selection]>,
    /// What was excluded although it is shown only on request anyway.
    excluded: Vec<AttributeRef>,
}

/// What a projection of a resource type selects from.
struct Available {
    sections: Arc<[Section]>,
    /// For each section, for each attribute, all of its sub-attributes; they are shared by the projections
    /// that show them all.
    complete: Vec<Box<[Option<Arc<Selection>>]>>,
}

impl Available {
    fn new(sections: Arc<[Section]>) -> Self {
        let all_of = |target: &AttributeRef| {
            let subs = target.sub_attributes();
            (!subs.is_empty()).then(|| Arc::new(Selection::all(subs)))
        };
        Self { complete: map_attributes(&sections, all_of), sections }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Default,
    Only,
    Except,
}

/// What is shown of an attribute.
#[derive(Clone, PartialEq, Eq)]
enum Visibility {
    Hidden,
    /// The attribute and all its sub-attributes.
    Complete,
    /// The sub-attributes whose flag is set.
    SubAttributes(Box<[bool]>),
}

impl Projection {
    /// Shows the attributes of some sections that are returned always and by default.
    pub(crate) fn from_sections(sections: Arc<[Section]>) -> Self {
        let shows = map_attributes(&sections, default_visibility);
        Self::from_visibilities(Kind::Default, Arc::new(Available::new(sections)), shows)
    }

    /// Shows the attributes that are always returned, and these.
    pub(crate) fn with_only(&self, targets: &[&AttributeRef]) -> Self {
        let mut shows = map_attributes(&self.available.sections, minimal_visibility);
        for target in targets {
            if let Some(show) = visibility_mut(&mut shows, target.position()) {
                show.add(target);
            }
        }
        Self::from_visibilities(Kind::Only, self.available.clone(), shows)
    }

    /// Shows what this projection shows, without these.
    pub(crate) fn without(&self, targets: &[&AttributeRef]) -> Self {
        let mut shows = self.shows.to_vec();
        for target in targets {
            if let Some(show) = visibility_mut(&mut shows, target.position()) {
                show.remove(target);
            }
        }
        let excluded = targets.iter().copied().filter(|target| is_on_request(target)).cloned().collect();
        Self { excluded, ..Self::from_visibilities(Kind::Except, self.available.clone(), shows) }
    }

    fn from_visibilities(kind: Kind, available: Arc<Available>, shows: Vec<Box<[Visibility]>>) -> Self {
        let sections = available.sections.iter().zip(&available.complete).zip(&shows);
        let selections = sections
            .map(|((section, complete), shows)| selection_of_section(section, complete, shows))
            .collect();
        Self { kind, available, shows: shows.into(), selections, excluded: Vec::new() }
    }

    /// Also shows an attribute or sub-attribute that is returned on request, because the client has
    /// just written it (RFC 7643 section 7). Does nothing where attributes were asked for by name,
    /// or this one was excluded.
    pub fn show_supplied(&mut self, target: &AttributeRef) {
        let excluded = self.excluded.iter().any(|excluded| {
            excluded == target || excluded.sub().is_none() && excluded.attribute() == target.attribute()
        });
        if self.kind == Kind::Only || !is_on_request(target) || excluded {
            return;
        }
        let hidden = *self.visibility(target.position()) == Visibility::Hidden;
        if hidden && target.attribute().returned() != Returned::Request {
            return;
        }
        self.edit(target, Visibility::add);
    }

    /// No longer shows an attribute or sub-attribute, unless it is always returned: for callers that
    /// may not read it.
    pub fn hide(&mut self, target: &AttributeRef) {
        self.edit(target, Visibility::remove);
    }

    fn edit(&mut self, target: &AttributeRef, change: impl FnOnce(&mut Visibility, &AttributeRef)) {
        let mut shows = self.shows.to_vec();
        if let Some(show) = visibility_mut(&mut shows, target.position()) {
            change(show, target);
        }
        let excluded = std::mem::take(&mut self.excluded);
        *self = Self { excluded, ..Self::from_visibilities(self.kind, self.available.clone(), shows) };
    }

    /// Whether any of a core attribute is shown, by its name (`members`); for a store that need not
    /// load what nobody asked for. For other attributes see [`shows`](Self::shows).
    pub fn includes(&self, attribute: &str) -> bool {
        let core = self.available.sections.first();
        core.is_some_and(|core| core.attribute(attribute).is_some_and(|target| self.shows(target)))
    }

    /// Whether any of the target is shown.
    pub fn shows(&self, target: &AttributeRef) -> bool {
        let position = target.position();
        let show = self.visibility(position);
        position.sub.map_or(*show != Visibility::Hidden, |sub| show.is_shown(sub))
    }

    /// Whether this is the set that is shown when nothing is asked for.
    pub fn is_default(&self) -> bool {
        self.kind == Kind::Default
    }

    /// Whether this is a clone of another projection, which has not been changed since: what one
    /// shows, the other does too. Two that were made alike are not.
    pub(crate) fn is_clone_of(&self, other: &Projection) -> bool {
        Arc::ptr_eq(&self.selections, &other.selections)
    }

    /// For each schema of the resource type, what is shown of its attributes.
    pub(crate) fn selections(&self) -> impl Iterator<Item = (&Schema, &Selection)> {
        self.available.sections.iter().map(|section| &section.schema).zip(self.selections.iter())
    }

    fn visibility(&self, position: Position) -> &Visibility {
        self.shows
            .get(position.section)
            .and_then(|section| section.get(position.attribute))
            .unwrap_or(&Visibility::Hidden)
    }
}

impl fmt::Debug for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Projection({:?})", self.kind)
    }
}

fn visibility_mut(shows: &mut [Box<[Visibility]>], position: Position) -> Option<&mut Visibility> {
    shows.get_mut(position.section)?.get_mut(position.attribute)
}

impl Visibility {
    /// Shows what a path names: of an attribute, all that is not returned on request only.
    fn add(&mut self, target: &AttributeRef) {
        if target.attribute().returned() == Returned::Never {
            return;
        }
        let named_index = target.position().sub;
        let is_requested = |(index, sub): (usize, &Attribute)| match sub.returned() {
            Returned::Always => true,
            Returned::Default => named_index.is_none_or(|named_index| named_index == index),
            Returned::Request => named_index == Some(index),
            Returned::Never => false,
        };
        let subs = target.attribute().sub_attributes().iter().enumerate();
        *self = Self::from_flags(subs.map(|sub| self.is_shown(sub.0) || is_requested(sub)).collect());
    }

    fn remove(&mut self, target: &AttributeRef) {
        if target.definition().returned() == Returned::Always {
            return;
        }
        let Some(excluded) = target.position().sub else {
            *self = Self::Hidden;
            return;
        };
        let subs = 0..target.attribute().sub_attributes().len();
        *self = Self::from_flags(subs.map(|index| self.is_shown(index) && index != excluded).collect());
    }

    /// Whether a sub-attribute is shown.
    fn is_shown(&self, sub: usize) -> bool {
        match self {
            Self::Hidden => false,
            Self::Complete => true,
            Self::SubAttributes(flags) => flags.get(sub).copied().unwrap_or(false),
        }
    }

    fn from_flags(flags: Box<[bool]>) -> Self {
        if flags.iter().all(|flag| *flag) {
            Self::Complete
        } else if flags.iter().any(|flag| *flag) {
            Self::SubAttributes(flags)
        } else {
            Self::Hidden
        }
    }
}

fn selection_of_section(
    section: &Section,
    complete: &[Option<Arc<Selection>>],
    shows: &[Visibility],
) -> Selection {
    let selected = |((target, complete), show): ((&AttributeRef, &Option<Arc<Selection>>), &Visibility)| {
        let subs = match show {
            Visibility::Hidden => return None,
            Visibility::Complete => complete.clone(),
            Visibility::SubAttributes(flags) => {
                let subs = target.sub_attributes().iter().zip(flags).filter(|(_, shown)| **shown);
                let subs = subs.map(|(sub, _)| SelectedMember::new(sub, None));
                Some(Arc::new(Selection::new(subs.collect())))
            }
        };
        Some(SelectedMember::new(target, subs))
    };
    Selection::new(section.attributes.iter().zip(complete).zip(shows).filter_map(selected).collect())
}

/// What a function makes of each attribute of each section.
fn map_attributes<T>(sections: &[Section], make: impl Fn(&AttributeRef) -> T) -> Vec<Box<[T]>> {
    sections.iter().map(|section| section.attributes.iter().map(&make).collect()).collect()
}

fn default_visibility(target: &AttributeRef) -> Visibility {
    let by_default =
        |attribute: &Attribute| matches!(attribute.returned(), Returned::Always | Returned::Default);
    if by_default(target.attribute()) {
        Visibility::from_flags(target.attribute().sub_attributes().iter().map(by_default).collect())
    } else {
        Visibility::Hidden
    }
}

fn minimal_visibility(target: &AttributeRef) -> Visibility {
    if target.attribute().returned() == Returned::Always {
        default_visibility(target)
    } else {
        Visibility::Hidden
    }
}

/// Whether an attribute, or the sub-attribute that is meant of one, is returned on request only.
fn is_on_request(target: &AttributeRef) -> bool {
    target.attribute().returned() == Returned::Request || target.definition().returned() == Returned::Request
}
