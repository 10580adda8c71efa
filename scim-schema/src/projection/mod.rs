//! Selects the attributes that a response shows (RFC 7644 section 3.9).

mod json_reader;
mod json_writer;
mod projected;
mod projected_text;
mod selection;

use std::fmt;
use std::sync::Arc;

use self::selection::{SelectedMember, Selection};
use crate::attribute_ref::{Position, Section};
use crate::{Attribute, AttributeRef, Returned, Schema};

pub use projected::{DeriveValues, Projected};
pub use projected_text::ProjectedText;

/// The set of attributes that a response shows.
///
/// It always respects the characteristic `returned` (RFC 7643 section 7): a client cannot exclude an attribute that
/// is returned `always`, cannot request one that is returned `never`, and must request one that is returned on
/// `request`.
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
    /// For each section of the resource type, the visibility of each attribute.
    visibilities: Arc<[Box<[Visibility]>]>,
    /// The same information in the form that serialization needs.
    selections: Arc<[Selection]>,
    /// The excluded attributes that are returned on request, so that [`show_supplied`](Self::show_supplied) does not
    /// show them.
    excluded: Vec<AttributeRef>,
}

/// The attributes of a resource type, from which its projections select. All of them share it.
struct Available {
    sections: Arc<[Section]>,
    /// For each section and attribute, the selection of all its sub-attributes, or `None` if it has none. Projections
    /// that show all sub-attributes share it.
    complete: Vec<Box<[Option<Arc<Selection>>]>>,
}

impl Available {
    fn new(sections: Arc<[Section]>) -> Self {
        let all_sub_attributes = |target: &AttributeRef| {
            let subs = target.sub_attributes();
            (!subs.is_empty()).then(|| Arc::new(Selection::all(subs)))
        };
        Self { complete: map_attributes(&sections, all_sub_attributes), sections }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Default,
    Only,
    Excluding,
}

/// How much of an attribute is shown.
#[derive(Clone, PartialEq, Eq)]
enum Visibility {
    Hidden,
    /// The attribute with all its sub-attributes.
    Complete,
    /// The sub-attributes whose flag is set.
    SubAttributes(Box<[bool]>),
}

impl Projection {
    /// Shows the attributes that are returned always and by default.
    pub(crate) fn from_sections(sections: Arc<[Section]>) -> Self {
        let visibilities = map_attributes(&sections, default_visibility);
        Self::from_visibilities(Kind::Default, Arc::new(Available::new(sections)), visibilities)
    }

    /// Shows these attributes and those that are always returned.
    pub(crate) fn with_only(&self, targets: &[&AttributeRef]) -> Self {
        let mut visibilities = map_attributes(&self.available.sections, minimal_visibility);
        for target in targets {
            if let Some(visibility) = visibility_mut(&mut visibilities, target.position()) {
                visibility.add(target);
            }
        }
        Self::from_visibilities(Kind::Only, self.available.clone(), visibilities)
    }

    /// Shows what this projection shows, except these attributes.
    pub(crate) fn without(&self, targets: &[&AttributeRef]) -> Self {
        let mut visibilities = self.visibilities.to_vec();
        for target in targets {
            if let Some(visibility) = visibility_mut(&mut visibilities, target.position()) {
                visibility.remove(target);
            }
        }
        let excluded = targets.iter().copied().filter(|target| is_on_request(target)).cloned().collect();
        Self { excluded, ..Self::from_visibilities(Kind::Excluding, self.available.clone(), visibilities) }
    }

    fn from_visibilities(
        kind: Kind,
        available: Arc<Available>,
        visibilities: Vec<Box<[Visibility]>>,
    ) -> Self {
        let sections = available.sections.iter().zip(&available.complete).zip(&visibilities);
        let selections = sections
            .map(|((section, complete), visibilities)| selection_of_section(section, complete, visibilities))
            .collect();
        Self { kind, available, visibilities: visibilities.into(), selections, excluded: Vec::new() }
    }

