//! Users.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Address, Element, Manager, Meta};
use crate::standard;

/// A user account (RFC 7643 section 4.1).
///
/// It has no password. The password is write-only, and the service passes it to the store separately.
///
/// ```
/// use scim_schema::typed::User;
///
/// let json = r#"{
///     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
///     "userName": "bea",
///     "name": { "givenName": "Bea" },
///     "urn:example:params:scim:schemas:extension:badge:2.0:User": { "number": 7 }
/// }"#;
/// let user: User = serde_json::from_str(json)?;
/// assert_eq!(user.name.as_ref().and_then(|name| name.given_name.as_deref()), Some("Bea"));
/// assert_eq!(user.other.len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct User {
    /// The URIs of the core schema and of the extensions that are used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<String>,
    /// The id, which the service assigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The identifier that the client uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The login name, unique without regard to case.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_name: String,
    /// The parts of the person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The name for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The nickname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nick_name: Option<String>,
    /// The URL of a page about the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_url: Option<String>,
    /// The job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The relation to the organization: `Employee`, `Contractor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// The preferred languages, as in an `Accept-Language` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_language: Option<String>,
    /// The locale for formatting dates and numbers: `en-NZ`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The time zone, as an IANA name: `Pacific/Auckland`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Whether the account is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// E-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Element>,
    /// Phone numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phone_numbers: Vec<Element>,
    /// Instant messaging addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ims: Vec<Element>,
    /// URLs of photos.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<Element>,
    /// Postal addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// The groups that the user is a member of; read-only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Element>,
    /// The entitlements of the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<Element>,
    /// The user's roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Element>,
    /// Certificates, each in DER and base64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub x509_certificates: Vec<Element>,
    /// The metadata of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
    /// Extensions by their URIs, and all other attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl User {
    /// Creates a user with only a login name.
    pub fn new(user_name: impl Into<String>) -> Self {
        Self { user_name: user_name.into(), ..Self::default() }
    }

    /// The preferred e-mail address, or the first.
    pub fn email(&self) -> Option<&str> {
        Element::preferred(&self.emails)
    }
}

/// A user with an empty login name and the URI of the core schema.
impl Default for User {
    fn default() -> Self {
        Self {
            schemas: vec![standard::USER.to_owned()],
            id: None,
            external_id: None,
            user_name: String::new(),
            name: None,
            display_name: None,
            nick_name: None,
            profile_url: None,
            title: None,
            user_type: None,
            preferred_language: None,
            locale: None,
            timezone: None,
            active: None,
            emails: Vec::new(),
            phone_numbers: Vec::new(),
            ims: Vec::new(),
            photos: Vec::new(),
            addresses: Vec::new(),
            groups: Vec::new(),
            entitlements: Vec::new(),
            roles: Vec::new(),
            x509_certificates: Vec::new(),
            meta: None,
            other: Map::new(),
        }
    }
}

/// The parts of a person's name (RFC 7643 section 4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Name {
    /// The complete name for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The family name, or last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The given name, or first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The middle names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// The title before the name: `Dr.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_prefix: Option<String>,
    /// The suffix after the name: `III`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_suffix: Option<String>,
    /// All other sub-attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The enterprise extension of a user (RFC 7643 section 4.3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnterpriseUser {
    /// The number that the organization assigned to the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// The cost center.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// The organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The division.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
    /// All other attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
