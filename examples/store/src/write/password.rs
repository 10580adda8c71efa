//! Passwords are stored as argon2id hashes, and checked against them (RFC 7643 section 9.2).

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use scim_core::{Context, Error, Result};
use tokio::sync::Semaphore;
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
    let hash = in_turn(move || {
        let salt = SaltString::generate(&mut OsRng);
        Argon2::default().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
    });
    Ok(Change::Set(hash.await?.map_err(|error| Error::internal(error.to_string()))?))
}

/// Whether a password is the one that was hashed.
pub(crate) async fn matches(password: String, hash: String) -> Result<bool> {
    in_turn(move || {
        let Ok(hash) = PasswordHash::new(&hash) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
    })
    .await
}

/// Runs what takes a processor and 19 MiB for a while on a blocking thread: no more at a time than there
/// are processors, however many ask.
async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    static TURNS: LazyLock<Semaphore> =
        LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));
    let turn = TURNS.acquire().await.map_err(Error::internal)?;
    // It is given back when the work ends, even if nobody waits for that any more.
    spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
    .map_err(Error::internal)
}
