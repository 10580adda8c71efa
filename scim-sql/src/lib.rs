// The examples use the drivers, so they are compiled only with them.
#![cfg_attr(
    any(
        all(feature = "rusqlite-0_37", feature = "sqlx-0_8", feature = "tokio-postgres-0_7"),
        not(doctest)
    ),
    doc = include_str!("../README.md")
)]

#[cfg(any(feature = "rusqlite-0_37", feature = "sqlx-0_8", feature = "tokio-postgres-0_7"))]
mod bind;
mod bind_value;
mod column;
mod column_condition;
mod column_type;
mod dialect;
mod element_condition;
mod fragment;
mod mapping;
mod order;
mod predicate;
mod writer;

pub use bind_value::{BindValue, sortable_key};
pub use column::Column;
pub(crate) use column_type::ColumnType;
pub use dialect::Dialect;
pub use fragment::{Cost, Error, Fragment};
pub use mapping::{Elements, InvalidMapping, Mapping, MappingBuilder};
pub use order::{Order, PageSide};
