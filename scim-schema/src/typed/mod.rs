//! Resources as Rust structs. The rest of the library works with JSON.
//!
//! The structs have the attributes of RFC 7643 as fields, in snake case. All other attributes, such as extensions, are
//! in the field `other` under their JSON names. So no data is lost when a resource is deserialized and serialized
//! again.
//!
//! They are ordinary serde structs. Define your own for another resource type or extension:
//!
//! ```
//! use scim_schema::typed::{Element, TypedExtension, User};
//! use serde::{Deserialize, Serialize};
//!
//! let mut user = User::new("bea");
//! user.emails.push(Element::new("bea@example.com").with_type("work").as_primary());
//! assert_eq!(user.email(), Some("bea@example.com"));
//!
//! #[derive(Serialize, Deserialize)]
//! struct Badge {
//!     number: u32,
//! }
//!
//! impl TypedExtension for Badge {
//!     const URI: &'static str = "urn:example:params:scim:schemas:extension:badge:2.0:User";
//! }
//! ```
//!
//! `scim_core::Resource` converts to and from any of these.

mod element;
mod group;
mod user;

pub use element::{Address, Element, Manager, Meta};
pub use group::Group;
pub use user::{EnterpriseUser, Name, User};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A struct with the attributes of an extension (RFC 7643 section 3.3).
pub trait TypedExtension: Serialize + DeserializeOwned {
    /// The URI of the extension's schema.
    const URI: &'static str;
}

impl TypedExtension for EnterpriseUser {
    const URI: &'static str = crate::standard::ENTERPRISE_USER;
}
