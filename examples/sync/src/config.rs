//! The configuration file, JSON or TOML.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use scim_client::Retry;
use scim_core::schema::{ResourceType, standard};
use scim_sync::{Settings, Synchronizer};
use serde::Deserialize;

use crate::mail::{MailConfig, Mailer};

/// The configuration. The README of this package explains it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The directory.
    pub provider: Provider,
    /// The service whose users are kept up to date.
    pub target: TargetConfig,
    /// The SQLite file with what has to be remembered.
    pub ledger: PathBuf,
    /// The rules.
    pub sync: Settings,
    /// How mails are sent.
    #[serde(default)]
    pub mail: Option<MailConfig>,
    /// Whether photos are copied, and where they are served.
    #[serde(default)]
    pub photos: Option<PhotoConfig>,
}

/// The application that is registered in Entra ID.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The directory (tenant) ID.
    pub tenant_id: String,
    /// The application (client) ID.
    pub client_id: String,
    /// The client secret; or the variable `SYNC_CLIENT_SECRET`.
    #[serde(default)]
    pub client_secret: String,
    /// Who is synchronized.
    #[serde(default)]
    pub user_filter: UserFilter,
    /// Where tokens come from. Other clouds than the global one have other addresses.
    #[serde(default = "login_url")]
    pub login_url: String,
    /// Microsoft Graph.
    #[serde(default = "graph_url")]
    pub graph_url: String,
}

fn login_url() -> String {
    "https://login.microsoftonline.com".to_owned()
}

fn graph_url() -> String {
    "https://graph.microsoft.com/v1.0".to_owned()
}

/// Who is synchronized.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserFilter {
    /// The names or ids of groups. Without one, everybody is; an empty name counts as none.
    #[serde(default, rename = "memberOf")]
    pub member_of: Vec<String>,
}

/// The service whose users are kept up to date: a database, or an endpoint.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// The URL of the database of a `Store`: `sqlite:scim.db`, `postgres://..`; or the variable `DATABASE_URL`.
    #[serde(default)]
    pub database: Option<String>,
    /// The base URL of a SCIM endpoint: `https://app.example.com/scim/v2`.
    #[serde(default)]
    pub url: Option<String>,
    /// The bearer token for it; or the variable `SYNC_TOKEN`.
    #[serde(default)]
    pub token: String,
}

/// Where photos are served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoConfig {
    /// The URL below which `sync photos --listen` is reached: `https://photos.example.com`.
    pub base_url: String,
    /// Where `sync photos --listen` listens, if the argument has no address.
    #[serde(default = "photo_listen")]
    pub listen: SocketAddr,
}

fn photo_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

