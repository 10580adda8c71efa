//! The claims of a JWT (RFC 7519 section 4).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::InvalidJwt;

/// The claims of a JWT, whose names are case-sensitive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    pub(crate) fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// A claim that is a text; `None` if it is missing or of another type.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A claim that must be a text.
    pub(crate) fn required_text(&self, name: &str) -> Result<&str, InvalidJwt> {
        self.text(name).ok_or_else(|| InvalidJwt::Claim(name.to_owned()))
    }

    /// The audiences: one text, or a list of them (RFC 7519 section 4.1.3).
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The only audience; `None` if there are several.
    pub(crate) fn single_audience(&self) -> Option<&str> {
        match self.0.get("aud")? {
            Value::String(audience) => Some(audience),
            Value::Array(audiences) => match audiences.as_slice() {
                [Value::String(audience)] => Some(audience),
                _ => None,
            },
            _ => None,
        }
    }

    /// A claim that is a time (RFC 7519 section 2, NumericDate); `None` if it is missing.
    pub(crate) fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, InvalidJwt> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second does not count")]
        let seconds = value.as_i64().or_else(|| {
            // Whatever is not exact as a floating-point number is millions of years away.
            value.as_f64().filter(|seconds| seconds.abs() < 1e15).map(|seconds| seconds as i64)
        });
        let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        time.map(Some).ok_or_else(|| InvalidJwt::Claim(name.to_owned()))
    }

    /// Checks `exp`, which is required, and `nbf`, with a tolerance for clocks that differ. Returns the time after which the
    /// token is not accepted.
    pub(crate) fn check_times(
        &self,
        now: DateTime<Utc>,
        leeway: TimeDelta,
    ) -> Result<DateTime<Utc>, InvalidJwt> {
        let expires = self.time("exp")?.ok_or_else(|| InvalidJwt::Claim("exp".to_owned()))?;
        let accepted_until = expires.checked_add_signed(leeway).unwrap_or(expires);
        if accepted_until <= now {
            return Err(InvalidJwt::Expired);
        }
        match self.time("nbf")? {
            Some(not_before) if not_before.checked_sub_signed(leeway).unwrap_or(not_before) > now => {
                Err(InvalidJwt::NotYetValid)
            }
            _ => Ok(accepted_until),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        Claims(value.as_object().unwrap().clone())
    }

    #[test]
    fn times_are_checked_with_leeway() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let check = |value: Value| claims(value).check_times(now, TimeDelta::seconds(60));
        for (value, expected) in [
            (json!({ "exp": 1_000_001 }), Ok(1_000_061)),
            (json!({ "exp": 999_941 }), Ok(1_000_001)),
            (json!({ "exp": 1_000_100.9 }), Ok(1_000_160)),
            (json!({ "exp": 1_000_001, "nbf": 1_000_060 }), Ok(1_000_061)),
            (json!({ "exp": 999_940 }), Err(InvalidJwt::Expired)),
            (json!({ "exp": -5 }), Err(InvalidJwt::Expired)),
            (json!({ "exp": 1_000_001, "nbf": 1_000_061 }), Err(InvalidJwt::NotYetValid)),
            (json!({}), Err(InvalidJwt::Claim("exp".to_owned()))),
            (json!({ "exp": "1000001" }), Err(InvalidJwt::Claim("exp".to_owned()))),
            (json!({ "exp": null }), Err(InvalidJwt::Claim("exp".to_owned()))),
            (json!({ "exp": i64::MAX }), Err(InvalidJwt::Claim("exp".to_owned()))),
            (json!({ "exp": 1e300 }), Err(InvalidJwt::Claim("exp".to_owned()))),
            (json!({ "exp": 1_000_001, "nbf": "now" }), Err(InvalidJwt::Claim("nbf".to_owned()))),
        ] {
            let expected = expected.map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap());
            assert_eq!(check(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn an_audience_is_single_if_there_is_one() {
        for (value, all, single) in [
            (json!({ "aud": "a" }), vec!["a"], Some("a")),
            (json!({ "aud": ["a"] }), vec!["a"], Some("a")),
            (json!({ "aud": ["a", "b"] }), vec!["a", "b"], None),
            (json!({ "aud": ["a", 1] }), vec!["a"], None),
            (json!({ "aud": [] }), vec![], None),
            (json!({}), vec![], None),
        ] {
            let claims = claims(value);
            assert_eq!((claims.audiences(), claims.single_audience()), (all, single));
        }
    }
}
