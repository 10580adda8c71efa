//! When a request is sent again.

use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};

use crate::Unanswered;

/// The largest answer in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// A pause. It says in the end whether the request is sent again.
pub(crate) type PauseFuture = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Makes a pause of this length, or a shorter one.
pub(crate) type Pause = dyn Fn(Duration) -> PauseFuture + Send + Sync;

/// A pause that nothing ends before its time.
pub(crate) fn sleep(time: Duration) -> PauseFuture {
    Box::pin(async move {
        tokio::time::sleep(time).await;
        true
    })
}

/// How often a request is sent, and how long the pauses are. By default, 8 times, with pauses from a quarter of a second to two
/// minutes.
///
/// A pause is as long as `Retry-After` says, else twice as long as the one before; up to a quarter is added, so that many clients
/// do not come back at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 8, first_pause: Duration::from_millis(250), longest_pause: Duration::from_secs(120) }
    }
}

impl Retry {
    /// Sends a request this often.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Waits this long after the first attempt, if the answer says nothing else.
    #[must_use]
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// Never waits longer, whatever the answer says.
    #[must_use]
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// Sends a request with a client of reqwest, and again after 429, or if no connection was made. If it may be repeated, also
    /// after 503 and other faults of the server and of the connection. Reads the whole response.
    ///
    /// A request that may not be repeated is not sent again after 503, not even with `Retry-After`: the server or a proxy before
    /// it may have executed it all the same (RFC 9110 sections 9.2.2 and 15.6.4). Look first whether it had an effect.
    ///
    /// # Errors
    ///
    /// If the last attempt has no response, or its response is larger than 64 MiB.
    pub async fn send(
        &self,
        client: &reqwest::Client,
        request: reqwest::Request,
        is_repeatable: bool,
    ) -> Result<Response<Vec<u8>>, Unanswered> {
        self.send_with_pauses(client, request, is_repeatable, &sleep).await
    }

    /// The same, with these pauses.
    pub(crate) async fn send_with_pauses(
        &self,
        client: &reqwest::Client,
        request: reqwest::Request,
        is_repeatable: bool,
        pause: &Pause,
    ) -> Result<Response<Vec<u8>>, Unanswered> {
        let mut attempt = 1;
        loop {
            // A body that is a stream cannot be sent twice.
            let Some(copy) = request.try_clone() else { return read(client.execute(request).await).await };
            let result = read(client.execute(copy).await).await;
            match self.pause(attempt, is_repeatable, &result) {
                Some(time) if pause(time).await => attempt += 1,
                _ => return result,
            }
        }
    }

    /// The pause before the next attempt; `None` if this was the last one.
    fn pause(
        &self,
        attempt: u32,
        is_repeatable: bool,
        result: &Result<Response<Vec<u8>>, Unanswered>,
    ) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let pause = self.first_pause.saturating_mul(2u32.saturating_pow(attempt - 1));
        let pause = match result {
            Ok(response) => match response.status() {
                status
                    if status == StatusCode::TOO_MANY_REQUESTS
                        || status.is_server_error() && is_repeatable =>
                {
                    retry_after(response.headers(), Utc::now()).unwrap_or(pause)
                }
                _ => return None,
            },
            Err(unanswered) if is_repeatable || unanswered.is_unsent() => pause,
            Err(_) => return None,
        };
        Some(jitter(pause.min(self.longest_pause)))
    }
}

async fn read(response: reqwest::Result<reqwest::Response>) -> Result<Response<Vec<u8>>, Unanswered> {
    let mut response = response?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Unanswered::too_large(MAX_ANSWER));
        }
        body.extend_from_slice(&chunk);
    }
    let mut read = Response::new(body);
    *read.status_mut() = response.status();
    *read.headers_mut() = std::mem::take(response.headers_mut());
    Ok(read)
}

/// The time in a `Retry-After` header: seconds, or a date (RFC 9110 section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    Some((date - now).to_std().unwrap_or_default())
}

/// Up to a quarter more.
fn jitter(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without random numbers, there is no jitter.
    let _ = getrandom::fill(&mut byte);
    // `mul_f64` would panic if the product were too large.
    pause.saturating_add((pause / 1024).saturating_mul(u32::from(byte[0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, retry_after: Option<&str>) -> Response<Vec<u8>> {
        let mut response = Response::builder().status(status).body(Vec::new()).unwrap();
        if let Some(value) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, value.parse().unwrap());
        }
        response
    }

    #[test]
    fn a_request_is_repeated_only_if_it_may_be() {
        let seconds = |attempt, is_repeatable, status, header| {
            let pause = Retry::default().pause(attempt, is_repeatable, &Ok(response(status, header)));
            pause.map(|pause| pause.as_secs())
        };
        assert!(matches!(seconds(1, false, 429, Some("4")), Some(4..=5)));
        assert!(matches!(seconds(1, false, 429, Some("18446744073709551615")), Some(120..=150)));
        assert_eq!(seconds(3, false, 429, None), Some(1));
        assert_eq!(seconds(3, true, 503, None), Some(1));
        assert!(matches!(seconds(1, true, 503, Some("4")), Some(4..=5)));
        assert_eq!(seconds(1, false, 503, Some("4")), None, "it may have had an effect");
        assert_eq!(seconds(8, true, 503, None), None);
        assert_eq!(seconds(1, true, 500, None), Some(0));
        assert_eq!(seconds(1, false, 500, None), None);
        assert_eq!(seconds(1, true, 404, None), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::from_timestamp(784_111_770, 0).unwrap();
        let seconds =
            |text| retry_after(response(503, Some(text)).headers(), now).map(|pause| pause.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn jitter_is_up_to_a_quarter() {
        for _ in 0..100 {
            let pause = jitter(Duration::from_secs(4));
            assert!((Duration::from_secs(4)..=Duration::from_secs(5)).contains(&pause));
        }
        assert_eq!(jitter(Duration::MAX), Duration::MAX);
    }
}
