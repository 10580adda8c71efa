//! Values as they are bound: operands in the form in which a column holds them.

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
pub(crate) enum Cut {
    /// The column can hold it.
    At(Bind),
    /// It lies above this value and below the next that the column can hold.
    Above(Bind),
    /// It lies below all of them.
    Below,
}

/// Where an operand lies among the values of a column; `None` if no column of that kind is compared
/// with such an operand.
pub(crate) fn cut(kind: Kind, operand: &Operand) -> Option<Cut> {
    Some(match (kind, operand) {
        (Kind::Text, Operand::Text(text)) => cut_text(text.folded()),
        (Kind::Boolean, Operand::Boolean(flag)) => Cut::At(Bind::Boolean(*flag)),
        (Kind::Integer, Operand::Number(number)) => cut_number(number)?,
        (Kind::Real, Operand::Number(number)) => Cut::At(Bind::Real(number.as_f64()?)),
        (Kind::Unix { per_second }, Operand::Instant(instant, given)) => cut_unix(per_second, instant, given),
        (Kind::Timestamp, Operand::Instant(instant, given)) => match cut_unix(1_000_000, instant, given) {
            Cut::At(Bind::Integer(micros)) | Cut::Above(Bind::Integer(micros)) if micros < EARLIEST => {
                Cut::Below
            }
            Cut::At(Bind::Integer(micros)) => Cut::At(Bind::Text(rfc3339(micros))),
            Cut::Above(Bind::Integer(micros)) => Cut::Above(Bind::Text(rfc3339(micros))),
            _ => Cut::Below,
        },
        (Kind::Key, operand) => cut_text(&key_of(operand)?),
        _ => return None,
    })
}

