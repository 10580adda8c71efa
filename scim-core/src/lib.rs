// The README uses the feature `tower`, so its examples are compiled only with it.
#![cfg_attr(any(feature = "tower", not(doctest)), doc = include_str!("../README.md"))]

mod adoption;
mod authenticate;
mod authorization_header;
mod base_url;
mod body_buffer;
mod challenge;
mod changed_members;
mod context;
mod cursor;
mod error;
mod execute;
pub mod guide;
mod identity;
mod memory;
mod message_uri;
mod monitor;
mod operation;
mod outcome;
mod parse;
mod permit;
mod policy;
mod precondition;
mod provider;
mod query;
mod related_attributes;
mod rendered;
mod replace;
mod resource;
mod resource_content;
mod resource_stamp;
mod respond;
mod scopes;
mod secrets;
mod service;
mod setup;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;
mod trace;
mod type_index;
mod unique_types;
mod update;
mod url;

pub use authenticate::{Authenticate, BearerTokens, Refusal, bearer_token};
pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use body_buffer::BodyBuffer;
pub use challenge::Challenge;
pub use changed_members::ChangedMembers;
pub use context::{Context, ContextBuilder, OwnedContext};
pub use error::{Error, Result};
pub use identity::Identity;
pub use memory::MemoryProvider;
pub use monitor::{Change, Event, Monitor};
pub use operation::Operation;
pub use outcome::Outcome;
pub use permit::Permit;
pub use policy::{Access, Action, Policy};
pub use precondition::{ETag, Precondition};
pub use provider::{Capabilities, Deleted, Provider, UpdateOptions, Updated};
pub use query::{Page, Position, Query, Sort, Window};
pub use resource::Resource;
pub use resource_stamp::new_id;
pub use scopes::Scopes;
pub use secrets::Secrets;
pub use service::ScimService;
pub use setup::{AuthenticationScheme, BuildError, Me, ScimServiceBuilder};
pub use update::{AppliedUpdate, Update};

pub use async_trait::async_trait;
pub use scim_filter as filter;
pub use scim_filter::Budget;
pub use scim_patch as patch;
pub use scim_schema as schema;
