//! The complex values that users and groups are made of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An element of a multi-valued attribute, with the sub-attributes that these have by default
/// (RFC 7643 section 2.4): an e-mail address, a phone number, a role, a member of a group.
///
/// ```
/// use scim_schema::typed::Element;
///
/// let email = Element::new("bea@example.com").with_type("work").as_primary();
/// let json = serde_json::to_string(&email)?;
/// assert_eq!(json, r#"{"value":"bea@example.com","type":"work","primary":true}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Element {
    /// The value that matters: the address, the number, the id of the resource that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `$ref`, the URI of the resource that is meant.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// A name for people to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// `type`, what the element is for: `work`, `home`; of a member, its resource type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred one; at most one element of a list is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// Whatever else the element has.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Element {
    /// An element with a value and nothing else.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    /// Says what the element is for.
    #[must_use]
    pub fn with_type(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Makes it the preferred one.
    #[must_use]
    pub fn as_primary(mut self) -> Self {
        self.primary = Some(true);
        self
    }

    /// The value of the preferred element of a list, or of the first if none is preferred.
    pub fn preferred(elements: &[Element]) -> Option<&str> {
        let preferred = elements.iter().find(|element| element.primary == Some(true));
        preferred.or(elements.first())?.value.as_deref()
    }
}

/// A postal address (RFC 7643 section 4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Address {
    /// The whole address as it is printed, with line breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street, house number, post box; it may have line breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// The city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// The state or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// The country, by its ISO 3166-1 code of two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// `type`, what the address is for: `work`, `home`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// Whatever else the address has.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A user's manager (RFC 7643 section 4.3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Manager {
    /// The id of the manager's User resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `$ref`, its URI.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The manager's name, read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whatever else is said of the manager.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What the service says of a resource (RFC 7643 section 3.1).
///
/// Times are in the text form that they have in JSON, which [`Instant`](crate::Instant) reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// The name of the resource type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Its URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Its version, an entity tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
