//! Creating, listing and revoking credentials.

mod administrators;
mod clients;
mod last_use;
mod new;
mod records;
mod tokens;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_core::Scopes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Collection, CredentialStore, Error};

pub(crate) use last_use::LastUses;
pub use new::{NewClient, NewSecret, NewToken, NewTrust};
pub(crate) use records::{ClientRecord, Owner, TokenRecord, TrustRecord, trust_key};

/// The prefix of bearer tokens that the application issues.
pub(crate) const TOKEN_PREFIX: &str = "scim_";
/// The prefix of the secrets of clients.
const SECRET_PREFIX: &str = "scimsecret_";

/// Creates, lists and revokes tokens and clients, for an administrator's command or page. Cheap to clone.
///
/// All functions that need the time take it as an argument.
///
/// ```
/// use chrono::Utc;
/// use scim_auth::{Credentials, MemoryCredentials, NewClient, NewSecret, NewToken};
/// use scim_core::Scopes;
///
/// # pollster::block_on(async {
/// let credentials = Credentials::new(MemoryCredentials::new());
///
/// // A token for an identity provider that has a field for one.
/// let (token, secret) = credentials.create_token(NewToken::new("okta"), Utc::now()).await?;
/// println!("show this once: {}", secret.expose());
/// assert_eq!(credentials.tokens().await?, [token.clone()]);
/// credentials.revoke_token(&token.id).await?;
///
/// // A client with a secret, for one that uses OAuth 2.0 client credentials.
/// let reports = NewClient::new("reports").in_tenant("contoso").with_scopes(Scopes::read_only());
/// let client = credentials.create_client(reports, Utc::now()).await?;
/// let (secret, text) = credentials.add_secret(&client.id, NewSecret::new(), Utc::now()).await?;
/// println!("client_id={}\nclient_secret={}", client.id, text.expose());
/// # Ok::<(), scim_auth::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Credentials(Arc<dyn CredentialStore>);

/// A bearer token that the application has issued. Its text is known to nobody but the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// Names the token for [`Credentials::revoke_token`]. It says nothing about the text of the token.
    pub id: String,
    /// The name of the client that has it: the [`principal`](scim_core::Identity::principal) of its requests.
    pub name: String,
    /// The tenant that the client works in.
    pub tenant: Option<String>,
    /// What the token is good for.
    pub scopes: Scopes,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it expires; `None` if it does not.
    pub expires: Option<DateTime<Utc>>,
    /// When it was last used, to the minute; `None` if it never was.
    pub last_use: Option<DateTime<Utc>>,
}

/// A client of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// Its name: the [`principal`](scim_core::Identity::principal) of its requests.
    pub name: String,
    /// The tenant that the client works in.
    pub tenant: Option<String>,
    /// What its access tokens are good for.
    pub scopes: Scopes,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it last used an access token, to the minute; `None` if it never did.
    pub last_use: Option<DateTime<Utc>>,
    /// Its secrets, also those that have expired.
    pub secrets: Vec<ClientSecret>,
    /// The issuers and keys whose assertions it is known by.
    pub trusts: Vec<ClientTrust>,
}

/// A secret of a [`Client`]. Its text is known to nobody but the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientSecret {
    /// Names the secret for [`Credentials::remove_secret`].
    pub id: String,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it expires.
    pub expires: DateTime<Utc>,
}

/// Whose assertions a [`Client`] is known by (RFC 7523 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientTrust {
    /// Names the trust for [`Credentials::remove_trust`].
    pub id: String,
    /// The issuer; the `client_id` if the client signs with its own keys.
    pub issuer: String,
    /// The subject; the `client_id` if the client signs with its own keys.
    pub subject: String,
    /// The audience; `None` if the client signs with its own keys, for the token endpoint.
    pub audience: Option<String>,
    /// The URL of the keys of the issuer; `None` if the client signs with its own keys.
    pub jwks_url: Option<String>,
    /// Whether each assertion can be used once.
    pub single_use: bool,
    /// When it was added.
    pub created: DateTime<Utc>,
}

impl Credentials {
    /// The credentials in a store.
    pub fn new(store: impl CredentialStore + 'static) -> Self {
        Self(Arc::new(store))
    }

    pub(crate) fn store(&self) -> &dyn CredentialStore {
        &*self.0
    }

    /// Removes what has expired, and when it was last used. Returns how many credentials and used assertions were removed.
    /// [`TokenEndpoint`](crate::TokenEndpoint) does it from time to time.
    ///
    /// # Errors
    ///
    /// If the store is not available, as for all functions.
    pub async fn delete_expired(&self, now: DateTime<Utc>) -> Result<u64, Error> {
        let deleted = self.0.delete_expired(now).await?;
        self.delete_unknown_last_uses().await?;
        Ok(deleted)
    }

    /// The record with this key.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        collection: Collection,
        key: &str,
    ) -> Result<Option<T>, Error> {
        self.0.get(collection, key).await?.map(|text| decode(&text)).transpose()
    }
}

/// Does not show the credentials.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// A record from its text. The error repeats nothing of it.
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let reason =
        |error: serde_json::Error| Error::unavailable(format!("a stored credential is damaged: {error}"));
    serde_json::from_str(text).map_err(reason)
}

/// The text of a record.
pub(crate) fn encode(record: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(record).map_err(Error::unavailable)
}
