//! The values of parameters, and the conversion of operands to values of a column.
//!
//! A column may not be able to hold an operand: a column of integers cannot hold 1.5, and no column of PostgreSQL can
//! hold U+0000. Comparisons with such an operand still have an answer. So an operand becomes a [`Bound`], which says
//! where it lies among the values that the column can hold.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use scim_schema::{Comparison, Instant, Operand};
use serde_json::{Number, Value};

use crate::ColumnType;

/// The value of a parameter, for the host to pass to its driver.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BindValue {
    /// Text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// A boolean.
    Boolean(bool),
}

/// The position of an operand among the values that a column can hold.
#[derive(Debug, PartialEq)]
pub(crate) enum Bound {
    /// The operand equals this value.
    At(BindValue),
    /// The operand is greater than this value, and less than the next greater value that the column can hold.
    Above(BindValue),
    /// The operand is less than all values that the column can hold.
    Below,
}

/// The position of an operand among the values of a column; `None` if the column has another type than the operand.
pub(crate) fn bound(column_type: ColumnType, operand: &Operand) -> Option<Bound> {
    Some(match (column_type, operand) {
        (ColumnType::Text, Operand::Text(text)) => text_bound(text.folded()),
        (ColumnType::Boolean, Operand::Boolean(flag)) => Bound::At(BindValue::Boolean(*flag)),
        (ColumnType::Integer, Operand::Number(number)) => number_bound(number)?,
        (ColumnType::Real, Operand::Number(number)) => Bound::At(BindValue::Real(number.as_f64()?)),
        (ColumnType::UnixTime { per_second }, Operand::Instant(instant, text)) => {
            unix_bound(per_second, instant, text)
        }
        (ColumnType::Timestamp, Operand::Instant(instant, text)) => timestamp_bound(instant, text),
        (ColumnType::Key, operand) => text_bound(&key_of(operand)?),
        _ => return None,
    })
}

