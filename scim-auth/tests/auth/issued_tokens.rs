//! Bearer tokens that the application has issued.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use scim_auth::{
    Auth, Collection, CredentialStore, Credentials, Error, ErrorKind, MemoryCredentials, NewToken,
    StoredCredential,
};
use scim_core::{BearerTokens, Identity, Scopes};

use crate::support::{after, bearer, principal, start};

/// A store that counts writes of last uses and all reads, and can be switched off.
#[derive(Clone, Default)]
struct Counting {
    store: Arc<MemoryCredentials>,
    reads: Arc<AtomicUsize>,
    last_uses: Arc<AtomicUsize>,
    is_off: Arc<AtomicUsize>,
}

impl Counting {
    fn check(&self) -> Result<(), Error> {
        match self.is_off.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Error::unavailable("the database is restarting")),
        }
    }
}

#[scim_auth::async_trait]
impl CredentialStore for Counting {
    async fn get(&self, collection: Collection, key: &str) -> Result<Option<String>, Error> {
        self.check()?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.store.get(collection, key).await
    }

    async fn list(&self, collection: Collection) -> Result<Vec<StoredCredential>, Error> {
        self.check()?;
        self.store.list(collection).await
    }

    async fn insert(
        &self,
        collection: Collection,
        key: &str,
        value: &str,
        expires: Option<DateTime<Utc>>,
    ) -> Result<bool, Error> {
        self.check()?;
        self.last_uses.fetch_add(usize::from(collection == Collection::LastUses), Ordering::Relaxed);
        self.store.insert(collection, key, value, expires).await
    }

    async fn replace(&self, collection: Collection, key: &str, old: &str, new: &str) -> Result<bool, Error> {
        self.check()?;
        self.last_uses.fetch_add(usize::from(collection == Collection::LastUses), Ordering::Relaxed);
        self.store.replace(collection, key, old, new).await
    }

    async fn delete(&self, collection: Collection, key: &str) -> Result<bool, Error> {
        self.store.delete(collection, key).await
    }

    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<u64, Error> {
        self.store.delete_expired(now).await
    }
}

fn auth(store: impl CredentialStore + 'static) -> Auth {
    let fixed = BearerTokens::new().token("fixed", Identity::new("operator"));
    Auth::builder("https://app.example.com/scim/v2", store).fixed_tokens(fixed).build().unwrap()
}

#[test]
fn a_token_is_its_clients_until_it_expires_or_is_revoked() {
    let auth = auth(MemoryCredentials::new());
    let credentials = auth.credentials();
    pollster::block_on(async {
        let new =
            NewToken::new("okta").in_tenant("contoso").with_scopes(Scopes::read_only()).expires(after(100));
        let (expiring, expiring_text) = credentials.create_token(new, start()).await.unwrap();
        let (lasting, lasting_text) = credentials.create_token(NewToken::new("okta"), start()).await.unwrap();
        assert_ne!(expiring.id, lasting.id);

        let identity = auth.identify(&bearer(expiring_text.expose()), start()).await.unwrap();
        let expected = Identity::new("okta").in_tenant("contoso").with_scopes(Scopes::read_only());
        assert_eq!(identity, expected);
        assert!(principal(&auth, expiring_text.expose(), after(99)).is_ok());
        let (status, detail) = principal(&auth, expiring_text.expose(), after(100)).unwrap_err();
        assert_eq!((status, detail.as_str()), (401, "the bearer token has expired; ask for a new one"));

        assert!(principal(&auth, lasting_text.expose(), after(100)).is_ok());
        credentials.revoke_token(&lasting.id).await.unwrap();
        assert!(principal(&auth, lasting_text.expose(), after(104)).is_ok(), "it is cached");
        let (status, detail) = principal(&auth, lasting_text.expose(), after(105)).unwrap_err();
        assert_eq!(
            (status, detail.as_str()),
            (401, "the bearer token is not known here; it may have been revoked")
        );
        assert_eq!(credentials.revoke_token(&lasting.id).await.unwrap_err().kind(), ErrorKind::NotFound);

        // An expired token is listed for 30 days.
        assert_eq!(credentials.tokens().await.unwrap()[0].id, expiring.id);
        assert_eq!(credentials.delete_expired(after(100 + 30 * 86_400)).await.unwrap(), 0);
        assert_eq!(credentials.delete_expired(after(101 + 30 * 86_400)).await.unwrap(), 1);
    });
}

