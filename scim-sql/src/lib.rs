#![doc = include_str!("../README.md")]

mod bind;
mod column;
mod dialect;
mod element;
mod filter;
mod fragment;
mod leaf;
mod mapping;
mod order;

pub use bind::{Bind, key};
pub use column::Column;
pub(crate) use column::Kind;
pub use dialect::Dialect;
pub use fragment::{Class, Error, Fragment};
pub use mapping::{Elements, InvalidMapping, Mapping, MappingBuilder};
pub use order::{Order, Side};
