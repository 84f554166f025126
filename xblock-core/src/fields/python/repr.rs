//! Texts and JSON values as `repr()` prints them.
use std::fmt::Write;

use serde_json::Number;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::number::float_repr;

/// Prints a text: single quotes unless it holds only single ones, and escapes for what cannot be printed.
pub(crate) fn str_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        let code = u32::from(character);
        // Writing to a text cannot fail.
        let _ = match character {
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            _ if character == quote => write!(out, "\\{quote}"),
            _ if is_printable(character) => out.write_char(character),
            _ if code <= 0xff => write!(out, "\\x{code:02x}"),
            _ if code <= 0xffff => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push(quote);
    out
}

/// Prints a number as the integer or the float that Python's JSON reads it as.
pub(crate) fn number_repr(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_repr(float),
        _ => number.to_string(),
    }
}

/// Tells what `str.isprintable` says of one character.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    !matches!(
        character.general_category_group(),
        GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_printed_as_python_prints_them() {
        // Recorded from Python 3.11.
        for (text, printed) in [
            ("it's", "\"it's\""),
            ("\"it's\"", "'\"it\\'s\"'"),
            ("a\\b\n\r\t\0\x7f", "'a\\\\b\\n\\r\\t\\x00\\x7f'"),
            ("é\u{a0}\u{ad}\u{2028}\u{1f600}\u{e0001}", "'é\\xa0\\xad\\u2028\u{1f600}\\U000e0001'"),
        ] {
            assert_eq!(str_repr(text), printed);
        }
        assert_eq!(number_repr(&Number::from_f64(1e16).expect("finite")), "1e+16");
        assert_eq!(number_repr(&Number::from_f64(3.0).expect("finite")), "3.0");
        assert_eq!(number_repr(&Number::from(u64::MAX)), "18446744073709551615");
    }
}
