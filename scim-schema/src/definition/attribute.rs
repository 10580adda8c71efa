//! Attribute definitions: every characteristic of RFC 7643 sections 2.2 and 7.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::characteristic::{Mutability, Returned, Type, Uniqueness};

/// The definition of an attribute or sub-attribute. Cheap to clone.
///
/// Made by a constructor for its type and adjusted by methods that consume it; the defaults are
/// those of RFC 7643 section 7 (optional, singular, `readWrite`, returned by default, not unique,
/// case-insensitive unless it is a reference or binary).
///
/// ```
/// use scim_schema::{Attribute, Mutability, Uniqueness};
///
/// let badge = Attribute::string("badge").required().case_exact(true).with_uniqueness(Uniqueness::Server);
/// assert_eq!(badge.name(), "badge");
/// assert!(badge.is_required() && badge.is_case_exact());
/// assert_eq!(badge.mutability(), Mutability::ReadWrite);
///
/// let desks = Attribute::complex("desks", [Attribute::string("value"), Attribute::boolean("primary")])
///     .multi_valued()
///     .with_description("Desks that the person may use.");
/// assert_eq!(desks.sub_attributes().len(), 2);
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Attribute(Arc<Definition>);

#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    name: String,
    #[serde(rename = "type")]
    data_type: Type,
    multi_valued: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    required: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    canonical_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_exact: Option<bool>,
    mutability: Mutability,
    returned: Returned,
    #[serde(skip_serializing_if = "Option::is_none")]
    uniqueness: Option<Uniqueness>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reference_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sub_attributes: Vec<Attribute>,
    // What the RFC has no keyword for is the host's own and not published.
    #[serde(skip)]
    only_canonical: bool,
    #[serde(skip)]
    max_length: Option<usize>,
    #[serde(skip)]
    is_user_name: bool,
    #[serde(skip)]
    default_value: Option<Value>,
    #[serde(skip)]
    only_kept_type: Option<String>,
}

impl Attribute {
    /// A definition of the given type with the default characteristics.
    pub fn new(name: impl Into<String>, data_type: Type) -> Self {
        Self(Arc::new(Definition {
            name: name.into(),
            data_type,
            multi_valued: false,
            description: String::new(),
            required: false,
            canonical_values: Vec::new(),
            case_exact: data_type.is_textual().then_some(data_type != Type::String),
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: data_type.may_be_unique().then_some(Uniqueness::None),
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
            only_canonical: false,
            max_length: None,
            is_user_name: false,
            default_value: None,
            only_kept_type: None,
        }))
    }

    /// A string attribute.
    pub fn string(name: impl Into<String>) -> Self {
        Self::new(name, Type::String)
    }

    /// A boolean attribute.
    pub fn boolean(name: impl Into<String>) -> Self {
        Self::new(name, Type::Boolean)
    }

    /// An attribute of whole numbers.
    pub fn integer(name: impl Into<String>) -> Self {
        Self::new(name, Type::Integer)
    }

    /// An attribute of numbers.
    pub fn decimal(name: impl Into<String>) -> Self {
        Self::new(name, Type::Decimal)
    }

    /// A date and time.
    pub fn date_time(name: impl Into<String>) -> Self {
        Self::new(name, Type::DateTime)
    }

    /// Base64 data.
    pub fn binary(name: impl Into<String>) -> Self {
        Self::new(name, Type::Binary)
    }

    /// A URI; `types` are names of resource types, or `external`, or `uri`.
    pub fn reference<T: Into<String>>(name: impl Into<String>, types: impl IntoIterator<Item = T>) -> Self {
        Self::new(name, Type::Reference).with_reference_types(types)
    }

    /// An object with sub-attributes.
    pub fn complex(name: impl Into<String>, sub_attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self::new(name, Type::Complex).with_sub_attributes(sub_attributes.into_iter().collect())
    }

    fn edit(&mut self) -> &mut Definition {
        Arc::make_mut(&mut self.0)
    }

    /// Sets the text that `/Schemas` shows.
    #[must_use]
    pub fn with_description(mut self, text: impl Into<String>) -> Self {
        self.edit().description = text.into();
        self
    }

    /// Makes it hold any number of values.
    #[must_use]
    pub fn multi_valued(mut self) -> Self {
        self.edit().multi_valued = true;
        self
    }

