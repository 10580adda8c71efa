//! Groups.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Element, Meta};
use crate::standard;

/// A group of users and other groups (RFC 7643 section 4.2).
///
/// ```
/// use scim_schema::typed::{Element, Group};
///
/// let mut group = Group::new("Divers");
/// group.members.push(Element::new("2819c223").with_type("User"));
/// assert_eq!(serde_json::to_value(&group)?["members"][0]["value"], "2819c223");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Group {
    /// The URIs of the core schema and of the extensions that are used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<String>,
    /// The id, which the service assigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The identifier that the client uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name for display.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// The members; the `value` of each is the id of a user or group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Element>,
    /// The metadata of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
    /// Extensions by their URIs, and all other attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Group {
    /// Creates a group with only a name.
    pub fn new(display_name: impl Into<String>) -> Self {
        Self { display_name: display_name.into(), ..Self::default() }
    }
}

/// A group with an empty name and the URI of the core schema.
impl Default for Group {
    fn default() -> Self {
        Self {
            schemas: vec![standard::GROUP.to_owned()],
            id: None,
            external_id: None,
            display_name: String::new(),
            members: Vec::new(),
            meta: None,
            other: Map::new(),
        }
    }
}
