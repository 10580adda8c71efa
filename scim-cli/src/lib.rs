//! The command `scim`, which checks SCIM 2.0 endpoints. Its README explains it.

// - `client`: requests to a SCIM endpoint, and what it announces.
// - `conversation`: requests and expected answers in a file.
// - `check`: all conversations against an endpoint; `report`: what came of it.
// - `commands`: the command line.
mod check;
mod client;
mod commands;
mod conversation;

pub use commands::{Arguments, run};
