//! What a host uses: it says who makes a request.

mod builder;
mod verified;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::request::Parts;
use scim_core::{
    Authenticate, AuthenticationScheme, BearerTokens, Challenge, Identity, Refusal, async_trait, bearer_token,
};
use sha2::{Digest, Sha256};

use crate::access_tokens::{ACCESS_TOKEN_PREFIX, AccessTokens};
use crate::credentials::{LastUses, TokenRecord};
use crate::issuer::TrustedIssuer;
use crate::jwt::{InvalidJwt, Jwt};
use crate::secret::SecretHash;
use crate::urls::Urls;
use crate::{Collection, CredentialStore, Credentials, Error, KeyCache};

pub use builder::AuthBuilder;
use verified::{Cache, TokenHash};
pub(crate) use verified::{Failure, Verified};

/// How often what has expired is removed from the store.
const CLEANING_INTERVAL: TimeDelta = TimeDelta::minutes(10);

/// Says who makes a request, by a token that the application has issued, an access token of the token endpoint, or the JWT
/// of a trusted issuer; and answers the OAuth endpoints. Cheap to clone.
///
/// It is an [`Authenticate`], so a service is mounted with it:
///
/// ```
/// use scim_auth::{Auth, MemoryCredentials, NewToken};
/// use scim_core::{Authenticate, Challenge, MemoryProvider, ScimService};
///
/// # pollster::block_on(async {
/// let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new()).build()?;
/// let service = ScimService::builder()
///     .base_url("https://app.example.com/scim/v2")
///     .users(MemoryProvider::new())
///     .authentication(auth.schemes())
///     .build()?;
/// // In axum: Router::new().nest_service("/scim/v2", Mount::new(service, auth.clone()))
///
/// let (_, token) = auth.credentials().create_token(NewToken::new("okta"), chrono::Utc::now()).await?;
/// let request = http::Request::get("/Users").header("authorization", format!("Bearer {}", token.expose()));
/// let (parts, ()) = request.body(())?.into_parts();
/// assert_eq!(auth.authenticate(&parts).await?.principal, "okta");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # What is refused
///
/// Everything else with 401 and a challenge (RFC 6750 section 3). Its `error` is `invalid_token` if there was a token. The
/// `detail` of the response says what is wrong, such as that the token has expired. It says that only to who has a real token;
/// for a forged one, the answer is always the same.
///
/// A verified token is accepted for 5 seconds without looking again, so a revocation takes that long.
#[derive(Clone)]
pub struct Auth {
    shared: Arc<Shared>,
    urls: Arc<Urls>,
    /// The only tenant whose credentials are accepted.
    tenant: Option<Arc<str>>,
}

struct Shared {
    credentials: Credentials,
    fixed_tokens: BearerTokens,
    issuers: Vec<TrustedIssuer>,
    keys: KeyCache,
    access_tokens: AccessTokens,
    documentation_uri: Option<String>,
    requires_tenant: bool,
    cache: Cache,
    last_uses: LastUses,
    /// When expired credentials were last removed.
    cleaning: Mutex<Option<DateTime<Utc>>>,
}

impl Auth {
    /// Begins to configure authentication with the credentials in a store.
    ///
    /// The base URL is that of the SCIM service. If each tenant has a path, it contains `{tenant}`, as in
    /// `https://app.example.com/{tenant}/scim/v2`; see [`for_path`](Self::for_path).
    pub fn builder(base_url: impl Into<String>, store: impl CredentialStore + 'static) -> AuthBuilder {
        AuthBuilder::new(base_url.into(), Credentials::new(store))
    }

    /// The authentication for a request to this path: if each tenant has a path, that of the [tenant](Self::in_tenant) that it
    /// names, and `None` if it names none. The host also puts the [base URL](Self::base_url) into the request's extensions.
    ///
    /// ```
    /// use scim_auth::{Auth, MemoryCredentials};
    /// use scim_core::BaseUrl;
    ///
    /// let auth = Auth::builder("https://app.example.com/{tenant}/scim/v2", MemoryCredentials::new()).build()?;
    /// let (mut parts, ()) = http::Request::get("/contoso/scim/v2/Users").body(())?.into_parts();
    /// let of_tenant = auth.for_path(parts.uri.path()).expect("the path names a tenant");
    /// parts.extensions.insert(BaseUrl::new(of_tenant.base_url())?);
    /// assert_eq!(of_tenant.base_url(), "https://app.example.com/contoso/scim/v2");
    /// // service.authenticate(&mut parts, &of_tenant)
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn for_path(&self, path: &str) -> Option<Self> {
        match self.urls.have_tenant() {
            true => self.urls.tenant_in(path).map(|tenant| self.in_tenant(tenant)),
            false => Some(self.clone()),
        }
    }

