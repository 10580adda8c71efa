//! References to the attributes and sub-attributes of a resource type.

mod name_index;
mod section;
mod value_equality;
mod value_rules;
mod values;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use self::value_rules::ValueRules;
use crate::attr_path::AttrPath;
use crate::{Attribute, Comparison, Mutability, Quirk, ReadContext, Returned, Schema, Type};

pub(crate) use name_index::{Lookup, NameIndex};
pub use section::Extension;
pub(crate) use section::Section;

/// An attribute or sub-attribute of a resource type, found by [`ResourceType::resolve`].
///
/// It gives access to the definition, and to the values in a resource. The resource type creates the data of each
/// attribute once; an `AttributeRef` is a pointer to it and cheap to clone. Two of them are equal if their canonical
/// paths are equal.
///
/// [`ResourceType::resolve`]: crate::ResourceType::resolve
///
/// ```
/// use scim_schema::{AttrPath, ReadContext, Tolerance, standard};
///
/// let user = standard::user_type();
/// let tolerance = Tolerance::strict();
/// let target = user.resolve(&"EMAILS.Value".parse()?, &mut ReadContext::new(&tolerance)).unwrap();
/// assert_eq!(target.path().as_str(), "emails.value");
/// assert!(target.attribute().is_multi_valued());
/// assert_eq!(target.definition().name(), "value");
/// # Ok::<(), scim_schema::InvalidPath>(())
/// ```
#[derive(Clone)]
pub struct AttributeRef(Arc<AttributeRefData>);

struct AttributeRefData {
    schema: Schema,
    /// Whether values are in the object of an extension and not at the top level.
    extension: bool,
    attribute: Attribute,
    sub: Option<Attribute>,
    /// The sub-attribute, else the attribute.
    definition: Attribute,
    name: Arc<str>,
    value_rules: ValueRules,
    path: AttrPath,
    comparison: Comparison,
    position: Position,
    derived: bool,
    secret: bool,
    holds_members: bool,
    primary: bool,
    /// Whether it has a sub-attribute `$ref` that the service derives from the `value` next to it.
    has_resource_reference: bool,
    sub_attributes: AttributeRefs,
}

/// The position of an attribute in its resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// 0 for the core schema, from 1 on for the extensions in the order of registration.
    pub(crate) section: usize,
    /// The index of the attribute in its section.
    pub(crate) attribute: usize,
    /// The index of the sub-attribute.
    pub(crate) sub: Option<usize>,
}

impl AttributeRef {
    /// Creates the reference to an attribute, and those to its sub-attributes. `section` and `index` are its
    /// [`Position`]; `max_text` is the maximum length of a string in bytes.
    pub(crate) fn new(
        schema: &Schema,
        section: usize,
        index: usize,
        attribute: &Attribute,
        max_text: usize,
    ) -> Self {
        let extension = section > 0;
        let uri = extension.then(|| schema.id());
        let has_resource_reference = has_resource_reference(attribute);
        let make = |sub: Option<(usize, &Attribute)>, sub_attributes: Vec<AttributeRef>| {
            let definition = sub.map_or(attribute, |(_, sub)| sub);
            let is_id = has_resource_reference && sub.is_some() && definition.name() == "value";
            Self(Arc::new(AttributeRefData {
                schema: schema.clone(),
                extension,
                attribute: attribute.clone(),
                sub: sub.map(|(_, sub)| sub.clone()),
                value_rules: ValueRules::new(definition, max_text, is_id),
                definition: definition.clone(),
                name: definition.name().into(),
                path: AttrPath::join(uri, attribute.name(), sub.map(|(_, sub)| sub.name())),
                // Ids are case-exact (RFC 7643 section 3.1). So are references to them, although the schemas in
                // the RFC do not always say so.
                comparison: if is_id { Comparison::Exact } else { Comparison::for_attribute(definition) },
                derived: is_derived(section, attribute, definition),
                secret: [attribute, definition].iter().any(|a| a.returned() == Returned::Never),
                holds_members: has_resource_reference && holds_members(definition),
                primary: sub.is_some() && is_primary(attribute, definition),
                has_resource_reference: sub.is_none() && has_resource_reference,
                position: Position { section, attribute: index, sub: sub.map(|(index, _)| index) },
                sub_attributes: AttributeRefs::new(sub_attributes),
            }))
        };
        let sub_attributes =
            attribute.sub_attributes().iter().enumerate().map(|sub| make(Some(sub), Vec::new())).collect();
        make(None, sub_attributes)
    }

