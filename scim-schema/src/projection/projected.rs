//! Serializes a resource through a projection.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::Projection;
use super::json_writer::{write_array, write_object, write_string, write_value};
use super::selection::{SelectedMember, Selection};
use crate::AttributeRef;

/// Computes the derived sub-attributes for a response: `meta.resourceType`, `meta.location`, and the `$ref` of
/// references to resources of this service.
pub trait DeriveValues {
    /// Returns the value of a derived sub-attribute; `object` is the object that contains it.
    fn value_of<'a>(&'a self, target: &AttributeRef, object: &'a Map<String, Value>) -> Option<Cow<'a, str>>;
}

/// A resource as a response shows it: serializes only the attributes that a projection shows, in schema order,
/// without copying the resource.
///
/// [`write_to`](Self::write_to) writes the same JSON as `serde_json::to_writer`, in less time.
///
/// ```
/// use scim_schema::{Projected, Projection, standard};
/// use serde_json::json;
///
/// let resource = json!({ "userName": "bea", "id": "7" });
/// let projection = Projection::new(&standard::user_type());
/// let projected = Projected::new(resource.as_object().unwrap(), &projection);
/// let mut text = Vec::new();
/// projected.write_to(&mut text);
/// assert_eq!(text, br#"{"id":"7","userName":"bea"}"#);
/// assert_eq!(text, serde_json::to_vec(&projected)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Projected<'a> {
    pub(super) resource: &'a Map<String, Value>,
    pub(super) projection: &'a Projection,
    derive: Option<&'a dyn DeriveValues>,
}

impl<'a> Projected<'a> {
    /// Shows a resource, which must be in canonical form, through a projection.
    pub fn new(resource: &'a Map<String, Value>, projection: &'a Projection) -> Self {
        Self { resource, projection, derive: None }
    }

    /// Also shows the derived sub-attributes.
    #[doc(hidden)]
    pub fn with_derived(self, derive: &'a dyn DeriveValues) -> Self {
        Self { derive: Some(derive), ..self }
    }

    /// Appends the resource to `text` as compact JSON.
    pub fn write_to(&self, text: &mut Vec<u8>) {
        Object::Resource(*self).write_to(text);
    }
}

impl Serialize for Projected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object::Resource(*self).serialize(serializer)
    }
}

impl fmt::Debug for Projected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The resource is not printed, because it can contain values that the projection hides.
        f.debug_struct("Projected").field("projection", self.projection).finish_non_exhaustive()
    }
}

