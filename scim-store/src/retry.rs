//! The pauses before a write that conflicted with another transaction is run again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How many times a write is run again.
pub(crate) const RETRIES: u32 = 5;

/// A pause that grows with the retries. It is random, so that writes that conflicted do not meet again.
pub(crate) fn pause(retries: u32) -> Duration {
    let max = 4_000_u64 << retries;
    Duration::from_micros(max / 2 + RandomState::new().hash_one(retries) % (max / 2))
}
