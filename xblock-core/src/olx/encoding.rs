//! From a file's bytes to text and back: the encodings that XML files of courses come in.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::parse_error::{ParseError, ParseErrorKind};
use super::position::FileName;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// What windows-1252 has for the bytes from 0x80 to 0x9F; a blank stands for none.
const WINDOWS_1252: &str = "\u{20AC} \u{201A}\u{192}\u{201E}\u{2026}\u{2020}\u{2021}\u{2C6}\u{2030}\u{160}\u{2039}\u{152} \u{17D}  \
     \u{2018}\u{2019}\u{201C}\u{201D}\u{2022}\u{2013}\u{2014}\u{2DC}\u{2122}\u{161}\u{203A}\u{153} \u{17E}\u{178}";

/// How the characters of a file are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Charset {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
    Latin1,
    Windows1252,
    Ascii,
}

/// How a file's text is written as bytes, and whether a byte order mark comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Encoding {
    charset: Charset,
    has_mark: bool,
}

impl Encoding {
    /// Reads bytes as text: by their byte order mark, else by the encoding the XML declaration names, else as UTF-8.
    pub(super) fn decode(file: &FileName, bytes: Cow<'_, [u8]>) -> Result<(String, Self), Box<ParseError>> {
        let (charset, mark) = match &*bytes {
            [0xEF, 0xBB, 0xBF, ..] => (Charset::Utf8, UTF8_MARK.len()),
            [0xFF, 0xFE, ..] => (Charset::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Charset::Utf16Be, 2),
            _ => (declared(file, &bytes)?, 0),
        };
        let encoding = Self { charset, has_mark: mark > 0 };
        let fail = |good: &str| Box::new(ParseError::encoding(file, ParseErrorKind::Encoding, good));
        let body = &bytes[mark..];
        let text = match charset {
            Charset::Utf8 | Charset::Ascii => {
                let text = match bytes {
                    Cow::Owned(bytes) if mark == 0 => String::from_utf8(bytes),
                    _ => String::from_utf8(body.to_vec()),
                };
                let text = text.map_err(|error| {
                    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                    fail(std::str::from_utf8(good).unwrap_or_default())
                })?;
                if charset == Charset::Ascii
                    && let Some(at) = text.find(|c: char| !c.is_ascii())
                {
                    return Err(fail(&text[..at]));
                }
                text
            }
            Charset::Latin1 => body.iter().copied().map(char::from).collect(),
            Charset::Windows1252 => {
                let mut text = String::with_capacity(body.len());
                for byte in body {
                    let Some(c) = windows_1252(*byte) else { return Err(fail(&text)) };
                    text.push(c);
                }
                text
            }
            Charset::Utf16Le | Charset::Utf16Be => {
                let unit = |pair: &[u8; 2]| match charset {
                    Charset::Utf16Le => u16::from_le_bytes(*pair),
                    _ => u16::from_be_bytes(*pair),
                };
                let (pairs, rest) = body.as_chunks::<2>();
                let mut text = String::with_capacity(body.len());
                for c in char::decode_utf16(pairs.iter().map(unit)) {
                    let Ok(c) = c else { return Err(fail(&text)) };
                    text.push(c);
                }
                if !rest.is_empty() {
                    return Err(fail(&text));
                }
                text
            }
        };
        Ok((text, encoding))
    }

    /// Writes a text as bytes; a character the encoding does not have becomes a numeric reference.
    pub(super) fn encode(self, text: String) -> Vec<u8> {
        if self == Self::default() {
            return text.into_bytes();
        }
        let mut bytes = Vec::with_capacity(text.len() + 3);
        match self.charset {
            Charset::Utf8 => {
                bytes.extend_from_slice(UTF8_MARK);
                bytes.extend_from_slice(text.as_bytes());
            }
            Charset::Utf16Le => {
                bytes.extend_from_slice(&[0xFF, 0xFE]);
                bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            }
            Charset::Utf16Be => {
                bytes.extend_from_slice(&[0xFE, 0xFF]);
                bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
            }
            Charset::Latin1 | Charset::Windows1252 | Charset::Ascii => {
                let mut reference = String::new();
                for c in text.chars() {
                    match self.byte(c) {
                        Some(byte) => bytes.push(byte),
                        None => {
                            reference.clear();
                            let _ = write!(reference, "&#{};", u32::from(c));
                            bytes.extend_from_slice(reference.as_bytes());
                        }
                    }
                }
            }
        }
        bytes
    }

    /// Says whether a character can be written as it is.
    pub(super) fn has(self, c: char) -> bool {
        match self.charset {
            Charset::Utf8 | Charset::Utf16Le | Charset::Utf16Be => true,
            Charset::Latin1 | Charset::Windows1252 | Charset::Ascii => self.byte(c).is_some(),
        }
    }

