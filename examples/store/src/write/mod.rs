//! Creating, changing and deleting resources.
//!
//! Each write is one transaction: it reads the stored resource and locks it (`current`), checks the
//! precondition, computes the new resource and the changes of its members, and runs its last statements together
//! with the COMMIT (`commit`). The statement in `resource_row` that updates the row compares the version once
//! more. A write that another transaction got in the way of is run again (`retry`).

mod commit;
mod create;
mod current;
mod delete;
mod members;
pub(crate) mod password;
mod references;
mod resource_row;
mod retry;
mod update;
mod value_rows;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use retry::Attempts;
pub(crate) use update::update;
