//! Schemas and the definitions of attributes in them (RFC 7643 section 7).

mod attribute;
mod attribute_json;
mod characteristic;
mod check;
mod schema;

pub use attribute::Attribute;
pub use characteristic::{Mutability, Returned, Type, Uniqueness};
pub use schema::Schema;
