//! The grammar that course, library, block and asset keys share after their namespace.
//!
//! All parts are optional, come in this order, and are joined by `+`:
//! `org + course [+ run]`, `branch@..`, `version@..`, (`ccx@..`), `type@..`, `block@..`.
//! No value may contain `+` or `@`, so that cutting at these decides everything.

use super::Scalar;
use super::charset::{Charset, is_decimal, is_word};
use super::within::Within;

/// The parts found in a text; absent ones are none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) org: Option<&'a str>,
    pub(crate) course: Option<&'a str>,
    pub(crate) run: Option<&'a str>,
    pub(crate) branch: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    pub(crate) ccx: Option<&'a str>,
    pub(crate) block_type: Option<&'a str>,
    pub(crate) block_id: Option<&'a str>,
    /// Whether the block id is also one that keys of the new form may have: without `%`.
    pub(crate) block_id_is_id: bool,
}

impl Parts<'_> {
    /// Returns the type that was found, which may be missing, with an id.
    pub(crate) fn within(&self, block_id: &str) -> Within {
        match self.block_type {
            Some(block_type) => Within::of_texts(block_type, block_id),
            None => Within::new(Scalar::Null, block_id.into()),
        }
    }
}

/// Which variant of the grammar is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Courses, libraries, blocks and assets.
    Common,
    /// CCX: names of parts in any case, and a part `ccx@` that must be there.
    Ccx,
}

/// The parts with a name, in the order in which they may come.
const TAGS: [&str; 5] = ["branch", "version", "ccx", "type", "block"];

const BRANCH: usize = 0;
const VERSION: usize = 1;
const CCX: usize = 2;
const TYPE: usize = 3;
const BLOCK: usize = 4;

/// Lowers a character as Python's `re.IGNORECASE` does when it meets a letter of [`TAGS`].
fn folded(c: char) -> char {
    match c {
        'ſ' => 's',
        'İ' | 'ı' => 'i',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}

/// What a part may be made of.
enum Values {
    /// Characters of a set.
    Set(Charset),
    /// Hexadecimal digits, which the grammar wants in lower case unless letters of any case are taken.
    Hex,
    /// Decimal digits of any script.
    Decimal,
}

impl Dialect {
    /// Finds the place of a named part in the order.
    fn tag(self, text: &str) -> Option<usize> {
        match self {
            Dialect::Common => match text {
                "branch" => Some(BRANCH),
                "version" => Some(VERSION),
                "type" => Some(TYPE),
                "block" => Some(BLOCK),
                _ => None,
            },
            Dialect::Ccx => TAGS.iter().position(|tag| text.chars().map(folded).eq(tag.chars())),
        }
    }

    fn values(self, tag: usize) -> Values {
        match (tag, self) {
            (VERSION, _) => Values::Hex,
            (CCX, _) => Values::Decimal,
            (BLOCK, Dialect::Common) => Values::Set(Charset::IdPercent),
            _ => Values::Set(Charset::Id),
        }
    }

    /// Tells whether a value, all of whose characters are in `sets`, may stand after a tag.
    fn accepts(self, tag: usize, value: &str, sets: u8) -> bool {
        match self.values(tag) {
            Values::Set(set) => sets & set as u8 != 0,
            Values::Hex => value.bytes().all(|byte| match self {
                Dialect::Common => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                Dialect::Ccx => byte.is_ascii_hexdigit(),
            }),
            Values::Decimal => value.chars().all(is_decimal),
        }
    }
}

/// Finds the first place of an ASCII character, eight at a time.
pub(crate) fn find(text: &str, wanted: u8) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let pattern = ONES * u64::from(wanted);
    for (at, word) in words.iter().enumerate() {
        // A byte is zero where the text has the character; the lowest high bit is that of the first such byte.
        let differs = u64::from_le_bytes(*word) ^ pattern;
        let found = differs.wrapping_sub(ONES) & !differs & HIGH;
        if found != 0 {
            return Some(8 * at + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|&byte| byte == wanted).map(|at| 8 * words.len() + at)
}

/// Cuts a text before its part `type@..`.
pub(crate) fn split_at_type(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + find(&text[from..], b'@')?;
        if text.as_bytes()[..at].ends_with(b"+type") {
            let within = at - "type".len();
            return Some((&text[..within - 1], &text[within..]));
        }
        from = at + 1;
    }
}

/// Takes the part of a key apart that begins with `type@`; none when it does not follow the grammar.
pub(crate) fn scan_block(text: &str) -> Option<Parts<'_>> {
    scan_usual_block(text).or_else(|| scan(text, Dialect::Common))
}

