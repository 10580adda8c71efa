//! Creating, changing and deleting resources.
//!
//! Each write is one transaction. It reads the stored resource and locks its row (`current`), checks the
//! precondition, computes the new resource and the changes of its members (`members`), and sends its last
//! statements together with the COMMIT (`commit`). The statement that updates the row (`resource_row`) compares
//! the version again. If another transaction interfered, the whole write is run again (`retry`).

mod adopt;
mod commit;
mod create;
mod current;
mod delete;
mod events;
mod members;
mod nesting;
mod new_resource;
mod references;
mod resource_row;
mod restore;
mod retry;
mod update;
mod value_rows;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use restore::{purge, restore, type_of_deleted};
pub(crate) use retry::Attempts;
pub(crate) use update::{Change, update};
