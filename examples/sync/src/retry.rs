//! How often a request is sent again, and when.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use reqwest::{Client, Request, Response};
use scim_core::with_causes;

/// How often a request is sent.
const ATTEMPTS: u32 = 8;
/// The pause after the first attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, also if the server asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// The largest answer in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// How requests are repeated. Tests have shorter pauses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: ATTEMPTS, first_pause: FIRST_PAUSE, longest_pause: LONGEST_PAUSE }
    }
}

impl Retry {
    /// Reads from the environment how long pauses are, for tests.
    pub(crate) fn from_environment() -> Self {
        let milliseconds = std::env::var("SYNC_LONGEST_PAUSE_MS").ok().and_then(|text| text.parse().ok());
        match milliseconds.map(Duration::from_millis) {
            Some(longest) => Self { attempts: 30, first_pause: longest / 8, longest_pause: longest },
            None => Self::default(),
        }
    }

    /// Sends a request, and again after 429 and 503, and if it may be repeated, after other faults of the server and of the
    /// connection. Reads the whole answer.
    ///
    /// # Errors
    ///
    /// If the last attempt failed, or its answer is too large.
    pub(crate) async fn send(
        self,
        client: &Client,
        request: Request,
        is_repeatable: bool,
    ) -> Result<Answer, String> {
        let mut pause = self.first_pause;
        for attempt in 1.. {
            // Every body is in memory, so every request can be cloned.
            let copy = request.try_clone().ok_or("the request cannot be repeated")?;
            let answer = Answer::read(client.execute(copy).await).await;
            let wait = match &answer {
                Ok(answer) => match answer.status {
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                        Some(answer.retry_after().unwrap_or(pause))
                    }
                    status if status.is_server_error() && is_repeatable => Some(pause),
                    _ => None,
                },
                Err(Unanswered { is_unsent, .. }) if is_repeatable || *is_unsent => Some(pause),
                Err(_) => None,
            };
            match wait {
                Some(wait) if attempt < self.attempts => {
                    tokio::time::sleep(jitter(wait.min(self.longest_pause))).await;
                    pause = (pause * 2).min(self.longest_pause);
                }
                _ => return answer.map_err(|unanswered| unanswered.cause),
            }
        }
        Err("no request was sent".to_owned())
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A request without an answer.
struct Unanswered {
    cause: String,
    /// Whether no connection was made.
    is_unsent: bool,
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        // URLs of Graph have long tokens.
        let error = error.without_url();
        Self { is_unsent: error.is_connect(), cause: with_causes(&error) }
    }
}

impl Answer {
    async fn read(response: reqwest::Result<Response>) -> Result<Self, Unanswered> {
        let mut response = response?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                let cause = format!("the answer is larger than {MAX_ANSWER} bytes");
                return Err(Unanswered { cause, is_unsent: false });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, headers, body })
    }

    fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, Utc::now())
    }
}

/// The time in a `Retry-After` header: seconds, or a date (RFC 9110 section 10.2.3).
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    Some((date - now).to_std().unwrap_or_default())
}

/// Up to a quarter more, so that many clients do not come back at the same time.
fn jitter(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without random numbers, there is no jitter.
    let _ = getrandom::fill(&mut byte);
    pause + pause.mul_f64(f64::from(byte[0]) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::from_timestamp(784_111_770, 0).unwrap();
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn jitter_is_up_to_a_quarter() {
        for _ in 0..100 {
            let pause = jitter(Duration::from_secs(4));
            assert!((Duration::from_secs(4)..=Duration::from_secs(5)).contains(&pause));
        }
    }
}