    /// Returns the byte of a character in the encodings of one byte.
    fn byte(self, c: char) -> Option<u8> {
        let byte = u8::try_from(c).ok();
        match self.charset {
            Charset::Ascii => byte.filter(u8::is_ascii),
            Charset::Windows1252 => {
                let high = || (0x80..=0x9F).find(|byte| windows_1252(*byte) == Some(c));
                byte.filter(|byte| !(0x80..=0x9F).contains(byte)).or_else(high)
            }
            _ => byte,
        }
    }
}

fn windows_1252(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9F => WINDOWS_1252.chars().nth(usize::from(byte - 0x80)).filter(|c| *c != ' '),
        _ => Some(char::from(byte)),
    }
}

/// Finds the encoding an XML declaration names.
fn declared(file: &FileName, bytes: &[u8]) -> Result<Charset, Box<ParseError>> {
    let Some(name) = declared_name(bytes) else { return Ok(Charset::Utf8) };
    Ok(match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Charset::Utf8,
        "iso-8859-1" | "iso8859-1" | "latin-1" | "latin1" => Charset::Latin1,
        "windows-1252" | "cp1252" => Charset::Windows1252,
        "us-ascii" | "ascii" => Charset::Ascii,
        // The declaration was readable, so it is none of these in truth.
        "utf-16" | "utf-16le" | "utf-16be" => Charset::Utf8,
        // What is written into it must be readable in that encoding, too.
        _ if bytes.is_ascii() => Charset::Ascii,
        _ => {
            let kind = ParseErrorKind::UnknownEncoding { name: name.to_owned() };
            return Err(Box::new(ParseError::encoding(file, kind, "")));
        }
    })
}

fn declared_name(bytes: &[u8]) -> Option<&str> {
    let rest = bytes.strip_prefix(b"<?xml")?;
    let end = rest.iter().take(1000).position(|byte| *byte == b'>')?;
    let declaration = std::str::from_utf8(&rest[..end]).ok()?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<(String, Encoding), ParseErrorKind> {
        Encoding::decode(&"f".into(), bytes.into()).map_err(|error| error.kind)
    }

    #[test]
    fn every_encoding_comes_back_as_it_was() {
        let text = "<?xml version='1.0' encoding='utf-16'?><a>\u{e9}\u{1F600}</a>";
        let mut little = vec![0xFF, 0xFE];
        little.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        let mut big = vec![0xFE, 0xFF];
        big.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        let mut all: Vec<Vec<u8>> = vec![
            little,
            big,
            "\u{feff}<a>\u{e9}</a>".into(),
            b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>\xe9\x80</a>".to_vec(),
            b"<?xml version='1.0' encoding = 'windows-1252' ?><a>\xe9\x80\x9f</a>".to_vec(),
            b"<?xml version='1.0' encoding='us-ascii'?><a/>".to_vec(),
            b"<?xml version='1.0' encoding='koi8-r'?><a/>".to_vec(),
        ];
        all.push("<a>\u{e9}</a>".into());
        for bytes in all {
            let (text, encoding) = decode(&bytes).expect("it can be read");
            assert!(!text.starts_with('\u{feff}'));
            assert_eq!(encoding.encode(text), bytes);
        }
        assert_eq!(
            decode(b"<?xml version='1.0' encoding='windows-1252'?>\x80").expect("the euro").0.chars().last(),
            Some('\u{20AC}')
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let koi = b"<?xml version='1.0' encoding='koi8-r'?><a>\xc1</a>";
        assert_eq!(decode(koi), Err(ParseErrorKind::UnknownEncoding { name: "koi8-r".into() }));
        for bytes in [
            &b"<a>\xff</a>"[..],
            b"\xff\xfe<",
            b"\xff\xfe\x00\xd8",
            b"<?xml version='1.0' encoding='ascii'?><a>\xc3\xa9</a>",
            b"<?xml version='1.0' encoding='cp1252'?><a>\x81</a>",
        ] {
            assert_eq!(decode(bytes), Err(ParseErrorKind::Encoding), "{bytes:?}");
        }
    }

    #[test]
    fn new_characters_become_references() {
        let (text, encoding) = decode(b"<?xml version='1.0' encoding='latin1'?><a/>").expect("it is XML");
        assert!(encoding.encode(text + "\u{20AC}\u{e9}").ends_with(b"<a/>&#8364;\xe9"));
        let (text, encoding) = decode(b"<?xml version='1.0' encoding='koi8-r'?><a/>").expect("it is XML");
        assert!(encoding.encode(text + "\u{e9}").ends_with(b"<a/>&#233;"));
    }
}
