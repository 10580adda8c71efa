//! Tokens of administrators, and the sessions that begin with them. They are good for pages of administrators, and never
//! for SCIM requests.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::records::TokenRecord;
use super::{Credentials, NewToken, Token, decode, encode};
use crate::secret::SecretHash;
use crate::{Collection, Error, Secret};

/// The prefix of the tokens of administrators.
const ADMIN_TOKEN_PREFIX: &str = "scimadmin_";
/// The prefix of the secrets of sessions.
const SESSION_PREFIX: &str = "scimsession_";

/// A session of an administrator, by the hash of its secret.
#[derive(Debug, Serialize, Deserialize)]
struct SessionRecord {
    /// The hash of the administrator's token.
    token: String,
    expires: DateTime<Utc>,
}

impl Credentials {
    /// Creates a token for an administrator, and returns its text, which nobody can find out later. It is not accepted for
    /// SCIM requests. A page that shows the credentials or a log begins a [session](Self::begin_session) with it. If the
    /// token has a tenant, its administrator sees that tenant only; without the scope `write`, the administrator changes
    /// nothing.
    ///
    /// ```
    /// use chrono::{TimeDelta, Utc};
    /// use scim_auth::{Credentials, MemoryCredentials, NewToken};
    ///
    /// # pollster::block_on(async {
    /// let credentials = Credentials::new(MemoryCredentials::new());
    /// let (token, text) = credentials.create_admin_token(NewToken::new("bea"), Utc::now()).await?;
    ///
    /// // The administrator signs in with the token, and the browser keeps the secret of the session in a cookie.
    /// let eight_hours = TimeDelta::hours(8);
    /// let session = credentials.begin_session(text.expose(), eight_hours, Utc::now()).await?.unwrap();
    /// assert_eq!(credentials.session(session.expose(), Utc::now()).await?.unwrap().name, "bea");
    ///
    /// // A token that is revoked ends its sessions.
    /// credentials.revoke_admin_token(&token.id).await?;
    /// assert_eq!(credentials.session(session.expose(), Utc::now()).await?, None);
    /// # Ok::<(), scim_auth::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a name or scope is not allowed, or if it would have expired
    /// already.
    pub async fn create_admin_token(
        &self,
        token: NewToken,
        now: DateTime<Utc>,
    ) -> Result<(Token, Secret), Error> {
        self.create_token_in(Collection::AdminTokens, ADMIN_TOKEN_PREFIX, token, now).await
    }