    /// Makes it required.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.edit().required = true;
        self
    }

    /// Makes it optional again, for a host that adjusts a standard schema.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.edit().required = false;
        self
    }

    /// Sets whether case matters in comparisons.
    #[must_use]
    pub fn case_exact(mut self, exact: bool) -> Self {
        self.edit().case_exact = Some(exact);
        self
    }

    /// Sets the mutability; for a complex attribute also of its sub-attributes when it is `readOnly`.
    #[must_use]
    pub fn with_mutability(mut self, mutability: Mutability) -> Self {
        let definition = self.edit();
        definition.mutability = mutability;
        if mutability == Mutability::ReadOnly {
            for sub in &mut definition.sub_attributes {
                sub.edit().mutability = mutability;
            }
        }
        self
    }

    /// Sets when it is returned.
    #[must_use]
    pub fn with_returned(mut self, returned: Returned) -> Self {
        self.edit().returned = returned;
        self
    }

    /// Sets where its values must differ.
    #[must_use]
    pub fn with_uniqueness(mut self, uniqueness: Uniqueness) -> Self {
        self.edit().uniqueness = Some(uniqueness);
        self
    }

    /// Suggests values, such as `work` and `home`; other values stay welcome (RFC 7643 section 2.3.1).
    #[must_use]
    pub fn with_canonical_values<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.edit().canonical_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what a reference may refer to: names of resource types, or `external`, or `uri`.
    #[must_use]
    pub fn with_reference_types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.edit().reference_types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Refuses every value that is not canonical.
    #[must_use]
    pub fn only_canonical_values(mut self) -> Self {
        self.edit().only_canonical = true;
        self
    }

    /// Refuses strings of more than this many characters.
    #[must_use]
    pub fn with_max_length(mut self, characters: usize) -> Self {
        self.edit().max_length = Some(characters);
        self
    }

    /// Compares values as user names: case, width and composition do not matter (RFC 7644
    /// section 5, RFC 8265 section 3.3).
    #[must_use]
    pub fn compared_as_user_name(mut self) -> Self {
        self.edit().is_user_name = true;
        self
    }

    /// The value that it gets when a resource is created without it (RFC 7644 section 3.3). When a
    /// replacement leaves it out it stays as it is.
    #[must_use]
    pub fn with_default_value(mut self, value: impl Into<Value>) -> Self {
        self.edit().default_value = Some(value.into());
        self
    }

    /// Keeps at most one element of a list, that of this `type`: for an application with one column for
    /// it. The schema still says `multiValued`, since that is how clients send it.
    ///
    /// An element of this type, or without a type, takes the place of the one that is stored; of several
    /// in one request the primary one does, else the last. Elements of other types are left out if
    /// [`Quirk::OtherType`](crate::Quirk::OtherType) is tolerated, else refused.
    ///
    /// ```
    /// use scim_schema::Attribute;
    ///
    /// let subs = [Attribute::string("value"), Attribute::string("type"), Attribute::boolean("primary")];
    /// let emails = Attribute::complex("emails", subs).multi_valued().keep_only_type("work");
    /// assert_eq!(emails.single_type(), Some("work"));
    /// ```
    #[must_use]
    pub fn keep_only_type(mut self, element_type: impl Into<String>) -> Self {
        self.edit().only_kept_type = Some(element_type.into());
        self
    }

    pub(crate) fn with_sub_attributes(mut self, subs: Vec<Attribute>) -> Self {
        self.edit().sub_attributes = subs;
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The data type.
    pub fn data_type(&self) -> Type {
        self.0.data_type
    }

    /// Whether it holds a list.
    pub fn is_multi_valued(&self) -> bool {
        self.0.multi_valued
    }

    /// The text that `/Schemas` shows.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// Whether it must have a value.
    pub fn is_required(&self) -> bool {
        self.0.required
    }

    /// The suggested values, or the only ones if [`only_canonical_values`](Self::only_canonical_values).
    pub fn canonical_values(&self) -> &[String] {
        &self.0.canonical_values
    }

    /// Whether values other than the canonical ones are refused.
    pub fn is_only_canonical(&self) -> bool {
        self.0.only_canonical
    }

    /// The largest number of characters, if there is one.
    pub fn max_length(&self) -> Option<usize> {
        self.0.max_length
    }

    /// Whether case matters.
    pub fn is_case_exact(&self) -> bool {
        self.0.case_exact.unwrap_or(false)
    }

    /// Whether values are compared as user names.
    pub fn is_compared_as_user_name(&self) -> bool {
        self.0.is_user_name
    }

    /// The value that it gets when a resource is created without it.
    pub fn default_value(&self) -> Option<&Value> {
        self.0.default_value.as_ref()
    }

    /// The type of the only element that is kept of a list; see [`keep_only_type`](Self::keep_only_type).
    pub fn single_type(&self) -> Option<&str> {
        self.0.only_kept_type.as_deref()
    }

    /// Who may write it.
    pub fn mutability(&self) -> Mutability {
        self.0.mutability
    }

    /// When it is returned.
    pub fn returned(&self) -> Returned {
        self.0.returned
    }

    /// Where its values must differ.
    pub fn uniqueness(&self) -> Uniqueness {
        self.0.uniqueness.unwrap_or(Uniqueness::None)
    }

    /// What a reference may refer to.
    pub fn reference_types(&self) -> &[String] {
        &self.0.reference_types
    }

    /// The sub-attributes of a complex attribute.
    pub fn sub_attributes(&self) -> &[Attribute] {
        &self.0.sub_attributes
    }

    /// Whether its values are URIs of resources of this service, and not of anything else.
    pub fn refers_to_resources(&self) -> bool {
        !self.0.reference_types.is_empty()
            && !self.0.reference_types.iter().any(|t| t == "external" || t == "uri")
    }

    /// Whether this is the `$ref` of a reference to resources of this service, which the service
    /// writes itself from the `value` beside it (RFC 7643 section 2.4).
    pub fn is_resource_reference(&self) -> bool {
        self.0.name == "$ref" && self.refers_to_resources()
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Attribute({}: {}{})",
            self.name(),
            self.data_type(),
            if self.is_multi_valued() { "[]" } else { "" }
        )
    }
}
