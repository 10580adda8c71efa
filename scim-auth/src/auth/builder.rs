//! Configuring [`Auth`].

use std::sync::Arc;

use chrono::TimeDelta;
use scim_core::BearerTokens;

use super::{Auth, Shared};
use crate::access_tokens::AccessTokens;
use crate::issuer::TrustedIssuer;
use crate::urls::Urls;
use crate::{Credentials, Error, FetchKeys, KeyCache, SealingKey};

/// The lifetimes of access tokens that Microsoft's gallery accepts.
const HOURS: std::ops::RangeInclusive<u32> = 1..=6;

/// Configures an [`Auth`]; see [`Auth::builder`].
#[derive(Debug)]
#[must_use]
pub struct AuthBuilder {
    base_url: String,
    credentials: Credentials,
    fixed_tokens: BearerTokens,
    issuers: Vec<TrustedIssuer>,
    keys: Option<KeyCache>,
    sealing_keys: Vec<SealingKey>,
    access_token_hours: u32,
    documentation_uri: Option<String>,
    requires_tenant: bool,
}

impl AuthBuilder {
    pub(super) fn new(base_url: String, credentials: Credentials) -> Self {
        Self {
            base_url,
            credentials,
            fixed_tokens: BearerTokens::new(),
            issuers: Vec::new(),
            keys: None,
            sealing_keys: Vec::new(),
            access_token_hours: 1,
            documentation_uri: None,
            requires_tenant: false,
        }
    }

    /// Also accepts tokens that are known when the application starts, for example from its environment.
    pub fn fixed_tokens(mut self, tokens: BearerTokens) -> Self {
        self.fixed_tokens = tokens;
        self
    }

    /// Also accepts the JWTs of an issuer. May be called several times.
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Sets the HTTP client that fetches the keys of issuers. Without one, only keys that are known are used.
    pub fn fetch_keys(self, fetch: impl FetchKeys + 'static) -> Self {
        self.key_cache(KeyCache::new(fetch))
    }

    /// Sets the cache of the keys of issuers, for an application that also [refreshes](KeyCache::refresh) it.
    pub fn key_cache(mut self, keys: KeyCache) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Lets the token endpoint issue JWTs, whose private keys are kept in the store, encrypted with this key. Without it,
    /// access tokens are random texts that are kept as hashes.
    ///
    /// May be called several times to replace the key: the first one encrypts, all of them decrypt.
    pub fn sealing_key(mut self, key: SealingKey) -> Self {
        self.sealing_keys.push(key);
        self
    }

    /// Sets how long access tokens are valid: 1 hour by default, at most 6.
    pub fn access_token_hours(mut self, hours: u32) -> Self {
        self.access_token_hours = hours;
        self
    }

    /// Sets the URL of the application's documentation, for the metadata (RFC 9728 section 2, `resource_documentation`).
    pub fn documentation_uri(mut self, uri: impl Into<String>) -> Self {
        self.documentation_uri = Some(uri.into());
        self
    }

    /// Refuses credentials without a tenant, for a service with [several tenants](scim_core::guide::tenants).
    pub fn require_tenant(mut self) -> Self {
        self.requires_tenant = true;
        self
    }

    /// Makes the `Auth`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the base URL or a lifetime is not allowed, if an issuer has no
    /// keys, or if one needs an HTTP client and there is none.
    pub fn build(self) -> Result<Auth, Error> {
        let urls = Urls::new(&self.base_url)?;
        if !HOURS.contains(&self.access_token_hours) {
            let hours = self.access_token_hours;
            return Err(Error::invalid(format!("access tokens are valid for 1 to 6 hours, not for {hours}")));
        }
        for issuer in &self.issuers {
            issuer.check(self.keys.is_some())?;
        }
        let requires_tenant = self.requires_tenant || urls.have_tenant();
        let without_tenant = self.issuers.iter().find(|issuer| !issuer.has_tenant());
        if let Some(issuer) = without_tenant.filter(|_| requires_tenant) {
            return Err(Error::invalid(format!("the issuer {} needs a tenant", issuer.issuer())));
        }
        let lifetime = TimeDelta::hours(i64::from(self.access_token_hours));
        Ok(Auth {
            shared: Arc::new(Shared {
                credentials: self.credentials,
                fixed_tokens: self.fixed_tokens,
                issuers: self.issuers,
                keys: self.keys.unwrap_or_else(|| KeyCache::new(no_client)),
                access_tokens: AccessTokens::new(lifetime, self.sealing_keys),
                documentation_uri: self.documentation_uri,
                requires_tenant,
                cache: Default::default(),
                last_uses: Default::default(),
                cleaning: Default::default(),
            }),
            urls: Arc::new(urls),
            tenant: None,
        })
    }
}

/// Fetches nothing.
fn no_client(url: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    Err(format!("the keys at {url} cannot be fetched, since the application has no HTTP client for it")
        .into())
}
