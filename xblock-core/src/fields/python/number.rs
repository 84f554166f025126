//! `int()`, `float()` and `repr()` of numbers.
use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive};

use super::text::decimal_digit;

/// The longest decimal text `int()` and `str()` convert.
const MAX_DIGITS: usize = 4300;

/// Says whether `str()` gives a number's text, which `int()` reads again.
pub(crate) fn has_text(value: &BigInt) -> bool {
    // So many bits never have more digits.
    value.bits() <= 14_284 || value.magnitude().to_string().len() <= MAX_DIGITS
}

/// Removes white space as number parsing does, which unlike `str.strip` does not take the ASCII separators for any.
fn strip(text: &str) -> &str {
    text.trim()
}

/// Reads a text as `int()` does: blanks around, a sign, decimal digits of any script, single underscores between them.
pub(crate) fn parse_int(text: &str) -> Option<BigInt> {
    let text = strip(text);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = ascii_digits(digits)?;
    let digits = join_groups(&digits)?;
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = BigInt::parse_bytes(digits.as_bytes(), 10)?;
    Some(if negative { -value } else { value })
}

/// Reads a text as `float()` does; a text too large gives an infinity.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = ascii_digits(strip(text))?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    if matches!(unsigned.to_ascii_lowercase().as_str(), "inf" | "infinity" | "nan") {
        return text.to_ascii_lowercase().parse().ok();
    }
    let joined = join_groups(&text)?;
    let unsigned = joined.strip_prefix(['-', '+']).unwrap_or(&joined);
    if !is_decimal_literal(unsigned) {
        return None;
    }
    joined.parse().ok()
}

/// Turns decimal digits of other scripts into ASCII; another character that is not ASCII makes no number.
fn ascii_digits(text: &str) -> Option<String> {
    text.chars()
        .map(|character| match decimal_digit(character) {
            Some(digit) => Some(char::from(b'0' + digit)),
            None => character.is_ascii().then_some(character),
        })
        .collect()
}

/// Removes underscores, each of which must stand between two digits.
fn join_groups(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit_at = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    for (index, &byte) in bytes.iter().enumerate() {
        if byte == b'_' && !(index > 0 && digit_at(index - 1) && digit_at(index + 1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// Tells whether a text is digits with an optional point and exponent, at least one digit before the exponent.
fn is_decimal_literal(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_holds = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    exponent_holds && all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// Cuts a finite float down to an integer; infinities and not-a-number have none.
pub(crate) fn truncate(value: f64) -> Option<BigInt> {
    BigInt::from_f64(value.trunc())
}

/// Returns the nearest float, or nothing when the integer is beyond all floats.
pub(crate) fn to_float(value: &BigInt) -> Option<f64> {
    value.to_f64().filter(|float| float.is_finite())
}

/// Prints a float as `repr()` does: the shortest digits that read back, an exponent below 1e-4 and from 1e16.
pub(crate) fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = shortest(value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        return plain(mantissa, exponent);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Prints the fewest digits that read back. Of two texts equally near, the one with an even last digit is taken, where the
/// standard library takes the larger.
fn shortest(value: f64) -> String {
    let shortest = format!("{value:e}");
    let digits =
        shortest.find('e').map_or(0, |end| shortest[..end].bytes().filter(u8::is_ascii_digit).count());
    let even = format!("{value:.*e}", digits.saturating_sub(1));
    if even.parse() == Ok(value) { even } else { shortest }
}

/// Writes out `d.ddd` times a power of ten, with a point.
fn plain(mantissa: &str, exponent: i32) -> String {
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits = mantissa.replace('.', "");
    let Ok(whole) = usize::try_from(exponent + 1) else {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    };
    if whole == 0 {
        format!("{sign}0.{digits}")
    } else if digits.len() <= whole {
        format!("{sign}{digits:0<whole$}.0")
    } else {
        format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
    }
}

#[cfg(test)]
mod tests {
    use super::float_repr;

    #[test]
    #[expect(clippy::excessive_precision, reason = "the numbers lie halfway between what is printed")]
    fn floats_are_printed_as_python_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-123.5, "-123.5"),
            (0.1, "0.1"),
            (0.01, "0.01"),
            (-0.00012, "-0.00012"),
            (0.000_01, "1e-05"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            // Halfway between two texts.
            (792_998_092_714_720.25, "792998092714720.2"),
            (-1_127_504_932_092_543.25, "-1127504932092543.2"),
            (1_562_490_627_098_143.25, "1562490627098143.2"),
            (792_998_092_714_720.75, "792998092714720.8"),
        ] {
            assert_eq!(float_repr(value), text);
        }
    }
}
