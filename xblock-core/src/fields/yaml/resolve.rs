//! Which type a plain scalar has, by YAML 1.1.
use super::timestamp::Timestamp;

/// What the tags of the YAML types begin with.
pub(super) const PREFIX: &str = "tag:yaml.org,2002:";

/// Returns the full tag of a YAML type.
pub(super) fn tag(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Returns the name of the type a plain scalar has.
pub(super) fn resolve_plain(text: &str) -> &'static str {
    // The patterns of the reference end in `$`, which also matches before a last line feed.
    let text = text.strip_suffix('\n').unwrap_or(text);
    match text {
        "" | "~" | "null" | "Null" | "NULL" => "null",
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "true" | "True" | "TRUE" | "false" | "False"
        | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => "bool",
        "<<" => "merge",
        "=" => "value",
        _ if is_float(text) => "float",
        _ if is_int(text) => "int",
        _ if Timestamp::parse(text).is_some_and(|timestamp| timestamp.is_canonical()) => "timestamp",
        _ => "str",
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn all(text: &str, condition: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(condition)
}

const fn is_digit_or_underscore(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// Digits and underscores that begin with a digit.
fn is_digits(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && all(text, is_digit_or_underscore)
}

/// Groups of base 60 after the first: one or two digits up to 59 each.
fn are_sexagesimal<'a>(mut groups: impl Iterator<Item = &'a str>) -> bool {
    groups.all(|group| match group.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, digit] => (b'0'..=b'5').contains(tens) && digit.is_ascii_digit(),
        _ => false,
    })
}

fn is_int(text: &str) -> bool {
    let text = unsigned(text);
    if let Some(digits) = text.strip_prefix("0b") {
        return !digits.is_empty() && all(digits, |byte| matches!(byte, b'0' | b'1' | b'_'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && all(digits, |byte| byte.is_ascii_hexdigit() || byte == b'_');
    }
    if let Some(digits) = text.strip_prefix('0') {
        return all(digits, |byte| matches!(byte, b'0'..=b'7' | b'_'));
    }
    let mut groups = text.split(':');
    groups.next().is_some_and(is_digits) && are_sexagesimal(groups)
}

fn is_float(text: &str) -> bool {
    if matches!(unsigned(text), ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, fraction)) = text.split_once('.') else { return false };
    if whole.is_empty() {
        // Without digits before the point a sign is not allowed, and a digit must follow.
        let (digits, exponent) = split_exponent(fraction);
        return is_digits(digits) && is_exponent(exponent);
    }
    let whole = unsigned(whole);
    if whole.contains(':') {
        let mut groups = whole.split(':');
        return groups.next().is_some_and(is_digits)
            && are_sexagesimal(groups)
            && all(fraction, is_digit_or_underscore);
    }
    let (digits, exponent) = split_exponent(fraction);
    is_digits(whole) && all(digits, is_digit_or_underscore) && is_exponent(exponent)
}

fn split_exponent(text: &str) -> (&str, Option<&str>) {
    match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// An exponent needs its sign.
fn is_exponent(exponent: Option<&str>) -> bool {
    exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['-', '+'])
            .is_some_and(|digits| !digits.is_empty() && all(digits, |byte| byte.is_ascii_digit()))
    })
}
