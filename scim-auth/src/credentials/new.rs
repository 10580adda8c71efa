//! What an administrator says of a new credential.

use chrono::{DateTime, Months, Utc};
use scim_core::Scopes;
use serde_json::Value;

use super::records::Owner;
use crate::Error;
use crate::jwt::KeySource;

/// The longest name of a client or tenant, in bytes.
const MAX_NAME: usize = 128;

/// A token to create with [`Credentials::create_token`](crate::Credentials::create_token).
///
/// ```
/// use scim_auth::NewToken;
/// use scim_core::Scopes;
///
/// let token = NewToken::new("reports").in_tenant("contoso").with_scopes(Scopes::read_only());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewToken {
    pub(super) owner: NewOwner,
    pub(super) expires: Option<DateTime<Utc>>,
}

impl NewToken {
    /// A token for the client with this name, which may read and write, and does not expire.
    pub fn new(name: impl Into<String>) -> Self {
        Self { owner: NewOwner::new(name), expires: None }
    }

    /// Sets the tenant that the client works in.
    pub fn in_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.owner.tenant = Some(tenant.into());
        self
    }

    /// Sets what the token is good for.
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.owner.scopes = scopes;
        self
    }

    /// Sets when the token expires.
    pub fn expires(mut self, at: DateTime<Utc>) -> Self {
        self.expires = Some(at);
        self
    }
}

/// A client to create with [`Credentials::create_client`](crate::Credentials::create_client).
#[derive(Clone, Debug)]
#[must_use]
pub struct NewClient {
    pub(super) owner: NewOwner,
}

impl NewClient {
    /// A client with this name, which may read and write.
    pub fn new(name: impl Into<String>) -> Self {
        Self { owner: NewOwner::new(name) }
    }

    /// Sets the tenant that the client works in.
    pub fn in_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.owner.tenant = Some(tenant.into());
        self
    }

    /// Sets what its access tokens are good for.
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.owner.scopes = scopes;
        self
    }
}

/// The name, the tenant and the scopes of a new token or client.
#[derive(Clone, Debug)]
pub(super) struct NewOwner {
    name: String,
    tenant: Option<String>,
    scopes: Scopes,
}

impl NewOwner {
    fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), tenant: None, scopes: Scopes::new(["read", "write"]) }
    }

    /// # Errors
    ///
    /// If a name is empty, too long, or has characters that would garble a log, or if there is no scope.
    pub(super) fn check(self) -> Result<Owner, Error> {
        check_name("the name", &self.name)?;
        if let Some(tenant) = &self.tenant {
            check_name("the tenant", tenant)?;
        }
        let scopes: Vec<String> = self.scopes.names().map(str::to_owned).collect();
        // RFC 6749 section 3.3.
        let is_scope = |scope: &String| {
            !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
        };
        match scopes.iter().find(|scope| !is_scope(scope)) {
            _ if scopes.is_empty() => Err(Error::invalid("there must be a scope, `read` or `write`")),
            Some(scope) => Err(Error::invalid(format!(
                "the scope `{}` must consist of visible ASCII characters without quotes and backslashes",
                scope.escape_debug()
            ))),
            None => Ok(Owner { name: self.name, tenant: self.tenant, scopes }),
        }
    }
}

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) || name.trim() != name {
        return Err(Error::invalid(format!(
            "{what} must have 1 to {MAX_NAME} bytes, no control characters, and no blanks around it; it is `{}`",
            name.escape_debug()
        )));
    }
    Ok(())
}

/// A client secret to create with [`Credentials::add_secret`](crate::Credentials::add_secret).
///
/// A secret expires after two years, unless told otherwise. Microsoft's gallery wants between one and three years.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct NewSecret {
    expires: Option<DateTime<Utc>>,
    any_lifetime: bool,
}

impl NewSecret {
    /// A secret that expires after two years.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets when the secret expires: one to three years from now, or any time in the future after
    /// [`any_lifetime`](Self::any_lifetime).
    pub fn expires(mut self, at: DateTime<Utc>) -> Self {
        self.expires = Some(at);
        self
    }

    /// Allows lifetimes of less than one and more than three years.
    pub fn any_lifetime(mut self) -> Self {
        self.any_lifetime = true;
        self
    }

    /// # Errors
    ///
    /// If the time is not allowed.
    pub(super) fn expiry(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
        let in_years = |years: u32| {
            let at = now.checked_add_months(Months::new(12 * years));
            at.ok_or_else(|| Error::invalid("the present time is not within the years of the calendar"))
        };
        let (earliest, latest) = (in_years(1)?, in_years(3)?);
        match self.expires {
            None => in_years(2),
            Some(at) if at <= now => Err(Error::invalid("the secret would have expired already")),
            Some(at) if self.any_lifetime || (earliest..=latest).contains(&at) => Ok(at),
            Some(_) => Err(Error::invalid(
                "a secret expires after one to three years; another lifetime must be asked for explicitly",
            )),
        }
    }
}

