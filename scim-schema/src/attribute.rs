//! Attribute definitions: every characteristic of RFC 7643 sections 2.2 and 7.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::SchemaError;

/// Declares a characteristic whose values are fixed keywords, once for code and JSON.
macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The keyword as it stands in a schema.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

keywords! {
    /// The data type of an attribute's values (RFC 7643 section 2.3).
    Type {
        /// Unicode text.
        String = "string",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A number, with or without a fraction.
        Decimal = "decimal",
        /// A whole number.
        Integer = "integer",
        /// An `xsd:dateTime`.
        DateTime = "dateTime",
        /// Base64 text.
        Binary = "binary",
        /// A URI.
        Reference = "reference",
        /// An object of sub-attributes.
        Complex = "complex",
    }
}

keywords! {
    /// Who may write an attribute, and when (RFC 7643 section 7).
    Mutability {
        /// Only the service provider writes it.
        ReadOnly = "readOnly",
        /// It may be changed at any time.
        ReadWrite = "readWrite",
        /// It is written once and never changed.
        Immutable = "immutable",
        /// It may be written but is never read back.
        WriteOnly = "writeOnly",
    }
}

keywords! {
    /// When an attribute is part of a response (RFC 7643 section 7).
    Returned {
        /// Always, whatever is asked for.
        Always = "always",
        /// Never, whatever is asked for.
        Never = "never",
        /// Unless it is excluded.
        Default = "default",
        /// Only when it is asked for, or was just written by the client.
        Request = "request",
    }
}

keywords! {
    /// Where values must differ (RFC 7643 section 7).
    Uniqueness {
        /// Nowhere.
        None = "none",
        /// Among the resources of a type in a tenant.
        Server = "server",
        /// Everywhere; a service enforces it like `server`.
        Global = "global",
    }
}

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
    user_name: bool,
    #[serde(skip)]
    default_value: Option<Value>,
}

