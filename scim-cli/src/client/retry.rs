//! When a request is sent again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::RETRY_AFTER;
use http::{Method, StatusCode};

use super::message::{Answer, Unanswered};

/// How often a request is sent, and how long the pauses are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 6, first_pause: Duration::from_millis(250), longest_pause: Duration::from_secs(60) }
    }
}

impl Retry {
    /// The pause before the next attempt; `None` if this was the last one.
    pub(super) fn pause(
        &self,
        attempt: u32,
        method: &Method,
        answer: &Result<Answer, Unanswered>,
    ) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let pause = self.first_pause * 2u32.saturating_pow(attempt - 1);
        // A POST or PATCH that is not answered may have had an effect.
        let is_repeatable = matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE);
        let pause = match answer {
            Ok(answer) => match answer.status {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    retry_after(answer, Utc::now()).unwrap_or(pause)
                }
                StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT if is_repeatable => pause,
                _ => return None,
            },
            Err(unanswered) if unanswered.is_unsent || is_repeatable => pause,
            Err(_) => return None,
        };
        Some(jitter(pause.min(self.longest_pause)))
    }
}

/// The time in a `Retry-After` header: seconds, or a date (RFC 9110 section 10.2.3).
fn retry_after(answer: &Answer, now: DateTime<Utc>) -> Option<Duration> {
    let text = answer.headers.get(RETRY_AFTER)?.to_str().ok()?;
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

    fn answer(status: u16, retry_after: Option<&str>) -> Result<Answer, Unanswered> {
        let mut headers = http::HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        Ok(Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: Vec::new() })
    }

    #[test]
    fn a_request_is_repeated_only_if_it_may_be() {
        let retry = Retry::default();
        let pause = |attempt, method: Method, answer| {
            retry.pause(attempt, &method, &answer).map(|pause| pause.as_secs())
        };
        assert!(matches!(pause(1, Method::POST, answer(429, Some("4"))), Some(4..=5)));
        assert_eq!(
            pause(1, Method::POST, answer(429, Some("18446744073709551615"))).map(|seconds| seconds >= 60),
            Some(true)
        );
        assert_eq!(pause(3, Method::POST, answer(503, None)), Some(1));
        assert_eq!(pause(6, Method::GET, answer(503, None)), None);
        assert_eq!(pause(1, Method::GET, answer(500, None)), None);
        assert_eq!(pause(1, Method::GET, answer(502, None)), Some(0));
        assert_eq!(pause(1, Method::PATCH, answer(502, None)), None);
        let lost = |is_unsent| Err(Unanswered { cause: String::new(), is_unsent });
        assert_eq!(pause(1, Method::POST, lost(true)), Some(0));
        assert_eq!(pause(1, Method::POST, lost(false)), None);
        assert_eq!(pause(1, Method::DELETE, lost(false)), Some(0));
    }
}
