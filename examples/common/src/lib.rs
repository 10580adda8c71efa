//! What the example hosts have in common, whatever their HTTP stack is: where their settings come
//! from, how they know their client, and what they serve.
//!
//! | variable                 | what it sets                                                         |
//! |--------------------------|----------------------------------------------------------------------|
//! | `SCIM_LISTEN`            | the address to listen on; `127.0.0.1:8080`                           |
//! | `SCIM_BASE_URL`          | the URL that clients use; `http://`, the address, and `/scim/v2`     |
//! | `SCIM_BEHIND_TLS_PROXY`  | `1`: others than this machine may connect, for a proxy speaks TLS    |
//! | `SCIM_TOKEN`             | the bearer token of the client; one is made if there is none         |
//! | `DATABASE_URL`           | where the data is kept: `sqlite:scim.db`, or another file;           |
//! |                          | `postgres://..`; `memory:` or `sqlite::memory:`, until the host ends |
//! | `SCIM_PROFILE`           | the tolerated deviations: `lenient` (default), `interop`, `strict`   |
//! | `SCIM_UNIQUE_GROUP_NAMES`| `0`: groups may share their `displayName`, which Entra ID would mix up |
//! | `SCIM_GROUP_PATCH`       | what a good PATCH of a group is answered with: `204`, or `200` and it |
//! | `SCIM_UNKNOWN_MEMBERS`   | members that are no resources: `refuse` is the default, or `keep`     |

mod body;
mod database;
mod error;
mod service;
mod settings;
mod stop;
#[cfg(feature = "testing")]
pub mod testing;
mod token;

pub use body::BodyBuffer;
pub use database::Database;
pub use error::InvalidSettings;
pub use service::{MAX_BODY, service};
pub use settings::Settings;
pub use stop::stop_signal;
pub use token::Token;

/// Where the hosts mount the service.
pub const MOUNT: &str = "/scim/v2";
