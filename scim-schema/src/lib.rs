#![doc = include_str!("../README.md")]

mod attribute;
mod compare;
mod error;
mod instant;
mod message;
mod normalize;
mod path;
mod projection;
mod resource_type;
mod schema;
pub mod standard;
mod target;
mod tolerance;
mod validate;

pub use attribute::{Attribute, Mutability, Returned, Type, Uniqueness};
pub use compare::{Comparison, Operand, Text, UNICODE_VERSION};
pub use error::{ScimType, SchemaError, UnknownAttribute, Violation};
pub use instant::Instant;
pub use message::read_message;
pub use normalize::is_unassigned;
pub use path::{AttrPath, InvalidPath};
pub use projection::{Derive, Projected, Projection};
pub use resource_type::{Extension, Named, ResourceType, ResourceTypeBuilder};
pub use schema::Schema;
pub use target::Target;
pub use tolerance::{Fired, Quirk, Reading, Tolerance};
