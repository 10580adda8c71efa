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
    fraction_tail: Box<str>,
}

impl Instant {
    /// Reads an `xsd:dateTime`: date and time, any fraction, any offset; without one it is UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (year, rest) = split_digits(digits);
        if year.len() < 4 || year.len() > 4 && year.starts_with('0') {
            return None;
        }
        let year: i32 = year.parse().ok()?;
        let year = if digits.len() < text.len() { -year } else { year };

        let &[b'-', mo, mo1, b'-', d, d1, b'T', h, h1, b':', mi, mi1, b':', s, s1, ..] = rest.as_bytes()
        else {
            return None;
        };
        let (hour, minute, second) = (two_digits(h, h1)?, two_digits(mi, mi1)?, two_digits(s, s1)?);
        let days = NaiveDate::from_ymd_opt(year, two_digits(mo, mo1)?, two_digits(d, d1)?)?
            .signed_duration_since(NaiveDate::default())
            .num_days();

        let (nanos, fraction_tail, zone) = match rest.get(15..)?.strip_prefix('.') {
            None => (0, "", rest.get(15..)?),
            Some(fraction) => split_fraction(fraction)?,
        };
        let offset = match *zone.as_bytes() {
            [] | [b'Z'] => 0,
            [b'+', h, h1, b':', m, m1] => offset(two_digits(h, h1)?, two_digits(m, m1)?)?,
            [b'-', h, h1, b':', m, m1] => -offset(two_digits(h, h1)?, two_digits(m, m1)?)?,
            _ => return None,
        };
        // Midnight may be written as the end of the day before.
        let end_of_day = hour == 24 && minute == 0 && second == 0 && nanos == 0 && fraction_tail.is_empty();
        if !(hour < 24 || end_of_day) || minute > 59 || second > 59 {
            return None;
        }
        let seconds_of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        Some(Self {
            seconds: days * 86_400 + seconds_of_day - offset,
            nanos,
            fraction_tail: fraction_tail.into(),
        })
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after the second; finer fractions count in comparisons only.
    pub fn nanoseconds(&self) -> u32 {
        self.nanos
    }

    /// A text that is the same for the same instant.
    pub(crate) fn equality_key(&self) -> String {
        format!("{}.{:09}{}", self.seconds, self.nanos, self.fraction_tail)
    }
}

/// The digits that come first, and what follows them.
fn split_digits(text: &str) -> (&str, &str) {
    let length = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(length).unwrap_or_default()
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    let are_digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    are_digits.then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

/// The seconds of an offset.
fn offset(hours: u32, minutes: u32) -> Option<i64> {
    (hours <= 14 && minutes <= 59).then(|| i64::from(hours * 3600 + minutes * 60))
}

/// Nanoseconds, the digits beyond them, and what follows.
fn split_fraction(text: &str) -> Option<(u32, &str, &str)> {
    let (fraction, rest) = split_digits(text);
    if fraction.is_empty() {
        return None;
    }
    let (head, fraction_tail) = fraction.split_at_checked(9).unwrap_or((fraction, ""));
    let nanos =
        head.bytes().chain(std::iter::repeat(b'0')).take(9).fold(0, |n, b| n * 10 + u32::from(b - b'0'));
    Some((nanos, fraction_tail.trim_end_matches('0'), rest))
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
        assert!(
            Instant::parse("2020-01-01T00:00:00.1234567891Z")
                < Instant::parse("2020-01-01T00:00:00.12345678911Z")
        );
        assert_eq!(Instant::parse("1969-12-31T23:59:59Z").unwrap().seconds(), -1);
    }

    #[test]
    fn refuses_what_is_no_date_and_time() {
        for text in [
            "",
            "T",
            "2020-01-01",
            "2020-02-30T00:00:00Z",
            "2020-01-01T25:00:00Z",
            "2020-01-01T24:00:01Z",
            "2020-01-01T00:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00+1:00",
            "2020-1-1T00:00:00Z",
            "2020-01-01 00:00:00Z",
            "2020-01-01T00:00:00+15:00",
            "20-01-01T00:00:00Z",
            "02020-01-01T00:00:00Z",
            "999999999-01-01T00:00:00Z",
            "2020-01-01T00:00:61Z",
            "2020-01-01T00:00:00ZZ",
            "+2020-01-01T00:00:00Z",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
