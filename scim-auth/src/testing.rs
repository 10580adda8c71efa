//! The checks that every [`CredentialStore`] must pass.

#![expect(clippy::panic, reason = "a test fails that way")]

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Collection, CredentialStore, Error, StoredCredential};

/// Checks that a store keeps the contract of [`CredentialStore`]. It must be empty before, and is empty after it.
///
/// ```
/// use scim_auth::MemoryCredentials;
/// use scim_auth::testing::check_store;
///
/// # pollster::block_on(async {
/// check_store(&MemoryCredentials::new()).await.unwrap();
/// # });
/// ```
///
/// # Errors
///
/// If the store is not available.
///
/// # Panics
///
/// If it does not keep the contract.
pub async fn check_store(store: &dyn CredentialStore) -> Result<(), Error> {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
    for collection in Collection::ALL {
        check_collection(store, collection, now).await?;
    }
    // What differs only by case or collection is different.
    for (collection, key) in
        [(Collection::Tokens, "k"), (Collection::Tokens, "K"), (Collection::Clients, "k")]
    {
        check(store.insert(collection, key, "1", None).await?, "the key is new");
    }
    check(store.list(Collection::Tokens).await?.len() == 2, "a collection has its own entries");
    for (collection, key) in
        [(Collection::Tokens, "k"), (Collection::Tokens, "K"), (Collection::Clients, "k")]
    {
        check(store.delete(collection, key).await?, "the entry was there");
    }
    check_expiry(store, now).await
}

async fn check_collection(
    store: &dyn CredentialStore,
    collection: Collection,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (key, later) = ("0123456789abcdef".repeat(4), Some(now + TimeDelta::days(1)));
    let quotes = r#"{"name":"Søren's \"Okta\" \\ % _","scopes":[]}"#;
    check(store.get(collection, &key).await?.is_none(), "an empty store has no value");
    check(!store.replace(collection, &key, "", "new").await?, "a value that is missing is not replaced");
    check(store.insert(collection, &key, quotes, later).await?, "a new value is added");
    check(!store.insert(collection, &key, "other", later).await?, "a value that is there is not added");
    check(store.get(collection, &key).await?.as_deref() == Some(quotes), "the value is as it was added");
    check(
        !store.replace(collection, &key, "other", "new").await?,
        "a value that has changed is not replaced",
    );
    check(store.replace(collection, &key, quotes, "new").await?, "a value is replaced");
    let expected = [StoredCredential { key: key.clone(), value: "new".to_owned() }];
    check(store.list(collection).await? == expected, "a list has the values");
    check(store.delete(collection, &key).await?, "a value is removed");
    check(!store.delete(collection, &key).await?, "a value is removed once");
    check(store.list(collection).await?.is_empty(), "what was removed is not listed");
    Ok(())
}

async fn check_expiry(store: &dyn CredentialStore, now: DateTime<Utc>) -> Result<(), Error> {
    let used = Collection::UsedAssertions;
    let after = |seconds| Some(now + TimeDelta::seconds(seconds));
    for (key, expires) in
        [("past", after(-10)), ("present", after(0)), ("future", after(10)), ("never", None)]
    {
        store.insert(used, key, "{}", expires).await?;
    }
    check(
        !store.insert(used, "past", "{}", after(10)).await?,
        "an expired value is there until it is removed",
    );
    check(store.delete_expired(now).await? == 1, "only what has expired is removed");
    check(store.get(used, "past").await?.is_none(), "what has expired is removed");
    check(store.replace(used, "future", "{}", "{ }").await?, "a value is replaced");
    check(
        store.delete_expired(now + TimeDelta::seconds(11)).await? == 2,
        "a replaced value expires as before",
    );
    check(store.delete(used, "never").await?, "what does not expire is kept");
    Ok(())
}

fn check(is_kept: bool, rule: &str) {
    if !is_kept {
        panic!("the store does not keep the contract: {rule}");
    }
}
