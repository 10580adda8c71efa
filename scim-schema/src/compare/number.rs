//! Comparing JSON numbers by value, whatever their notation.

use std::cmp::Ordering;

use serde_json::Number;

/// The order of two numbers; `None` if one is beyond what a double can hold.
pub(crate) fn compare_numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (as_integer(a), as_integer(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => compare_integer(a, as_finite_float(b)?),
        (None, Some(b)) => compare_integer(b, as_finite_float(a)?).map(Ordering::reverse),
        (None, None) => as_finite_float(a)?.partial_cmp(&as_finite_float(b)?),
    }
}

/// Whether a number has a place in the order.
pub(crate) fn is_comparable(number: &Number) -> bool {
    as_integer(number).is_some() || as_finite_float(number).is_some()
}

/// Whether a number still is what was sent: a whole number too large for an integer has lost digits.
pub(crate) fn keeps_all_digits(number: &Number) -> bool {
    const END: f64 = 9_007_199_254_740_992.0;
    as_integer(number).is_some() || as_finite_float(number).is_some_and(|float| float.abs() < END)
}

/// The one notation of all numbers that are equal.
pub(crate) fn number_key(number: &Number) -> String {
    let integer = as_integer(number).or_else(|| as_finite_float(number).and_then(float_as_integer));
    match (integer, as_finite_float(number)) {
        (Some(integer), _) => integer.to_string(),
        (None, Some(float)) => float.to_string(),
        (None, None) => number.to_string(),
    }
}

fn as_integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn as_finite_float(number: &Number) -> Option<f64> {
    number.as_f64().filter(|float| float.is_finite())
}

/// Beyond this no whole number of JSON's integer types is near.
const INTEGER_RANGE: f64 = 1e30;

#[expect(clippy::cast_possible_truncation, reason = "the float is whole and in range where it is cast")]
pub(crate) fn float_as_integer(float: f64) -> Option<i128> {
    (float.fract() == 0.0 && float.abs() < INTEGER_RANGE).then_some(float as i128)
}

/// Compares a whole number with a float without rounding the whole number.
fn compare_integer(a: i128, b: f64) -> Option<Ordering> {
    let floor = b.floor();
    match float_as_integer(floor) {
        Some(integer) => Some(a.cmp(&integer).then(if floor < b { Ordering::Less } else { Ordering::Equal })),
        None => Some(if b > 0.0 { Ordering::Less } else { Ordering::Greater }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{ReadContext, Tolerance, standard};

    #[test]
    fn numbers_compare_by_value() {
        fn number(value: &Value) -> &Number {
            value.as_number().unwrap()
        }
        for (a, b, order) in [
            (json!(10), json!(10.0), Ordering::Equal),
            (json!(0), json!(-0.0), Ordering::Equal),
            (json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992.0), Ordering::Greater),
            (json!(-1), json!(-1.5), Ordering::Greater),
            (json!(u64::MAX), json!(i64::MIN), Ordering::Greater),
            (json!(u64::MAX), json!(18_446_744_073_709_551_616.0), Ordering::Less),
            (json!(1), json!(1e300), Ordering::Less),
            (json!(-1), json!(-1e300), Ordering::Greater),
            (json!(1e300), json!(1e301), Ordering::Less),
            (json!(0.1), json!(0.2), Ordering::Less),
        ] {
            assert_eq!(compare_numbers(number(&a), number(&b)), Some(order), "{a} {b}");
            assert_eq!(compare_numbers(number(&b), number(&a)), Some(order.reverse()), "{b} {a}");
            let same = number_key(number(&a)) == number_key(number(&b));
            assert_eq!(same, order == Ordering::Equal, "{a} {b}");
        }
    }

    /// From 2^53 on a float may stand for several whole numbers, and an integer never does.
    #[test]
    fn floats_are_exact_below_two_to_the_53rd_and_integers_always() {
        let user = standard::user_type();
        let (name, tolerance) = (user.attribute("nickName").unwrap(), Tolerance::lenient());
        let end = 9_007_199_254_740_992_u64;
        let float = |float: f64| Number::from_f64(float).unwrap();
        for (number, exact) in [
            (Number::from(end - 1), true),
            (Number::from(end), true),
            (Number::from(end + 1), true),
            (Number::from(-9_007_199_254_740_993_i64), true),
            (Number::from(u64::MAX), true),
            (Number::from(i64::MIN), true),
            (float(0.5), true),
            (float(9_007_199_254_740_991.0), true),
            (float(-9_007_199_254_740_991.0), true),
            (float(9_007_199_254_740_992.0), false),
            (float(-9_007_199_254_740_992.0), false),
            (float(9_007_199_254_740_994.0), false),
            (float(18_446_744_073_709_551_616.0), false),
            (float(1e300), false),
        ] {
            assert_eq!(keeps_all_digits(&number), exact, "{number}");
            assert!(is_comparable(&number), "{number}");
            // Where a string belongs, it becomes one exactly if that says what was sent.
            let mut value = Value::Number(number.clone());
            assert!(name.normalize_single(&mut value, &mut ReadContext::new(&tolerance)).unwrap());
            let expected = if exact { json!(number.to_string()) } else { Value::Number(number) };
            assert_eq!(value, expected);
        }
        let float: Number = serde_json::from_str("9007199254740993.0").unwrap();
        assert!(!keeps_all_digits(&float));
    }
}
