//! The settings of a host, from environment variables. An empty variable counts as not set.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use scim_core::schema::Tolerance;
use scim_core::{BearerTokens, Identity};

use crate::{Database, InvalidSettings, MOUNT_PATH};

/// The settings of a host.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The bearer token of the client, whose name is `client`.
    pub tokens: BearerTokens,
    /// The deviations from the RFCs that are tolerated in requests.
    pub tolerance: Tolerance,
    /// The place where the data is stored.
    pub database: Database,
    /// Whether two groups cannot have the same `displayName`.
    pub unique_group_names: bool,
    /// Whether a successful PATCH of a group returns the group, and not 204.
    pub returns_patched_groups: bool,
    /// Whether groups may have members that are not resources of the service.
    pub keep_unknown_members: bool,
    base_url: Option<String>,
    generated_token: Option<String>,
}

impl Settings {
    /// Reads the settings from the environment.
    ///
    /// # Errors
    ///
    /// [`InvalidSettings`] for the first variable with an invalid value.
    pub fn from_env() -> Result<Self, InvalidSettings> {
        Self::read(&|name| match std::env::var(name) {
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(InvalidSettings::new(format!("{name} is not valid Unicode")))
            }
            value => Ok(value.ok().filter(|value| !value.is_empty())),
        })
    }

    fn read(get: Get<'_>) -> Result<Self, InvalidSettings> {
        let listen = listen(get)?;
        let database = Database::read(get("DATABASE_URL")?)?;
        let tolerance = tolerance(get)?;
        let (tokens, generated_token) = tokens(get)?;
        Ok(Self {
            listen,
            tokens,
            tolerance,
            database,
            unique_group_names: choice(get, "SCIM_UNIQUE_GROUP_NAMES", ["0", "1"], true)?,
            returns_patched_groups: choice(get, "SCIM_GROUP_PATCH", ["204", "200"], false)?,
            keep_unknown_members: choice(get, "SCIM_UNKNOWN_MEMBERS", ["refuse", "keep"], false)?,
            base_url: get("SCIM_BASE_URL")?,
            generated_token,
        })
    }

    /// The URL that clients use for the service, if the host listens on this address.
    #[must_use]
    pub fn base_url(&self, listening: SocketAddr) -> String {
        self.base_url.clone().unwrap_or_else(|| local_url(listening))
    }

    /// The text to print when the host is ready and listens on this address: its URL, and a `curl` line with the token
    /// if the token was generated.
    #[must_use]
    pub fn greeting(&self, listening: SocketAddr) -> String {
        let url = local_url(listening);
        let mut greeting = format!("listening on {url}");
        if let Some(token) = &self.generated_token {
            greeting.push_str(
                "\nSCIM_TOKEN is not set. A token was generated; it is valid until the host stops:\n",
            );
            greeting.push_str(&format!("curl -H \"Authorization: Bearer {token}\" \"{url}/Users\""));
        }
        greeting
    }
}

/// Returns the value of a variable.
type Get<'a> = &'a dyn Fn(&str) -> Result<Option<String>, InvalidSettings>;

/// Reads a variable that has one of two values, for false and true.
fn choice(get: Get<'_>, name: &str, [no, yes]: [&str; 2], default: bool) -> Result<bool, InvalidSettings> {
    match get(name)?.as_deref() {
        None => Ok(default),
        Some(value) if value == no => Ok(false),
        Some(value) if value == yes => Ok(true),
        Some(other) => invalid(format!("{name} must be {no} or {yes}, not `{other}`")),
    }
}

fn listen(get: Get<'_>) -> Result<SocketAddr, InvalidSettings> {
    let listen = get("SCIM_LISTEN")?.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let Some(address) = listen.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()) else {
        return invalid(format!(
            "SCIM_LISTEN must be an address and a port, such as 127.0.0.1:8080, not `{listen}`"
        ));
    };
    // Tokens and personal data must not cross a network unencrypted (RFC 7644 section 7.2).
    let behind_tls_proxy = choice(get, "SCIM_BEHIND_TLS_PROXY", ["0", "1"], false)?;
    if !address.ip().is_loopback() && !behind_tls_proxy {
        return invalid(format!(
            "SCIM_LISTEN is {address}, which other machines can reach, but this host does not support TLS; listen on \
             127.0.0.1, or put a TLS proxy in front of the host and set SCIM_BEHIND_TLS_PROXY=1"
        ));
    }
    Ok(address)
}

