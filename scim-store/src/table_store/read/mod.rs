//! Reading one resource (`retrieve`) and pages of lists (`page`).
//!
//! `row` makes resources of rows, and `lists` adds what is in other tables.

mod lists;
mod page;
mod retrieve;
mod row;

pub(crate) use lists::{WantedLists, add_lists, json_list, list_statements, push_equals_any, read_resources};
pub(crate) use page::page;
pub(crate) use retrieve::retrieve;
pub(crate) use row::ReadResource;