    /// The schema that defines it.
    pub fn schema(&self) -> &Schema {
        &self.0.schema
    }

    /// The URI of the extension that it belongs to; `None` for a core attribute.
    pub fn extension(&self) -> Option<&str> {
        self.0.extension.then(|| self.0.schema.id())
    }

    /// The top-level attribute.
    pub fn attribute(&self) -> &Attribute {
        &self.0.attribute
    }

    /// The definition of the sub-attribute, if the path names one.
    pub fn sub_attribute_definition(&self) -> Option<&Attribute> {
        self.0.sub.as_ref()
    }

    /// The definition of the sub-attribute if the path names one, else of the attribute.
    pub fn definition(&self) -> &Attribute {
        &self.0.definition
    }

    /// The name of the definition.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// The canonical path. It begins with the URI of the schema if the attribute belongs to an extension.
    pub fn path(&self) -> &AttrPath {
        &self.0.path
    }

    /// The rule by which its values are compared.
    pub fn comparison(&self) -> Comparison {
        self.0.comparison
    }

    /// Whether its values are objects with sub-attributes.
    pub fn is_complex(&self) -> bool {
        self.0.comparison == Comparison::Complex
    }

    /// The sub-attributes; empty for a simple attribute and for a sub-attribute.
    pub fn sub_attributes(&self) -> &[AttributeRef] {
        self.0.sub_attributes.as_slice()
    }

    /// The sub-attribute of that name, in any case.
    pub fn sub_attribute(&self, name: &str) -> Option<&AttributeRef> {
        self.0.sub_attributes.find(name)
    }

    pub(crate) fn sub_attribute_refs(&self) -> &AttributeRefs {
        &self.0.sub_attributes
    }

    /// Whether it has a sub-attribute `$ref` that the service derives from the `value` next to it.
    pub(crate) fn has_resource_reference(&self) -> bool {
        self.0.has_resource_reference
    }

    /// Whether it is a list of members, such as `members` of a group (RFC 7643 sections 2.4 and 4.2).
    ///
    /// That is the case if the list has a `$ref` to resources of this service and an immutable `value`. Then the
    /// `value` of each element is the id of a resource and identifies the element.
    ///
    /// ```
    /// use scim_schema::standard;
    ///
    /// assert!(standard::group_type().attribute("members").unwrap().holds_members());
    /// assert!(!standard::user_type().attribute("emails").unwrap().holds_members());
    /// ```
    pub fn holds_members(&self) -> bool {
        self.0.holds_members
    }

    /// Whether it is the sub-attribute `primary` of a list. An element without it counts as not primary (RFC 7643
    /// section 2.4).
    pub fn is_primary(&self) -> bool {
        self.0.primary
    }

    /// Whether the service computes it for responses: `meta.resourceType`, `meta.location`, and the `$ref` of
    /// references to resources.
    pub fn is_derived(&self) -> bool {
        self.0.derived
    }

    /// Whether it or its parent attribute is `returned: never`. Filters and sorting must not reveal its values
    /// either.
    pub fn is_secret(&self) -> bool {
        self.0.secret
    }

    /// Whether a client cannot change a value that it has: whether it is `immutable` or `readOnly` (RFC 7643 section
    /// 2.2).
    ///
    /// ```
    /// let group = scim_schema::standard::group_type();
    /// let members = group.attribute("members").unwrap();
    /// assert!(members.sub_attribute("value").unwrap().is_fixed() && !members.is_fixed());
    /// ```
    pub fn is_fixed(&self) -> bool {
        matches!(self.definition().mutability(), Mutability::Immutable | Mutability::ReadOnly)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.0.value_rules.read_only
    }

    /// Whether a client must send a value: it is required and not `readOnly`.
    pub(crate) fn is_required_from_client(&self) -> bool {
        self.0.value_rules.is_required_from_client
    }

    /// The maximum length of a string, in bytes.
    pub(crate) fn max_text(&self) -> usize {
        self.0.value_rules.max_text
    }

    /// Whether it is the `value` of a reference to a resource (RFC 7643 section 2.4).
    pub fn is_resource_id(&self) -> bool {
        self.0.value_rules.is_id
    }

    /// Whether it is a singular string, date or boolean, and the value has that JSON type and is not too long. This
    /// quick check is true of most values; they need no normalization.
    pub(crate) fn is_ordinary_value(&self, value: &Value) -> bool {
        self.0.value_rules.is_ordinary_value(value)
    }

