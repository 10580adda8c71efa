//! Issuers whose JWTs are accepted.

use chrono::{DateTime, TimeDelta, Utc};
use scim_core::{Identity, Scopes};
use serde_json::Value;

use crate::Error;
use crate::auth::{Failure, Verified};
use crate::jwt::{InvalidJwt, Jwt, KeyCache, KeyError, KeySource};

/// The audience of the tokens that Entra ID sends to every application without an audience of its own.
const ENTRA_SHARED_AUDIENCE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
/// How much the clock of an issuer may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// An issuer whose JWTs are accepted as bearer tokens: signed with RS256, PS256, ES256 or EdDSA by one of its keys, which the
/// token names by `kid`; with exactly this `iss`, with this audience, and within `nbf` and `exp`, with a minute of leeway.
///
/// ```
/// use scim_auth::{Auth, MemoryCredentials, TrustedIssuer};
///
/// # fn fetch(_: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> { Ok(Vec::new()) }
/// let keycloak = TrustedIssuer::new(
///     "https://login.example.com/realms/staff",
///     "https://app.example.com/scim/v2",
///     "https://login.example.com/realms/staff/protocol/openid-connect/certs",
/// );
/// let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new())
///     .trust(keycloak.named("keycloak").subjects(["3f1c8a60-5c1b-4f0f-9d0c-2f5b4f3f9d11"]))
///     .fetch_keys(fetch)
///     .build()?;
/// # Ok::<(), scim_auth::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TrustedIssuer {
    issuer: String,
    audience: String,
    keys: KeySource,
    name: Option<String>,
    scopes: Scopes,
    subjects: Vec<String>,
    tenants: Tenants,
    required: Vec<(String, String)>,
}

/// The tenants that the tokens of an issuer can be for.
#[derive(Clone, Debug)]
enum Tenants {
    None,
    One(String),
    /// One of these, which a claim names.
    Claim(String, Vec<String>),
}

impl TrustedIssuer {
    /// Trusts the tokens of an issuer for an audience. The keys are a JWK Set (RFC 7517 section 5) at a URL.
    ///
    /// Many issuers give a token for an audience to every application of theirs. Restrict it to the identity provider's with
    /// [`subjects`](Self::subjects).
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, jwks_url: impl Into<String>) -> Self {
        Self::with_source(issuer.into(), audience.into(), KeySource::Url(jwks_url.into()))
    }

    /// Trusts the tokens of an issuer whose keys are known: a JWK Set.
    pub fn with_keys(issuer: impl Into<String>, audience: impl Into<String>, jwks: Value) -> Self {
        Self::with_source(issuer.into(), audience.into(), KeySource::Keys(jwks))
    }

    /// Trusts the tokens that Entra ID's provisioning sends if its field for a secret token is empty, of the directory with
    /// this id: `iss` and `tid` must name it.
    ///
    /// **Every recipient of such a token can send it to you**: the audience is the same for all applications. It is good for
    /// tests. In production, use client credentials or workload identity federation
    /// ([`NewTrust::federated`](crate::NewTrust::federated)).
    pub fn entra(directory: &str) -> Self {
        let directory = directory.to_ascii_lowercase();
        let keys = format!("https://login.microsoftonline.com/{directory}/discovery/v2.0/keys");
        let issuer = format!("https://sts.windows.net/{directory}/");
        Self::new(issuer, ENTRA_SHARED_AUDIENCE, keys).named("entra").require_claim("tid", directory)
    }

    fn with_source(issuer: String, audience: String, keys: KeySource) -> Self {
        Self {
            issuer,
            audience,
            keys,
            name: None,
            scopes: Scopes::new(["read", "write"]),
            subjects: Vec::new(),
            tenants: Tenants::None,
            required: Vec::new(),
        }
    }

    /// Sets the name of the client: the [`principal`](Identity::principal) of its requests. By default it is the issuer.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets what the tokens are good for; by default to read and to write.
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Accepts only tokens whose `sub` is one of these.
    pub fn subjects<T: Into<String>>(mut self, subjects: impl IntoIterator<Item = T>) -> Self {
        self.subjects = subjects.into_iter().map(Into::into).collect();
        self
    }

    /// Accepts only tokens in which a claim has this value.
    pub fn require_claim(mut self, claim: impl Into<String>, value: impl Into<String>) -> Self {
        self.required.push((claim.into(), value.into()));
        self
    }

    /// Sets the tenant that all tokens of the issuer are for.
    pub fn in_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenants = Tenants::One(tenant.into());
        self
    }

    /// Lets a claim of the token name the tenant, which must be one of these.
    pub fn tenant_by_claim<T: Into<String>>(
        mut self,
        claim: impl Into<String>,
        tenants: impl IntoIterator<Item = T>,
    ) -> Self {
        self.tenants = Tenants::Claim(claim.into(), tenants.into_iter().map(Into::into).collect());
        self
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The audience.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The URL of the keys, to [fetch](KeyCache::refresh) them before the first request; `None` if they are known.
    pub fn jwks_url(&self) -> Option<&str> {
        match &self.keys {
            KeySource::Url(url) => Some(url),
            KeySource::Keys(_) => None,
        }
    }

    pub(crate) fn has_tenant(&self) -> bool {
        !matches!(self.tenants, Tenants::None)
    }

    /// # Errors
    ///
    /// If something is empty, or if the keys cannot be used.
    pub(crate) fn check(&self, has_client: bool) -> Result<(), Error> {
        if self.issuer.is_empty() || self.audience.is_empty() {
            return Err(Error::invalid("a trusted issuer needs an `iss` and an audience"));
        }
        if self.jwks_url().is_some() && !has_client {
            return Err(Error::invalid("a trusted issuer with a URL of keys needs `fetch_keys`"));
        }
        self.keys.check()
    }

    /// Verifies a JWT with this `iss`. The signature comes first: what is said of the rest helps only who has a real token.
    pub(crate) async fn verify(
        &self,
        jwt: &Jwt<'_>,
        keys: &KeyCache,
        now: DateTime<Utc>,
    ) -> Result<Verified, Failure> {
        let key = keys.key(&self.keys, &jwt.key_id, now).await.map_err(|error| match error {
            KeyError::Unknown => InvalidJwt::NotTrusted.into(),
            KeyError::Unavailable(error) => Failure::Unavailable(error),
        })?;
        jwt.verify(&key)?;
        let claims = &jwt.claims;
        let expires = claims.check_times(now, LEEWAY)?;
        if !claims.audiences().contains(&self.audience.as_str()) {
            return Err(InvalidJwt::Audience.into());
        }
        let is_subject = |subject: &str| self.subjects.iter().any(|one| one == subject);
        if !self.subjects.is_empty() && !is_subject(claims.required_text("sub")?) {
            return Err(InvalidJwt::Subject.into());
        }
        for (claim, value) in &self.required {
            if claims.required_text(claim)? != value {
                return Err(InvalidJwt::Tenant(claim.clone()).into());
            }
        }
        let identity =
            Identity::new(self.name.as_ref().unwrap_or(&self.issuer)).with_scopes(self.scopes.clone());
        let identity = match &self.tenants {
            Tenants::None => identity,
            Tenants::One(tenant) => identity.in_tenant(tenant),
            Tenants::Claim(claim, tenants) => {
                let tenant = claims.required_text(claim)?;
                if !tenants.iter().any(|one| one == tenant) {
                    return Err(InvalidJwt::Tenant(claim.clone()).into());
                }
                identity.in_tenant(tenant)
            }
        };
        Ok(Verified { identity, used: None, expires: Some(expires) })
    }
}
