//! Values that are bound, and operands in the form in which a column holds them.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use scim_schema::{Comparison, Instant, Operand};
use serde_json::{Number, Value};

use crate::Kind;

/// The value of a parameter, for the driver.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Bind {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A truth value.
    Boolean(bool),
}

/// Where an operand lies among the values that a column can hold.
#[derive(Debug, PartialEq)]
pub(crate) enum Bound {
    /// The column can hold it.
    At(Bind),
    /// It lies above this value and below the next that the column can hold.
    Above(Bind),
    /// It lies below all of them.
    Below,
}

/// Where an operand lies among the values of a column; `None` if no column of that kind is compared
/// with such an operand.
pub(crate) fn bound(kind: Kind, operand: &Operand) -> Option<Bound> {
    Some(match (kind, operand) {
        (Kind::Text, Operand::Text(text)) => text_bound(text.folded()),
        (Kind::Boolean, Operand::Boolean(flag)) => Bound::At(Bind::Boolean(*flag)),
        (Kind::Integer, Operand::Number(number)) => number_bound(number)?,
        (Kind::Real, Operand::Number(number)) => Bound::At(Bind::Real(number.as_f64()?)),
        (Kind::Unix { per_second }, Operand::Instant(instant, text)) => unix_bound(per_second, instant, text),
        (Kind::Timestamp, Operand::Instant(instant, text)) => timestamp_bound(instant, text),
        (Kind::Key, operand) => text_bound(&key_of(operand)?),
        _ => return None,
    })
}