    /// The base URL of the SCIM service.
    pub fn base_url(&self) -> &str {
        &self.urls.resource
    }

    /// The URL of the token endpoint.
    pub fn token_url(&self) -> String {
        self.urls.token_endpoint()
    }

    /// The tenant, if only the credentials of [one](Self::in_tenant) are accepted.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The same authentication for the URLs and the credentials of one tenant only.
    #[must_use]
    pub fn in_tenant(&self, tenant: &str) -> Self {
        Self {
            shared: self.shared.clone(),
            urls: Arc::new(self.urls.of_tenant(tenant)),
            tenant: Some(tenant.into()),
        }
    }

    /// The tokens and clients, to create, list and revoke them.
    pub fn credentials(&self) -> &Credentials {
        &self.shared.credentials
    }

    /// What the service announces, for [`authentication`](scim_core::ScimServiceBuilder::authentication): OAuth client
    /// credentials and bearer tokens. The challenge of the service has the URL of its metadata (RFC 9728 section 5.1), unless
    /// each tenant has one.
    pub fn schemes(&self) -> [AuthenticationScheme; 2] {
        let clients = AuthenticationScheme::new(
            "oauth2",
            "OAuth 2.0 Client Credentials",
            format!("An access token from {}", self.urls.token_endpoint()),
        );
        let clients = clients.spec_uri("https://www.rfc-editor.org/info/rfc6749").primary();
        let challenge = Challenge::bearer().realm("scim");
        let challenge = match self.urls.have_tenant() {
            true => challenge,
            false => challenge.parameter("resource_metadata", &self.urls.resource_metadata()),
        };
        [clients, AuthenticationScheme::bearer().challenge(challenge.to_string())]
    }

