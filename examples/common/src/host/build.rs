//! Makes a host from its settings.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use scim_auth::{Auth, CredentialStore, Credentials, KeyCache, MemoryCredentials};
use scim_core::{BearerTokens, Identity, ScimService, with_causes};
use scim_store::CredentialTable;

use super::limits::Limits;
use super::{Host, Metrics, Requests, Shared};
use crate::console;
use crate::keys::{KeyClient, keep_fresh};
use crate::serve::tls::server_config;
use crate::settings::CredentialSettings;
use crate::{InvalidSettings, Resources, Settings, Tenants, admin};

/// Tokens that are valid until the host stops.
pub(crate) struct GeneratedTokens {
    /// For a client, if there are no credentials, and none are needed of a tenant.
    pub(crate) client: Option<String>,
    /// For the pages of administrators, if somebody tries the host out, and nobody has a token for them.
    pub(crate) administrator: Option<String>,
    /// Whether somebody has a token for the pages of administrators.
    pub(crate) has_administrators: bool,
}

impl Host {
    /// Makes the host that listens on this address, and tokens that are valid until it stops.
    pub(crate) async fn new(
        settings: &Settings,
        resources: Resources,
        listening: SocketAddr,
    ) -> Result<(Self, GeneratedTokens), Box<dyn Error>> {
        // Before the host says that it listens, so that a wrong certificate ends it without a word of that.
        let tls = server_config(&settings.tls)?;
        let base_url = settings.base_url(listening);
        let keys = KeyCache::new(KeyClient::new(settings.credentials.jwks_hosts.clone())?);
        let store: Arc<dyn CredentialStore> = match &resources.database {
            Some(database) => Arc::new(CredentialTable::open(database.clone()).await?),
            None => Arc::new(MemoryCredentials::new()),
        };
        let (tokens, generated) = tokens(settings, &*store).await?;
        let auth = auth(settings, &base_url, store, tokens, keys.clone())?;
        let service = service(settings, &base_url, resources.builder, &auth).await?;
        let pages = match &settings.admin {
            Some(admin) => {
                let (database, is_tried_out) = (resources.database.clone(), generated.is_some());
                Some(console::open(settings, admin, &service, &auth, database, is_tried_out).await?)
            }
            None => None,
        };
        let mut tokens =
            GeneratedTokens { client: generated, administrator: None, has_administrators: false };
        let (mut console, mut log) = (None, None);
        if let Some(pages) = pages {
            (console, log) = (Some(pages.console), Some(pages.log));
            tokens.administrator = pages.token;
            tokens.has_administrators = pages.has_administrators;
        }
        let host = Self(Arc::new(Shared {
            service,
            auth,
            keys,
            limits: Limits::new(&settings.limits),
            metrics: Metrics::new(),
            requests: Requests::default(),
            database: resources.database,
            tls,
            settings: settings.clone(),
            log,
            console,
        }));
        host.check_tenants().await?;
        Ok((host, tokens))
    }

    /// Fetches keys from time to time, and listens on the administrators' address, which is returned.
    pub(crate) async fn start_background_tasks(&self) -> Result<Option<SocketAddr>, Box<dyn Error>> {
        let urls = self.jwks_urls();
        tokio::spawn(keep_fresh(self.0.keys.clone(), urls));
        tokio::spawn(keep_clean(self.0.auth.credentials().clone()));
        let admin = match &self.0.settings.admin {
            Some(settings) => Some(admin::start(self.clone(), settings).await?),
            None => None,
        };
        if !self.0.settings.credentials.issuers.iter().all(|issuer| issuer.audience() != ENTRA_AUDIENCE) {
            tracing::warn!(
                "SCIM_ENTRA_TENANT accepts tokens that Entra ID sends to every application: any recipient can replay them \
                 here. Use it for tests, and client credentials in production"
            );
        }
        Ok(admin)
    }

    /// Waits until the provisioning log is written, but not long.
    pub(crate) async fn flush_log(&self) {
        if let Some(log) = &self.0.log {
            let _ = tokio::time::timeout(FLUSH_TIMEOUT, log.flush()).await;
        }
    }

    /// The URLs of the keys of the issuers.
    fn jwks_urls(&self) -> Vec<String> {
        let issuers = self.0.settings.credentials.issuers.iter();
        issuers.filter_map(|issuer| issuer.jwks_url().map(str::to_owned)).collect()
    }

    /// Whether the keys of all issuers have been fetched.
    pub(crate) fn has_keys(&self) -> bool {
        self.jwks_urls().iter().all(|url| self.0.keys.has_keys(url, Utc::now()))
    }

