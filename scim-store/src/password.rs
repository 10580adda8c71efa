//! Stores passwords as argon2id hashes, and verifies passwords (RFC 7643 section 9.2).

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use scim_core::{Context, Error, Result};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How a request changes the password.
pub(crate) enum PasswordChange {
    Keep,
    Clear,
    /// Stores this hash.
    Set(String),
}

impl PasswordChange {
    /// Reads how the request changes the password, and hashes a new password.
    pub(crate) async fn from_context(cx: &Context<'_>) -> Result<Self> {
        let Some(password) = cx.secrets().get("password") else {
            return Ok(if cx.secrets().is_cleared("password") { Self::Clear } else { Self::Keep });
        };
        let password = password.to_owned();
        let hash = run_limited(move || {
            let salt = SaltString::generate(&mut OsRng);
            Argon2::default().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
        });
        Ok(Self::Set(hash.await?.map_err(|error| Error::internal(error.to_string()))?))
    }
}

/// Whether `hash` is the hash of this password.
pub(crate) async fn verify_password(password: String, hash: String) -> Result<bool> {
    run_limited(move || {
        let Ok(hash) = PasswordHash::new(&hash) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
    })
    .await
}

/// Runs work on a blocking thread, as many at a time as there are processors: hashing keeps a processor busy and
/// needs 19 MiB of memory, on purpose.
async fn run_limited<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    static PERMITS: LazyLock<Semaphore> =
        LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));
    let permit = PERMITS.acquire().await.map_err(Error::internal)?;
    // The permit moves into the work, so that it stays taken until the work ends, even if the caller is dropped
    // before that.
    spawn_blocking(move || {
        let result = work();
        drop(permit);
        result
    })
    .await
    .map_err(Error::internal)
}