/// Whose assertions a client is known by, for [`Credentials::add_trust`](crate::Credentials::add_trust).
///
/// ```
/// use scim_auth::NewTrust;
///
/// // Workload identity federation with Entra ID: the four values that its page shows.
/// let entra = NewTrust::federated(
///     "https://login.microsoftonline.com/6f0e2d3c-8d53-4a4d-9a4e-1b6d3f0a7c55/v2.0",
///     "0b3c6a52-98ee-4ff7-8d1b-6e2f4f5c9a01",
///     "api://4f6f2a8e-6f1e-4ad6-a1f3-0c1d9d0b2e77",
///     "https://login.microsoftonline.com/6f0e2d3c-8d53-4a4d-9a4e-1b6d3f0a7c55/discovery/v2.0/keys",
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewTrust {
    /// The issuer, the subject and the audience; `None` if the client signs with its own keys.
    pub(super) federated: Option<(String, String, String)>,
    pub(super) keys: KeySource,
    pub(super) single_use: bool,
}

impl NewTrust {
    /// Trusts the assertions of an issuer for one subject and one audience (RFC 7523 section 3), with the keys at a URL.
    /// They can be used until they expire, as Entra ID does; see [`single_use`](Self::single_use).
    pub fn federated(
        issuer: impl Into<String>,
        subject: impl Into<String>,
        audience: impl Into<String>,
        jwks_url: impl Into<String>,
    ) -> Self {
        Self {
            federated: Some((issuer.into(), subject.into(), audience.into())),
            keys: KeySource::Url(jwks_url.into()),
            single_use: false,
        }
    }

    /// Trusts assertions that the client signs itself: issuer and subject are its `client_id`, and the audience is the
    /// token endpoint or its issuer. Each can be used once. The argument is a JWK Set (RFC 7517 section 5) with public
    /// keys.
    pub fn own_keys(jwks: Value) -> Self {
        Self { federated: None, keys: KeySource::Keys(jwks), single_use: true }
    }

    /// As [`own_keys`](Self::own_keys), from the text of the JWK Set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if it is not JSON.
    pub fn own_keys_from_json(json: &[u8]) -> Result<Self, Error> {
        let jwks = serde_json::from_slice(json);
        jwks.map(Self::own_keys).map_err(|error| Error::invalid(format!("the JWK Set is not JSON: {error}")))
    }

    /// Accepts each assertion of the issuer once only; it needs a `jti` then (RFC 7523 section 3).
    pub fn single_use(mut self) -> Self {
        self.single_use = true;
        self
    }

    /// # Errors
    ///
    /// If a value is empty or has blanks, or if the keys cannot be used.
    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some((issuer, subject, audience)) = &self.federated {
            for (what, value) in [("issuer", issuer), ("subject", subject), ("audience", audience)] {
                if value.is_empty()
                    || value.len() > 1024
                    || value.contains(|c: char| c.is_whitespace() || c.is_control())
                {
                    return Err(Error::invalid(format!(
                        "the {what} must have 1 to 1024 bytes and no blanks; it is `{}`",
                        value.escape_debug()
                    )));
                }
            }
        }
        self.keys.check()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_secret_lives_one_to_three_years_unless_told_otherwise() {
        let now = "2026-02-28T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let expiry = |days: i64| NewSecret::new().expires(now + TimeDelta::days(days));
        assert_eq!(NewSecret::new().expiry(now).unwrap().to_rfc3339(), "2028-02-28T12:00:00+00:00");
        for (days, is_allowed) in
            [(-1, false), (0, false), (364, false), (365, true), (1096, true), (1097, false)]
        {
            assert_eq!(expiry(days).expiry(now).is_ok(), is_allowed, "{days}");
            assert_eq!(expiry(days).any_lifetime().expiry(now).is_ok(), days > 0, "{days}");
        }
    }

    #[test]
    fn names_and_scopes_are_checked() {
        for name in ["", " a", "a\nb", &"x".repeat(129)] {
            assert!(NewOwner::new(name).check().is_err(), "{name:?}");
            assert!(NewToken::new("a").in_tenant(name).owner.check().is_err(), "{name:?}");
        }
        for scopes in [&[][..], &[""], &["a b"], &["a\""], &["é"]] {
            let scopes = Scopes::new(scopes.iter().copied());
            assert!(NewClient::new("a").with_scopes(scopes.clone()).owner.check().is_err(), "{scopes:?}");
        }
        assert_eq!(NewOwner::new("Søren’s Okta").check().unwrap().scopes, ["read", "write"]);
    }
}