impl Attribute {
    /// A definition of the given type with the default characteristics.
    pub fn new(name: impl Into<String>, data_type: Type) -> Self {
        let simple = !matches!(data_type, Type::Complex | Type::Boolean);
        let textual = matches!(data_type, Type::String | Type::Reference | Type::Binary);
        Self(Arc::new(Definition {
            name: name.into(),
            data_type,
            multi_valued: false,
            description: String::new(),
            required: false,
            canonical_values: Vec::new(),
            case_exact: textual.then_some(data_type != Type::String),
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: simple.then_some(Uniqueness::None),
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
            only_canonical: false,
            max_length: None,
            user_name: false,
            default_value: None,
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
        let mut attribute = Self::new(name, Type::Reference);
        attribute.edit().reference_types = types.into_iter().map(Into::into).collect();
        attribute
    }

    /// An object with sub-attributes.
    pub fn complex(name: impl Into<String>, sub_attributes: impl IntoIterator<Item = Attribute>) -> Self {
        let mut attribute = Self::new(name, Type::Complex);
        attribute.edit().sub_attributes = sub_attributes.into_iter().collect();
        attribute
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
        self.edit().user_name = true;
        self
    }

    /// The value that it gets when a resource is created without it (RFC 7644 section 3.3). When a
    /// replacement leaves it out it stays as it is.
    #[must_use]
    pub fn with_default_value(mut self, value: impl Into<Value>) -> Self {
        self.edit().default_value = Some(value.into());
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
        self.0.user_name
    }

    /// The value that it gets when a resource is created without it.
    pub fn default_value(&self) -> Option<&Value> {
        self.0.default_value.as_ref()
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

    /// Whether this is the `$ref` of a reference to resources of this service, which the service
    /// writes itself from the `value` beside it (RFC 7643 section 2.4).
    pub fn is_resource_reference(&self) -> bool {
        self.0.name == "$ref"
            && !self.0.reference_types.is_empty()
            && !self.0.reference_types.iter().any(|t| t == "external" || t == "uri")
    }

    /// Reads a definition as RFC 7643 section 7 describes it.
    pub(crate) fn from_json(value: &Value) -> Result<Self, SchemaError> {
        let object =
            value.as_object().ok_or_else(|| SchemaError::new("", "an attribute must be a JSON object"))?;
        let name = object
            .get("name")
            .and_then(Value::as_str)
            .ok_or_else(|| SchemaError::new("", "an attribute must have a `name`"))?;
        Self::characteristics(name, object).map_err(|error| error.inside(name))
    }

    fn characteristics(name: &str, object: &Map<String, Value>) -> Result<Self, SchemaError> {
        let data_type = keyword(object, "type", Type::parse)?.unwrap_or(Type::String);
        let mut attribute = Self::new(name, data_type);
        let definition = attribute.edit();
        definition.multi_valued = flag(object, "multiValued")?.unwrap_or(false);
        definition.required = flag(object, "required")?.unwrap_or(false);
        if let Some(exact) = flag(object, "caseExact")? {
            definition.case_exact = Some(exact);
        }
        if let Some(mutability) = keyword(object, "mutability", Mutability::parse)? {
            definition.mutability = mutability;
        }
        if let Some(returned) = keyword(object, "returned", Returned::parse)? {
            definition.returned = returned;
        }
        if let Some(uniqueness) = keyword(object, "uniqueness", Uniqueness::parse)? {
            definition.uniqueness = Some(uniqueness);
        }
        definition.canonical_values = texts(object, "canonicalValues")?;
        definition.reference_types = texts(object, "referenceTypes")?;
        definition.description = match object.get("description") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(_) => return Err(SchemaError::new("", "`description` must be a string")),
        };
        definition.sub_attributes = match object.get("subAttributes") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(subs)) => subs.iter().map(Self::from_json).collect::<Result<_, _>>()?,
            Some(_) => return Err(SchemaError::new("", "`subAttributes` must be an array")),
        };
        Ok(attribute)
    }

    /// Checks the name and the characteristics against each other, and sub-attributes likewise.
    pub(crate) fn check(&self) -> Result<(), SchemaError> {
        let wrong = |reason: &str| Err(SchemaError::new(self.name(), reason));
        if !is_name(self.name()) && self.name() != "$ref" {
            return wrong("a name is a letter followed by letters, digits, `-`, `_` or `$`");
        }
        if (self.data_type() == Type::Complex) == self.sub_attributes().is_empty() {
            return wrong("an attribute has sub-attributes exactly when its type is `complex`");
        }
        if self.is_only_canonical() && self.canonical_values().is_empty() {
            return wrong("restricted to canonical values, but there are none");
        }
        if self.mutability() == Mutability::ReadOnly && self.returned() == Returned::Never {
            return wrong("`readOnly` and never returned: nobody could use it");
        }
        if self.mutability() == Mutability::WriteOnly && self.returned() != Returned::Never {
            return wrong("a `writeOnly` attribute must be `returned: never`");
        }
        check_all(self.sub_attributes()).map_err(|error| error.inside(self.name()))
    }
}

/// Checks each definition, and that no two share a name.
pub(crate) fn check_all(attributes: &[Attribute]) -> Result<(), SchemaError> {
    for (index, attribute) in attributes.iter().enumerate() {
        attribute.check()?;
        let twice = attributes.iter().take(index).any(|other| other.name().eq_ignore_ascii_case(attribute.name()));
        if twice {
            return Err(SchemaError::new(attribute.name(), "defined twice"));
        }
    }
    Ok(())
}

/// `ATTRNAME` of RFC 7644 figure 1, with the `$` of RFC 7643 section 2.1.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'$'))
}

fn flag(object: &Map<String, Value>, member: &str) -> Result<Option<bool>, SchemaError> {
    match object.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(SchemaError::new("", format!("`{member}` must be true or false"))),
    }
}

fn keyword<T>(
    object: &Map<String, Value>,
    member: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, SchemaError> {
    match object.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match parse(text) {
            Some(keyword) => Ok(Some(keyword)),
            None => Err(SchemaError::new("", format!("`{text}` is not a value of `{member}`"))),
        },
        Some(_) => Err(SchemaError::new("", format!("`{member}` must be a string"))),
    }
}

fn texts(object: &Map<String, Value>, member: &str) -> Result<Vec<String>, SchemaError> {
    let wrong = || SchemaError::new("", format!("`{member}` must be an array of strings"));
    match object.get(member) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attribute({}: {}{})", self.name(), self.data_type(), if self.is_multi_valued() { "[]" } else { "" })
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attribute = Self::from_json(&Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
        attribute.check().map_err(D::Error::custom)?;
        Ok(attribute)
    }
}
