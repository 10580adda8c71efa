//! The options of a host. Each is an environment variable and an argument: `SCIM_LISTEN` is `--listen`.

use std::ffi::OsStr;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::InvalidSettings;

/// An option.
pub(crate) struct HostOption {
    /// The environment variable.
    pub(crate) variable: &'static str,
    /// What stands for the value in the help.
    value: &'static str,
    help: &'static str,
}

const fn option(variable: &'static str, value: &'static str, help: &'static str) -> HostOption {
    HostOption { variable, value, help }
}

/// The options in the groups of the help.
pub(crate) const OPTIONS: &[(&str, &[HostOption])] = &[
    (
        "Server",
        &[
            option("SCIM_LISTEN", "ADDRESS", "Address and port [127.0.0.1:8080]"),
            option("SCIM_BASE_URL", "URL", "The URL that clients use [http(s)://ADDRESS/scim/v2]"),
            option("SCIM_TLS_CERT", "FILE", "Certificate chain, PEM; read again when it changes"),
            option("SCIM_TLS_KEY", "FILE", "Private key of the certificate, PEM"),
            option("SCIM_TLS", "off|dev", "dev: TLS with a new certificate, for development [off]"),
            option("SCIM_BEHIND_TLS_PROXY", "0|1", "1: plain HTTP beyond this machine, to a TLS proxy [0]"),
            option("SCIM_ADMIN_LISTEN", "ADDRESS", "Address of the pages, health and metrics [off]"),
            option("SCIM_ADMIN_URL", "URL", "The URL of the pages, if it has a name"),
            option("SCIM_ADMIN_TLS", "0|1", "1: TLS on this address, with the same certificate [0]"),
            option("SCIM_STOP_TIMEOUT", "SECONDS", "Time to finish requests after SIGTERM [10]"),
        ],
    ),
    (
        "Service",
        &[
            option("DATABASE_URL", "URL", "sqlite:FILE, postgres://.., or memory:"),
            option("SCIM_TENANTS", "HOW", "off, credential or path: who names the tenant [off]"),
            option("SCIM_PROFILE", "NAME", "Tolerated deviations: lenient, interop or strict [lenient]"),
            option("SCIM_UNIQUE_GROUP_NAMES", "0|1", "0: groups may share a displayName [1]"),
            option("SCIM_GROUP_PATCH", "204|200", "200: a PATCH of a group returns it [204]"),
            option("SCIM_UNKNOWN_MEMBERS", "HOW", "refuse or keep members that do not exist [refuse]"),
            option("SCIM_DOCUMENTATION_URI", "URL", "Your documentation, for discovery"),
        ],
    ),
    (
        "Provisioning log",
        &[
            option("SCIM_LOG_DAYS", "DAYS", "How long requests are kept for the pages [7]"),
            option("SCIM_LOG_REQUESTS", "NUMBER", "How many are kept [100000]"),
            option("SCIM_LOG_NAMES", "0|1", "0: without userName and displayName [1]"),
            option("SCIM_LOG_VALUES", "0|1", "1: with the values of attributes, except secrets [0]"),
        ],
    ),
    (
        "Credentials",
        &[
            option("SCIM_TOKEN", "TOKEN", "A bearer token [a new one, if there are no others]"),
            option("SCIM_KEY", "KEY", "32 bytes in base64: access tokens are JWTs, with keys sealed by it"),
            option("SCIM_OLD_KEY", "KEY", "The SCIM_KEY before this one"),
            option("SCIM_ACCESS_TOKEN_HOURS", "HOURS", "Lifetime of access tokens, 1 to 6 [1]"),
            option("SCIM_JWT_ISSUER", "URL", "Accept JWTs with this iss"),
            option("SCIM_JWT_AUDIENCE", "TEXT", "The aud of these JWTs"),
            option("SCIM_JWT_JWKS", "URL", "The keys of this issuer"),
            option("SCIM_JWT_SUBJECT", "TEXT", "Accept only this sub"),
            option("SCIM_JWT_TENANT", "NAME", "The tenant of these JWTs"),
            option(
                "SCIM_ENTRA_TENANT",
                "GUID",
                "Accept the tokens that Entra sends without a secret; for tests",
            ),
            option("SCIM_JWKS_HOSTS", "HOSTS", "Hosts of keys of clients [login.microsoftonline.com]"),
            option("SCIM_DEV", "0|1", "1: GET /scim/token gives everybody a token [0]"),
        ],
    ),
    (
        "Limits",
        &[
            option("SCIM_RATE", "NUMBER", "Requests per second and tenant, at least 25 [100]"),
            option(
                "SCIM_FAILURES",
                "NUMBER",
                "Requests per minute and address without a good credential [60]",
            ),
            option("SCIM_MAX_REQUESTS", "NUMBER", "Requests at once [512]"),
            option("SCIM_MAX_CONNECTIONS", "NUMBER", "Connections [10000]"),
            option("SCIM_HEAD_TIMEOUT", "SECONDS", "Time for the head of a request [10]"),
            option("SCIM_BODY_TIMEOUT", "SECONDS", "Time for its body [30]"),
            option("SCIM_REQUEST_TIMEOUT", "SECONDS", "Time for its answer, then 503 [30]"),
            option("SCIM_IDLE_TIMEOUT", "SECONDS", "Time between requests [60]"),
            option("SCIM_ALLOWED_NETWORKS", "LIST", "Networks of clients, such as 192.0.2.0/24 [all]"),
            option("SCIM_TRUSTED_PROXIES", "LIST", "Networks whose X-Forwarded-For is believed [none]"),
        ],
    ),
];

/// The options that only hosts with a `Store` have.
pub(crate) const STORE_OPTIONS: [&str; 3] =
    ["SCIM_UNIQUE_GROUP_NAMES", "SCIM_GROUP_PATCH", "SCIM_UNKNOWN_MEMBERS"];

/// The options whose values are secret.
const SECRETS: [&str; 4] = ["DATABASE_URL", "SCIM_TOKEN", "SCIM_KEY", "SCIM_OLD_KEY"];

/// Adds the options to a command.
pub(crate) fn add(command: Command, is_hidden: impl Fn(&str) -> bool) -> Command {
    let options =
        OPTIONS.iter().flat_map(|(heading, options)| options.iter().map(move |option| (heading, option)));
    let args = options.filter(|(_, option)| !is_hidden(option.variable)).map(|(heading, option)| {
        let arg = Arg::new(option.variable)
            .long(argument(option.variable))
            .value_name(option.value)
            .help(option.help)
            .help_heading(*heading)
            .action(ArgAction::Set)
            .global(true)
            .hide_env(true)
            .hide_env_values(SECRETS.contains(&option.variable));
        // An empty variable counts as not set.
        match std::env::var_os(option.variable) {
            Some(value) if value.is_empty() => arg,
            _ => arg.env(OsStr::new(option.variable)),
        }
    });
    command.args(args.collect::<Vec<_>>())
}

/// The name of the argument: `SCIM_BASE_URL` is `base-url`.
pub(crate) fn argument(variable: &str) -> String {
    variable.strip_prefix("SCIM_").unwrap_or(variable).to_ascii_lowercase().replace('_', "-")
}

/// The value of an option.
pub(crate) fn value(matches: &ArgMatches, variable: &str) -> Result<Option<String>, InvalidSettings> {
    let value = matches.try_get_one::<String>(variable).ok().flatten();
    Ok(value.cloned().filter(|value| !value.is_empty()))
}