/// A text with U+0000 lies between the text before that character and all longer texts, since PostgreSQL cannot store
/// the character.
fn text_bound(text: &str) -> Bound {
    match text.split_once('\0') {
        None => Bound::At(BindValue::Text(text.to_owned())),
        Some((before, _)) => Bound::Above(BindValue::Text(before.to_owned())),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only floats in the range of i64 are cast")]
fn number_bound(number: &Number) -> Option<Bound> {
    if let Some(integer) = number.as_i64() {
        return Some(Bound::At(BindValue::Integer(integer)));
    }
    // 2^63, which a float represents exactly.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let float = number.as_f64()?;
    Some(match float.floor() {
        floor if floor < -END => Bound::Below,
        floor if floor >= END => Bound::Above(BindValue::Integer(i64::MAX)),
        floor if floor < float => Bound::Above(BindValue::Integer(floor as i64)),
        floor => Bound::At(BindValue::Integer(floor as i64)),
    })
}

fn unix_bound(per_second: u32, instant: &Instant, text: &str) -> Bound {
    let scaled_nanos = i128::from(instant.nanoseconds()) * i128::from(per_second);
    let units = i128::from(instant.seconds()) * i128::from(per_second) + scaled_nanos / 1_000_000_000;
    let is_exact = scaled_nanos % 1_000_000_000 == 0 && digits_after_nine(text).is_empty();
    match i64::try_from(units) {
        Ok(units) if is_exact => Bound::At(BindValue::Integer(units)),
        Ok(units) => Bound::Above(BindValue::Integer(units)),
        Err(_) if units < 0 => Bound::Below,
        Err(_) => Bound::Above(BindValue::Integer(i64::MAX)),
    }
}

/// The digits of the fraction of a second after the ninth, without trailing zeros. An [`Instant`] has nanoseconds;
/// these digits are beyond them.
fn digits_after_nine(text: &str) -> &str {
    let Some((_, fraction)) = text.split_once('.') else { return "" };
    let end = fraction.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(fraction.len());
    fraction.get(9..end).unwrap_or_default().trim_end_matches('0')
}

/// The first day that PostgreSQL can store: 24 November 4714 BC. The last one is later than any day of chrono.
const EARLIEST: Option<NaiveDate> = NaiveDate::from_ymd_opt(-4713, 11, 24);

fn timestamp_bound(instant: &Instant, text: &str) -> Bound {
    let (micros, is_exact) = match unix_bound(1_000_000, instant, text) {
        Bound::At(BindValue::Integer(micros)) => (micros, true),
        Bound::Above(BindValue::Integer(micros)) => (micros, false),
        _ => return Bound::Below,
    };
    match DateTime::from_timestamp_micros(micros) {
        Some(time) if Some(time.date_naive()) < EARLIEST => Bound::Below,
        Some(time) if is_exact => Bound::At(BindValue::Text(timestamp(time))),
        Some(time) => Bound::Above(BindValue::Text(timestamp(time))),
        // The time is outside of the calendar of chrono.
        None if micros < 0 => Bound::Below,
        None => Bound::Above(BindValue::Text(timestamp(DateTime::<Utc>::MAX_UTC))),
    }
}

/// A time in the syntax of PostgreSQL, in which the year 0 is 1 BC.
fn timestamp(time: DateTime<Utc>) -> String {
    let (is_ad, year) = time.year_ce();
    let era = if is_ad { "" } else { " BC" };
    format!("{year:04}{}{era}", time.format("-%m-%d %H:%M:%S%.6f+00"))
}

/// Converts a value of any type to a text for a column of type [`Column::key`](crate::Column::key).
///
/// The texts of two values compare, code point by code point, like the values themselves. Equal values have equal
/// texts: two texts that differ in case, unless the attribute is `caseExact`, two times with different offsets, or 10
/// and 10.0. Returns `None` if the value does not have the type that `comparison` is for.
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
pub fn sortable_key(comparison: Comparison, value: &Value) -> Option<String> {
    key_of(&comparison.prepare(value)?)
}

fn key_of(operand: &Operand) -> Option<String> {
    Some(match operand {
        Operand::Text(text) => text.folded().to_owned(),
        Operand::Boolean(flag) => flag.to_string(),
        Operand::Number(number) => number_key(number)?,
        Operand::Instant(instant, text) => {
            // Makes the number of seconds positive: no year that can be parsed is this far before 1970.
            const SHIFT: i64 = 10_000_000_000_000;
            let (seconds, nanos) = (instant.seconds() + SHIFT, instant.nanoseconds());
            let key = format!("{seconds:014}.{nanos:09}{}", digits_after_nine(text));
            key.trim_end_matches('0').to_owned()
        }
        _ => return None,
    })
}

/// The key of a number: the bits of a float, in an order that compares like floats, and then a remainder.
///
/// A 64-bit integer may have more digits than a float. So the float is the greatest one that is not greater than the
/// number, and the remainder is the difference to the number.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the remainder is computed from what the casts lose"
)]
fn number_key(number: &Number) -> Option<String> {
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let (float, remainder) = match integer {
        None => (number.as_f64()?, 0),
        Some(integer) => {
            let nearest = integer as f64;
            let float = if nearest as i128 > integer { nearest.next_down() } else { nearest };
            (float, integer - float as i128)
        }
    };
    // Adding zero turns -0.0 into 0.0.
    let bits = (float + 0.0).to_bits();
    // The bits of positive floats compare like the floats. Flipping the sign bit puts them after the negative ones,
    // whose bits compare in the opposite order and so are all flipped.
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    Some(format!("{ordered:016x}{remainder:04x}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_compare_like_values() {
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
        for (i, a) in numbers.iter().enumerate() {
            for (j, b) in numbers.iter().enumerate() {
                let (a, b) = (sortable_key(Comparison::Number, a), sortable_key(Comparison::Number, b));
                assert_eq!(a.cmp(&b), i.cmp(&j), "{a:?} {b:?}");
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
            let [earlier, later] =
                [pair[0], pair[1]].map(|t| sortable_key(Comparison::Instant, &json!(t)).unwrap());
            assert!(earlier < later, "{earlier} {later}");
        }
    }

    #[test]
    fn operands_that_a_column_cannot_hold_lie_between_its_values() {
        let number =
            |value: Value| bound(ColumnType::Integer, &Comparison::Number.prepare(&value).unwrap()).unwrap();
        assert_eq!(number(json!(2)), Bound::At(BindValue::Integer(2)));
        assert_eq!(number(json!(2.0)), Bound::At(BindValue::Integer(2)));
        assert_eq!(number(json!(-1.5)), Bound::Above(BindValue::Integer(-2)));
        assert_eq!(number(json!(u64::MAX)), Bound::Above(BindValue::Integer(i64::MAX)));
        assert_eq!(number(json!(-1e30)), Bound::Below);
        let time = |kind, text: &str| bound(kind, &Comparison::Instant.prepare_text(text).unwrap()).unwrap();
        let millis = ColumnType::UnixTime { per_second: 1000 };
        assert_eq!(time(millis, "1970-01-01T00:00:01.5Z"), Bound::At(BindValue::Integer(1500)));
        assert_eq!(time(millis, "1970-01-01T00:00:01.5001Z"), Bound::Above(BindValue::Integer(1500)));
        assert_eq!(time(millis, "1969-12-31T23:59:59.9990000000001Z"), Bound::Above(BindValue::Integer(-1)));
        let stamp = |text: &str| Bound::At(BindValue::Text(text.to_owned()));
        assert_eq!(
            time(ColumnType::Timestamp, "2024-02-29T12:00:00Z"),
            stamp("2024-02-29 12:00:00.000000+00")
        );
        assert_eq!(
            time(ColumnType::Timestamp, "0001-01-01T00:00:00Z"),
            stamp("0001-01-01 00:00:00.000000+00")
        );
        assert_eq!(
            time(ColumnType::Timestamp, "-0001-12-31T23:59:59Z"),
            stamp("0002-12-31 23:59:59.000000+00 BC")
        );
        let first = "4714-11-24 00:00:00.000000+00 BC";
        assert_eq!(time(ColumnType::Timestamp, "-4713-11-24T00:00:00Z"), stamp(first));
        assert_eq!(time(ColumnType::Timestamp, "-4713-11-23T23:59:59Z"), Bound::Below);
        assert_eq!(text_bound("a\0b"), Bound::Above(BindValue::Text("a".to_owned())));
    }
}
