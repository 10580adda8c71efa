//! Reading one resource (`retrieve`) and pages of lists (`page`).
//!
//! `query_sql` turns a filter and an order into SQL, `position` encodes the position of a page in a cursor, `found`
//! makes resources of the rows, and `memberships` reads the members and groups that belong to them.

mod found;
pub(crate) mod memberships;
mod page;
mod query_sql;
mod retrieve;

pub(crate) use page::{explain, page};
pub(crate) use retrieve::retrieve;
