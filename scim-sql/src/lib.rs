#![doc = include_str!("../README.md")]

mod bind_value;
mod column;
mod column_condition;
mod dialect;
mod element_condition;
mod fragment;
mod mapping;
mod order;
mod predicate;
mod writer;

pub use bind_value::{BindValue, sortable_key};
pub use column::Column;
pub(crate) use column::ColumnType;
pub use dialect::Dialect;
pub use fragment::{Cost, Error, Fragment};
pub use mapping::{Elements, InvalidMapping, Mapping, MappingBuilder};
pub use order::{Order, PageSide};
