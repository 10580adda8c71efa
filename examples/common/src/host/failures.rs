//! Requests without a good credential: each address may send some in a minute. After that its requests are refused before
//! anybody looks at their credentials, unless these were good before: their owner may share the address with an attacker.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use scim_auth::Auth;
use sha2::{Digest, Sha256};

use super::address::network;

/// After this many addresses, those that may send again are forgotten.
const MAX_ADDRESSES: usize = 10_000;
/// The largest number of good requests to the token endpoint that are known.
const MAX_GOOD: usize = 10_000;

/// A request to the token endpoint, by the SHA-256 of its credentials.
type Fingerprint = [u8; 32];

pub(super) struct Failures {
    rate: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    /// Until when the requests of an address are refused.
    blocked: Mutex<HashMap<IpAddr, Instant>>,
    /// Requests to the token endpoint that were good.
    good: Mutex<HashSet<Fingerprint>>,
}

impl Failures {
    pub(super) fn new(per_minute: u32) -> Self {
        let per_minute = NonZero::new(per_minute).unwrap_or(NonZero::<u32>::MIN);
        Self {
            rate: RateLimiter::keyed(Quota::per_minute(per_minute)),
            clock: DefaultClock::default(),
            blocked: Mutex::default(),
            good: Mutex::default(),
        }
    }

    /// Counts a request without a good credential.
    pub(super) fn note(&self, address: IpAddr) {
        let address = network(address);
        let Err(refused) = self.rate.check_key(&address) else { return };
        let until = Instant::now() + refused.wait_time_from(self.clock.now());
        let mut blocked = self.blocked();
        if blocked.len() >= MAX_ADDRESSES {
            let now = Instant::now();
            blocked.retain(|_, until| *until > now);
            self.rate.retain_recent();
        }
        if blocked.len() < MAX_ADDRESSES {
            blocked.insert(address, until);
        }
    }

    /// The time for which a request to the SCIM service is refused.
    pub(super) fn blocks_token(&self, address: IpAddr, auth: &Auth, headers: &HeaderMap) -> Option<Duration> {
        self.wait(address).filter(|_| !auth.was_accepted(headers))
    }

    /// The time for which a request to the token endpoint is refused.
    pub(super) fn blocks_credentials(
        &self,
        address: IpAddr,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<Duration> {
        self.wait(address).filter(|_| !self.good().contains(&fingerprint(headers, body)))
    }

    /// Notes the outcome of a request to the token endpoint.
    pub(super) fn note_credentials(
        &self,
        address: IpAddr,
        headers: &HeaderMap,
        body: &[u8],
        status: StatusCode,
    ) {
        if status == StatusCode::UNAUTHORIZED {
            self.note(address);
            self.good().remove(&fingerprint(headers, body));
        } else if status.is_success() && !body.is_empty() {
            let mut good = self.good();
            if good.len() < MAX_GOOD {
                good.insert(fingerprint(headers, body));
            }
        }
    }

    fn wait(&self, address: IpAddr) -> Option<Duration> {
        let until = *self.blocked().get(&network(address))?;
        until.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }

    fn blocked(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn good(&self) -> MutexGuard<'_, HashSet<Fingerprint>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fingerprint(headers: &HeaderMap, body: &[u8]) -> Fingerprint {
    let mut hash = Sha256::new();
    for value in headers.get_all(AUTHORIZATION) {
        hash.update(value.as_bytes());
        hash.update([0]);
    }
    hash.update(body);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_after_too_many_failures_unless_its_credentials_were_good() {
        let failures = Failures::new(3);
        let (attacker, other): (IpAddr, IpAddr) =
            ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let headers = HeaderMap::new();
        failures.note_credentials(attacker, &headers, b"client_secret=good", StatusCode::OK);
        for _ in 0..3 {
            failures.note_credentials(attacker, &headers, b"client_secret=guessed", StatusCode::UNAUTHORIZED);
            assert!(failures.blocks_credentials(attacker, &headers, b"client_secret=next").is_none());
        }
        failures.note(attacker);
        let wait = failures.blocks_credentials(attacker, &headers, b"client_secret=next").unwrap();
        assert!(wait <= Duration::from_secs(20), "{wait:?}");
        assert!(failures.blocks_credentials(attacker, &headers, b"client_secret=good").is_none());
        assert!(failures.blocks_credentials(other, &headers, b"client_secret=next").is_none());
        // A secret that was good and is not any more is as bad as any other.
        failures.note_credentials(attacker, &headers, b"client_secret=good", StatusCode::UNAUTHORIZED);
        assert!(failures.blocks_credentials(attacker, &headers, b"client_secret=good").is_some());
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
}
