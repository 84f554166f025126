//! JSON as Python's `json` reads it: with numbers that are none and halves of surrogate pairs.

use crate::fields::Json;

/// Reads JSON; says whether it was one that only Python reads.
///
/// `NaN` and the infinities become texts, which number fields read back; a half of a surrogate pair becomes U+FFFD.
///
/// # Errors
/// What is wrong with the text as it stands.
pub(crate) fn read_json(bytes: &[u8]) -> Result<(Json, bool), serde_json::Error> {
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok((value, false)),
        Err(error) => error,
    };
    match serde_json::from_slice(&standard_json(bytes)) {
        Ok(value) => Ok((value, true)),
        Err(_) => Err(error),
    }
}

/// Rewrites what only Python knows.
fn standard_json(bytes: &[u8]) -> Vec<u8> {
    const NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let mut rest = bytes;
    let mut is_text = false;
    while let Some(&byte) = rest.first() {
        let mut taken = 1;
        match byte {
            b'"' => {
                is_text = !is_text;
                out.push(byte);
            }
            b'\\' if is_text => {
                taken = match (escaped_unit(rest), rest.get(6..).and_then(escaped_unit)) {
                    (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
                    (Some(0xd800..=0xdfff), _) => {
                        out.extend(b"\\ufffd");
                        rest = &rest[6..];
                        continue;
                    }
                    _ => rest.len().min(2),
                };
                out.extend(&rest[..taken]);
            }
            _ => match NUMBERS.iter().find(|number| !is_text && rest.starts_with(number)) {
                Some(number) => {
                    out.push(b'"');
                    out.extend(*number);
                    out.push(b'"');
                    taken = number.len();
                }
                None => out.push(byte),
            },
        }
        rest = &rest[taken..];
    }
    out
}

/// Returns the UTF-16 unit that an escape at the start stands for.
fn escaped_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}
