//! Attribute definitions: every characteristic of RFC 7643 sections 2.2 and 7.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::characteristic::{Mutability, Returned, Type, Uniqueness};

/// The definition of an attribute or sub-attribute. Cheap to clone.
///
/// There is a constructor for each type, and methods to change the characteristics. The defaults are those of
/// RFC 7643 section 7: optional, singular, `readWrite`, returned by default, not unique, and case-insensitive
/// unless it is a reference or binary.
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
    // The fields from here on have no keyword in the RFC, so `/Schemas` does not show them.
    #[serde(skip)]
    only_canonical: bool,
    #[serde(skip)]
    max_length: Option<usize>,
    #[serde(skip)]
    is_user_name: bool,
    #[serde(skip)]
    default_value: Option<Value>,
    #[serde(skip)]
    kept_types: Vec<String>,
}

impl Attribute {
    /// Creates a definition with the default characteristics.
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
            kept_types: Vec::new(),
        }))
    }

    /// Creates an attribute whose values are strings.
    pub fn string(name: impl Into<String>) -> Self {
        Self::new(name, Type::String)
    }

    /// Creates an attribute whose values are booleans.
    pub fn boolean(name: impl Into<String>) -> Self {
        Self::new(name, Type::Boolean)
    }

    /// Creates an attribute whose values are integers.
    pub fn integer(name: impl Into<String>) -> Self {
        Self::new(name, Type::Integer)
    }

    /// Creates an attribute whose values are numbers with or without a fraction.
    pub fn decimal(name: impl Into<String>) -> Self {
        Self::new(name, Type::Decimal)
    }

    /// Creates an attribute whose values are dates with a time.
    pub fn date_time(name: impl Into<String>) -> Self {
        Self::new(name, Type::DateTime)
    }

    /// Creates an attribute whose values are binary data in base64.
    pub fn binary(name: impl Into<String>) -> Self {
        Self::new(name, Type::Binary)
    }

    /// Creates an attribute whose values are URIs. `types` are names of resource types, or `external`, or `uri`.
    pub fn reference<T: Into<String>>(name: impl Into<String>, types: impl IntoIterator<Item = T>) -> Self {
        Self::new(name, Type::Reference).with_reference_types(types)
    }

    /// Creates an attribute whose values are objects with sub-attributes.
    pub fn complex(name: impl Into<String>, sub_attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self::new(name, Type::Complex).with_sub_attributes(sub_attributes.into_iter().collect())
    }

    /// The definition to be changed; copied first if a clone of the attribute uses it too.
    fn edit(&mut self) -> &mut Definition {
        Arc::make_mut(&mut self.0)
    }

    /// Sets the description, which `/Schemas` shows.
    #[must_use]
    pub fn with_description(mut self, text: impl Into<String>) -> Self {
        self.edit().description = text.into();
        self
    }

    /// Makes it a list of values.
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

    /// Makes it optional, for example in a standard schema that requires it.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.edit().required = false;
        self
    }

    /// Sets whether comparisons are case-sensitive.
    #[must_use]
    pub fn case_exact(mut self, exact: bool) -> Self {
        self.edit().case_exact = Some(exact);
        self
    }

    /// Sets the mutability. `readOnly` also applies to the sub-attributes of a complex attribute.
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

    /// Sets when responses contain it.
    #[must_use]
    pub fn with_returned(mut self, returned: Returned) -> Self {
        self.edit().returned = returned;
        self
    }

    /// Sets among which resources its values must be unique.
    #[must_use]
    pub fn with_uniqueness(mut self, uniqueness: Uniqueness) -> Self {
        self.edit().uniqueness = Some(uniqueness);
        self
    }

    /// Sets suggested values, such as `work` and `home`. Other values are accepted too (RFC 7643 section 2.3.1),
    /// unless [`only_canonical_values`](Self::only_canonical_values) is called.
    #[must_use]
    pub fn with_canonical_values<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.edit().canonical_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what its values can refer to: names of resource types, or `external`, or `uri`.
    #[must_use]
    pub fn with_reference_types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.edit().reference_types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Makes every value invalid that is not a canonical value.
    #[must_use]
    pub fn only_canonical_values(mut self) -> Self {
        self.edit().only_canonical = true;
        self
    }

    /// Sets the maximum length in characters (Unicode code points). Longer strings are invalid.
    #[must_use]
    pub fn with_max_length(mut self, characters: usize) -> Self {
        self.edit().max_length = Some(characters);
        self
    }

    /// Compares values as user names: without regard to case, width and Unicode composition (RFC 7644 section 5,
    /// RFC 8265 section 3.3).
    #[must_use]
    pub fn compared_as_user_name(mut self) -> Self {
        self.edit().is_user_name = true;
        self
    }

    /// Sets the value for resources that are created without it (RFC 7644 section 3.3). A replacement (PUT) that
    /// omits it keeps the stored value.
    #[must_use]
    pub fn with_default_value(mut self, value: impl Into<Value>) -> Self {
        self.edit().default_value = Some(value.into());
        self
    }

    /// Makes a list keep at most one element, with this `type`; for an application that has a single column for it.
    /// The schema still says `multiValued`, because clients send a list.
    ///
    /// An element with this type, or without a type, replaces the stored element. If a request contains several, the
    /// primary one is kept, else the last. Elements of other types are ignored if
    /// [`Quirk::OtherType`](crate::Quirk::OtherType) is tolerated; otherwise they are errors.
    ///
    /// ```
    /// use scim_schema::Attribute;
    ///
    /// let subs = [Attribute::string("value"), Attribute::string("type"), Attribute::boolean("primary")];
    /// let emails = Attribute::complex("emails", subs).multi_valued().keep_only_type("work");
    /// assert_eq!(emails.kept_types(), ["work"]);
    /// ```
    #[must_use]
    pub fn keep_only_type(self, element_type: impl Into<String>) -> Self {
        self.keep_only_types([element_type])
    }

    /// Makes a list keep at most one element of each of these types; for an application that has a column for each. As
    /// [`keep_only_type`](Self::keep_only_type) for each type; an element without a type has the first one.
    ///
    /// ```
    /// use scim_schema::Attribute;
    ///
    /// let subs = [Attribute::string("value"), Attribute::string("type")];
    /// let phones = Attribute::complex("phoneNumbers", subs).multi_valued().keep_only_types(["work", "mobile"]);
    /// assert_eq!(phones.kept_types(), ["work", "mobile"]);
    /// ```
    #[must_use]
    pub fn keep_only_types<T: Into<String>>(mut self, element_types: impl IntoIterator<Item = T>) -> Self {
        self.edit().kept_types = element_types.into_iter().map(Into::into).collect();
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

    /// Whether its value is a list.
    pub fn is_multi_valued(&self) -> bool {
        self.0.multi_valued
    }

    /// The description, which `/Schemas` shows.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// Whether it must have a value.
    pub fn is_required(&self) -> bool {
        self.0.required
    }

    /// The suggested values; the only valid ones if [`is_only_canonical`](Self::is_only_canonical).
    pub fn canonical_values(&self) -> &[String] {
        &self.0.canonical_values
    }

    /// Whether only the canonical values are valid.
    pub fn is_only_canonical(&self) -> bool {
        self.0.only_canonical
    }

    /// The maximum length in characters, if it is limited.
    pub fn max_length(&self) -> Option<usize> {
        self.0.max_length
    }

    /// Whether comparisons are case-sensitive.
    pub fn is_case_exact(&self) -> bool {
        self.0.case_exact.unwrap_or(false)
    }

    /// Whether values are compared as user names.
    pub fn is_compared_as_user_name(&self) -> bool {
        self.0.is_user_name
    }

    /// The value for resources that are created without it.
    pub fn default_value(&self) -> Option<&Value> {
        self.0.default_value.as_ref()
    }

    /// The types of which the list keeps one element each; empty if it keeps all elements. See
    /// [`keep_only_types`](Self::keep_only_types).
    pub fn kept_types(&self) -> &[String] {
        &self.0.kept_types
    }

    /// Who can write it, and when.
    pub fn mutability(&self) -> Mutability {
        self.0.mutability
    }

    /// When responses contain it.
    pub fn returned(&self) -> Returned {
        self.0.returned
    }

    /// Among which resources its values must be unique.
    pub fn uniqueness(&self) -> Uniqueness {
        self.0.uniqueness.unwrap_or(Uniqueness::None)
    }

    /// What its values can refer to: names of resource types, or `external`, or `uri`.
    pub fn reference_types(&self) -> &[String] {
        &self.0.reference_types
    }

    /// The sub-attributes of a complex attribute.
    pub fn sub_attributes(&self) -> &[Attribute] {
        &self.0.sub_attributes
    }

    /// Whether its values can only be URIs of resources of this service.
    pub fn refers_to_resources(&self) -> bool {
        !self.0.reference_types.is_empty()
            && !self.0.reference_types.iter().any(|t| t == "external" || t == "uri")
    }

    /// Whether this is a `$ref` to resources of this service. The service derives it from the `value` next to it (RFC
    /// 7643 section 2.4).
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