    /// Says who makes the request with these headers at this time.
    ///
    /// # Errors
    ///
    /// 401 if there is no token or a wrong one, 503 if the credentials or the keys of an issuer are not available.
    pub async fn identify(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Identity, Refusal> {
        let token = match bearer_token(headers) {
            Ok(token) => token,
            Err(refusal) => return Err(Refusal::unauthorized(self.challenge()).with_detail(refusal.detail())),
        };
        let hash: TokenHash = Sha256::digest(token).into();
        let identity = match self.shared.cache.get(&hash, now) {
            Some(identity) => Ok(identity),
            None => match self.shared.fixed_tokens.identify(headers) {
                Ok(identity) => {
                    self.shared.cache.insert(hash, Verified::fixed(identity.clone()), now);
                    Ok(identity)
                }
                Err(_) => self.verify(token, hash, now).await,
            },
        };
        identity.and_then(|identity| self.check_tenant(identity)).map_err(|failure| self.refusal(failure))
    }

    async fn verify(&self, token: &[u8], hash: TokenHash, now: DateTime<Utc>) -> Result<Identity, Failure> {
        let Shared { credentials, .. } = &*self.shared;
        let verified = if token.starts_with(ACCESS_TOKEN_PREFIX.as_bytes()) {
            AccessTokens::verify_opaque(credentials, token, now).await?
        } else if Jwt::is_one(token) {
            self.verify_jwt(token, now).await?
        } else {
            self.verify_issued(token, now).await?
        };
        if let Some(used) = &verified.used {
            // That the last use could not be written is no reason to refuse a request.
            let _ = self.shared.last_uses.record(credentials, used, now).await;
        }
        let identity = verified.identity.clone();
        self.shared.cache.insert(hash, verified, now);
        Ok(identity)
    }

    /// Verifies a token that the application has issued.
    async fn verify_issued(&self, token: &[u8], now: DateTime<Utc>) -> Result<Verified, Failure> {
        let hash = SecretHash::of(token);
        let record = self.shared.credentials.read(Collection::Tokens, hash.as_str()).await?;
        let record: TokenRecord = record.ok_or(Failure::Unknown)?;
        // The owner of a credential of another tenant learns nothing of it.
        if !self.accepts_tenant(record.owner.tenant.as_deref()) {
            return Err(Failure::Unknown);
        }
        if record.expires.is_some_and(|expires| expires <= now) {
            return Err(Failure::Expired);
        }
        Ok(Verified::new(record.owner, TokenRecord::id(hash.as_str()), record.expires))
    }

    /// Verifies a JWT of this service or of a trusted issuer.
    async fn verify_jwt(&self, token: &[u8], now: DateTime<Utc>) -> Result<Verified, Failure> {
        let jwt = Jwt::parse(token)?;
        let issuer = jwt.claims.text("iss").ok_or(InvalidJwt::NotTrusted)?;
        if issuer == self.urls.issuer {
            return self
                .shared
                .access_tokens
                .verify_jwt(&self.shared.credentials, &self.urls, &jwt, now)
                .await;
        }
        // Several configurations may be of one issuer, for several tenants. The first refusal is told.
        let mut failure = None;
        for trusted in self.shared.issuers.iter().filter(|trusted| trusted.issuer() == issuer) {
            match trusted.verify(&jwt, &self.shared.keys, now).await {
                Ok(verified) => return Ok(verified),
                Err(refused) => failure = failure.or(Some(refused)),
            }
        }
        Err(failure.unwrap_or(InvalidJwt::NotTrusted.into()))
    }

    /// Refuses the credentials of other tenants. Their owner learns no more than if they did not exist.
    fn check_tenant(&self, identity: Identity) -> Result<Identity, Failure> {
        if self.accepts_tenant(identity.tenant.as_deref()) { Ok(identity) } else { Err(Failure::Unknown) }
    }

    fn challenge(&self) -> Challenge {
        match self.tenant {
            // The challenge that the service announces has no metadata, since each tenant has its own.
            Some(_) => Challenge::bearer().parameter("resource_metadata", &self.urls.resource_metadata()),
            None => Challenge::bearer(),
        }
    }

    fn refusal(&self, failure: Failure) -> Refusal {
        let detail = match failure {
            Failure::Unknown => "the bearer token is not known here; it may have been revoked".to_owned(),
            Failure::Expired => "the bearer token has expired; ask for a new one".to_owned(),
            Failure::Invalid(reason) => reason.to_string(),
            Failure::Unavailable(error) => return Refusal::unavailable(5).with_source(error),
        };
        Refusal::unauthorized(self.challenge().error("invalid_token").error_description(&detail))
            .with_detail(detail)
    }

    /// Removes what has expired, if it is time for it.
    pub(crate) async fn clean(&self, now: DateTime<Utc>) -> Result<(), Error> {
        if self.is_cleaning_due(now) {
            self.shared.credentials.delete_expired(now).await?;
        }
        Ok(())
    }

    /// Whether expired credentials were removed long ago. If so, it is noted that they are removed now.
    fn is_cleaning_due(&self, now: DateTime<Utc>) -> bool {
        let mut last = self.shared.cleaning.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last + CLEANING_INTERVAL <= now);
        if is_due {
            *last = Some(now);
        }
        is_due
    }

    pub(crate) fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Whether the credentials of a tenant are accepted here.
    pub(crate) fn accepts_tenant(&self, tenant: Option<&str>) -> bool {
        match (&self.tenant, tenant) {
            (Some(only), tenant) => tenant == Some(&**only),
            (None, None) => !self.shared.requires_tenant,
            // Where each tenant has a path, the tenant of the path must be known.
            (None, Some(_)) => !self.urls.have_tenant(),
        }
    }

    pub(crate) fn access_tokens(&self) -> &AccessTokens {
        &self.shared.access_tokens
    }

    pub(crate) fn keys(&self) -> &KeyCache {
        &self.shared.keys
    }

    pub(crate) fn documentation_uri(&self) -> Option<&str> {
        self.shared.documentation_uri.as_deref()
    }
}

/// Uses the clock of the system; [`Auth::identify`] takes the time as an argument.
#[async_trait]
impl Authenticate for Auth {
    async fn authenticate(&self, parts: &Parts) -> Result<Identity, Refusal> {
        self.identify(&parts.headers, Utc::now()).await
    }
}

/// Shows the URL and the tenant.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("base_url", &self.urls.resource)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
