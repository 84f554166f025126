//! The sets of characters that the parts of keys are made of.
//!
//! `\w` is Python's: `_` or [`str.isalnum`], by the tables of `unicode.rs`. It takes neither combining marks nor joiners and
//! does take superscripts and fractions. Nothing is ever normalised.
//!
//! [`str.isalnum`]: https://docs.python.org/3/library/stdtypes.html#str.isalnum

use super::unicode;

/// A set of characters, as a bit of [`ASCII`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Charset {
    /// `\w`.
    Word = 1,
    /// `[\w\-~.:]`: parts of course, library and block keys.
    Id = 2,
    /// `[\w\-~.:%]`: old block ids and asset paths.
    IdPercent = 4,
    /// `[\w.%-]`: parts of old course keys.
    Old = 8,
    /// `[\w\-.]`: parts of the second generation of keys. Its ASCII-only sister has [`is_ascii_slug`].
    Slug = 16,
    /// `[\w\-./]`: paths of OLX files.
    OlxPath = 32,
    /// `[\w.:%-]`: URL names.
    UrlName = 64,
    /// `[\w-]`: HTML ids.
    Html = 128,
}

/// For each ASCII character the sets that contain it; none for other bytes.
static ASCII: [u8; 256] = {
    use Charset::{Id, IdPercent, Old, OlxPath, Slug, UrlName};
    let mut table = [0u8; 256];
    let mut code = 0;
    while code < 128 {
        let byte = code as u8;
        table[code] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => 0xff,
            b'-' => !(Charset::Word as u8),
            b'.' => Id as u8 | IdPercent as u8 | Old as u8 | Slug as u8 | OlxPath as u8 | UrlName as u8,
            b'~' => Id as u8 | IdPercent as u8,
            b':' => Id as u8 | IdPercent as u8 | UrlName as u8,
            b'%' => IdPercent as u8 | Old as u8 | UrlName as u8,
            b'/' => OlxPath as u8,
            _ => 0,
        };
        code += 1;
    }
    table
};

fn in_table(table: &[(u32, u32)], c: char) -> bool {
    let code = u32::from(c);
    table
        .binary_search_by(|&(first, last)| {
            if last < code {
                std::cmp::Ordering::Less
            } else if first > code {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

/// Tells whether Python's `\w` matches the character.
pub fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { in_table(&unicode::WORD, c) }
}

/// Tells whether Python's `str.isdigit` holds for the character: decimal digits of any script, superscripts, circled digits.
pub fn is_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { in_table(&unicode::DIGIT, c) }
}

/// Tells whether Python's `str.isdecimal` holds for the character, which is also what its `\d` matches.
pub fn is_decimal(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { in_table(&unicode::DECIMAL, c) }
}

impl Charset {
    /// Returns the sets an ASCII character belongs to, as bits; none for other bytes.
    pub(crate) fn of_ascii(byte: u8) -> u8 {
        ASCII[usize::from(byte)]
    }

    /// Tells whether the set has the character.
    pub(crate) fn has(self, c: char) -> bool {
        if c.is_ascii() { ASCII[c as usize] & self as u8 != 0 } else { in_table(&unicode::WORD, c) }
    }

    /// Tells whether all characters of the text belong to the set; holds for the empty text.
    pub(crate) fn has_all(self, text: &str) -> bool {
        for (at, byte) in text.bytes().enumerate() {
            if byte < 128 {
                if ASCII[usize::from(byte)] & self as u8 == 0 {
                    return false;
                }
            } else {
                return text[at..].chars().all(|c| self.has(c));
            }
        }
        true
    }

    /// Tells whether the text is one or more characters of the set (a regular expression `[..]+\Z`).
    pub(crate) fn is(self, text: &str) -> bool {
        !text.is_empty() && self.has_all(text)
    }

    /// Tells whether the text is one or more characters of the set, then possibly one line feed.
    ///
    /// The second generation of keys ends its expressions with `$`, which in Python also matches before a final newline.
    pub(crate) fn is_line(self, text: &str) -> bool {
        self.is(text.strip_suffix('\n').unwrap_or(text))
    }
}

/// Tells whether the text is `[a-zA-Z0-9_\-.]+`, then possibly one line feed.
pub(crate) fn is_ascii_slug(text: &str) -> bool {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.is_ascii() && Charset::Slug.is(line)
}
