//! The settings of a host.

mod admin;
mod credentials;
mod database;
mod limits;
pub(crate) mod options;
mod provisioning_log;
mod read;
mod server;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use scim_core::schema::Tolerance;

use crate::{InvalidSettings, MOUNT_PATH};

pub use admin::AdminSettings;
pub(crate) use credentials::CredentialSettings;
pub(crate) use credentials::host as host_of_url;
pub use database::Database;
pub use limits::LimitSettings;
pub use provisioning_log::LogSettings;
use read::{Get, choice, invalid, seconds};
pub use server::Tls;
pub(crate) use server::local_address;

/// The settings of a host.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// How connections are encrypted.
    pub tls: Tls,
    /// The address of the pages of administrators, `/healthz`, `/readyz` and `/metrics`; `None` for none of them.
    pub admin: Option<AdminSettings>,
    /// What the pages of administrators show of requests.
    pub log: LogSettings,
    /// The time to finish requests after a signal to stop.
    pub stop_timeout: Duration,
    /// The place where the data is stored.
    pub database: Database,
    /// Who names the tenant of a request.
    pub tenants: Tenants,
    /// The deviations from the RFCs that are tolerated in requests.
    pub tolerance: Tolerance,
    /// Whether two groups cannot have the same `displayName`.
    pub unique_group_names: bool,
    /// Whether a successful PATCH of a group returns the group, and not 204.
    pub returns_patched_groups: bool,
    /// Whether groups may have members that are not resources of the service.
    pub keep_unknown_members: bool,
    /// The URL of the documentation.
    pub documentation_uri: Option<String>,
    /// Whose requests are accepted.
    pub(crate) credentials: CredentialSettings,
    /// The limits.
    pub limits: LimitSettings,
    base_url: Option<String>,
}

/// Who names the tenant of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenants {
    /// There is one tenant.
    Off,
    /// The credential.
    Credential,
    /// The credential, and the path, which must name the same one: `/{tenant}/scim/v2`.
    Path,
}

impl Settings {
    /// Reads the settings. `default_database` is the value of `DATABASE_URL` if it is not set.
    pub(crate) fn read(get: Get<'_>, default_database: &str) -> Result<Self, InvalidSettings> {
        let tls = Tls::read(get)?;
        let listen = server::listen(get, &tls)?;
        let tenants = tenants(get)?;
        Ok(Self {
            listen,
            admin: AdminSettings::read(get, &tls)?,
            log: LogSettings::read(get)?,
            stop_timeout: seconds(get, "SCIM_STOP_TIMEOUT", 10)?,
            database: Database::read(get("DATABASE_URL")?.unwrap_or_else(|| default_database.to_owned()))?,
            tenants,
            tolerance: tolerance(get)?,
            unique_group_names: choice(get, "SCIM_UNIQUE_GROUP_NAMES", ["0", "1"], true)?,
            returns_patched_groups: choice(get, "SCIM_GROUP_PATCH", ["204", "200"], false)?,
            keep_unknown_members: choice(get, "SCIM_UNKNOWN_MEMBERS", ["refuse", "keep"], false)?,
            documentation_uri: get("SCIM_DOCUMENTATION_URI")?,
            credentials: CredentialSettings::read(get, tenants, listen)?,
            limits: LimitSettings::read(get)?,
            base_url: base_url(get, tenants)?,
            tls,
        })
    }

    /// The URL that clients use for the service, if the host listens on this address. With [`Tenants::Path`], `{tenant}` stands
    /// for the tenant.
    #[must_use]
    pub fn base_url(&self, listening: SocketAddr) -> String {
        self.base_url.clone().unwrap_or_else(|| self.local_url(listening))
    }

    /// The URL by which this machine reaches the service.
    #[must_use]
    pub fn local_url(&self, listening: SocketAddr) -> String {
        let scheme = if self.tls.is_on() { "https" } else { "http" };
        let tenant = if self.tenants == Tenants::Path { "/{tenant}" } else { "" };
        format!("{scheme}://{}{tenant}{MOUNT_PATH}", local_address(listening))
    }
}

fn tenants(get: Get<'_>) -> Result<Tenants, InvalidSettings> {
    match get("SCIM_TENANTS")?.as_deref() {
        None | Some("off") => Ok(Tenants::Off),
        Some("credential") => Ok(Tenants::Credential),
        Some("path") => Ok(Tenants::Path),
        Some(other) => invalid(format!("SCIM_TENANTS must be off, credential or path, not `{other}`")),
    }
}

fn tolerance(get: Get<'_>) -> Result<Tolerance, InvalidSettings> {
    match get("SCIM_PROFILE")?.as_deref() {
        None | Some("lenient") => Ok(Tolerance::lenient()),
        Some("strict") => Ok(Tolerance::strict()),
        Some("interop") => Ok(Tolerance::interop()),
        Some(other) => invalid(format!("SCIM_PROFILE must be lenient, interop or strict, not `{other}`")),
    }
}

fn base_url(get: Get<'_>, tenants: Tenants) -> Result<Option<String>, InvalidSettings> {
    let url = get("SCIM_BASE_URL")?;
    match &url {
        Some(url) if url.contains("{tenant}") != (tenants == Tenants::Path) => invalid(
            "SCIM_BASE_URL must contain `{tenant}` if SCIM_TENANTS is `path`, as in https://app.example.com/{tenant}/scim/v2, \
             and only then",
        ),
        _ => Ok(url),
    }
}
