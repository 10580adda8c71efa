//! Requests without a good credential: each address may send some in a minute. After that, its wrong credentials are
//! answered with 429, and only a few requests of such addresses are looked at at once. Good credentials are accepted all
//! the same: their owner may share the address with an attacker.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::address::network;

/// The largest number of addresses that are known to have failed too often.
const MAX_ADDRESSES: usize = 10_000;
/// After this many failures, addresses that may send again are forgotten.
const CLEANING_INTERVAL: u32 = 1_000;
/// How many requests of addresses that have failed too often are looked at at once.
const MAX_VERIFIED_AT_ONCE: usize = 4;

pub(super) struct Failures {
    rate: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    /// Until when the failures of an address are answered with 429.
    blocked: Mutex<HashMap<IpAddr, Instant>>,
    verifying: Semaphore,
    noted: AtomicU32,
}

/// Whether the credentials of a request are looked at.
pub(super) enum Admission<'f> {
    /// They are.
    Free,
    /// They are, but the address has failed too often. If they are wrong, it may try again after this time.
    Blocked(Duration, #[expect(dead_code, reason = "it is held to be dropped")] SemaphorePermit<'f>),
    /// They are not: the address has failed too often, and others are being looked at.
    Refused(Duration),
}

impl Failures {
    pub(super) fn new(per_minute: u32) -> Self {
        let per_minute = NonZero::new(per_minute).unwrap_or(NonZero::<u32>::MIN);
        Self {
            rate: RateLimiter::keyed(Quota::per_minute(per_minute)),
            clock: DefaultClock::default(),
            blocked: Mutex::default(),
            verifying: Semaphore::new(MAX_VERIFIED_AT_ONCE),
            noted: AtomicU32::new(0),
        }
    }

    /// Counts a request without a good credential.
    pub(super) fn note(&self, address: IpAddr) {
        let address = network(address);
        if self.noted.fetch_add(1, Ordering::Relaxed) % CLEANING_INTERVAL == CLEANING_INTERVAL - 1 {
            self.rate.retain_recent();
            let now = Instant::now();
            self.blocked().retain(|_, until| *until > now);
        }
        let Err(refused) = self.rate.check_key(&address) else { return };
        let until = Instant::now() + refused.wait_time_from(self.clock.now());
        let mut blocked = self.blocked();
        if blocked.len() >= MAX_ADDRESSES
            && let Some(any) = blocked.keys().next().copied()
        {
            blocked.remove(&any);
        }
        blocked.insert(address, until);
    }

    /// Whether the credentials of a request from this address are looked at.
    pub(super) fn admit(&self, address: IpAddr) -> Admission<'_> {
        let Some(wait) = self.wait(address) else { return Admission::Free };
        match self.verifying.try_acquire() {
            Ok(permit) => Admission::Blocked(wait, permit),
            Err(_) => Admission::Refused(wait),
        }
    }

    fn wait(&self, address: IpAddr) -> Option<Duration> {
        let until = *self.blocked().get(&network(address))?;
        until.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }

    fn blocked(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_after_too_many_failures() {
        let failures = Failures::new(3);
        let (attacker, other): (IpAddr, IpAddr) =
            ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..3 {
            failures.note(attacker);
            assert!(matches!(failures.admit(attacker), Admission::Free));
        }
        failures.note(attacker);
        let admissions: Vec<Admission<'_>> = (0..5).map(|_| failures.admit(attacker)).collect();
        let blocked =
            admissions.iter().filter(|admission| matches!(admission, Admission::Blocked(..))).count();
        assert!(
            blocked == 4
                && matches!(admissions[4], Admission::Refused(wait) if wait <= Duration::from_secs(20))
        );
        drop(admissions);
        assert!(matches!(failures.admit(attacker), Admission::Blocked(..)));
        assert!(matches!(failures.admit(other), Admission::Free));
    }

    #[test]
    fn an_ipv6_client_cannot_change_its_address() {
        let failures = Failures::new(1);
        for address in ["2001:db8:0:1::1", "2001:db8:0:1::2"] {
            failures.note(address.parse().unwrap());
        }
        let blocked = |address: &str| failures.wait(address.parse().unwrap()).is_some();
        assert!(blocked("2001:db8:0:1::3") && !blocked("2001:db8:0:2::3"));
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let failures = Failures::new(1);
        for number in 0..12_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            failures.note(address);
            failures.note(address);
        }
        assert_eq!(failures.blocked().len(), MAX_ADDRESSES);
    }
}
