//! The pauses before a write that conflicted with another transaction is run again, and before the checks whether a
//! COMMIT whose answer was lost has happened.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How many times a write is run again.
pub(crate) const RETRIES: u32 = 5;

/// The pauses, in milliseconds, before each check whether a commit happened. The server may still be executing the COMMIT,
/// or restarting.
pub(crate) const COMMIT_CHECK_PAUSES: [u64; 4] = [0, 100, 400, 1_000];

/// A pause that grows with the retries. It is random, so that writes that conflicted do not meet again.
pub(crate) fn pause(retries: u32) -> Duration {
    let max = 4_000_u64 << retries;
    Duration::from_micros(max / 2 + RandomState::new().hash_one(retries) % (max / 2))
}
