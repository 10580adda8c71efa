//! The command `scim`, which checks SCIM 2.0 endpoints, and imports and exports their users. Its README explains it.

// - `conversation`: requests and expected answers in a file.
// - `check`: all conversations against an endpoint; `report`: what came of it.
// - `import`, `export`: files to an endpoint and back; `column`: a column of CSV; `endpoint`: what an endpoint can do.
// - `commands`: the command line; `terminal`, `uri`: texts for a terminal and in URIs.
mod check;
mod column;
mod commands;
mod conversation;
mod endpoint;
mod export;
mod import;
mod terminal;
mod uri;

pub use commands::{Arguments, run};