    /// Also shows an attribute or sub-attribute that is returned on request, because the client has just written it
    /// (RFC 7643 section 7). Does nothing if the client requested attributes by name, or excluded this one.
    pub fn show_supplied(&mut self, target: &AttributeRef) {
        let excluded = self.excluded.iter().any(|excluded| {
            excluded == target
                || excluded.sub_attribute_definition().is_none() && excluded.attribute() == target.attribute()
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

    /// Hides an attribute or sub-attribute from a client that is not allowed to read it. Does nothing if it is always
    /// returned.
    pub fn hide(&mut self, target: &AttributeRef) {
        self.edit(target, Visibility::remove);
    }

    /// Shows what this projection shows, and what another one for the same resource type shows.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let pairs = self.visibilities.iter().zip(other.visibilities.iter());
        let united =
            pairs.map(|(own, other)| own.iter().zip(other).map(|(own, other)| own.union(other)).collect());
        Self::from_visibilities(self.kind, self.available.clone(), united.collect())
    }

    fn edit(&mut self, target: &AttributeRef, change: impl FnOnce(&mut Visibility, &AttributeRef)) {
        let mut visibilities = self.visibilities.to_vec();
        if let Some(visibility) = visibility_mut(&mut visibilities, target.position()) {
            change(visibility, target);
        }
        let excluded = std::mem::take(&mut self.excluded);
        *self = Self { excluded, ..Self::from_visibilities(self.kind, self.available.clone(), visibilities) };
    }

    /// Whether a core attribute, or at least one of its sub-attributes, is shown. A store can use it to skip loading
    /// `members`, for example. For other attributes see [`shows`](Self::shows).
    pub fn includes(&self, attribute: &str) -> bool {
        let core = self.available.sections.first();
        core.is_some_and(|core| core.attribute(attribute).is_some_and(|target| self.shows(target)))
    }

    /// Whether an attribute, or at least one of its sub-attributes, is shown.
    pub fn shows(&self, target: &AttributeRef) -> bool {
        let position = target.position();
        let visibility = self.visibility(position);
        position.sub.map_or(*visibility != Visibility::Hidden, |sub| visibility.is_shown(sub))
    }

    /// Whether the client has neither requested nor excluded attributes.
    pub fn is_default(&self) -> bool {
        self.kind == Kind::Default
    }

    /// Whether one of two projections is an unchanged clone of the other, so that both show the same attributes.
    pub(crate) fn shares_selection_with(&self, other: &Projection) -> bool {
        Arc::ptr_eq(&self.selections, &other.selections)
    }

    /// Each schema of the resource type with the selection of its attributes.
    pub(crate) fn selections(&self) -> impl Iterator<Item = (&Schema, &Selection)> {
        self.available.sections.iter().map(|section| &section.schema).zip(self.selections.iter())
    }

    fn visibility(&self, position: Position) -> &Visibility {
        self.visibilities
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

fn visibility_mut(visibilities: &mut [Box<[Visibility]>], position: Position) -> Option<&mut Visibility> {
    visibilities.get_mut(position.section)?.get_mut(position.attribute)
}

impl Visibility {
    /// Shows an attribute, or a single sub-attribute. An attribute is shown without the sub-attributes that are
    /// returned on request.
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

    /// Hides an attribute or a single sub-attribute, unless it is always returned.
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

    fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Complete, _) | (_, Self::Complete) => Self::Complete,
            (Self::Hidden, shown) | (shown, Self::Hidden) => shown.clone(),
            (Self::SubAttributes(one), Self::SubAttributes(two)) => {
                Self::from_flags(one.iter().zip(two).map(|(one, two)| *one || *two).collect())
            }
        }
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
    visibilities: &[Visibility],
) -> Selection {
    let selected =
        |((target, complete), visibility): ((&AttributeRef, &Option<Arc<Selection>>), &Visibility)| {
            let subs = match visibility {
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
    Selection::new(section.attributes.iter().zip(complete).zip(visibilities).filter_map(selected).collect())
}

/// Calls a function for each attribute of each section and collects the results.
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

/// Whether an attribute, or its sub-attribute that `target` names, is returned only on request.
fn is_on_request(target: &AttributeRef) -> bool {
    target.attribute().returned() == Returned::Request || target.definition().returned() == Returned::Request
}
