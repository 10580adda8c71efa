//! The URL of a PostgreSQL server: the parameters that the pool needs, and those of `tokio-postgres`.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode as DriverSslMode;

use super::super::error::DatabaseError;

/// How long it may take to connect to one host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server may leave sent data unacknowledged.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// What a URL says.
#[derive(Debug)]
pub(super) struct UrlSettings {
    pub(super) config: Config,
    pub(super) tls: TlsSettings,
    /// The maximum number of connections.
    pub(super) pool_size: usize,
    /// How long a connection is used.
    pub(super) connection_lifetime: Duration,
    /// The statements that set the timeouts of each transaction. `None` if they are settings of the connections.
    pub(super) local_settings: Option<String>,
}

/// How a connection is encrypted, and what is checked of the server, as in libpq.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum SslMode {
    Disable,
    /// Encrypted if the server can. No certificate is checked.
    #[default]
    Prefer,
    /// Encrypted. The certificate is checked only if there is a file of root certificates.
    Require,
    /// Encrypted, with a certificate that a root certificate signed.
    VerifyCa,
    /// Encrypted, with a certificate that a root certificate signed for the host in the URL.
    VerifyFull,
}

/// The parameters of TLS.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "without TLS only the mode matters"))]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    /// The file of root certificates (PEM). `None` for those of the system.
    pub(super) root_certificates: Option<PathBuf>,
    /// The files of the client's certificates and of its key (PEM).
    pub(super) client_certificate: Option<(PathBuf, PathBuf)>,
}

impl UrlSettings {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// If it is no URL of PostgreSQL, or a parameter has no valid value. The error names the parameter, but not the URL,
    /// which can contain a password.
    pub(super) fn parse(url: &str) -> Result<Self, DatabaseError> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = SslMode::default();
        let [mut root_certificates, mut certificate, mut key] = [const { None::<PathBuf> }; 3];
        let (mut pool_size, mut statement_timeout) = (16, Duration::from_secs(30));
        let mut connection_lifetime = Duration::from_secs(30 * 60);
        let mut is_pgbouncer = false;
        let mut others = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match name {
                "sslmode" => mode = ssl_mode(&value)?,
                "sslrootcert" if value == "system" => root_certificates = None,
                "sslrootcert" => root_certificates = Some(file(name, value)?),
                "sslcert" => certificate = Some(file(name, value)?),
                "sslkey" => key = Some(file(name, value)?),
                "pool_size" => pool_size = size(name, &value)?,
                "statement_timeout" => statement_timeout = duration(name, &value)?,
                "connection_lifetime" => connection_lifetime = duration(name, &value)?,
                "pgbouncer" => is_pgbouncer = flag(name, &value)?,
                _ => others.push(parameter),
            }
        }
        let client_certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(DatabaseError::unexpected(
                    "`sslcert` and `sslkey` need each other; the URL has only one",
                ));
            }
        };
        let separator = if others.is_empty() { "" } else { "?" };
        let mut config: Config = format!("{address}{separator}{}", others.join("&"))
            .parse()
            .map_err(|_| DatabaseError::unexpected("the URL is not a valid PostgreSQL URL"))?;
        config.ssl_mode(match mode {
            SslMode::Disable => DriverSslMode::Disable,
            SslMode::Prefer => DriverSslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverSslMode::Require,
        });
        let timeout = statement_timeout.as_millis();
        let mut local_settings = None;
        if is_pgbouncer {
            if config.get_options().is_some() {
                let reason = "pgbouncer refuses the parameter `options` of the URL; set the options of the role instead";
                return Err(DatabaseError::unexpected(reason));
            }
            let settings = format!("SET LOCAL statement_timeout = {timeout}; SET LOCAL lock_timeout = '10s'");
            local_settings = Some(settings);
        } else {
            // The server applies the options in their order, so those of the URL override these.
            let options = config.get_options().unwrap_or_default();
            let options = format!("-c statement_timeout={timeout} -c lock_timeout=10s {options}");
            config.options(options.trim_end());
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        // Detects a server that disappears without closing its connections.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(TCP_USER_TIMEOUT);
        }
        let tls = TlsSettings { mode, root_certificates, client_certificate };
        Ok(Self { config, tls, pool_size, connection_lifetime, local_settings })
    }

    /// How long it may take to connect: each host of the URL may use its time.
    pub(super) fn connect_timeout(&self) -> Duration {
        let hosts = u32::try_from(self.config.get_hosts().len()).unwrap_or(u32::MAX).max(1);
        self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT).saturating_mul(hosts)
    }
}

fn invalid(name: &str, expected: &str) -> DatabaseError {
    DatabaseError::unexpected(&format!("the parameter `{name}` of the URL must be {expected}"))
}

