//! What is stored of each credential, as JSON.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use scim_core::Scopes;
use serde::{Deserialize, Serialize};

use super::{Client, ClientSecret, ClientTrust, Token};
use crate::jwt::KeySource;
use crate::secret::{SecretHash, hex};

/// When credentials were last used, by their ids.
pub(super) type LastUseTimes = HashMap<String, DateTime<Utc>>;

/// The name, the tenant and the scopes of a client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    pub(crate) scopes: Vec<String>,
}

impl Owner {
    pub(crate) fn scopes(&self) -> Scopes {
        Scopes::new(self.scopes.iter().cloned())
    }
}

/// A bearer token, by the hash of its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    #[serde(flatten)]
    pub(crate) owner: Owner,
    pub(crate) created: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<DateTime<Utc>>,
}

impl TokenRecord {
    /// The id of the token with this hash. 64 of the 256 bits of a hash do not help to guess the token.
    pub(crate) fn id(hash: &str) -> &str {
        hash.get(..16).unwrap_or(hash)
    }

    pub(super) fn show(self, hash: &str, last_uses: &LastUseTimes) -> Token {
        let id = Self::id(hash).to_owned();
        Token {
            last_use: last_uses.get(&id).copied(),
            scopes: self.owner.scopes(),
            name: self.owner.name,
            tenant: self.owner.tenant,
            created: self.created,
            expires: self.expires,
            id,
        }
    }
}

/// A client, by its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClientRecord {
    #[serde(flatten)]
    pub(crate) owner: Owner,
    pub(crate) created: DateTime<Utc>,
    pub(crate) secrets: Vec<SecretRecord>,
    pub(crate) trusts: Vec<TrustRecord>,
}

impl ClientRecord {
    /// Whether the client still has the secret or trust with this id, expired or not.
    pub(crate) fn has_credential(&self, id: &str) -> bool {
        self.secrets.iter().any(|secret| secret.id == id) || self.trusts.iter().any(|trust| trust.id == id)
    }

    pub(super) fn show(self, id: String, last_uses: &LastUseTimes) -> Client {
        Client {
            last_use: last_uses.get(&id).copied(),
            scopes: self.owner.scopes(),
            name: self.owner.name,
            tenant: self.owner.tenant,
            created: self.created,
            secrets: self.secrets.iter().map(SecretRecord::show).collect(),
            trusts: self.trusts.iter().map(TrustRecord::show).collect(),
            id,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SecretRecord {
    pub(crate) id: String,
    pub(crate) hash: SecretHash,
    pub(crate) created: DateTime<Utc>,
    pub(crate) expires: DateTime<Utc>,
}

impl SecretRecord {
    pub(super) fn show(&self) -> ClientSecret {
        ClientSecret { id: self.id.clone(), created: self.created, expires: self.expires }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrustRecord {
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// `None` if the client signs with its own keys, for the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audience: Option<String>,
    pub(crate) keys: KeySource,
    pub(crate) single_use: bool,
    pub(crate) created: DateTime<Utc>,
}

impl TrustRecord {
    pub(super) fn show(&self) -> ClientTrust {
        ClientTrust {
            id: self.id.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            audience: self.audience.clone(),
            jwks_url: match &self.keys {
                KeySource::Url(url) => Some(url.clone()),
                KeySource::Keys(_) => None,
            },
            single_use: self.single_use,
            created: self.created,
        }
    }

    /// The key under which the client is found by an assertion of the issuer.
    pub(super) fn key(&self) -> Option<String> {
        self.audience.as_deref().map(|audience| trust_key(&self.issuer, &self.subject, audience))
    }
}

/// The client that an assertion belongs to, by [`trust_key`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrustOwner {
    pub(crate) client: String,
}

/// The key of an issuer, a subject and an audience. Entra ID shows the audience with `/.default` behind it on one page and
/// sends it without, so both are the same.
pub(crate) fn trust_key(issuer: &str, subject: &str, audience: &str) -> String {
    use sha2::{Digest, Sha256};
    let audience = audience.strip_suffix("/.default").unwrap_or(audience);
    // None of the three contains a line break.
    hex(&Sha256::digest(format!("{issuer}\n{subject}\n{audience}")))
}
