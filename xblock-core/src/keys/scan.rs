//! The grammar that course, library, block and asset keys share after their namespace.
//!
//! All parts are optional, come in this order, and are joined by `+`:
//! `org + course [+ run]`, `branch@..`, `version@..`, (`ccx@..`), `type@..`, `block@..`.
//! No value may contain `+` or `@`, so that cutting at these decides everything.

use super::charset::{Charset, is_decimal};

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

/// Lowers a character as Python's `re.IGNORECASE` does when it meets a letter of [`TAGS`].
fn folded(c: char) -> char {
    match c {
        'ſ' => 's',
        'İ' | 'ı' => 'i',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}

impl Dialect {
    fn tag(self, text: &str) -> Option<usize> {
        match self {
            Dialect::Common => TAGS.iter().position(|tag| *tag == text).filter(|&at| TAGS[at] != "ccx"),
            Dialect::Ccx => TAGS.iter().position(|tag| text.chars().map(folded).eq(tag.chars())),
        }
    }

    fn accepts(self, tag: usize, value: &str) -> bool {
        if value.is_empty() {
            return false;
        }
        match (TAGS[tag], self) {
            ("version", Dialect::Common) => value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            ("version", Dialect::Ccx) => value.bytes().all(|b| b.is_ascii_hexdigit()),
            ("ccx", _) => value.chars().all(is_decimal),
            ("block", Dialect::Common) => Charset::IdPercent.is(value),
            _ => Charset::Id.is(value),
        }
    }
}

/// Takes a text apart; none when it does not follow the grammar.
pub(crate) fn scan(text: &str, dialect: Dialect) -> Option<Parts<'_>> {
    let mut parts = Parts::default();
    let mut names = 0;
    let mut next_tag = 0;
    if !text.is_empty() {
        for token in text.split('+') {
            match token.bytes().position(|byte| byte == b'@') {
                None => {
                    if next_tag > 0 || !Charset::Id.is(token) {
                        return None;
                    }
                    let slot = match names {
                        0 => &mut parts.org,
                        1 => &mut parts.course,
                        2 => &mut parts.run,
                        _ => return None,
                    };
                    *slot = Some(token);
                    names += 1;
                }
                Some(at) => {
                    let tag = dialect.tag(&token[..at]).filter(|&tag| tag >= next_tag)?;
                    let value = &token[at + 1..];
                    if !dialect.accepts(tag, value) {
                        return None;
                    }
                    let slot = match tag {
                        0 => &mut parts.branch,
                        1 => &mut parts.version,
                        2 => &mut parts.ccx,
                        3 => &mut parts.block_type,
                        _ => &mut parts.block_id,
                    };
                    *slot = Some(value);
                    next_tag = tag + 1;
                }
            }
        }
    }
    let complete = names != 1 && (dialect == Dialect::Common || parts.ccx.is_some());
    complete.then_some(parts)
}
