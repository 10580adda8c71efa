//! What the example hosts share, apart from the HTTP framework: options and commands, TLS, credentials, limits, logs, metrics
//! and the service. Copy it, and keep what you need.
//!
//! A host is one call of [`run`]: it reads the options, opens the database, and then either runs a command or serves. The
//! options are in the README of the examples.

// - `settings`: the options. `commands`: `token` and `client`.
// - `run`: what a host does from its start to its end.
// - `users_and_groups`: the resource types of the axum and the actix host.
// - `host`: what happens to a request. `serve`: connections, for hosts on hyper.
// - `admin`: health and metrics. `console`: the pages of administrators. `log`: the log.
mod admin;
mod commands;
mod console;
mod error;
mod greeting;
mod host;
mod keys;
mod log;
mod run;
mod serve;
mod settings;
mod stop;
#[cfg(feature = "testing")]
pub mod testing;
mod users_and_groups;

pub use error::InvalidSettings;
pub use host::{Host, Peer};
pub use run::{Program, Resources, run};
pub use serve::RawListener;
pub use settings::{AdminSettings, Database, LimitSettings, LogSettings, Settings, Tenants, Tls};
pub use stop::stop_signal;
pub use users_and_groups::users_and_groups;

/// The path below which the hosts serve SCIM.
pub const MOUNT_PATH: &str = "/scim/v2";
