//! Base64 as Python's `base64.decodebytes` reads it: anything outside the alphabet is skipped.

/// Decodes a text; nothing when it is not ASCII or ends within a group.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut group = 0_u32;
    let mut filled = 0;
    let mut pads = 0;
    for byte in text.bytes() {
        if byte == b'=' {
            pads += 1;
            // A group of at least two characters that is padded in full ends the data.
            if filled >= 2 && filled + pads >= 4 {
                return Some(bytes);
            }
            continue;
        }
        let Some(digit) = value(byte) else { continue };
        pads = 0;
        group = (group << 6) | u32::from(digit);
        filled += 1;
        if filled > 1 {
            let [.., out] = (group >> ((4 - filled) * 2)).to_be_bytes();
            bytes.push(out);
        }
        if filled == 4 {
            group = 0;
            filled = 0;
        }
    }
    (filled == 0).then_some(bytes)
}

const fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