    /// Whether every value of the right JSON type is valid.
    pub(crate) fn accepts_any_value(&self) -> bool {
        self.0.value_rules.accepts_any_value
    }

    /// Iterates over this attribute and then its sub-attributes.
    ///
    /// ```
    /// let user = scim_schema::standard::user_type();
    /// let emails = user.attribute("emails").unwrap();
    /// let paths: Vec<_> = emails.self_and_sub_attributes().map(|target| target.path().as_str()).collect();
    /// assert_eq!(paths[..3], ["emails", "emails.value", "emails.display"]);
    /// ```
    pub fn self_and_sub_attributes(&self) -> impl Iterator<Item = &AttributeRef> {
        std::iter::once(self).chain(self.sub_attributes())
    }

    pub(crate) fn position(&self) -> Position {
        self.0.position
    }
}

/// The attributes of a schema, or the sub-attributes of an attribute, in schema order.
pub(crate) struct AttributeRefs {
    list: Box<[AttributeRef]>,
    names: NameIndex,
    required: Box<[AttributeRef]>,
}

impl AttributeRefs {
    pub(crate) fn new(list: Vec<AttributeRef>) -> Self {
        let required = list.iter().filter(|target| target.is_required_from_client());
        let names = NameIndex::new(list.iter().map(|target| target.shared_name().clone()));
        Self { names, required: required.cloned().collect(), list: list.into() }
    }

    pub(crate) fn as_slice(&self) -> &[AttributeRef] {
        &self.list
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, AttributeRef> {
        self.list.iter()
    }

    /// The attributes for which a client must send a value.
    pub(crate) fn required(&self) -> &[AttributeRef] {
        &self.required
    }

    /// Returns a function that looks up the members of one object, fastest in sorted order.
    pub(crate) fn lookup<'a>(&'a self) -> impl FnMut(&str) -> Option<&'a AttributeRef> {
        let mut lookup = self.names.lookup();
        move |name| self.list.get(lookup.index_of(name)?)
    }

    /// The attribute with exactly this name.
    pub(crate) fn get(&self, name: &str) -> Option<&AttributeRef> {
        self.lookup()(name)
    }

    /// The attribute with this name in any case.
    pub(crate) fn find(&self, name: &str) -> Option<&AttributeRef> {
        // Stored data and most requests use the canonical case, which is faster to find.
        let any_case = || self.list.iter().find(|target| target.name().eq_ignore_ascii_case(name));
        self.get(name).or_else(any_case)
    }

    /// The attribute with this name in any case, or `display` for `displayName` if that is tolerated.
    pub(crate) fn find_tolerated(
        &self,
        name: &str,
        read_context: &mut ReadContext<'_>,
    ) -> Option<&AttributeRef> {
        let display = || {
            let display = self.get("display").filter(|_| name.eq_ignore_ascii_case("displayName"))?;
            read_context.allow_quirk(Quirk::DisplayNameForDisplay, display).then_some(display)
        };
        self.find(name).or_else(display)
    }
}

fn is_derived(section: usize, attribute: &Attribute, definition: &Attribute) -> bool {
    let in_meta = section == 0 && attribute.name() == "meta";
    definition.is_resource_reference() || in_meta && matches!(definition.name(), "resourceType" | "location")
}

fn has_resource_reference(attribute: &Attribute) -> bool {
    attribute.sub_attributes().iter().any(Attribute::is_resource_reference)
}

/// Whether a list of references to resources is a list of members; see [`AttributeRef::holds_members`].
fn holds_members(definition: &Attribute) -> bool {
    let value = definition.sub_attributes().iter().find(|sub| sub.name() == "value");
    definition.is_multi_valued() && value.is_some_and(|value| value.mutability() == Mutability::Immutable)
}

fn is_primary(attribute: &Attribute, definition: &Attribute) -> bool {
    attribute.is_multi_valued() && definition.name() == "primary" && definition.data_type() == Type::Boolean
}

impl PartialEq for AttributeRef {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.path == other.0.path
    }
}

impl Eq for AttributeRef {}

impl std::hash::Hash for AttributeRef {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.path.hash(state);
    }
}

impl fmt::Display for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.path.as_str())
    }
}

impl fmt::Debug for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttributeRef({})", self.0.path)
    }
}
