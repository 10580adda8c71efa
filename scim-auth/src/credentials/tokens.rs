//! Bearer tokens that the application issues.

use chrono::{DateTime, TimeDelta, Utc};

use super::records::TokenRecord;
use super::{Credentials, NewToken, TOKEN_PREFIX, Token, decode, encode};
use crate::secret::SecretHash;
use crate::{Collection, Error, Secret};

/// How long a token is listed after it has expired, and its client is told so.
const KEPT_AFTER_EXPIRY: TimeDelta = TimeDelta::days(30);

impl Credentials {
    /// Creates a bearer token of 256 random bits, and returns its text, which nobody can find out later.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a name or scope is not allowed, or if it would have expired
    /// already.
    pub async fn create_token(&self, token: NewToken, now: DateTime<Utc>) -> Result<(Token, Secret), Error> {
        self.create_token_in(Collection::Tokens, TOKEN_PREFIX, token, now).await
    }

    /// The tokens, also those that have expired in the last 30 days, the oldest first.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.tokens_in(Collection::Tokens).await
    }

    /// Revokes a token. It is accepted for at most 5 seconds more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no token with this id.
    pub async fn revoke_token(&self, id: &str) -> Result<(), Error> {
        self.revoke_token_in(Collection::Tokens, id).await
    }

    pub(super) async fn create_token_in(
        &self,
        collection: Collection,
        prefix: &str,
        token: NewToken,
        now: DateTime<Utc>,
    ) -> Result<(Token, Secret), Error> {
        if token.expires.is_some_and(|expires| expires <= now) {
            return Err(Error::invalid("the token would have expired already"));
        }
        let record = TokenRecord { owner: token.owner.check()?, created: now, expires: token.expires };
        let secret = Secret::random(prefix)?;
        let hash = SecretHash::of(secret.expose());
        let kept_until =
            record.expires.map(|expires| expires.checked_add_signed(KEPT_AFTER_EXPIRY).unwrap_or(expires));
        self.store().insert(collection, hash.as_str(), &encode(&record)?, kept_until).await?;
        Ok((record.show(hash.as_str(), &Default::default()), secret))
    }

    pub(super) async fn tokens_in(&self, collection: Collection) -> Result<Vec<Token>, Error> {
        let last_uses = self.last_uses().await?;
        let mut tokens = Vec::new();
        for entry in self.store().list(collection).await? {
            tokens.push(decode::<TokenRecord>(&entry.value)?.show(&entry.key, &last_uses));
        }
        tokens.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(tokens)
    }

    pub(super) async fn revoke_token_in(&self, collection: Collection, id: &str) -> Result<(), Error> {
        let entries = self.store().list(collection).await?;
        let entry = entries.iter().find(|entry| TokenRecord::id(&entry.key) == id);
        let entry = entry.ok_or_else(|| Error::not_found("token", id))?;
        self.store().delete(collection, &entry.key).await?;
        self.store().delete(Collection::LastUses, id).await?;
        Ok(())
    }
}
