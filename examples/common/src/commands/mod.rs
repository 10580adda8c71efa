//! The commands of a host: `token`, `client` and `admin` change the credentials in its database.

mod arguments;
mod client;
mod token;

use chrono::{DateTime, NaiveDate, Utc};
use clap::ArgMatches;
use scim_auth::{Credentials, fits_path};
use scim_core::Scopes;
use scim_store::CredentialTable;

use crate::{Database, InvalidSettings, Settings, Tenants};

pub(crate) use arguments::command;
use token::Owner;

/// What goes wrong in a command.
pub(crate) type CommandError = Box<dyn std::error::Error>;

/// Runs `token ..`, `client ..` or `admin ..`, and returns what to print.
pub(crate) async fn run(
    settings: &Settings,
    name: &str,
    matches: &ArgMatches,
) -> Result<String, CommandError> {
    let Database::Url(url) = &settings.database else {
        return Err(InvalidSettings::new(
            "credentials are kept in the database; set DATABASE_URL to that of the host",
        )
        .into());
    };
    let database = scim_store::open(url).await?;
    let credentials = Credentials::new(CredentialTable::open(database).await?);
    match name {
        "token" => token::run(&credentials, settings, Owner::Client, matches).await,
        "admin" => token::run(&credentials, settings, Owner::Administrator, matches).await,
        _ => client::run(&credentials, settings, matches).await,
    }
}

/// An argument that clap requires.
fn text<'m>(matches: &'m ArgMatches, name: &str) -> &'m str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

/// The tenant of a new credential, which there must be if the host has tenants, and only then.
fn tenant(settings: &Settings, matches: &ArgMatches) -> Result<Option<String>, InvalidSettings> {
    let tenant = optional_tenant(settings, matches)?;
    match (&tenant, settings.tenants) {
        (None, Tenants::Credential | Tenants::Path) => Err(InvalidSettings::new(
            "SCIM_TENANTS is on, so the credential needs a tenant: add `--tenant NAME`",
        )),
        _ => Ok(tenant),
    }
}

/// The tenant of a new token of an administrator, who sees all tenants without one.
fn optional_tenant(settings: &Settings, matches: &ArgMatches) -> Result<Option<String>, InvalidSettings> {
    let tenant = matches.get_one::<String>("tenant").cloned();
    match (&tenant, settings.tenants) {
        (Some(_), Tenants::Off) => Err(InvalidSettings::new(
            "SCIM_TENANTS is off, so the credential cannot have a tenant; set it as for the host",
        )),
        (Some(name), Tenants::Path) if !fits_path(name) => Err(InvalidSettings::new(
            "SCIM_TENANTS is `path`, so a tenant must consist of letters, digits and `-._~`, and not begin with a point",
        )),
        _ => Ok(tenant),
    }
}

fn scopes(matches: &ArgMatches) -> Scopes {
    if matches.get_flag("read-only") { Scopes::read_only() } else { Scopes::new(["read", "write"]) }
}

/// A day, or a number of days from now, such as `2027-06-30` or `90d`.
fn expiry(matches: &ArgMatches, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, InvalidSettings> {
    let Some(text) = matches.get_one::<String>("expires") else { return Ok(None) };
    let in_days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let in_days = in_days.and_then(|days| now.checked_add_days(chrono::Days::new(days.into())));
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
    match in_days.or_else(day) {
        Some(time) => Ok(Some(time)),
        None => Err(InvalidSettings::new(format!(
            "--expires must be a day such as 2027-06-30 or 90d, not `{text}`"
        ))),
    }
}

/// A list with a head, whose columns are as wide as they need to be. What is missing is `-`.
struct List<const N: usize>(Vec<([String; N], Vec<String>)>);

impl<const N: usize> List<N> {
    fn new(head: [&str; N]) -> Self {
        Self(vec![(head.map(str::to_owned), Vec::new())])
    }

    /// Adds a row, and lines below it.
    fn row(&mut self, values: [Option<String>; N], below: Vec<String>) {
        self.0.push((values.map(|value| value.unwrap_or_else(|| "-".to_owned())), below));
    }
}

impl<const N: usize> std::fmt::Display for List<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut widths = [0; N];
        for (row, _) in &self.0 {
            for (width, value) in widths.iter_mut().zip(row) {
                *width = value.chars().count().max(*width);
            }
        }
        for (row, below) in &self.0 {
            let cells = row.iter().zip(widths).map(|(value, width)| format!("{value:<width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
            for line in below {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn scope_names(scopes: &Scopes) -> String {
    scopes.names().collect::<Vec<_>>().join(" ")
}
