//! The command `scim`, which checks SCIM 2.0 endpoints. Its README explains it.

// - `conversation`: requests and expected answers in a file.
// - `check`: all conversations against an endpoint; `report`: what came of it.
// - `commands`: the command line.
mod check;
mod commands;
mod conversation;

pub use commands::{Arguments, run};
