//! Who may see the pages.

use chrono::{DateTime, TimeDelta, Utc};
use scim_auth::{Credentials, Error, Secret, Token};

/// How long a session lasts.
pub(super) const SESSION_LIFETIME: TimeDelta = TimeDelta::hours(8);

/// The administrators in the store, and one whose token is valid until the process ends.
pub(super) struct Administrators {
    pub(super) stored: Credentials,
    pub(super) temporary: Option<Credentials>,
}

impl Administrators {
    fn all(&self) -> impl Iterator<Item = &Credentials> {
        [&self.stored].into_iter().chain(&self.temporary)
    }

    /// Begins a session of the administrator with this token.
    pub(super) async fn sign_in(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Secret>, Error> {
        for credentials in self.all() {
            let session = credentials.begin_session(token, SESSION_LIFETIME, now).await?;
            if session.is_some() {
                return Ok(session);
            }
        }
        Ok(None)
    }

    /// The administrator of a session.
    pub(super) async fn session(
        &self,
        secret: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Administrator>, Error> {
        for credentials in self.all() {
            if let Some(token) = credentials.session(secret, now).await? {
                return Ok(Some(Administrator(token)));
            }
        }
        Ok(None)
    }

    pub(super) async fn sign_out(&self, secret: &str) -> Result<(), Error> {
        for credentials in self.all() {
            credentials.end_session(secret).await?;
        }
        Ok(())
    }
}

/// The administrator of a session.
#[derive(Clone, Debug)]
pub(super) struct Administrator(Token);

impl Administrator {
    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// The only tenant that the administrator sees; `None` for all.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Whether the administrator may create and revoke credentials.
    pub(super) fn may_write(&self) -> bool {
        self.0.scopes.may_write()
    }

    /// Whether the administrator may see what belongs to a tenant; empty for none.
    pub(super) fn sees(&self, tenant: &str) -> bool {
        self.tenant().is_none_or(|own| own == tenant)
    }
}
