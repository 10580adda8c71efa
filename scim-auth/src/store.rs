//! Where credentials are kept.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_core::async_trait;

use crate::Error;

/// Keeps credentials: a map from a [`Collection`] and a key to a text. [`MemoryCredentials`](crate::MemoryCredentials) is one, and
/// scim-store has one over SQLite and PostgreSQL (feature `auth`). An application with a database of its own needs one table:
///
/// ```sql
/// CREATE TABLE scim_credential (
///     collection text NOT NULL,
///     key        text NOT NULL,
///     value      text NOT NULL,
///     expires    bigint,          -- seconds since 1970
///     PRIMARY KEY (collection, key)
/// );
/// CREATE INDEX scim_credential_expires ON scim_credential (expires);
/// ```
///
/// Neither keys nor values contain a token or a secret, only SHA-256 hashes of them. Private keys are encrypted.
///
/// # Contract
///
/// Each call is atomic and durable. Processes that share credentials see what the others have written. All keys and
/// values are ASCII or JSON; keys have at most 256 bytes and are compared byte by byte. `testing::check_store` (feature
/// `testing`) checks it.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// The value with this key.
    ///
    /// # Errors
    ///
    /// [`Error::unavailable`], as for all methods.
    async fn get(&self, collection: Collection, key: &str) -> Result<Option<String>, Error>;

    /// All entries of a collection, in any order.
    async fn list(&self, collection: Collection) -> Result<Vec<StoredCredential>, Error>;

    /// Adds a value, unless there is one with this key, which may have expired. Returns whether it was added. If several calls
    /// add the same key at the same time, exactly one of them returns true.
    ///
    /// After `expires`, the value may be removed; until [`delete_expired`](Self::delete_expired) removes it, it is still found.
    async fn insert(
        &self,
        collection: Collection,
        key: &str,
        value: &str,
        expires: Option<DateTime<Utc>>,
    ) -> Result<bool, Error>;

    /// Replaces a value, if it is still equal to `old`. Returns whether it was. Its expiry stays.
    async fn replace(&self, collection: Collection, key: &str, old: &str, new: &str) -> Result<bool, Error>;

    /// Removes a value. Returns whether there was one.
    async fn delete(&self, collection: Collection, key: &str) -> Result<bool, Error>;

    /// Removes all values that have expired before this time. Returns how many.
    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<u64, Error>;
}

/// An entry of a [`CredentialStore`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCredential {
    /// The key.
    pub key: String,
    /// The value, JSON.
    pub value: String,
}

/// The kinds of entries of a [`CredentialStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Collection {
    /// Bearer tokens that the application has issued, by their hashes.
    Tokens,
    /// Opaque access tokens of the token endpoint, by their hashes.
    AccessTokens,
    /// Clients of the token endpoint, with the hashes of their secrets.
    Clients,
    /// Which client the assertions of an issuer belong to.
    Trusts,
    /// Assertions that must not be used again.
    UsedAssertions,
    /// The keys that sign access tokens.
    SigningKeys,
    /// When tokens and clients were last used.
    LastUses,
    /// The tokens of administrators, by their hashes.
    AdminTokens,
    /// The sessions of administrators, by the hashes of their secrets.
    Sessions,
}

impl Collection {
    /// All collections.
    pub const ALL: [Self; 9] = [
        Self::Tokens,
        Self::AccessTokens,
        Self::Clients,
        Self::Trusts,
        Self::UsedAssertions,
        Self::SigningKeys,
        Self::LastUses,
        Self::AdminTokens,
        Self::Sessions,
    ];

    /// The name for a database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "token",
            Self::AccessTokens => "access_token",
            Self::Clients => "client",
            Self::Trusts => "trust",
            Self::UsedAssertions => "used_assertion",
            Self::SigningKeys => "signing_key",
            Self::LastUses => "last_use",
            Self::AdminTokens => "admin_token",
            Self::Sessions => "session",
        }
    }
}

#[async_trait]
impl<T: CredentialStore + ?Sized> CredentialStore for Arc<T> {
    async fn get(&self, collection: Collection, key: &str) -> Result<Option<String>, Error> {
        (**self).get(collection, key).await
    }

    async fn list(&self, collection: Collection) -> Result<Vec<StoredCredential>, Error> {
        (**self).list(collection).await
    }

    async fn insert(
        &self,
        collection: Collection,
        key: &str,
        value: &str,
        expires: Option<DateTime<Utc>>,
    ) -> Result<bool, Error> {
        (**self).insert(collection, key, value, expires).await
    }

    async fn replace(&self, collection: Collection, key: &str, old: &str, new: &str) -> Result<bool, Error> {
        (**self).replace(collection, key, old, new).await
    }

    async fn delete(&self, collection: Collection, key: &str) -> Result<bool, Error> {
        (**self).delete(collection, key).await
    }

    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<u64, Error> {
        (**self).delete_expired(now).await
    }
}
