use std::cell::RefCell;
use std::collections::BTreeSet;

use super::*;
use crate::settings::options::OPTIONS;

fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
    let get =
        |name: &str| Ok(variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()));
    Settings::read(&get, "sqlite:scim.db").map_err(|error| error.to_string())
}

#[test]
fn all_settings_have_defaults() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert!(settings.unique_group_names && settings.credentials.tokens.is_none());
    assert_eq!((settings.tls.is_on(), settings.tenants), (false, Tenants::Off));
    assert_eq!(settings.limits.rate, 100);
}

#[test]
fn secrets_are_not_shown() {
    let secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=";
    let settings = read(&[
        ("SCIM_TOKEN", "s3cret"),
        ("SCIM_KEY", secret),
        ("DATABASE_URL", "postgres://scim:pass@localhost/scim"),
    ]);
    let shown = format!("{:?}", settings.unwrap());
    for secret in ["s3cret", secret, "pass@"] {
        assert!(!shown.contains(secret), "{shown}");
    }
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
}

#[test]
fn the_default_base_url_works_on_this_machine() {
    let url = |variables: &[(&str, &str)], address: &str| {
        read(variables).unwrap().base_url(address.parse().unwrap())
    };
    for (address, expected) in [
        ("127.0.0.1:80", "http://127.0.0.1:80/scim/v2"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080/scim/v2"),
        ("[::1]:8080", "http://[::1]:8080/scim/v2"),
        ("[::]:8080", "http://[::1]:8080/scim/v2"),
    ] {
        assert_eq!(url(&[], address), expected);
    }
    assert_eq!(url(&[("SCIM_TLS", "dev")], "127.0.0.1:8443"), "https://127.0.0.1:8443/scim/v2");
    assert_eq!(url(&[("SCIM_TENANTS", "path")], "127.0.0.1:80"), "http://127.0.0.1:80/{tenant}/scim/v2");
    assert_eq!(url(&[("SCIM_BASE_URL", "https://example.com/v2")], "127.0.0.1:80"), "https://example.com/v2");
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
fn other_machines_can_connect_only_through_tls() {
    for address in ["0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080"] {
        assert!(read(&[("SCIM_LISTEN", address)]).unwrap_err().contains("SCIM_BEHIND_TLS_PROXY=1"));
        assert!(read(&[("SCIM_LISTEN", address), ("SCIM_BEHIND_TLS_PROXY", "0")]).is_err());
        assert!(read(&[("SCIM_LISTEN", address), ("SCIM_BEHIND_TLS_PROXY", "1")]).is_ok());
        assert!(read(&[("SCIM_LISTEN", address), ("SCIM_TLS", "dev")]).is_ok());
        assert!(
            read(&[("SCIM_LISTEN", address), ("SCIM_TLS_CERT", "c.pem"), ("SCIM_TLS_KEY", "k.pem")]).is_ok()
        );
    }
    for address in ["127.0.0.2:8080", "[::1]:0", "localhost:8080"] {
        assert!(read(&[("SCIM_LISTEN", address)]).is_ok(), "{address}");
    }
}

#[test]
fn the_pages_are_reached_by_the_host_of_their_url() {
    let host = |url: &str| {
        let variables = [("SCIM_ADMIN_LISTEN", "127.0.0.1:9090"), ("SCIM_ADMIN_URL", url)];
        read(&variables).unwrap().admin.unwrap().host.unwrap()
    };
    assert_eq!(host("https://Admin.example.com"), "admin.example.com");
    assert_eq!(host("https://admin.example.com:443/"), "admin.example.com");
    assert_eq!(host("http://admin.example.com:443"), "admin.example.com:443");
    assert_eq!(read(&[]).unwrap().admin, None);
    let log = read(&[("SCIM_LOG_NAMES", "0"), ("SCIM_LOG_VALUES", "1")]).unwrap().log;
    assert_eq!((log.days, log.requests, log.names, log.values), (7, 100_000, false, true));
}

#[test]
fn errors_name_the_variable_and_what_is_allowed() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("SCIM_LISTEN", "8080")],
            "SCIM_LISTEN must be an address and a port, such as 127.0.0.1:8080, not `8080`",
        ),
        (&[("SCIM_ADMIN_LISTEN", "9090")], "SCIM_ADMIN_LISTEN must be"),
        (&[("SCIM_ADMIN_URL", "https://a.example")], "set SCIM_ADMIN_LISTEN"),
        (
            &[("SCIM_ADMIN_LISTEN", "127.0.0.1:0"), ("SCIM_ADMIN_URL", "a.example")],
            "SCIM_ADMIN_URL must be a URL",
        ),
        (
            &[("SCIM_ADMIN_LISTEN", "127.0.0.1:0"), ("SCIM_ADMIN_URL", "https://a.example/x")],
            "SCIM_ADMIN_URL must be a URL",
        ),
        (
            &[("SCIM_ADMIN_LISTEN", "127.0.0.1:0"), ("SCIM_ADMIN_TLS", "1")],
            "SCIM_ADMIN_TLS needs a certificate",
        ),
        (&[("SCIM_LOG_DAYS", "0")], "SCIM_LOG_DAYS must be a number from 1"),
        (&[("SCIM_LOG_REQUESTS", "10")], "SCIM_LOG_REQUESTS must be a number from 100"),
        (&[("SCIM_LOG_VALUES", "yes")], "SCIM_LOG_VALUES must be 0 or 1"),
        (&[("SCIM_PROFILE", "Strict")], "SCIM_PROFILE must be lenient, interop or strict, not `Strict`"),
        (&[("SCIM_UNIQUE_GROUP_NAMES", "no")], "SCIM_UNIQUE_GROUP_NAMES must be 0 or 1, not `no`"),
        (&[("SCIM_GROUP_PATCH", "201")], "SCIM_GROUP_PATCH must be 204 or 200, not `201`"),
        (&[("SCIM_UNKNOWN_MEMBERS", "Keep")], "SCIM_UNKNOWN_MEMBERS must be refuse or keep, not `Keep`"),
        (&[("SCIM_TENANTS", "header")], "SCIM_TENANTS must be off, credential or path, not `header`"),
        (&[("SCIM_TOKEN", "two words")], "without spaces"),
        (&[("SCIM_TOKEN", "t"), ("SCIM_TENANTS", "path")], "token create --tenant"),
        (&[("SCIM_KEY", "short")], "SCIM_KEY cannot be used: the key must be 32 random bytes"),
        (&[("SCIM_OLD_KEY", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=")], "SCIM_OLD_KEY needs SCIM_KEY"),
        (
            &[("SCIM_ACCESS_TOKEN_HOURS", "7")],
            "SCIM_ACCESS_TOKEN_HOURS must be a number from 1 to 6, not `7`",
        ),
        (&[("SCIM_RATE", "24")], "SCIM_RATE must be a number from 25"),
        (&[("SCIM_HEAD_TIMEOUT", "0")], "SCIM_HEAD_TIMEOUT must be a number from 1"),
        (&[("SCIM_ALLOWED_NETWORKS", "192.0.2.0/33")], "SCIM_ALLOWED_NETWORKS must be networks"),
        (&[("SCIM_TRUSTED_PROXIES", "proxy")], "SCIM_TRUSTED_PROXIES must be networks"),
        (&[("SCIM_TLS", "on")], "SCIM_TLS must be off or dev, not `on`"),
        (&[("SCIM_TLS_CERT", "c.pem")], "SCIM_TLS_KEY is missing"),
        (&[("SCIM_TLS_KEY", "k.pem")], "SCIM_TLS_CERT is missing"),
        (&[("SCIM_TLS", "dev"), ("SCIM_TLS_CERT", "c"), ("SCIM_TLS_KEY", "k")], "SCIM_TLS=dev"),
        (&[("SCIM_JWT_ISSUER", "https://a.example")], "go together"),
        (&[("SCIM_JWT_TENANT", "contoso")], "go together"),
        (&[("SCIM_ENTRA_TENANT", "contoso")], "must be the id of the directory"),
        (&[("SCIM_DEV", "1"), ("SCIM_BEHIND_TLS_PROXY", "1")], "SCIM_DEV=1 gives everybody a token"),
        (
            &[("SCIM_DEV", "1"), ("SCIM_LISTEN", "0.0.0.0:1"), ("SCIM_TLS", "dev")],
            "SCIM_DEV=1 gives everybody a token",
        ),
        (&[("SCIM_DEV", "1"), ("SCIM_TENANTS", "credential")], "SCIM_TENANTS must be off"),
        (&[("SCIM_TENANTS", "path"), ("SCIM_BASE_URL", "https://a.example/scim")], "must contain `{tenant}`"),
        (&[("SCIM_BASE_URL", "https://a.example/{tenant}")], "must contain `{tenant}`"),
        (&[("DATABASE_URL", "mysql://scim:pass@localhost/scim")], "DATABASE_URL must begin"),
        (&[("DATABASE_URL", "scim:pass@localhost")], "not `scim:`"),
        (&[("DATABASE_URL", "scim.db")], "use `sqlite:` and its path"),
        (&[("DATABASE_URL", "sqlite:")], "DATABASE_URL names no file"),
    ];
    for (variables, reason) in cases {
        let error = read(variables).unwrap_err();
        assert!(error.contains(reason) && !error.contains("pass@"), "{variables:?}: {error}");
    }
    assert!(read(&[("DATABASE_URL", "memory:"), ("SCIM_PROFILE", "strict")]).is_ok());
}

#[test]
fn networks_are_lists_of_prefixes_and_addresses() {
    let settings = read(&[("SCIM_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,2001:db8::/32")]).unwrap();
    let networks: Vec<String> = settings.limits.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
}

#[test]
fn keys_are_fetched_from_the_hosts_of_issuers_too() {
    let settings = read(&[
        ("SCIM_JWT_ISSUER", "https://login.example.com"),
        ("SCIM_JWT_AUDIENCE", "scim"),
        ("SCIM_JWT_JWKS", "https://Keys.example.com/jwks"),
        ("SCIM_JWKS_HOSTS", "idp.example.com, 127.0.0.1"),
    ]);
    assert_eq!(
        settings.unwrap().credentials.jwks_hosts,
        ["idp.example.com", "127.0.0.1", "keys.example.com"]
    );
    let hosts = read(&[("SCIM_ENTRA_TENANT", "12345678-0000-0000-0000-000000000000")])
        .unwrap()
        .credentials
        .jwks_hosts;
    assert_eq!(hosts, ["login.microsoftonline.com", "login.microsoftonline.com"]);
}

/// The names of variables in the first column of a Markdown table.
fn listed_variables(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = cells.filter_map(|row| row.split_once('`')).map(|(name, _)| name.to_owned());
    names.filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')).collect()
}

#[test]
fn every_variable_is_an_option_and_is_documented() {
    let read = RefCell::new(BTreeSet::new());
    let get = |name: &str| {
        read.borrow_mut().insert(name.to_owned());
        Ok(None)
    };
    Settings::read(&get, "memory:").unwrap();
    let options = OPTIONS.iter().flat_map(|(_, options)| options.iter());
    let options: BTreeSet<String> = options.map(|option| option.variable.to_owned()).collect();
    assert_eq!(read.into_inner(), options);
    let mut listed = listed_variables(include_str!("../../../README.md"));
    assert!(listed.remove("RUST_LOG"));
    assert_eq!(listed, options, "in the table of examples/README.md");
    let listed = listed_variables(include_str!("../../../../README.md"));
    assert!(listed.len() >= 5 && listed.is_subset(&options), "in the table of README.md: {listed:?}");
}
