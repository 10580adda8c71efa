//! Points in time as `xsd:dateTime` writes them (RFC 7643 section 2.3.5).

use chrono::NaiveDate;

/// A point in time, to any fraction of a second.
///
/// ```
/// use scim_schema::Instant;
///
/// let instant = Instant::parse("2020-01-01T00:00:00Z").unwrap();
/// assert_eq!(instant, Instant::parse("2020-01-01T01:00:00.000+01:00").unwrap());
/// assert!(instant < Instant::parse("2020-01-01T00:00:00.00000000001").unwrap());
/// assert!(Instant::parse("2020-01-01").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Seconds since 1970-01-01T00:00:00Z.
    seconds: i64,
    nanos: u32,
    /// Digits after the ninth of the fraction, without trailing zeros: digit strings order like fractions.
    beyond: Box<str>,
}

impl Instant {
    /// Reads an `xsd:dateTime`: date and time, any fraction, any offset; without one it is UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (date, time) = text.split_once('T')?;
        let mut date = date.splitn(3, '-');
        let year = date.next().filter(|y| y.len() >= 4 && (y.len() == 4 || !y.starts_with('0')))?;
        let year = i32::try_from(digits(year)?).ok()?;
        let (month, day) = (two(date.next()?)?, two(date.next()?)?);
        let days = NaiveDate::from_ymd_opt(if negative { year.checked_neg()? } else { year }, month, day)?
            .signed_duration_since(NaiveDate::default())
            .num_days();

        let (clock, offset) = split_offset(time)?;
        let (clock, fraction) = match clock.split_once('.') {
            Some((clock, fraction)) => (clock, Some(fraction)),
            None => (clock, None),
        };
        let mut clock = clock.splitn(3, ':');
        let (hour, minute, second) = (two(clock.next()?)?, two(clock.next()?)?, two(clock.next()?)?);
        let (nanos, beyond) = match fraction {
            None => (0, ""),
            Some(digits) => split_fraction(digits)?,
        };
        // Midnight may be written as the end of the day before.
        let end_of_day = hour == 24 && minute == 0 && second == 0 && nanos == 0 && beyond.is_empty();
        if !(hour < 24 || end_of_day) || minute > 59 || second > 59 {
            return None;
        }
        let of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        Some(Self { seconds: days * 86_400 + of_day - offset, nanos, beyond: beyond.into() })
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after the second; finer fractions count in comparisons only.
    pub fn nanoseconds(&self) -> u32 {
        self.nanos
    }
}

fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn two(text: &str) -> Option<u32> {
    (text.len() == 2).then(|| digits(text))?.and_then(|n| u32::try_from(n).ok())
}

/// The clock, and the seconds that its offset is ahead of UTC.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (clock, offset) = time.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 14 && minutes <= 59).then(|| (clock, sign * i64::from(hours * 3600 + minutes * 60)))
}

/// Nanoseconds, and the digits beyond them.
fn split_fraction(text: &str) -> Option<(u32, &str)> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let text = text.trim_end_matches('0');
    let (head, beyond) = text.split_at_checked(9).unwrap_or((text, ""));
    let nanos = head.bytes().chain(std::iter::repeat(b'0')).take(9).fold(0, |n, b| n * 10 + u32::from(b - b'0'));
    Some((nanos, beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_fractions_do_not_change_the_instant() {
        for (a, b) in [
            ("2015-10-10T14:38:21.8617979-07:00", "2015-10-10T21:38:21.861797900Z"),
            ("2020-12-31T24:00:00Z", "2021-01-01T00:00:00"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000+00:00"),
        ] {
            assert_eq!(Instant::parse(a).unwrap(), Instant::parse(b).unwrap(), "{a}");
        }
        assert!(Instant::parse("0001-01-03T00:00:00Z") < Instant::parse("9999-01-01T00:00:00Z"));
        assert!(Instant::parse("2020-01-01T00:00:00.1234567891Z") < Instant::parse("2020-01-01T00:00:00.12345678911Z"));
        assert_eq!(Instant::parse("1969-12-31T23:59:59Z").unwrap().seconds(), -1);
    }

    #[test]
    fn refuses_what_is_no_date_and_time() {
        for text in [
            "", "T", "2020-01-01", "2020-02-30T00:00:00Z", "2020-01-01T25:00:00Z", "2020-01-01T24:00:01Z",
            "2020-01-01T00:00Z", "2020-01-01T00:00:00.Z", "2020-01-01T00:00:00+1:00", "2020-1-1T00:00:00Z",
            "2020-01-01 00:00:00Z", "2020-01-01T00:00:00+15:00", "20-01-01T00:00:00Z", "02020-01-01T00:00:00Z",
            "999999999-01-01T00:00:00Z", "2020-01-01T00:00:61Z", "2020-01-01T00:00:00ZZ", "+2020-01-01T00:00:00Z",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
