//! Cursors: positions that clients can send back but neither read nor change (RFC 9865).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use scim_schema::ScimType;
use sha2::Sha256;

use crate::{Error, Position, Result, Window};

/// Seals positions into cursors and opens them again.
pub(crate) struct Sealer {
    key: Vec<u8>,
    /// How long a cursor is valid.
    pub(crate) timeout: Duration,
}

/// The content of a cursor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cursor {
    /// The index of the query in which the page begins; 0 if the request is for one resource type.
    pub(crate) query: usize,
    /// Where the page begins in the resources of that query; never [`Window::Start`].
    pub(crate) window: Window,
    /// The page size, which stays the same from page to page.
    pub(crate) count: usize,
}

/// The length of the MAC, which comes first.
const MAC_LENGTH: usize = 32;

impl Sealer {
    pub(crate) fn new(key: Vec<u8>, timeout: Duration) -> Self {
        Self { key, timeout }
    }

    fn mac(&self, body: &[u8], binding: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(&(body.len() as u64).to_be_bytes());
        mac.update(body);
        mac.update(binding.as_bytes());
        Some(mac)
    }

    /// Makes a cursor of unreserved characters. It is valid only together with the same `binding`, which
    /// contains the query, the tenant and the caller.
    pub(crate) fn seal(&self, cursor: &Cursor, binding: &str, now: DateTime<Utc>) -> Option<String> {
        let timeout = i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX);
        let expires = now.timestamp_millis().saturating_add(timeout);
        let mut body = Vec::new();
        body.extend(expires.to_be_bytes());
        body.extend((cursor.count as u64).to_be_bytes());
        body.extend((cursor.query as u64).to_be_bytes());
        let (kind, position) = match &cursor.window {
            Window::Start(_) | Window::First => (0, None),
            Window::After(position) => (1, Some(position)),
            Window::Before(position) => (2, Some(position)),
        };
        body.push(kind);
        body.extend(position.iter().flat_map(|position| &position.0));
        let mut sealed = self.mac(&body, binding)?.finalize().into_bytes().to_vec();
        sealed.extend(body);
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a cursor that was sealed for the same binding.
    ///
    /// # Errors
    ///
    /// `invalidCursor` for any other text, `expiredCursor` after the timeout.
    pub(crate) fn open(&self, text: &str, binding: &str, now: DateTime<Utc>) -> Result<Cursor> {
        let invalid = || {
            Error::from_scim_type(
                ScimType::InvalidCursor,
                "the cursor does not belong to this query; request the first page again",
            )
        };
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let (mac, body) = sealed.split_at_checked(MAC_LENGTH).ok_or_else(invalid)?;
        self.mac(body, binding).ok_or_else(invalid)?.verify_slice(mac).map_err(|_| invalid())?;
        let (expires, cursor) = read(body).ok_or_else(invalid)?;
        if expires <= now.timestamp_millis() {
            return Err(Error::from_scim_type(
                ScimType::ExpiredCursor,
                "the cursor has expired; request the first page again",
            ));
        }
        Ok(cursor)
    }
}

fn read(body: &[u8]) -> Option<(i64, Cursor)> {
    let (expires, rest) = body.split_first_chunk::<8>()?;
    let (count, rest) = rest.split_first_chunk::<8>()?;
    let (query, rest) = rest.split_first_chunk::<8>()?;
    let (kind, rest) = rest.split_first()?;
    let window = match kind {
        0 => Window::First,
        1 => Window::After(Position(rest.to_vec())),
        2 => Window::Before(Position(rest.to_vec())),
        _ => return None,
    };
    let cursor = Cursor {
        query: usize::try_from(u64::from_be_bytes(*query)).ok()?,
        window,
        count: usize::try_from(u64::from_be_bytes(*count)).ok()?,
    };
    Some((i64::from_be_bytes(*expires), cursor))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn cursor() -> Cursor {
        Cursor { query: 1, window: Window::After(Position(b"here".to_vec())), count: 20 }
    }

    #[test]
    fn opens_only_what_was_sealed_for_the_same_binding() {
        let sealer = Sealer::new(b"key".to_vec(), HOUR);
        let now = Utc::now();
        let text = sealer.seal(&cursor(), "query", now).unwrap();
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
        assert_eq!(sealer.open(&text, "query", now).unwrap(), cursor());
        let other_key = Sealer::new(b"other".to_vec(), HOUR);
        for (sealer, text, binding) in [
            (&sealer, text.as_str(), "other"),
            (&other_key, &text, "query"),
            (&sealer, "", "query"),
            (&sealer, "AAAA", "query"),
        ] {
            let error = sealer.open(text, binding, now).unwrap_err();
            assert_eq!(error.scim_type(), Some(ScimType::InvalidCursor));
        }
        let late = now + TimeDelta::minutes(60);
        assert_eq!(sealer.open(&text, "query", late).unwrap_err().scim_type(), Some(ScimType::ExpiredCursor));
    }

    #[test]
    fn a_timeout_beyond_all_time_never_ends() {
        let sealer = Sealer::new(b"key".to_vec(), Duration::MAX);
        let now = Utc::now();
        let text = sealer.seal(&cursor(), "query", now).unwrap();
        assert!(sealer.open(&text, "query", now + TimeDelta::weeks(5_000)).is_ok());
    }

    #[test]
    fn a_change_of_any_character_is_noticed() {
        let sealer = Sealer::new(b"key".to_vec(), HOUR);
        let now = Utc::now();
        let text = sealer.seal(&cursor(), "query", now).unwrap();
        for position in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character holds bits that no byte uses; only the canonical form is one.
            assert!(sealer.open(&changed, "query", now).is_err(), "{position}");
        }
    }
}
