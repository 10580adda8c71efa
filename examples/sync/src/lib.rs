//! A program that keeps the users and group memberships of a SCIM service as Microsoft Entra ID has them, read through Microsoft
//! Graph. The rules are those of the crate `scim-sync`; this is the I/O around it. Copy it, and keep what you need.

// - `config`: the configuration file. `commands`: what the program can do.
// - `graph`: the directory. `target`: the service. `ledger`: what is remembered, in an SQLite file.
// - `mail`: notices. `photos`: profile photos, and the server for them.
mod commands;
mod config;
mod graph;
mod ledger;
mod mail;
mod photos;
mod target;

pub use commands::{Arguments, run};
pub use config::{Config, ConfigError, Provider, TargetConfig};
pub use graph::Graph;
pub use ledger::SqliteLedger;
pub use photos::photo_server;
pub use target::{InProcess, Target};