/// No column holds U+0000, which PostgreSQL cannot store.
fn cut_text(text: &str) -> Cut {
    match text.split_once('\0') {
        None => Cut::At(Bind::Text(text.to_owned())),
        Some((before, _)) => Cut::Above(Bind::Text(before.to_owned())),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float that is cast is in range")]
fn cut_number(number: &Number) -> Option<Cut> {
    if let Some(whole) = number.as_i64() {
        return Some(Cut::At(Bind::Integer(whole)));
    }
    // Powers of two, so exact.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let float = number.as_f64()?;
    Some(match float.floor() {
        floor if floor < -END => Cut::Below,
        floor if floor >= END => Cut::Above(Bind::Integer(i64::MAX)),
        floor if floor < float => Cut::Above(Bind::Integer(floor as i64)),
        floor => Cut::At(Bind::Integer(floor as i64)),
    })
}

fn cut_unix(per_second: u32, instant: &Instant, given: &str) -> Cut {
    let parts = i128::from(instant.nanoseconds()) * i128::from(per_second);
    let whole = i128::from(instant.seconds()) * i128::from(per_second) + parts / 1_000_000_000;
    let exact = parts % 1_000_000_000 == 0 && beyond(given).is_empty();
    match i64::try_from(whole) {
        Ok(whole) if exact => Cut::At(Bind::Integer(whole)),
        Ok(whole) => Cut::Above(Bind::Integer(whole)),
        Err(_) if whole < 0 => Cut::Below,
        Err(_) => Cut::Above(Bind::Integer(i64::MAX)),
    }
}

/// The digits of a fraction of a second after the ninth, without zeros at the end.
fn beyond(given: &str) -> &str {
    let Some((_, fraction)) = given.split_once('.') else { return "" };
    let end = fraction.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(fraction.len());
    fraction.get(9..end).unwrap_or_default().trim_end_matches('0')
}

/// The first time that PostgreSQL knows, in microseconds since 1970: 24 November 4714 BC. Its last one is
/// beyond those that there are here.
const EARLIEST: i64 = -2_440_588 * 86_400_000_000;

/// Microseconds since 1970 as PostgreSQL reads a time.
fn rfc3339(micros: i64) -> String {
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (year, month, day) = civil(days);
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // The year before 1 is the first before Christ.
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}+00{era}")
}

/// The date so many days after 1970-01-01, in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from a 1 March in eras of 400 years, so that leap days come last.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// A value as text whose order, code point by code point, is the order of the values: what a
/// [`Column::key`](crate::Column::key) holds.
///
/// Equal values have equal keys, whatever their case, offset or notation. `None` if the value is not
/// of the attribute's type.
///
/// ```
/// use scim_schema::Comparison;
/// use scim_sql::key;
/// use serde_json::json;
///
/// assert_eq!(key(Comparison::Folded, &json!("Bea")).as_deref(), Some("bea"));
/// assert!(key(Comparison::Number, &json!(-2)) < key(Comparison::Number, &json!(1.5)));
/// assert_eq!(
///     key(Comparison::Instant, &json!("2020-01-01T00:00:00Z")),
///     key(Comparison::Instant, &json!("2020-01-01T01:00:00.0+01:00")),
/// );
/// ```
pub fn key(rule: Comparison, value: &Value) -> Option<String> {
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
            let text = format!("{seconds:014}.{nanos:09}{}", beyond(given));
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
                let (one, other) = (key(Comparison::Number, one), key(Comparison::Number, other));
                assert_eq!(one.cmp(&other), a.cmp(&b), "{one:?} {other:?}");
            }
        }
        assert_eq!(key(Comparison::Number, &json!(10)), key(Comparison::Number, &json!(10.0)));
        assert_eq!(key(Comparison::Number, &json!(-0.0)), key(Comparison::Number, &json!(0)));
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
            let [one, other] = [pair[0], pair[1]].map(|t| key(Comparison::Instant, &json!(t)).unwrap());
            assert!(one < other, "{one} {other}");
        }
    }

    #[test]
    fn an_operand_that_a_column_cannot_hold_lies_between_two_that_it_can() {
        let number = |value: Value| cut(Kind::Integer, &Comparison::Number.prepare(&value).unwrap()).unwrap();
        assert_eq!(number(json!(2)), Cut::At(Bind::Integer(2)));
        assert_eq!(number(json!(2.0)), Cut::At(Bind::Integer(2)));
        assert_eq!(number(json!(-1.5)), Cut::Above(Bind::Integer(-2)));
        assert_eq!(number(json!(u64::MAX)), Cut::Above(Bind::Integer(i64::MAX)));
        assert_eq!(number(json!(-1e30)), Cut::Below);
        let time = |kind, text: &str| cut(kind, &Comparison::Instant.prepare_text(text).unwrap()).unwrap();
        let millis = Kind::Unix { per_second: 1000 };
        assert_eq!(time(millis, "1970-01-01T00:00:01.5Z"), Cut::At(Bind::Integer(1500)));
        assert_eq!(time(millis, "1970-01-01T00:00:01.5001Z"), Cut::Above(Bind::Integer(1500)));
        assert_eq!(time(millis, "1969-12-31T23:59:59.9990000000001Z"), Cut::Above(Bind::Integer(-1)));
        let stamp = |text: &str| Cut::At(Bind::Text(text.to_owned()));
        assert_eq!(time(Kind::Timestamp, "2024-02-29T12:00:00Z"), stamp("2024-02-29 12:00:00.000000+00"));
        assert_eq!(time(Kind::Timestamp, "0001-01-01T00:00:00Z"), stamp("0001-01-01 00:00:00.000000+00"));
        assert_eq!(time(Kind::Timestamp, "-0001-12-31T23:59:59Z"), stamp("0002-12-31 23:59:59.000000+00 BC"));
        let first = "4714-11-24 00:00:00.000000+00 BC";
        assert_eq!(time(Kind::Timestamp, "-4713-11-24T00:00:00Z"), stamp(first));
        assert_eq!(time(Kind::Timestamp, "-4713-11-23T23:59:59Z"), Cut::Below);
        assert_eq!(cut_text("a\0b"), Cut::Above(Bind::Text("a".to_owned())));
    }
}