/// Takes `type@..+block@..` apart; none when it is not just that, of ASCII characters that any key may have.
fn scan_usual_block(text: &str) -> Option<Parts<'_>> {
    let rest = text.strip_prefix("type@")?;
    let (block_type, block_id) = rest.split_at(find(rest, b'+')?);
    let block_id = block_id.strip_prefix("+block@")?;
    let usual = !block_type.is_empty() && !block_id.is_empty() && all_id(block_type) && all_id(block_id);
    usual.then(|| Parts {
        block_type: Some(block_type),
        block_id: Some(block_id),
        block_id_is_id: true,
        ..Parts::default()
    })
}

/// Tells whether all characters are ASCII ones of [`Charset::Id`]; without a table and an early end, many at a time.
fn all_id(text: &str) -> bool {
    text.bytes().fold(true, |all, byte| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let digit_or_colon = byte.wrapping_sub(b'0') < 11;
        let dash_or_dot = byte.wrapping_sub(b'-') < 2;
        all & (letter | digit_or_colon | dash_or_dot | (byte == b'_') | (byte == b'~'))
    })
}

/// Takes a text apart; none when it does not follow the grammar.
pub(crate) fn scan(text: &str, dialect: Dialect) -> Option<Parts<'_>> {
    let mut parts = Parts::default();
    let mut names = 0;
    let mut next_tag = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while !text.is_empty() {
        // One part: up to the next `+`, with the sets that all its characters after a `@` belong to.
        let mut start = at;
        let mut tag = None;
        let mut sets = u8::MAX;
        while let Some(&byte) = bytes.get(at) {
            // Most characters belong to some set; those that end a part, and all past ASCII, to none.
            let of_byte = Charset::of_ascii(byte);
            if of_byte != 0 {
                sets &= of_byte;
                at += 1;
                continue;
            }
            match byte {
                b'+' => break,
                b'@' if tag.is_none() => {
                    tag = Some(dialect.tag(&text[start..at]).filter(|&tag| tag >= next_tag)?);
                    start = at + 1;
                    sets = u8::MAX;
                    at += 1;
                }
                0..128 => {
                    sets = 0;
                    at += 1;
                }
                _ => {
                    let c = text[at..].chars().next()?;
                    if !is_word(c) {
                        sets = 0;
                    }
                    at += c.len_utf8();
                }
            }
        }
        let value = &text[start..at];
        if value.is_empty() {
            return None;
        }
        let slot = match tag {
            None => {
                if next_tag > 0 || sets & Charset::Id as u8 == 0 {
                    return None;
                }
                names += 1;
                match names {
                    1 => &mut parts.org,
                    2 => &mut parts.course,
                    3 => &mut parts.run,
                    _ => return None,
                }
            }
            Some(tag) => {
                if !dialect.accepts(tag, value, sets) {
                    return None;
                }
                next_tag = tag + 1;
                match tag {
                    BRANCH => &mut parts.branch,
                    VERSION => &mut parts.version,
                    CCX => &mut parts.ccx,
                    TYPE => &mut parts.block_type,
                    _ => {
                        parts.block_id_is_id = sets & Charset::Id as u8 != 0;
                        &mut parts.block_id
                    }
                }
            }
        };
        *slot = Some(value);
        if at == bytes.len() {
            break;
        }
        // Past the `+`, after which there must be another part.
        at += 1;
    }
    let complete = names != 1 && (dialect == Dialect::Common || parts.ccx.is_some());
    complete.then_some(parts)
}
