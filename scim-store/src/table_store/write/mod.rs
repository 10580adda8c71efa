//! Creating, changing and deleting resources.
//!
//! Each write is one transaction. It reads the stored row and locks it, checks the precondition, computes the new values
//! of the columns (`assignments`), the changes of child tables (`children`) and of members (`members`), writes them, lets
//! the application's rule run, and reads the row again: what is stored is what the response shows.

mod adopt;
mod affected;
mod assignments;
mod children;
mod commit;
mod create;
mod delete;
mod finish;
mod members;
mod references;
mod rule;
mod stored;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use update::update;
