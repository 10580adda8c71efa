//! Structs for the complex values of users and groups.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An element of a multi-valued attribute with the default sub-attributes (RFC 7643 section 2.4): an e-mail address, a phone number, a role, a member of a group.
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
    /// The address, the number, or the id of the resource that the element refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `$ref`, the URI of the resource that the element refers to.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// A name for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// `type`, the purpose of the element: `work`, `home`. For a member, its resource type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred element; at most one element of a list can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// All other sub-attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Element {
    /// Creates an element with only a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    /// Sets the `type`.
    #[must_use]
    pub fn with_type(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Makes it the preferred element.
    #[must_use]
    pub fn as_primary(mut self) -> Self {
        self.primary = Some(true);
        self
    }

    /// Returns the value of the preferred element of a list, or of the first element if none is preferred.
    pub fn preferred(elements: &[Element]) -> Option<&str> {
        let preferred = elements.iter().find(|element| element.primary == Some(true));
        preferred.or(elements.first())?.value.as_deref()
    }
}

/// A postal address (RFC 7643 section 4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Address {
    /// The complete address for printing, with line breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street, house number, post box; can contain line breaks.
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
    /// The country, as an ISO 3166-1 alpha-2 code: `NZ`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// `type`, the purpose of the address: `work`, `home`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// All other sub-attributes.
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
    /// `$ref`, the URI of that resource.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The manager's name, read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// All other sub-attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The metadata that the service adds to a resource (RFC 7643 section 3.1).
///
/// Times are strings as in JSON; [`Instant::parse`](crate::Instant::parse) parses them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// The name of the resource type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// When the resource was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When the resource was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// The URI of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The version of the resource, an entity tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// All other sub-attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
