//! Reading one resource, and pages of lists.

mod blocking;
mod found;
pub(crate) mod memberships;
mod page;
mod position;
mod query_sql;
mod retrieve;

pub(crate) use page::{explain, page};
pub(crate) use retrieve::retrieve;
