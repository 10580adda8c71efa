//! Checks that data in canonical form conforms to its schema.

mod resource;
mod value;