/// The configuration cannot be used. `Display` has a line for each mistake.
#[derive(Debug)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads a file: TOML if its name ends with `.toml`, else JSON. `variable` returns the values of environment variables.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has mistakes: all of them, each with its place.
    pub fn read(path: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let one = |error: String| ConfigError(vec![format!("{}: {error}", path.display())]);
        let text = std::fs::read_to_string(path)
            .map_err(|error| one(format!("{error}; name the configuration with --config")))?;
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        let mut config: Self = match is_toml {
            // The whole text of the error has the line, which may have a secret.
            true => toml::from_str(&text).map_err(|error: toml::de::Error| one(toml_error(&text, &error)))?,
            false => serde_json::from_str(&text).map_err(|error| one(error.to_string()))?,
        };
        config.fill(variable);
        let errors = config.errors();
        if errors.is_empty() { Ok(config) } else { Err(ConfigError(errors)) }
    }

    /// Takes secrets from the environment, and the scope from the provider's filter.
    fn fill(&mut self, variable: impl Fn(&str) -> Option<String>) {
        let set = |secret: &mut String, name| {
            if let Some(value) = variable(name) {
                *secret = value;
            }
        };
        set(&mut self.provider.client_secret, "SYNC_CLIENT_SECRET");
        set(&mut self.target.token, "SYNC_TOKEN");
        if let Some(mail) = &mut self.mail {
            set(&mut mail.smtp_url, "SYNC_SMTP_URL");
        }
        if self.target.url.is_none() {
            self.target.database = variable("DATABASE_URL").or(self.target.database.take());
        }
        if self.sync.scope.member_of.is_empty() {
            self.sync.scope.member_of.clone_from(&self.provider.user_filter.member_of);
        }
    }

    fn errors(&self) -> Vec<String> {
        let mut errors = Vec::new();
        let mut require = |is_right: bool, error: &str| {
            if !is_right {
                errors.push(error.to_owned());
            }
        };
        require(
            is_id(&self.provider.tenant_id),
            "provider.tenant_id: write the directory (tenant) ID, without spaces",
        );
        require(
            is_id(&self.provider.client_id),
            "provider.client_id: write the application (client) ID, without spaces",
        );
        require(
            !self.provider.client_secret.is_empty()
                && !self.provider.client_secret.contains(char::is_whitespace),
            "provider.client_secret: write the value of the client secret without spaces, or set SYNC_CLIENT_SECRET",
        );
        require(
            self.provider.user_filter.member_of.is_empty()
                || self.provider.user_filter.member_of == self.sync.scope.member_of,
            "provider.user_filter.memberOf and sync.scope.member_of differ; delete one of them",
        );
        require(
            self.target.database.is_some() != self.target.url.is_some(),
            "target: write either `database` or `url`",
        );
        require(
            self.target.url.is_none() || !self.target.token.is_empty(),
            "target.token: write the bearer token for the endpoint, or set SYNC_TOKEN",
        );
        for (name, url) in [
            ("provider.login_url", Some(&self.provider.login_url)),
            ("provider.graph_url", Some(&self.provider.graph_url)),
            ("target.url", self.target.url.as_ref()),
            ("photos.base_url", self.photos.as_ref().map(|photos| &photos.base_url)),
        ] {
            if let Some(url) = url {
                require(is_safe_url(url), &format!("{name}: write a URL that begins with https://"));
            }
        }
        let notices = &self.sync.notices;
        require(
            self.mail.is_some()
                || !notices.welcome && notices.copy_to.is_none() && notices.problems_to.is_none(),
            "mail: is needed, since `sync.notices` are sent by mail",
        );
        if let Some(mail) = &self.mail
            && let Err(error) = Mailer::new(mail)
        {
            errors.push(error);
        }
        if let Err(error) = self.synchronizer() {
            errors.extend(error.errors().iter().map(|error| format!("sync.{error}")));
        }
        errors
    }

    /// The rules, checked against the type of the users.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them.
    pub fn synchronizer(&self) -> Result<Synchronizer, scim_sync::InvalidSettings> {
        Synchronizer::new(self.sync.clone(), &user_type())
    }
}

/// How requests are repeated. Tests have shorter pauses.
pub(crate) fn retry() -> Retry {
    let milliseconds = std::env::var("SYNC_LONGEST_PAUSE_MS").ok().and_then(|text| text.parse().ok());
    match milliseconds.map(Duration::from_millis) {
        Some(longest) => Retry::default().attempts(30).first_pause(longest / 8).longest_pause(longest),
        None => Retry::default(),
    }
}

/// The type of the users: the standard one with the enterprise extension (RFC 7643 sections 4.1 and 4.3).
pub(crate) fn user_type() -> ResourceType {
    standard::user_type()
}

/// The message of an error, and its place.
fn toml_error(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    format!("{} at line {line} column {column}", error.message())
}

/// Ids are part of URLs, so nothing else is accepted.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-._".contains(character))
}

/// Whether a token may be sent there: with TLS, or to this machine.
fn is_safe_url(url: &str) -> bool {
    let Ok(parsed) = url.parse::<http::Uri>() else { return false };
    let is_loopback = parsed.host().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
    parsed.host().is_some()
        && match parsed.scheme_str() {
            Some("https") => true,
            Some("http") => is_loopback,
            _ => false,
        }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The others have secrets.
        f.debug_struct("Config")
            .field("ledger", &self.ledger)
            .field("photos", &self.photos)
            .finish_non_exhaustive()
    }
}

macro_rules! without_fields {
    ($($name:ident)*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )* };
}

without_fields!(Provider TargetConfig);
