//! Creating, changing and deleting resources.
//!
//! Each write is one transaction. It reads the stored resource and locks its row (`current`), checks the
//! precondition, computes the new resource and the changes of its members (`members`), and sends its last
//! statements together with the COMMIT (`commit`). The statement that updates the row (`resource_row`) compares
//! the version again. If another transaction interfered, the whole write is run again (`run`).

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
mod run;
mod update;
mod value_rows;

pub(crate) use create::Create;
pub(crate) use delete::Delete;
pub(crate) use restore::{Restore, purge, type_of_deleted};
pub(crate) use run::run;
pub(crate) use update::Change;
