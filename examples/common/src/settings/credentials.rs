//! The settings that say whose requests are accepted.

use std::net::SocketAddr;

use scim_auth::{SealingKey, TrustedIssuer};
use scim_core::{BearerTokens, Identity};

use super::Tenants;
use super::read::{Get, choice, invalid, number};
use crate::InvalidSettings;

/// Whose requests are accepted, besides the credentials in the database.
#[derive(Clone, Debug)]
pub(crate) struct CredentialSettings {
    /// The bearer token of `SCIM_TOKEN`, whose client has the name `client`.
    pub(crate) tokens: Option<BearerTokens>,
    /// The keys that seal signing keys, the present one first.
    pub(crate) sealing_keys: Vec<SealingKey>,
    /// The lifetime of access tokens.
    pub(crate) access_token_hours: u32,
    /// The issuers whose JWTs are accepted.
    pub(crate) issuers: Vec<TrustedIssuer>,
    /// The hosts from which keys are fetched.
    pub(crate) jwks_hosts: Vec<String>,
    /// Whether everybody gets the development token.
    pub(crate) development_token: bool,
}

impl CredentialSettings {
    pub(super) fn read(get: Get<'_>, tenants: Tenants, listen: SocketAddr) -> Result<Self, InvalidSettings> {
        let issuers = [jwt_issuer(get)?, entra(get, tenants)?].into_iter().flatten().collect::<Vec<_>>();
        Ok(Self {
            tokens: tokens(get, tenants)?,
            sealing_keys: ["SCIM_KEY", "SCIM_OLD_KEY"]
                .into_iter()
                .filter_map(|name| sealing_key(get, name).transpose())
                .collect::<Result<_, _>>()?,
            access_token_hours: number(get, "SCIM_ACCESS_TOKEN_HOURS", 1..=6, 1)?,
            jwks_hosts: jwks_hosts(get, &issuers)?,
            issuers,
            development_token: development_token(get, tenants, listen)?,
        })
    }
}

fn tokens(get: Get<'_>, tenants: Tenants) -> Result<Option<BearerTokens>, InvalidSettings> {
    match get("SCIM_TOKEN")? {
        None => Ok(None),
        Some(_) if tenants != Tenants::Off => invalid(
            "SCIM_TOKEN has no tenant, but SCIM_TENANTS is on; create a token with `token create --tenant`",
        ),
        Some(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(BearerTokens::new().token(token, Identity::new("client"))))
        }
        Some(_) => invalid("SCIM_TOKEN must consist of printable ASCII characters without spaces"),
    }
}

fn sealing_key(get: Get<'_>, name: &str) -> Result<Option<SealingKey>, InvalidSettings> {
    let Some(key) = get(name)? else { return Ok(None) };
    if name == "SCIM_OLD_KEY" && get("SCIM_KEY")?.is_none() {
        return invalid("SCIM_OLD_KEY needs SCIM_KEY, the key that takes its place");
    }
    key.parse().map(Some).map_err(|error| InvalidSettings::new(format!("{name} cannot be used: {error}")))
}

fn jwt_issuer(get: Get<'_>) -> Result<Option<TrustedIssuer>, InvalidSettings> {
    let [issuer, audience, jwks] = ["SCIM_JWT_ISSUER", "SCIM_JWT_AUDIENCE", "SCIM_JWT_JWKS"].map(get);
    let (subject, tenant) = (get("SCIM_JWT_SUBJECT")?, get("SCIM_JWT_TENANT")?);
    let issuer = match (issuer?, audience?, jwks?) {
        (Some(issuer), Some(audience), Some(jwks)) => TrustedIssuer::new(issuer, audience, jwks),
        (None, None, None) if subject.is_none() && tenant.is_none() => return Ok(None),
        _ => {
            return invalid(
                "SCIM_JWT_ISSUER, SCIM_JWT_AUDIENCE and SCIM_JWT_JWKS go together; set all of them",
            );
        }
    };
    let issuer = match subject {
        Some(subject) => issuer.subjects([subject]),
        None => issuer,
    };
    Ok(Some(match tenant {
        Some(tenant) => issuer.in_tenant(tenant),
        None => issuer,
    }))
}

fn entra(get: Get<'_>, tenants: Tenants) -> Result<Option<TrustedIssuer>, InvalidSettings> {
    let Some(directory) = get("SCIM_ENTRA_TENANT")? else { return Ok(None) };
    if tenants != Tenants::Off {
        return invalid(
            "SCIM_ENTRA_TENANT is for tests with one tenant; leave it out, or set SCIM_TENANTS=off",
        );
    }
    let groups: Vec<usize> = directory.split('-').map(str::len).collect();
    let is_guid = groups == [8, 4, 4, 4, 12] && directory.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    match is_guid {
        true => Ok(Some(TrustedIssuer::entra(&directory))),
        false => invalid(format!(
            "SCIM_ENTRA_TENANT must be the id of the directory, such as 12345678-0000-0000-0000-000000000000, not `{directory}`"
        )),
    }
}

/// The hosts of which keys may be fetched: those that are configured, and those of the issuers.
fn jwks_hosts(get: Get<'_>, issuers: &[TrustedIssuer]) -> Result<Vec<String>, InvalidSettings> {
    let configured = get("SCIM_JWKS_HOSTS")?.unwrap_or_else(|| "login.microsoftonline.com".to_owned());
    let hosts = configured.split(',').map(|host| host.trim().to_ascii_lowercase());
    let of_issuers = issuers.iter().filter_map(|issuer| host(issuer.jwks_url()?));
    let hosts: Vec<String> = hosts.chain(of_issuers).collect();
    match hosts.iter().find(|host| host.is_empty() || host.contains(['/', ' '])) {
        Some(host) => {
            invalid(format!("SCIM_JWKS_HOSTS must be names with commas between them, not `{host}`"))
        }
        None => Ok(hosts),
    }
}

/// The host of a URL, in lower case.
pub(crate) fn host(url: &str) -> Option<String> {
    url.parse::<http::Uri>().ok()?.host().map(str::to_ascii_lowercase)
}

fn development_token(get: Get<'_>, tenants: Tenants, listen: SocketAddr) -> Result<bool, InvalidSettings> {
    let is_on = choice(get, "SCIM_DEV", ["0", "1"], false)?;
    if !is_on {
        return Ok(false);
    }
    if !listen.ip().is_loopback() || choice(get, "SCIM_BEHIND_TLS_PROXY", ["0", "1"], false)? {
        return invalid(
            "SCIM_DEV=1 gives everybody a token, so the host must listen on 127.0.0.1, without SCIM_BEHIND_TLS_PROXY",
        );
    }
    if get("SCIM_TRUSTED_PROXIES")?.is_some() {
        return invalid("SCIM_DEV=1 is for this machine only, so SCIM_TRUSTED_PROXIES must be empty");
    }
    if tenants != Tenants::Off {
        return invalid("SCIM_DEV=1 gives a token without a tenant, so SCIM_TENANTS must be off");
    }
    Ok(true)
}