    /// The tokens of administrators, also those that have expired in the last 30 days, the oldest first.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub async fn admin_tokens(&self) -> Result<Vec<Token>, Error> {
        self.tokens_in(Collection::AdminTokens).await
    }

    /// Revokes a token of an administrator, which ends its sessions.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no token with this id.
    pub async fn revoke_admin_token(&self, id: &str) -> Result<(), Error> {
        self.revoke_token_in(Collection::AdminTokens, id).await
    }

    /// Begins a session of the administrator with this token, and returns the secret of the session; `None` if nobody has
    /// this token, or if it has expired. The session ends after its lifetime, and not later than the token.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub async fn begin_session(
        &self,
        admin_token: &str,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<Secret>, Error> {
        let hash = SecretHash::of(admin_token);
        let Some(token) = self.valid_admin_token(hash.as_str(), now).await? else { return Ok(None) };
        let expires = now.checked_add_signed(lifetime).unwrap_or(now);
        let expires = token.expires.map_or(expires, |token_expires| token_expires.min(expires));
        let secret = Secret::random(SESSION_PREFIX)?;
        let record = encode(&SessionRecord { token: hash.as_str().to_owned(), expires })?;
        let session = SecretHash::of(secret.expose());
        self.store().insert(Collection::Sessions, session.as_str(), &record, Some(expires)).await?;
        self.set_last_use(TokenRecord::id(hash.as_str()), now).await?;
        Ok(Some(secret))
    }

    /// The token of the administrator whose session has this secret; `None` if there is no such session, or if it or the
    /// token has expired or was revoked.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub async fn session(&self, secret: &str, now: DateTime<Utc>) -> Result<Option<Token>, Error> {
        let hash = SecretHash::of(secret);
        let session: Option<SessionRecord> = self.read(Collection::Sessions, hash.as_str()).await?;
        match session.filter(|session| now < session.expires) {
            Some(session) => self.valid_admin_token(&session.token, now).await,
            None => Ok(None),
        }
    }

    /// Ends the session with this secret, if there is one.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub async fn end_session(&self, secret: &str) -> Result<(), Error> {
        self.store().delete(Collection::Sessions, SecretHash::of(secret).as_str()).await.map(drop)
    }

    async fn valid_admin_token(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<Token>, Error> {
        let record: Option<TokenRecord> = self.read(Collection::AdminTokens, hash).await?;
        let token = record.map(|record| record.show(hash, &Default::default()));
        Ok(token.filter(|token| token.expires.is_none_or(|expires| now < expires)))
    }

    async fn set_last_use(&self, id: &str, now: DateTime<Utc>) -> Result<(), Error> {
        let (store, new) = (self.store(), encode(&now)?);
        match store.get(Collection::LastUses, id).await? {
            None => store.insert(Collection::LastUses, id, &new, None).await.map(drop),
            // If another process writes it at the same time, its time is as good.
            Some(old) if decode::<DateTime<Utc>>(&old)? < now => {
                store.replace(Collection::LastUses, id, &old, &new).await.map(drop)
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryCredentials;

    #[test]
    fn sessions_end_by_time_by_revocation_and_by_signing_out() {
        pollster::block_on(async {
            let credentials = Credentials::new(MemoryCredentials::new());
            let now = "2027-03-01T08:00:00Z".parse::<DateTime<Utc>>().unwrap();
            let hours = |hours| now + TimeDelta::hours(hours);
            let token = NewToken::new("bea").in_tenant("contoso").expires(hours(6));
            let (token, text) = credentials.create_admin_token(token, now).await.unwrap();
            let begin = |at| credentials.begin_session(text.expose(), TimeDelta::hours(4), at);

            assert_eq!(
                credentials.begin_session("scimadmin_x", TimeDelta::hours(4), now).await.unwrap(),
                None
            );
            let first = begin(now).await.unwrap().unwrap();
            let second = begin(hours(3)).await.unwrap().unwrap();
            let tenant = credentials.session(first.expose(), hours(3)).await.unwrap().unwrap().tenant;
            assert_eq!(tenant.as_deref(), Some("contoso"));
            // The lifetime is over; the token has expired.
            assert_eq!(credentials.session(first.expose(), hours(4)).await.unwrap(), None);
            assert!(credentials.session(second.expose(), hours(5)).await.unwrap().is_some());
            assert_eq!(credentials.session(second.expose(), hours(6)).await.unwrap(), None);
            assert_eq!(begin(hours(6)).await.unwrap(), None);
            assert_eq!(credentials.admin_tokens().await.unwrap().first().unwrap().last_use, Some(hours(3)));

            credentials.end_session(first.expose()).await.unwrap();
            assert_eq!(credentials.session(first.expose(), hours(1)).await.unwrap(), None);
            credentials.revoke_admin_token(&token.id).await.unwrap();
            assert_eq!(credentials.session(second.expose(), hours(4)).await.unwrap(), None);
        });
    }

    #[test]
    fn tokens_of_administrators_and_of_clients_are_not_exchanged() {
        pollster::block_on(async {
            let credentials = Credentials::new(MemoryCredentials::new());
            let now = Utc::now();
            let (client, text) = credentials.create_token(NewToken::new("okta"), now).await.unwrap();
            assert_eq!(
                credentials.begin_session(text.expose(), TimeDelta::hours(1), now).await.unwrap(),
                None
            );
            assert!(credentials.revoke_admin_token(&client.id).await.is_err());
            let (admin, _) = credentials.create_admin_token(NewToken::new("bea"), now).await.unwrap();
            assert!(credentials.revoke_token(&admin.id).await.is_err());
            assert_eq!(credentials.tokens().await.unwrap(), [client]);
            assert_eq!(credentials.admin_tokens().await.unwrap(), [admin]);
        });
    }
}