fn tolerance(get: Get<'_>) -> Result<Tolerance, InvalidSettings> {
    match get("SCIM_PROFILE")?.as_deref() {
        None | Some("lenient") => Ok(Tolerance::lenient()),
        Some("strict") => Ok(Tolerance::strict()),
        Some("interop") => Ok(Tolerance::interop()),
        Some(other) => invalid(format!("SCIM_PROFILE must be lenient, interop or strict, not `{other}`")),
    }
}

/// Reads the token of the client, or generates a token and returns its text as well.
fn tokens(get: Get<'_>) -> Result<(BearerTokens, Option<String>), InvalidSettings> {
    let tokens = |token: &str| BearerTokens::new().token(token, Identity::new("client"));
    match get("SCIM_TOKEN")? {
        Some(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok((tokens(&token), None)),
        Some(_) => invalid("SCIM_TOKEN must consist of printable ASCII characters without spaces"),
        None => {
            let generated = random_token().map_err(|error| {
                InvalidSettings::new(format!("SCIM_TOKEN is not set, and generating a token failed: {error}"))
            })?;
            Ok((tokens(&generated), Some(generated)))
        }
    }
}

/// Generates a random token of 256 bits, as hexadecimal text.
fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn invalid<T>(reason: impl Into<String>) -> Result<T, InvalidSettings> {
    Err(InvalidSettings::new(reason))
}

/// The URL by which this machine reaches the service.
fn local_url(listening: SocketAddr) -> String {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}{MOUNT_PATH}", SocketAddr::new(ip, listening.port()))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let get =
            |name: &str| Ok(variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()));
        Settings::read(&get).map_err(|error| error.to_string())
    }

    /// The name of the client that has a token.
    fn client(settings: &Settings, token: &str) -> Option<String> {
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        settings.tokens.identify(&headers).ok().map(|identity| identity.principal)
    }

    #[test]
    fn all_settings_have_defaults() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert!(settings.unique_group_names);
        let greeting = settings.greeting("127.0.0.1:4711".parse().unwrap());
        let lines: Vec<&str> = greeting.lines().collect();
        assert_eq!(lines[0], "listening on http://127.0.0.1:4711/scim/v2");
        let generated = settings.generated_token.as_deref().unwrap();
        assert_eq!(
            lines[2],
            format!("curl -H \"Authorization: Bearer {generated}\" \"http://127.0.0.1:4711/scim/v2/Users\"")
        );
        assert_eq!(client(&settings, generated).as_deref(), Some("client"));
        assert_eq!(generated.len(), 64);
        assert_ne!(Some(generated), read(&[]).unwrap().generated_token.as_deref());
    }

    #[test]
    fn a_configured_token_is_not_printed() {
        let settings = read(&[("SCIM_TOKEN", "s3cret")]).unwrap();
        assert_eq!(settings.greeting(settings.listen), "listening on http://127.0.0.1:8080/scim/v2");
        assert!(!format!("{settings:?}").contains("s3cret"));
        assert_eq!(client(&settings, "s3cret").as_deref(), Some("client"));
        assert_eq!(client(&settings, "s3cret2"), None);
    }

    #[test]
    fn the_default_database_is_a_file() {
        let database = |url: &str| read(&[("DATABASE_URL", url)]).unwrap().database;
        assert_eq!(read(&[]).unwrap().database, Database::Url("sqlite:scim.db".to_owned()));
        assert_eq!(database("memory:"), Database::Memory);
        for url in
            ["sqlite::memory:", "sqlite:/var/lib/scim.db", "postgres://localhost/scim", "postgresql:///scim"]
        {
            assert_eq!(database(url), Database::Url(url.to_owned()));
        }
        let settings = read(&[("DATABASE_URL", "postgres://scim:pass@localhost/scim")]).unwrap();
        assert!(!format!("{settings:?}").contains("pass"));
    }

    #[test]
    fn the_default_base_url_works_on_this_machine() {
        let settings = read(&[]).unwrap();
        for (address, url) in [
            ("127.0.0.1:80", "http://127.0.0.1:80/scim/v2"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080/scim/v2"),
            ("[::1]:8080", "http://[::1]:8080/scim/v2"),
            ("[::]:8080", "http://[::1]:8080/scim/v2"),
        ] {
            assert_eq!(settings.base_url(address.parse().unwrap()), url);
        }
        let settings = read(&[("SCIM_BASE_URL", "https://example.com/v2")]).unwrap();
        assert_eq!(settings.base_url(settings.listen), "https://example.com/v2");
    }

    #[test]
    fn the_settings_of_groups_are_read() {
        let group_settings = |variables: &[(&str, &str)]| {
            let settings = read(variables).unwrap();
            (settings.unique_group_names, settings.returns_patched_groups, settings.keep_unknown_members)
        };
        assert_eq!(group_settings(&[]), (true, false, false));
        assert_eq!(
            group_settings(&[("SCIM_GROUP_PATCH", "204"), ("SCIM_UNKNOWN_MEMBERS", "refuse")]),
            group_settings(&[])
        );
        assert_eq!(group_settings(&[("SCIM_UNIQUE_GROUP_NAMES", "0")]), (false, false, false));
        assert_eq!(group_settings(&[("SCIM_GROUP_PATCH", "200")]), (true, true, false));
        assert_eq!(group_settings(&[("SCIM_UNKNOWN_MEMBERS", "keep")]), (true, false, true));
    }

    #[test]
    fn other_machines_can_connect_only_through_a_proxy() {
        for address in ["0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080"] {
            assert!(read(&[("SCIM_LISTEN", address)]).unwrap_err().contains("SCIM_BEHIND_TLS_PROXY=1"));
            assert!(read(&[("SCIM_LISTEN", address), ("SCIM_BEHIND_TLS_PROXY", "0")]).is_err());
            assert!(read(&[("SCIM_LISTEN", address), ("SCIM_BEHIND_TLS_PROXY", "1")]).is_ok());
        }
        for address in ["127.0.0.2:8080", "[::1]:0", "localhost:8080"] {
            assert!(read(&[("SCIM_LISTEN", address)]).is_ok(), "{address}");
        }
    }

    #[test]
    fn errors_name_the_variable_and_what_is_allowed() {
        for (name, value, reason) in [
            ("SCIM_LISTEN", "8080", "not `8080`"),
            ("SCIM_PROFILE", "Strict", "not `Strict`"),
            ("SCIM_UNIQUE_GROUP_NAMES", "no", "not `no`"),
            ("SCIM_GROUP_PATCH", "201", "204 or 200, not `201`"),
            ("SCIM_UNKNOWN_MEMBERS", "Keep", "refuse or keep, not `Keep`"),
            ("SCIM_TOKEN", "two words", "without spaces"),
            ("DATABASE_URL", "mysql://scim:pass@localhost/scim", "not `mysql:`"),
            ("DATABASE_URL", "scim:pass@localhost", "not `scim:`"),
            ("DATABASE_URL", "scim.db", "use `sqlite:` and its path"),
            ("DATABASE_URL", "sqlite:", "names no file"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.contains(reason) && error.contains(name) && !error.contains("pass@"), "{error}");
        }
        assert!(read(&[("DATABASE_URL", "memory:"), ("SCIM_PROFILE", "strict")]).is_ok());
    }

    /// The names of variables in the first column of a Markdown table.
    fn listed_variables(text: &str) -> BTreeSet<String> {
        let cells = text.lines().filter_map(|line| line.trim_start_matches("//! ").strip_prefix("| `"));
        let names = cells.filter_map(|row| row.split_once('`')).map(|(name, _)| name.to_owned());
        names.filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')).collect()
    }

    #[test]
    fn all_variables_are_documented() {
        let read = RefCell::new(BTreeSet::new());
        let get = |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            Ok(None)
        };
        Settings::read(&get).unwrap();
        let read = read.into_inner();
        assert!(read.contains("DATABASE_URL") && read.len() >= 9, "{read:?}");
        assert_eq!(listed_variables(include_str!("lib.rs")), read, "in the table of lib.rs");
        assert_eq!(listed_variables(include_str!("../../../README.md")), read, "in the table of README.md");
    }
}
