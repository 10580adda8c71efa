//! How much clients may send.

use std::net::IpAddr;
use std::num::NonZero;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use tokio::sync::Semaphore;

use super::failures::Failures;
use crate::LimitSettings;

/// The limits of a host.
pub(super) struct Limits {
    /// The requests of each tenant.
    tenants: DefaultKeyedRateLimiter<String>,
    /// Requests without a good credential.
    pub(super) failures: Failures,
    /// The requests that may run at once.
    pub(super) running: Semaphore,
    allowed_networks: Option<Vec<ipnet::IpNet>>,
    clock: DefaultClock,
}

impl Limits {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        let rate = NonZero::new(settings.rate).unwrap_or(NonZero::<u32>::MIN);
        Self {
            tenants: RateLimiter::keyed(Quota::per_second(rate)),
            failures: Failures::new(settings.failures),
            running: Semaphore::new(settings.max_requests),
            allowed_networks: settings.allowed_networks.clone(),
            clock: DefaultClock::default(),
        }
    }

    /// Whether clients of this address may send requests.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let Some(networks) = &self.allowed_networks else { return true };
        networks.iter().any(|network| network.contains(&address))
    }

    /// Counts a request of a tenant. If it has sent too many, returns the time after which it may send the next one.
    pub(super) fn exceeds_rate(&self, tenant: Option<&str>) -> Option<Duration> {
        let refused = self.tenants.check_key(&tenant.unwrap_or_default().to_owned()).err()?;
        Some(refused.wait_time_from(self.clock.now()))
    }
}

/// A time for `Retry-After`.
pub(super) fn whole_seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

/// The answer of the token endpoint to an address that has sent too many wrong credentials.
pub(super) fn too_many_failures(wait: Duration) -> Response<Vec<u8>> {
    let description = "too many requests without a good credential came from this address";
    oauth_error(StatusCode::TOO_MANY_REQUESTS, description, whole_seconds(wait))
}

/// The answer of the OAuth endpoints if too many requests run.
pub(super) fn unavailable() -> Response<Vec<u8>> {
    oauth_error(StatusCode::SERVICE_UNAVAILABLE, "too many requests are running; try again later", 1)
}

fn oauth_error(status: StatusCode, description: &str, retry_after: u32) -> Response<Vec<u8>> {
    let body = format!(r#"{{"error":"temporarily_unavailable","error_description":"{description}"}}"#);
    let mut response = Response::new(body.into_bytes());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(RETRY_AFTER, HeaderValue::from(retry_after));
    response
}
