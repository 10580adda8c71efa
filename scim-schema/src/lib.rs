#![doc = include_str!("../README.md")]

mod attr_path;
mod attribute_ref;
mod compare;
mod definition;
mod error;
#[doc(hidden)]
pub mod internal;
mod message;
mod normalize;
mod projection;
mod read_context;
mod resource_type;
mod shortened;
pub mod standard;
mod strict_json;
mod tolerance;
pub mod typed;
mod unassigned;
mod validate;

pub use attr_path::{AttrPath, InvalidPath};
pub use attribute_ref::{AttributeRef, Extension};
pub use compare::{Comparison, Instant, Operand, Text, UNICODE_VERSION};
pub use definition::{Attribute, Mutability, Returned, Schema, Type, Uniqueness};
pub use error::{SchemaError, ScimType, UnknownAttribute, Violation};
pub use projection::{Projected, Projection};
pub use read_context::{ReadContext, ToleratedQuirk};
pub use resource_type::{ResolvedName, ResourceType, ResourceTypeBuilder};
pub use tolerance::{Quirk, Tolerance};
pub use unassigned::is_unassigned;