#[test]
fn unknown_and_malformed_tokens_are_refused_with_a_challenge() {
    let auth = auth(MemoryCredentials::new());
    for token in ["scim_guessed", "scimaccess_guessed", "fixe", "fixedd", "..", "a.b.c", "", "é"] {
        let Ok(value) = format!("Bearer {token}").parse() else { continue };
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", value);
        let refusal = pollster::block_on(auth.identify(&headers, start())).unwrap_err();
        assert_eq!(refusal.status(), 401, "{token}");
        assert!(!refusal.detail().contains("guessed"), "{}", refusal.detail());
    }
    assert_eq!(principal(&auth, "fixed", start()).unwrap(), "operator");
}

#[test]
fn the_store_holds_no_token_and_no_secret() {
    let store = Counting::default();
    let auth = auth(store.clone());
    let (client, secret) = crate::support::client_with_secret(&auth, scim_auth::NewClient::new("entra"));
    let authorization = crate::support::basic(&client.id, secret.expose());
    let access =
        crate::support::access_token(&auth, &authorization, "grant_type=client_credentials", start());
    pollster::block_on(async {
        let (_, token) = auth.credentials().create_token(NewToken::new("okta"), start()).await.unwrap();
        let mut all = String::new();
        for collection in Collection::ALL {
            all.push_str(&format!("{:?}", store.list(collection).await.unwrap()));
        }
        assert!(all.contains("okta") && all.contains("entra"));
        for secret in [token.expose(), secret.expose(), access.as_str()] {
            assert!(!all.contains(secret.split_once('_').unwrap().1), "{all}");
        }
        assert!(!format!("{auth:?} {:?} {token:?}", auth.credentials()).contains(token.expose()));
    });
}

#[test]
fn the_last_use_is_written_once_a_minute() {
    let store = Counting::default();
    let (first, second) = (auth(store.clone()), auth(store.clone()));
    let (_, token) =
        pollster::block_on(first.credentials().create_token(NewToken::new("okta"), start())).unwrap();
    for seconds in 0..180 {
        for auth in [&first, &second] {
            assert!(principal(auth, token.expose(), after(seconds)).is_ok());
        }
    }
    assert_eq!(store.last_uses.load(Ordering::Relaxed), 3);
    let tokens = pollster::block_on(Credentials::new(store).tokens()).unwrap();
    assert_eq!(tokens[0].last_use, Some(after(120)));
}

#[test]
fn a_verified_token_is_looked_up_every_five_seconds() {
    let store = Counting::default();
    let auth = auth(store.clone());
    let (_, token) =
        pollster::block_on(auth.credentials().create_token(NewToken::new("okta"), start())).unwrap();
    principal(&auth, token.expose(), start()).unwrap();
    let before = store.reads.load(Ordering::Relaxed);
    for seconds in 0..20 {
        principal(&auth, token.expose(), after(seconds)).unwrap();
    }
    assert_eq!(store.reads.load(Ordering::Relaxed) - before, 3);
}

#[test]
fn without_the_store_the_answer_is_503() {
    let store = Counting::default();
    let auth = auth(store.clone());
    let (_, token) =
        pollster::block_on(auth.credentials().create_token(NewToken::new("okta"), start())).unwrap();
    store.is_off.store(1, Ordering::Relaxed);
    assert_eq!(principal(&auth, token.expose(), start()).unwrap_err().0, 503);
    assert_eq!(
        crate::support::post(&auth, "", "grant_type=client_credentials&client_id=a&client_secret=b", start())
            .status(),
        503
    );
    store.is_off.store(0, Ordering::Relaxed);
    assert!(principal(&auth, token.expose(), start()).is_ok());
}

#[test]
fn the_last_use_of_an_expired_token_is_removed_with_it() {
    let store = Arc::new(MemoryCredentials::new());
    let auth = auth(store.clone());
    let credentials = auth.credentials();
    pollster::block_on(async {
        let (_, expiring) =
            credentials.create_token(NewToken::new("a").expires(after(100)), start()).await.unwrap();
        let (_, lasting) = credentials.create_token(NewToken::new("b"), start()).await.unwrap();
        for token in [expiring, lasting] {
            principal(&auth, token.expose(), start()).unwrap();
        }
        assert_eq!(store.list(Collection::LastUses).await.unwrap().len(), 2);
        credentials.delete_expired(after(101 + 30 * 86_400)).await.unwrap();
        assert_eq!(store.list(Collection::LastUses).await.unwrap().len(), 1);
    });
}
