//! Groups.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Element, Meta};
use crate::standard;

/// A group of users and of other groups (RFC 7643 section 4.2).
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
    /// The URIs of the schemas that say what the group has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<String>,
    /// The service's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The client's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name to show.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// The members, by their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Element>,
    /// What the service says of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
    /// Extensions by URI, and whatever else the group has.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Group {
    /// A group with a name and nothing else.
    pub fn new(display_name: impl Into<String>) -> Self {
        Self { display_name: display_name.into(), ..Self::default() }
    }
}

/// A group without a name, of the core schema.
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
