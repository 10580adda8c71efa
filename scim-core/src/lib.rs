#![doc = include_str!("../README.md")]

mod access;
mod assemble;
mod bulk;
mod call;
mod config;
mod context;
mod cursor;
mod discovery;
mod error;
mod json;
mod me;
mod memory;
mod monitor;
mod negotiation;
mod operation;
mod paging;
mod parameters;
mod precondition;
mod provider;
mod query;
mod replace;
mod resource;
mod response;
mod route;
mod search;
mod service;
mod shown;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
mod unique_types;
mod update;
mod write;

pub use access::{Access, Action, Permit, Policy};
pub use config::{AuthenticationScheme, BuildError, Builder};
pub use context::{BaseUrl, Context, ContextBuilder, Identity, Secrets};
pub use error::{Error, Result};
pub use me::Me;
pub use memory::MemoryProvider;
pub use monitor::{Change, Event, Monitor};
pub use operation::Operation;
pub use precondition::{ETag, Precondition};
pub use provider::{Capabilities, Deleted, Provider, UpdateOptions, Updated};
pub use query::{Page, Position, Query, Sort, Window};
pub use resource::{Resource, new_id};
pub use service::{Outcome, ScimService};
pub use update::{Applied, Update};

pub use async_trait::async_trait;
pub use scim_filter as filter;
pub use scim_filter::Budget;
pub use scim_patch as patch;
pub use scim_schema as schema;
