//! Passwords are stored as argon2id hashes, and checked against them (RFC 7643 section 9.2).

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use scim_core::{Context, Error, Result};
use tokio::task::spawn_blocking;

/// What a request does to the password.
pub(crate) enum Change {
    Keep,
    Clear,
    Set(String),
}

/// What a request does to the password; a new one is hashed on a blocking thread, since that takes
/// its time on purpose.
pub(crate) async fn change(cx: &Context<'_>) -> Result<Change> {
    let Some(password) = cx.secrets().get("password") else {
        return Ok(if cx.secrets().is_cleared("password") { Change::Clear } else { Change::Keep });
    };
    let password = password.to_owned();
    let hash = spawn_blocking(move || {
        let salt = SaltString::generate(&mut OsRng);
        Argon2::default().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
    });
    let hash = hash.await.map_err(Error::internal)?;
    Ok(Change::Set(hash.map_err(|error| Error::internal(error.to_string()))?))
}

/// Whether a password is the one that was hashed.
pub(crate) fn matches(password: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
}
