//! Clients of the token endpoint, their secrets, and the assertions that they are known by.

use chrono::{DateTime, Utc};

use super::records::{ClientRecord, SecretRecord, TrustOwner, TrustRecord};
use super::{
    Client, ClientSecret, ClientTrust, Credentials, NewClient, NewSecret, NewTrust, SECRET_PREFIX, decode,
    encode,
};
use crate::secret::SecretHash;
use crate::{Collection, Error, Secret};

/// How often a change of a client is tried if others change it at the same time.
const ATTEMPTS: usize = 10;

impl Credentials {
    /// Creates a client without secrets and trusts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a name or scope is not allowed.
    pub async fn create_client(&self, client: NewClient, now: DateTime<Utc>) -> Result<Client, Error> {
        let (secrets, trusts) = (Vec::new(), Vec::new());
        let record = ClientRecord { owner: client.owner.check()?, created: now, secrets, trusts };
        let id = scim_core::new_id();
        self.store().insert(Collection::Clients, &id, &encode(&record)?, None).await?;
        Ok(record.show(id, &Default::default()))
    }

    /// The clients, the oldest first.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub async fn clients(&self) -> Result<Vec<Client>, Error> {
        let last_uses = self.last_uses().await?;
        let mut clients = Vec::new();
        for entry in self.store().list(Collection::Clients).await? {
            clients.push(decode::<ClientRecord>(&entry.value)?.show(entry.key, &last_uses));
        }
        clients.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(clients)
    }

    /// The client with this `client_id`.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub async fn client(&self, id: &str) -> Result<Option<Client>, Error> {
        let record = self.client_record(id).await?;
        Ok(record.map(|record| record.show(id.to_owned(), &Default::default())))
    }

    /// Revokes a client with all its secrets and trusts. Its access tokens are accepted for at most 5 seconds more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no client with this id.
    pub async fn revoke_client(&self, id: &str) -> Result<(), Error> {
        let client = self.client_record(id).await?.ok_or_else(|| Error::not_found("client", id))?;
        self.store().delete(Collection::Clients, id).await?;
        for trust in &client.trusts {
            self.delete_trust_key(id, trust).await?;
        }
        self.store().delete(Collection::LastUses, id).await?;
        Ok(())
    }

    /// Gives a client a new secret, beside those that it has, and returns its text, which nobody can find out later.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the expiry is not allowed,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no client with this id.
    pub async fn add_secret(
        &self,
        client: &str,
        secret: NewSecret,
        now: DateTime<Utc>,
    ) -> Result<(ClientSecret, Secret), Error> {
        let expires = secret.expiry(now)?;
        let text = Secret::random(SECRET_PREFIX)?;
        let hash = SecretHash::of(text.expose());
        let record = SecretRecord { id: scim_core::new_id(), hash, created: now, expires };
        self.change_client(client, |client| {
            client.secrets.push(record.clone());
            Ok(())
        })
        .await?;
        Ok((record.show(), text))
    }

    /// Takes a secret from a client. Access tokens that it got with it are accepted for at most 5 seconds more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the client has no secret with this id.
    pub async fn remove_secret(&self, client: &str, secret: &str) -> Result<(), Error> {
        self.change_client(client, |client| {
            let count = client.secrets.len();
            client.secrets.retain(|record| record.id != secret);
            if client.secrets.len() == count { Err(Error::not_found("secret", secret)) } else { Ok(()) }
        })
        .await
    }

    /// Lets a client be known by assertions.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if another client is known by the same issuer, subject and
    /// audience, [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a value or key cannot be used,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no client with this id.
    pub async fn add_trust(
        &self,
        client: &str,
        trust: NewTrust,
        now: DateTime<Utc>,
    ) -> Result<ClientTrust, Error> {
        trust.check()?;
        let (issuer, subject, audience) = match trust.federated {
            Some((issuer, subject, audience)) => (issuer, subject, Some(audience)),
            None => (client.to_owned(), client.to_owned(), None),
        };
        let (id, keys, single_use) = (scim_core::new_id(), trust.keys, trust.single_use);
        let record = TrustRecord { id, issuer, subject, audience, keys, single_use, created: now };
        if self.client_record(client).await?.is_none() {
            return Err(Error::not_found("client", client));
        }
        self.insert_trust_key(client, &record).await?;
        self.change_client(client, |client| {
            // A trust of the same issuer, subject and audience is replaced, for example to change its keys; so are own
            // keys.
            client.trusts.retain(|trust| trust.key() != record.key());
            client.trusts.push(record.clone());
            Ok(())
        })
        .await?;
        Ok(record.show())
    }

    /// Takes a trust from a client. Access tokens that it got with it are accepted for at most 5 seconds more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the client has no trust with this id.
    pub async fn remove_trust(&self, client: &str, trust: &str) -> Result<(), Error> {
        let removed = self
            .change_client(client, |client| {
                let index = client.trusts.iter().position(|record| record.id == trust);
                index.map(|index| client.trusts.remove(index)).ok_or_else(|| Error::not_found("trust", trust))
            })
            .await?;
        self.delete_trust_key(client, &removed).await
    }

    pub(crate) async fn client_record(&self, id: &str) -> Result<Option<ClientRecord>, Error> {
        self.read(Collection::Clients, id).await
    }

    /// The client that assertions with this [key](super::trust_key) belong to.
    pub(crate) async fn trusting_client(&self, key: &str) -> Result<Option<String>, Error> {
        let owner: Option<TrustOwner> = self.read(Collection::Trusts, key).await?;
        Ok(owner.map(|owner| owner.client))
    }

    /// Changes a client, again if another process has changed it meanwhile.
    async fn change_client<T>(
        &self,
        id: &str,
        change: impl Fn(&mut ClientRecord) -> Result<T, Error>,
    ) -> Result<T, Error> {
        for _ in 0..ATTEMPTS {
            let old = self.store().get(Collection::Clients, id).await?;
            let old = old.ok_or_else(|| Error::not_found("client", id))?;
            let mut client: ClientRecord = decode(&old)?;
            let changed = change(&mut client)?;
            if self.store().replace(Collection::Clients, id, &old, &encode(&client)?).await? {
                return Ok(changed);
            }
        }
        Err(Error::conflict("the client is being changed by others; try again"))
    }

    /// Makes the assertions of a trust belong to a client.
    async fn insert_trust_key(&self, client: &str, trust: &TrustRecord) -> Result<(), Error> {
        let Some(key) = trust.key() else { return Ok(()) };
        let owner = encode(&TrustOwner { client: client.to_owned() })?;
        if self.store().insert(Collection::Trusts, &key, &owner, None).await? {
            return Ok(());
        }
        // The other client may have been revoked, or its trust removed, by a process that ended before it had removed the
        // key.
        let Some(old) = self.store().get(Collection::Trusts, &key).await? else {
            return Err(Error::conflict("the trust is being changed by others; try again"));
        };
        let other: TrustOwner = decode(&old)?;
        let other_client = self.client_record(&other.client).await?;
        let is_trusted =
            other_client.is_some_and(|client| client.trusts.iter().any(|t| t.key().as_ref() == Some(&key)));
        if other.client == client {
            return Ok(());
        }
        if !is_trusted && self.store().replace(Collection::Trusts, &key, &old, &owner).await? {
            return Ok(());
        }
        Err(Error::conflict(format!(
            "the client `{}` is already known by assertions of this issuer, subject and audience",
            other.client
        )))
    }

    async fn delete_trust_key(&self, client: &str, trust: &TrustRecord) -> Result<(), Error> {
        let Some(key) = trust.key() else { return Ok(()) };
        if self.trusting_client(&key).await?.as_deref() == Some(client) {
            self.store().delete(Collection::Trusts, &key).await?;
        }
        Ok(())
    }
}
