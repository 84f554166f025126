//! Readings of texts that Python's constructors have, `int`, `float` and `complex`, how Python prints answers, and what it takes for blanks.

use num_complex::Complex64;
use num_traits::ToPrimitive;
use xblock_core::fields::{FieldType, Json, Value};

/// Takes the blanks around a text away as `strip()` does: four separators are blanks in Python that are none in Unicode.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || matches!(character, '\x1c'..='\x1f'))
}

/// Reads a text as `float()` does.
pub(super) fn float(text: &str) -> Option<f64> {
    FieldType::Float.from_json(&Json::from(text)).ok()?.as_float()
}

/// Reads a text as `int()` does.
pub(super) fn int(text: &str) -> Option<i64> {
    match FieldType::Integer.from_json(&Json::from(text)).ok()? {
        Value::Int(value) => Some(value),
        Value::BigInt(value) => value.to_i64(),
        _ => None,
    }
}

/// Reads a number that says a place; Python counts truth values among numbers.
pub(super) fn index(json: &Json) -> Option<usize> {
    let index = match json {
        Json::Bool(value) => return Some(usize::from(*value)),
        other => other.as_f64()?,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only whole numbers are taken"
    )]
    let whole = index as usize;
    #[expect(clippy::cast_precision_loss, reason = "beyond the exact numbers there are no places")]
    let is_whole = whole as f64 == index;
    is_whole.then_some(whole)
}

/// Tells whether Python takes a value for false.
pub(super) fn is_false(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(is_true) => !is_true,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
    }
}

/// Prints an answer as `str()` does: a text as it is, anything else as Python writes it in a program.
pub(super) fn printed(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => repr(other),
    }
}

/// Prints a value as `repr()` does.
pub(super) fn repr(value: &Json) -> String {
    match value {
        Json::Null => "None".into(),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float_repr(float),
            _ => number.to_string(),
        },
        Json::String(text) => text_repr(text),
        Json::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Json::Object(members) => {
            if let Some(digits) = big_integer(value) {
                return digits.to_owned();
            }
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", text_repr(name), repr(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// Returns the digits of an integer beyond 64 bits, as the sandbox writes it.
pub(super) fn big_integer(value: &Json) -> Option<&str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get("__int__")?.as_str()
}

/// Prints a float as `repr()` does: the fewest digits that read back, with an exponent where it is below -4 or above 15.
pub(super) fn float_repr(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "nan".into()
        } else if value < 0.0 {
            "-inf".into()
        } else {
            "inf".into()
        };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = value.to_string();
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

fn text_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            quoted if quoted == quote => {
                out.push('\\');
                out.push(quote);
            }
            '\0'..' ' | '\u{7f}'..='\u{a0}' | '\u{ad}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(character)))
            }
            '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => out.push(other),
        }
    }
    out.push(quote);
    out
}

/// Reads a text as `complex()` does: `3`, `4j`, `3+4j`, in parentheses or not, without blanks inside.
pub(super) fn complex(text: &str) -> Option<Complex64> {
    let text = text.trim();
    let text = match text.strip_prefix('(') {
        Some(inside) => inside.strip_suffix(')')?.trim(),
        None => text,
    };
    if text.is_empty() || text.contains(char::is_whitespace) {
        return None;
    }
    let Some(imaginary) = text.strip_suffix(['j', 'J']) else {
        return float(text).map(|re| Complex64::new(re, 0.0));
    };
    // The sign that parts the halves is the last one that is not an exponent's.
    let bytes = imaginary.as_bytes();
    let split = (1..bytes.len()).rev().find(|at| {
        let is_exponent = matches!(bytes[at - 1], b'e' | b'E')
            && (*at < 2 || bytes[at - 2].is_ascii_digit() || bytes[at - 2] == b'.');
        matches!(bytes[*at], b'+' | b'-') && !is_exponent
    });
    let (re, im) = match split {
        Some(at) => (float(&imaginary[..at])?, &imaginary[at..]),
        None => (0.0, imaginary),
    };
    let im = match im {
        "" | "+" => 1.0,
        "-" => -1.0,
        number => float(number)?,
    };
    Some(Complex64::new(re, im))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_printed_as_python_prints_them() {
        assert_eq!(printed(&Json::from("it's")), "it's");
        assert_eq!(
            printed(&serde_json::json!(["it's", "a\"'\\", null, {"k": true}])),
            r#"["it's", 'a"\'\\', None, {'k': True}]"#
        );
    }

    #[test]
    fn floats_are_printed_as_python_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-2.5, "-2.5"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1e15, "1000000000000000.0"),
            (1.5e16, "1.5e+16"),
            (-1e-300, "-1e-300"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float_repr(value), text);
        }
    }

    #[test]
    fn complex_numbers_are_read_as_python_reads_them() {
        let read = |text| complex(text).map(|value| (value.re, value.im));
        assert_eq!(read(" 3+4j "), Some((3.0, 4.0)));
        assert_eq!(read("-1e-3-2.5e+2j"), Some((-1e-3, -250.0)));
        assert_eq!(read("(j)"), Some((0.0, 1.0)));
        assert_eq!(read("1_000"), Some((1000.0, 0.0)));
        assert_eq!(read("inf"), Some((f64::INFINITY, 0.0)));
        assert_eq!((read("3 + 4j"), read("2*3"), read("")), (None, None, None));
    }
}