fn ssl_mode(value: &str) -> Result<SslMode, DatabaseError> {
    Ok(match value {
        "disable" => SslMode::Disable,
        "prefer" => SslMode::Prefer,
        "require" => SslMode::Require,
        "verify-ca" => SslMode::VerifyCa,
        "verify-full" => SslMode::VerifyFull,
        _ => return Err(invalid("sslmode", "`disable`, `prefer`, `require`, `verify-ca` or `verify-full`")),
    })
}

fn file(name: &str, value: Cow<'_, str>) -> Result<PathBuf, DatabaseError> {
    if value.is_empty() {
        Err(invalid(name, "the path of a file"))
    } else {
        Ok(PathBuf::from(value.into_owned()))
    }
}

fn size(name: &str, value: &str) -> Result<usize, DatabaseError> {
    let size = value.parse().ok().filter(|size| (1..=10_000).contains(size));
    size.ok_or_else(|| invalid(name, "a number from 1 to 10000"))
}

fn flag(name: &str, value: &str) -> Result<bool, DatabaseError> {
    value.parse().map_err(|_| invalid(name, "`true` or `false`"))
}

/// A number with a unit: `500ms`, `30s`, `5min` or `1h`.
fn duration(name: &str, value: &str) -> Result<Duration, DatabaseError> {
    let expected = "a time such as `500ms`, `30s`, `5min` or `1h`, at least 1 ms and at most 24 h";
    let unit_at = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(unit_at);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(invalid(name, expected)),
    };
    let time = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    let time = time.filter(|time| (1..=86_400_000).contains(time));
    time.map(Duration::from_millis).ok_or_else(|| invalid(name, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<UrlSettings, String> {
        UrlSettings::parse(&format!("postgres://bea:secret@one:5433,two/scim?{query}"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_are_taken_out_of_the_url() {
        let settings = parse("").unwrap();
        assert_eq!((settings.pool_size, settings.connection_lifetime), (16, Duration::from_secs(1_800)));
        assert_eq!(settings.tls.mode, SslMode::Prefer);
        assert_eq!(settings.config.get_options(), Some("-c statement_timeout=30000 -c lock_timeout=10s"));
        assert_eq!(settings.connect_timeout(), Duration::from_secs(10));

        let settings = parse(
            "sslmode=verify-full&sslrootcert=%2Fetc%2Froot%20ca.pem&sslcert=c.pem&sslkey=k.pem&pool_size=4\\
             &statement_timeout=2min&connection_lifetime=500ms&connect_timeout=3&target_session_attrs=read-write\\
             &options=-c%20search_path%3Dscim"
                .replace(['\\', '\n', ' '], "")
                .as_str(),
        )
        .unwrap();
        assert_eq!((settings.pool_size, settings.connection_lifetime), (4, Duration::from_millis(500)));
        assert_eq!(settings.tls.mode, SslMode::VerifyFull);
        assert_eq!(settings.tls.root_certificates, Some("/etc/root ca.pem".into()));
        assert_eq!(settings.tls.client_certificate, Some(("c.pem".into(), "k.pem".into())));
        assert_eq!(settings.config.get_ssl_mode(), DriverSslMode::Require);
        assert_eq!(settings.config.get_ports(), [5433, 5432]);
        assert_eq!(settings.connect_timeout(), Duration::from_secs(6));
        let options = "-c statement_timeout=120000 -c lock_timeout=10s -c search_path=scim";
        assert_eq!(settings.config.get_options(), Some(options));
        assert_eq!(parse("sslmode=verify-ca&sslrootcert=system").unwrap().tls.root_certificates, None);
    }

    #[test]
    fn pgbouncer_gets_no_options() {
        let settings = parse("pgbouncer=true&statement_timeout=1s").unwrap();
        assert_eq!(settings.config.get_options(), None);
        let expected = "SET LOCAL statement_timeout = 1000; SET LOCAL lock_timeout = '10s'";
        assert_eq!(settings.local_settings.as_deref(), Some(expected));
        assert_eq!(parse("pgbouncer=false").unwrap().local_settings, None);
    }

    #[test]
    fn errors_name_the_parameter_and_no_password() {
        for (query, name) in [
            ("sslmode=allow", "sslmode"),
            ("sslmode=", "sslmode"),
            ("sslrootcert=", "sslrootcert"),
            ("sslcert=a", "sslkey"),
            ("sslkey=a", "sslcert"),
            ("pool_size=0", "pool_size"),
            ("pool_size=many", "pool_size"),
            ("statement_timeout=30", "statement_timeout"),
            ("statement_timeout=0s", "statement_timeout"),
            ("statement_timeout=s", "statement_timeout"),
            ("connection_lifetime=25h", "connection_lifetime"),
            ("connection_lifetime=99999999999999999999h", "connection_lifetime"),
            ("pgbouncer=yes", "pgbouncer"),
            ("pgbouncer=true&options=-c%20search_path%3Dscim", "options"),
            ("unknown=1", "not a valid PostgreSQL URL"),
        ] {
            let error = parse(query).unwrap_err();
            assert!(error.contains(name) && !error.contains("secret"), "{query}: {error}");
        }
    }
}