/// A JSON object of which a selection of the members is shown.
#[derive(Clone, Copy)]
pub(super) enum Object<'a> {
    Resource(Projected<'a>),
    Extension(ExtensionObject<'a>),
    Complex(ComplexValue<'a>),
}

impl Object<'_> {
    /// Calls a function for each visible member, in schema order. Both `write_to` and `Serialize` use it, so they
    /// show the same.
    #[inline]
    fn for_each_member<E>(
        &self,
        mut member: impl FnMut(&str, VisibleValue<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Resource(projected) => projected.for_each_member(&mut member),
            Self::Extension(extension) => extension.for_each_member(&mut member),
            Self::Complex(complex) => complex.for_each_member(&mut member),
        }
    }

    fn write_to(&self, text: &mut Vec<u8>) {
        write_object(text, |members| {
            let Ok(()) = self.for_each_member::<Infallible>(|name, visible| {
                visible.write_to(members.plain_name(name));
                Ok(())
            });
        });
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        self.for_each_member(|name, visible| out.serialize_entry(name, &visible))?;
        out.end()
    }
}

impl<'a> Projected<'a> {
    fn for_each_member<E>(
        &self,
        member: &mut impl FnMut(&str, VisibleValue<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut selections = self.projection.selections();
        let Some((_, core)) = selections.next() else { return Ok(()) };
        let mut meta = None;
        core.for_each_member(self.resource, |selected, value| {
            // `meta` comes last.
            if is_meta(selected) {
                meta = Some((selected, value));
                return Ok(());
            }
            self.attribute(selected, value, member)
        })?;
        for (schema, selection) in selections.filter(|(_, selection)| !selection.is_empty()) {
            let Some(members) = self.resource.get(schema.id()).and_then(Value::as_object) else { continue };
            let extension = ExtensionObject { projected: *self, selection, members };
            if extension.is_visible() {
                member(schema.id(), VisibleValue::Object(Object::Extension(extension)))?;
            }
        }
        meta.map_or(Ok(()), |(selected, value)| self.meta(selected, value, member))
    }

    /// Calls a function for `meta`. It is shown even if nothing is stored, because it has derived members.
    pub(super) fn meta<E>(
        &self,
        selected: &'a SelectedMember,
        value: Option<&'a Value>,
        member: &mut impl FnMut(&str, VisibleValue<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (Some(subs), none) = (self.subs(selected), Map::new()) else { return Ok(()) };
        let meta = ComplexValue { subs, members: value.and_then(Value::as_object).unwrap_or(&none) };
        if meta.is_visible() { member("meta", VisibleValue::Object(Object::Complex(meta))) } else { Ok(()) }
    }

    /// Calls a function for an attribute if at least a part of its value is visible. A list of members is visible even
    /// if it is empty, because clients compare it with their own list.
    #[inline]
    pub(super) fn attribute<E>(
        &self,
        selected: &'a SelectedMember,
        value: Option<&'a Value>,
        member: &mut impl FnMut(&str, VisibleValue<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let visible = value.and_then(|value| self.visible_value(selected, value)).or_else(|| {
            let subs = self.subs(selected).filter(|_| selected.target.holds_members());
            subs.map(|subs| VisibleValue::List(&[], subs))
        });
        visible.map_or(Ok(()), |visible| member(&selected.name, visible))
    }

    /// The visible part of the value of an attribute. If the attribute is complex but the stored value is not an object,
    /// nothing is visible: it could reveal the value of a hidden sub-attribute.
    #[inline]
    pub(super) fn visible_value(
        &self,
        selected: &'a SelectedMember,
        value: &'a Value,
    ) -> Option<VisibleValue<'a>> {
        match (value, self.subs(selected)) {
            (Value::Null, _) => None,
            (Value::Array(list), Some(subs)) => list
                .iter()
                .any(|element| subs.visible(element).is_some())
                .then_some(VisibleValue::List(list, subs)),
            (value, Some(subs)) => {
                subs.visible(value).map(|complex| VisibleValue::Object(Object::Complex(complex)))
            }
            (Value::Array(list), None) if list.is_empty() => None,
            (value, None) => Some(VisibleValue::Plain(value)),
        }
    }

    fn subs(&self, selected: &'a SelectedMember) -> Option<SubSelection<'a>> {
        selected.subs.as_deref().map(|selection| SubSelection { derive: self.derive, selection })
    }
}

/// The object that contains the attributes of an extension.
#[derive(Clone, Copy)]
pub(super) struct ExtensionObject<'a> {
    projected: Projected<'a>,
    selection: &'a Selection,
    members: &'a Map<String, Value>,
}

impl ExtensionObject<'_> {
    fn is_visible(&self) -> bool {
        self.selection.iter().any(|selected| {
            let value = self.members.get(&*selected.name);
            value.is_some_and(|value| self.projected.visible_value(selected, value).is_some())
        })
    }

    fn for_each_member<E>(
        &self,
        member: &mut impl FnMut(&str, VisibleValue<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.selection.for_each_member(self.members, |selected, value| {
            self.projected.attribute(selected, value, member)
        })
    }
}

/// The sub-attributes that are shown of the values of a complex attribute.
#[derive(Clone, Copy)]
pub(super) struct SubSelection<'a> {
    derive: Option<&'a dyn DeriveValues>,
    selection: &'a Selection,
}

impl<'a> SubSelection<'a> {
    /// Returns a complex value if at least a part of it is visible.
    #[inline]
    fn visible(self, value: &'a Value) -> Option<ComplexValue<'a>> {
        let complex = ComplexValue { subs: self, members: value.as_object()? };
        complex.is_visible().then_some(complex)
    }
}

/// An object of sub-attributes.
#[derive(Clone, Copy)]
pub(super) struct ComplexValue<'a> {
    subs: SubSelection<'a>,
    members: &'a Map<String, Value>,
}

impl ComplexValue<'_> {
    fn derived(&self, sub: &SelectedMember) -> Option<Cow<'_, str>> {
        if sub.is_derived { self.subs.derive?.value_of(&sub.target, self.members) } else { None }
    }

    fn is_visible(&self) -> bool {
        let selection = self.subs.selection;
        selection.has_any(self.members) || selection.iter().any(|sub| self.derived(sub).is_some())
    }

    fn for_each_member<E>(
        &self,
        member: &mut impl FnMut(&str, VisibleValue<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.subs.selection.for_each_member(self.members, |sub, value| match (self.derived(sub), value) {
            (Some(text), _) => member(&sub.name, VisibleValue::Derived(&text)),
            (None, None | Some(Value::Null)) => Ok(()),
            (None, Some(value)) => member(&sub.name, VisibleValue::Plain(value)),
        })
    }
}

/// Whether a member of the core schema is `meta`.
pub(super) fn is_meta(selected: &SelectedMember) -> bool {
    *selected.name == *"meta"
}

/// The visible value of a member.
pub(super) enum VisibleValue<'a> {
    /// A value that the service derives.
    Derived(&'a str),
    /// A value that is shown completely.
    Plain(&'a Value),
    Object(Object<'a>),
    /// A list of complex values.
    List(&'a [Value], SubSelection<'a>),
}

impl VisibleValue<'_> {
    pub(super) fn write_to(&self, text: &mut Vec<u8>) {
        match self {
            Self::Derived(derived) => write_string(text, derived),
            Self::Plain(value) => write_value(text, value),
            Self::Object(object) => object.write_to(text),
            Self::List(list, subs) => {
                let visible = list.iter().filter_map(|element| subs.visible(element)).map(Object::Complex);
                write_array(text, visible, |text, object| object.write_to(text));
            }
        }
    }
}

impl Serialize for VisibleValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Derived(derived) => serializer.serialize_str(derived),
            Self::Plain(value) => value.serialize(serializer),
            Self::Object(object) => object.serialize(serializer),
            Self::List(list, subs) => {
                let visible = list.iter().filter_map(|element| subs.visible(element)).map(Object::Complex);
                serializer.collect_seq(visible)
            }
        }
    }
}