    /// Whether anybody can authenticate.
    pub(crate) async fn has_credentials(&self) -> Result<bool, scim_auth::Error> {
        let CredentialSettings { tokens, issuers, .. } = &self.0.settings.credentials;
        Ok(tokens.is_some() || !issuers.is_empty() || has_stored(self.0.auth.credentials()).await?)
    }

    /// Refuses to start with a credential without a tenant where tenants are on.
    async fn check_tenants(&self) -> Result<(), Box<dyn Error>> {
        if self.0.settings.tenants == Tenants::Off {
            return Ok(());
        }
        let credentials = self.0.auth.credentials();
        let tokens = credentials.tokens().await?.into_iter().filter(|token| token.tenant.is_none());
        let clients = credentials.clients().await?.into_iter().filter(|client| client.tenant.is_none());
        let ids: Vec<String> = tokens.map(|token| token.id).chain(clients.map(|client| client.id)).collect();
        match ids.is_empty() {
            true => Ok(()),
            false => Err(InvalidSettings::new(format!(
                "SCIM_TENANTS is on, but these credentials have no tenant: {}; revoke them, and create others with `--tenant`",
                ids.join(", ")
            ))
            .into()),
        }
    }
}

/// The time for writing the provisioning log when the host stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);
/// How often expired credentials are removed.
const CLEANING_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Removes expired credentials from time to time, until the process ends.
async fn keep_clean(credentials: Credentials) {
    loop {
        if let Err(error) = credentials.delete_expired(Utc::now()).await {
            tracing::warn!(cause = with_causes(&error), "expired credentials cannot be removed");
        }
        tokio::time::sleep(CLEANING_INTERVAL).await;
    }
}

/// The audience of [`TrustedIssuer::entra`](scim_auth::TrustedIssuer::entra).
const ENTRA_AUDIENCE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";

async fn has_stored(credentials: &scim_auth::Credentials) -> Result<bool, scim_auth::Error> {
    Ok(!credentials.tokens().await?.is_empty() || !credentials.clients().await?.is_empty())
}

/// The tokens of the settings, or a new one and its text, if there are no other credentials.
async fn tokens(
    settings: &Settings,
    store: &dyn CredentialStore,
) -> Result<(BearerTokens, Option<String>), Box<dyn Error>> {
    let CredentialSettings { tokens, issuers, .. } = &settings.credentials;
    if let Some(tokens) = tokens {
        return Ok((tokens.clone(), None));
    }
    let stored = [scim_auth::Collection::Tokens, scim_auth::Collection::Clients];
    let mut has_others = settings.tenants != Tenants::Off || !issuers.is_empty();
    for collection in stored {
        has_others = has_others || !store.list(collection).await?.is_empty();
    }
    if has_others {
        return Ok((BearerTokens::new(), None));
    }
    let token = random_token()?;
    Ok((BearerTokens::new().token(&token, Identity::new("client")), Some(token)))
}

/// Generates a random token of 256 bits, as hexadecimal text.
fn random_token() -> Result<String, Box<dyn Error>> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("a token cannot be generated: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn auth(
    settings: &Settings,
    base_url: &str,
    store: Arc<dyn CredentialStore>,
    tokens: BearerTokens,
    keys: KeyCache,
) -> Result<Auth, InvalidSettings> {
    let CredentialSettings { sealing_keys, access_token_hours, issuers, .. } = &settings.credentials;
    let mut builder = Auth::builder(base_url, store)
        .fixed_tokens(tokens)
        .key_cache(keys)
        .access_token_hours(*access_token_hours);
    for key in sealing_keys {
        builder = builder.sealing_key(key.clone());
    }
    for issuer in issuers {
        builder = builder.trust(issuer.clone());
    }
    if let Some(uri) = &settings.documentation_uri {
        builder = builder.documentation_uri(uri);
    }
    if settings.tenants != Tenants::Off {
        builder = builder.require_tenant();
    }
    builder.build().map_err(|error| InvalidSettings::new(error.to_string()))
}

async fn service(
    settings: &Settings,
    base_url: &str,
    builder: scim_core::ScimServiceBuilder,
    auth: &Auth,
) -> Result<ScimService, InvalidSettings> {
    #[cfg(feature = "testing")]
    if let Some(service) = crate::testing::service(&settings.database).await {
        return Ok(service);
    }
    let mut builder = builder.base_url(base_url).tolerance(settings.tolerance).authentication(auth.schemes());
    if let Some(uri) = &settings.documentation_uri {
        builder = builder.documentation_uri(uri);
    }
    if settings.tenants != Tenants::Off {
        builder = builder.multi_tenant();
    }
    // Everything else is fixed, so only the base URL can be invalid.
    builder.build().map_err(|error| InvalidSettings::new(format!("SCIM_BASE_URL cannot be used: {error}")))
}
