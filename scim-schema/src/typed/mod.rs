//! Resources as Rust structs: typed views of the JSON that the rest of the library works with.
//!
//! The structs have the attributes of RFC 7643 under their own names, in Rust's spelling. What they
//! do not know (extensions, attributes that a host has added) is kept in `other` under its JSON
//! name, so that a resource that is read and written again is the same.
//!
//! They are plain serde structs. A host's own resource type, or its own extension, is one too:
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

/// An extension's attributes as a struct (RFC 7643 section 3.3).
pub trait TypedExtension: Serialize + DeserializeOwned {
    /// The URI of the extension's schema.
    const URI: &'static str;
}

impl TypedExtension for EnterpriseUser {
    const URI: &'static str = crate::standard::ENTERPRISE_USER;
}
