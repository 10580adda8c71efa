//! Brings data that a client sent into canonical form.

mod members;
mod repeated;
mod resource;
mod value;
