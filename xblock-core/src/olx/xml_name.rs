//! Which characters XML allows, and where.

/// Says whether a character may be in an XML document at all.
pub(super) const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Says whether a character is white space for XML.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Says whether a text is nothing but XML white space.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(is_space)
}

const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

const fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Says whether a byte can be in a name without a colon: 1 anywhere in it, 2 not as the first. Zero for the others and
/// for what is not ASCII.
const ASCII_NAME: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8 as char;
        table[byte] = if is_name_start(c) { 1 } else { 2 * is_name_char(c) as u8 };
        byte += 1;
    }
    table
};

fn ascii_name(byte: u8) -> u8 {
    ASCII_NAME.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Says whether a text is a name without a colon.
pub(super) fn is_plain_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.first().is_some_and(|first| ascii_name(*first) == 1)
        && bytes[1..].iter().all(|byte| ascii_name(*byte) != 0)
    {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// Says whether a text is a name with at most one prefix.
pub(super) fn is_name(name: &str) -> bool {
    is_plain_name(name)
        || name.split_once(':').is_some_and(|(prefix, local)| is_plain_name(prefix) && is_plain_name(local))
}

/// Returns how many bytes at the beginning make a name without a colon, as far as it is ASCII.
pub(super) fn ascii_name_length(bytes: &[u8]) -> usize {
    if bytes.first().is_none_or(|first| ascii_name(*first) != 1) {
        return 0;
    }
    bytes.iter().position(|byte| ascii_name(*byte) == 0).unwrap_or(bytes.len())
}

/// Replaces every line ending by a single newline, as every XML parser does.
pub(super) fn normalise_lines(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text.into() }
}