/// No column holds U+0000, which PostgreSQL cannot store.
fn text_bound(text: &str) -> Bound {
    match text.split_once('\0') {
        None => Bound::At(Bind::Text(text.to_owned())),
        Some((before, _)) => Bound::Above(Bind::Text(before.to_owned())),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float that is cast is in range")]
fn number_bound(number: &Number) -> Option<Bound> {
    if let Some(whole) = number.as_i64() {
        return Some(Bound::At(Bind::Integer(whole)));
    }
    // Powers of two, so exact.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let float = number.as_f64()?;
    Some(match float.floor() {
        floor if floor < -END => Bound::Below,
        floor if floor >= END => Bound::Above(Bind::Integer(i64::MAX)),
        floor if floor < float => Bound::Above(Bind::Integer(floor as i64)),
        floor => Bound::At(Bind::Integer(floor as i64)),
    })
}

fn unix_bound(per_second: u32, instant: &Instant, text: &str) -> Bound {
    let parts = i128::from(instant.nanoseconds()) * i128::from(per_second);
    let whole = i128::from(instant.seconds()) * i128::from(per_second) + parts / 1_000_000_000;
    let exact = parts % 1_000_000_000 == 0 && digits_after_nine(text).is_empty();
    match i64::try_from(whole) {
        Ok(whole) if exact => Bound::At(Bind::Integer(whole)),
        Ok(whole) => Bound::Above(Bind::Integer(whole)),
        Err(_) if whole < 0 => Bound::Below,
        Err(_) => Bound::Above(Bind::Integer(i64::MAX)),
    }
}

/// The digits of a fraction of a second after the ninth, without zeros at the end.
fn digits_after_nine(text: &str) -> &str {
    let Some((_, fraction)) = text.split_once('.') else { return "" };
    let end = fraction.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(fraction.len());
    fraction.get(9..end).unwrap_or_default().trim_end_matches('0')
}

/// The first day that PostgreSQL can store: 24 November 4714 BC. Its last day lies after chrono's.
const EARLIEST: Option<NaiveDate> = NaiveDate::from_ymd_opt(-4713, 11, 24);

fn timestamp_bound(instant: &Instant, text: &str) -> Bound {
    let (micros, is_exact) = match unix_bound(1_000_000, instant, text) {
        Bound::At(Bind::Integer(micros)) => (micros, true),
        Bound::Above(Bind::Integer(micros)) => (micros, false),
        _ => return Bound::Below,
    };
    match DateTime::from_timestamp_micros(micros) {
        Some(time) if Some(time.date_naive()) < EARLIEST => Bound::Below,
        Some(time) if is_exact => Bound::At(Bind::Text(timestamp(time))),
        Some(time) => Bound::Above(Bind::Text(timestamp(time))),
        // Chrono's calendar ends there, on both sides.
        None if micros < 0 => Bound::Below,
        None => Bound::Above(Bind::Text(timestamp(DateTime::<Utc>::MAX_UTC))),
    }
}

/// A time as PostgreSQL reads it: the year 0 is 1 BC.
fn timestamp(time: DateTime<Utc>) -> String {
    let (is_ad, year) = time.year_ce();
    let era = if is_ad { "" } else { " BC" };
    format!("{year:04}{}{era}", time.format("-%m-%d %H:%M:%S%.6f+00"))
}

/// A value as text whose order, code point by code point, is the order of the values: what a
/// [`Column::key`](crate::Column::key) holds.
///
/// Equal values have equal keys, whatever their case, offset or notation. `None` if the value is not
/// of the attribute's type.
///
/// ```
/// use scim_schema::Comparison;
/// use scim_sql::sortable_key;
/// use serde_json::json;
///
/// assert_eq!(sortable_key(Comparison::Folded, &json!("Bea")).as_deref(), Some("bea"));
/// assert!(sortable_key(Comparison::Number, &json!(-2)) < sortable_key(Comparison::Number, &json!(1.5)));
/// assert_eq!(
///     sortable_key(Comparison::Instant, &json!("2020-01-01T00:00:00Z")),
///     sortable_key(Comparison::Instant, &json!("2020-01-01T01:00:00.0+01:00")),
/// );
/// ```
pub fn sortable_key(rule: Comparison, value: &Value) -> Option<String> {
    key_of(&rule.prepare(value)?)
}

fn key_of(operand: &Operand) -> Option<String> {
    Some(match operand {
        Operand::Text(text) => text.folded().to_owned(),
        Operand::Boolean(flag) => flag.to_string(),
        Operand::Number(number) => number_key(number)?,
        Operand::Instant(instant, given) => {
            // No year that can be read is this many seconds before 1970.
            const SHIFT: i64 = 10_000_000_000_000;
            let (seconds, nanos) = (instant.seconds() + SHIFT, instant.nanoseconds());
            let text = format!("{seconds:014}.{nanos:09}{}", digits_after_nine(given));
            text.trim_end_matches('0').to_owned()
        }
        _ => return None,
    })
}

/// The greatest float that is not above the number, and how far the number is above it: whole
/// numbers have digits that a float has not.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "what is lost is the rest")]
fn number_key(number: &Number) -> Option<String> {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let (float, rest) = match whole {
        None => (number.as_f64()?, 0),
        Some(whole) => {
            let near = whole as f64;
            let float = if near as i128 > whole { near.next_down() } else { near };
            (float, whole - float as i128)
        }
    };
    // Adding zero makes -0.0 into 0.0.
    let bits = (float + 0.0).to_bits();
    // The bits of floats order like their values once the sign is turned.
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    Some(format!("{ordered:016x}{rest:04x}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_order_like_values() {
        let numbers = [
            json!(-1e300),
            json!(i64::MIN),
            json!(-1.5),
            json!(-1),
            json!(0),
            json!(0.5),
            json!(1),
            json!(9_007_199_254_740_992.0),
            json!(9_007_199_254_740_993_u64),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e30),
        ];
        for (a, one) in numbers.iter().enumerate() {
            for (b, other) in numbers.iter().enumerate() {
                let (one, other) =
                    (sortable_key(Comparison::Number, one), sortable_key(Comparison::Number, other));
                assert_eq!(one.cmp(&other), a.cmp(&b), "{one:?} {other:?}");
            }
        }
        assert_eq!(
            sortable_key(Comparison::Number, &json!(10)),
            sortable_key(Comparison::Number, &json!(10.0))
        );
        assert_eq!(
            sortable_key(Comparison::Number, &json!(-0.0)),
            sortable_key(Comparison::Number, &json!(0))
        );
        let times = [
            "-0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.9Z",
            "1970-01-01T00:00:00Z",
            "2020-01-01T00:00:00.123456789Z",
            "2020-01-01T00:00:00.1234567891Z",
            "2020-01-01T00:00:00.12345678911Z",
            "2020-01-01T00:00:00.2Z",
            "9999-12-31T23:59:59Z",
        ];
        for pair in times.windows(2) {
            let [one, other] =
                [pair[0], pair[1]].map(|t| sortable_key(Comparison::Instant, &json!(t)).unwrap());
            assert!(one < other, "{one} {other}");
        }
    }

    #[test]
    fn an_operand_that_a_column_cannot_hold_lies_between_two_that_it_can() {
        let number =
            |value: Value| bound(Kind::Integer, &Comparison::Number.prepare(&value).unwrap()).unwrap();
        assert_eq!(number(json!(2)), Bound::At(Bind::Integer(2)));
        assert_eq!(number(json!(2.0)), Bound::At(Bind::Integer(2)));
        assert_eq!(number(json!(-1.5)), Bound::Above(Bind::Integer(-2)));
        assert_eq!(number(json!(u64::MAX)), Bound::Above(Bind::Integer(i64::MAX)));
        assert_eq!(number(json!(-1e30)), Bound::Below);
        let time = |kind, text: &str| bound(kind, &Comparison::Instant.prepare_text(text).unwrap()).unwrap();
        let millis = Kind::Unix { per_second: 1000 };
        assert_eq!(time(millis, "1970-01-01T00:00:01.5Z"), Bound::At(Bind::Integer(1500)));
        assert_eq!(time(millis, "1970-01-01T00:00:01.5001Z"), Bound::Above(Bind::Integer(1500)));
        assert_eq!(time(millis, "1969-12-31T23:59:59.9990000000001Z"), Bound::Above(Bind::Integer(-1)));
        let stamp = |text: &str| Bound::At(Bind::Text(text.to_owned()));
        assert_eq!(time(Kind::Timestamp, "2024-02-29T12:00:00Z"), stamp("2024-02-29 12:00:00.000000+00"));
        assert_eq!(time(Kind::Timestamp, "0001-01-01T00:00:00Z"), stamp("0001-01-01 00:00:00.000000+00"));
        assert_eq!(time(Kind::Timestamp, "-0001-12-31T23:59:59Z"), stamp("0002-12-31 23:59:59.000000+00 BC"));
        let first = "4714-11-24 00:00:00.000000+00 BC";
        assert_eq!(time(Kind::Timestamp, "-4713-11-24T00:00:00Z"), stamp(first));
        assert_eq!(time(Kind::Timestamp, "-4713-11-23T23:59:59Z"), Bound::Below);
        assert_eq!(text_bound("a\0b"), Bound::Above(Bind::Text("a".to_owned())));
    }
}
