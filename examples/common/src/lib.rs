//! The parts of the example hosts that do not depend on the HTTP framework: settings, authentication and the service.
//!
//! The settings are environment variables, all of them optional:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `SCIM_LISTEN` | The address and port to listen on. | `127.0.0.1:8080` |
//! | `SCIM_BASE_URL` | The URL that clients use for the service. | `http://`, the address, and `/scim/v2` |
//! | `SCIM_BEHIND_TLS_PROXY` | `1` if a TLS proxy is in front of the host. Only then may the address be reachable from other machines. | `0` |
//! | `SCIM_TOKEN` | The bearer token of the client. | A random token, which the host prints |
//! | `DATABASE_URL` | The database: `sqlite:` and a file, or `postgres://..`. With `memory:` or `sqlite::memory:` the data is lost when the host stops. | `sqlite:scim.db` |
//! | `SCIM_PROFILE` | The deviations from the RFCs that are tolerated in requests: `lenient`, `interop` or `strict`. | `lenient` |
//! | `SCIM_UNIQUE_GROUP_NAMES` | `0` to allow groups with the same `displayName`. Entra ID cannot tell such groups apart. | `1` |
//! | `SCIM_GROUP_PATCH` | The status of a successful PATCH of a group: `204`, or `200` with the group. | `204` |
//! | `SCIM_UNKNOWN_MEMBERS` | What to do with members that are not resources of the service: `refuse` or `keep`. | `refuse` |

mod database;
mod error;
mod service;
mod settings;
mod stop;
#[cfg(feature = "testing")]
pub mod testing;

pub use database::Database;
pub use error::InvalidSettings;
pub use service::service;
pub use settings::Settings;
pub use stop::stop_signal;

/// The path below which the hosts serve SCIM.
pub const MOUNT_PATH: &str = "/scim/v2";
