//! A resource as a response shows it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::Projection;
use super::json_writer::{write_array, write_object, write_string, write_value};
use super::selection::{SelectedMember, Selection};
use crate::AttributeRef;

/// What the service writes into a response itself: `meta.resourceType`, `meta.location`, and the
/// `$ref` of references to its own resources.
pub trait Derive {
    /// The value of a derived sub-attribute, given the object that it is a member of.
    fn derive<'a>(&'a self, target: &AttributeRef, object: &'a Map<String, Value>) -> Option<Cow<'a, str>>;
}

/// A resource as a response shows it: serialises through a projection, in schema order, without
/// copying the resource.
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
    #[doc(hidden)]
    pub fn deriving(self, derive: &'a dyn Derive) -> Self {
        Self { derive: Some(derive), ..self }
    }

    /// Appends the resource to a text as JSON without blanks.
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
        // The resource may hold what the projection hides.
        f.debug_struct("Projected").field("projection", self.projection).finish_non_exhaustive()
    }
}

/// An object that is shown through a selection of its members.
#[derive(Clone, Copy)]
enum Object<'a> {
    Resource(Projected<'a>),
    Extension(ExtensionObject<'a>),
    Complex(ComplexValue<'a>),
}

impl Object<'_> {
    /// Calls back for each member that is shown, in order. Both ways of writing JSON go through here.
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
            // It comes last, and as most of it may be derived it need not be stored.
            if *selected.name == *"meta" {
                meta = self.subs(selected).map(|subs| (subs, value.and_then(Value::as_object)));
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
        let Some((subs, stored)) = meta else { return Ok(()) };
        let none = Map::new();
        let meta = ComplexValue { subs, members: stored.unwrap_or(&none) };
        if meta.is_visible() { member("meta", VisibleValue::Object(Object::Complex(meta))) } else { Ok(()) }
    }

    /// Calls back for an attribute if anything of it is seen. A list without members is seen too, since
    /// clients compare it with theirs.
    #[inline]
    fn attribute<E>(
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

    /// What is seen of the value of an attribute. Of a complex attribute, what is not an object is not seen:
    /// no rule for a sub-attribute is got around.
    #[inline]
    fn visible_value(&self, selected: &'a SelectedMember, value: &'a Value) -> Option<VisibleValue<'a>> {
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

/// The object of an extension.
#[derive(Clone, Copy)]
struct ExtensionObject<'a> {
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

/// What is shown of complex values of an attribute.
#[derive(Clone, Copy)]
struct SubSelection<'a> {
    derive: Option<&'a dyn Derive>,
    selection: &'a Selection,
}

impl<'a> SubSelection<'a> {
    /// A complex value, if anything of it is seen.
    #[inline]
    fn visible(self, value: &'a Value) -> Option<ComplexValue<'a>> {
        let complex = ComplexValue { subs: self, members: value.as_object()? };
        complex.is_visible().then_some(complex)
    }
}

/// An object of sub-attributes.
#[derive(Clone, Copy)]
struct ComplexValue<'a> {
    subs: SubSelection<'a>,
    members: &'a Map<String, Value>,
}

impl ComplexValue<'_> {
    fn derived(&self, sub: &SelectedMember) -> Option<Cow<'_, str>> {
        if sub.is_derived { self.subs.derive?.derive(&sub.target, self.members) } else { None }
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

/// The value of a member that is shown.
enum VisibleValue<'a> {
    /// Text that the service derives.
    Derived(&'a str),
    /// A value all of which is shown.
    Plain(&'a Value),
    Object(Object<'a>),
    /// A list of complex values.
    List(&'a [Value], SubSelection<'a>),
}

impl VisibleValue<'_> {
    fn write_to(&self, text: &mut Vec<u8>) {
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
