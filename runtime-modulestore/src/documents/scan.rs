//! A way through the bytes of BSON by the lengths that stand in it.
//!
//! Of a big document most is passed over. What is passed over is proved to end within what it lies in, and nothing else;
//! texts are proved to be UTF-8 where they are read.

use std::fmt;

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument};

/// Why bytes cannot be gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed BSON: {}", self.0)
    }
}

/// The types of BSON's specification that are asked for here.
mod kind {
    pub(super) const DOUBLE: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const DOCUMENT: u8 = 0x03;
    pub(crate) const ARRAY: u8 = 0x04;
    pub(super) const UNDEFINED: u8 = 0x06;
    pub(super) const OBJECT_ID: u8 = 0x07;
    pub(super) const BOOLEAN: u8 = 0x08;
    pub(super) const DATE_TIME: u8 = 0x09;
    pub(super) const NULL: u8 = 0x0a;
    pub(super) const CODE_WITH_SCOPE: u8 = 0x0f;
    pub(super) const INT32: u8 = 0x10;
    pub(super) const INT64: u8 = 0x12;
}

pub(crate) use kind::ARRAY;

/// One element of a document or an array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    kind: u8,
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Element<'a> {
    /// Returns the name, which need not be UTF-8.
    pub(crate) fn name(&self) -> &'a [u8] {
        self.name
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, kind::NULL | kind::UNDEFINED)
    }

    /// Returns the bytes of a document.
    pub(crate) fn document(&self) -> Option<&'a [u8]> {
        (self.kind == kind::DOCUMENT).then_some(self.value)
    }

    /// Returns the bytes of what has elements of its own: a document, an array, the variables of code.
    pub(crate) fn nested(&self) -> Option<&'a [u8]> {
        match self.kind {
            kind::DOCUMENT | kind::ARRAY => Some(self.value),
            kind::CODE_WITH_SCOPE => {
                let rest = self.value.get(4..)?;
                rest.get(string_length(rest)?..)
            }
            _ => None,
        }
    }

    /// Returns the bytes of a string, which need not be UTF-8.
    pub(crate) fn string(&self) -> Option<&'a [u8]> {
        if self.kind != kind::STRING {
            return None;
        }
        self.value.get(4..self.value.len().checked_sub(1)?)
    }

    /// Goes through the elements of an array; a document is none.
    pub(crate) fn items(&self) -> Option<Elements<'a>> {
        (self.kind == kind::ARRAY).then(|| Elements::of(self.value))
    }

    /// Returns the two texts of a `[type, id]` pair, which need not be UTF-8.
    pub(crate) fn pair(&self) -> Option<(&'a [u8], &'a [u8])> {
        if self.kind != kind::ARRAY {
            return None;
        }
        // As every writer writes it.
        if let Some((block_type, rest)) = self.value.get(4..).and_then(short_text)
            && let Some((block_id, [0])) = short_text(rest)
        {
            return Some((block_type, block_id));
        }
        let mut items = self.items()?;
        let block_type = items.next()?.ok()?.string()?;
        let block_id = items.next()?.ok()?.string()?;
        items.next().is_none().then_some((block_type, block_id))
    }

    /// Returns the value of a type that is met often; `document` is what the element is of, for all other types.
    pub(crate) fn value(&self, document: &'a RawDocument) -> Result<RawBsonRef<'a>, String> {
        let value = match self.kind {
            kind::NULL => Some(RawBsonRef::Null),
            kind::UNDEFINED => Some(RawBsonRef::Undefined),
            kind::BOOLEAN => match self.value {
                [0] => Some(RawBsonRef::Boolean(false)),
                [1] => Some(RawBsonRef::Boolean(true)),
                _ => None,
            },
            kind::DOUBLE => self.fixed().map(|bytes| RawBsonRef::Double(f64::from_le_bytes(bytes))),
            kind::INT32 => self.fixed().map(|bytes| RawBsonRef::Int32(i32::from_le_bytes(bytes))),
            kind::INT64 => self.fixed().map(|bytes| RawBsonRef::Int64(i64::from_le_bytes(bytes))),
            kind::DATE_TIME => self
                .fixed()
                .map(|bytes| RawBsonRef::DateTime(bson::DateTime::from_millis(i64::from_le_bytes(bytes)))),
            kind::OBJECT_ID => self.fixed().map(|bytes| RawBsonRef::ObjectId(ObjectId::from_bytes(bytes))),
            kind::STRING => {
                self.string().and_then(|text| std::str::from_utf8(text).ok()).map(RawBsonRef::String)
            }
            kind::DOCUMENT => RawDocument::from_bytes(self.value).ok().map(RawBsonRef::Document),
            _ => None,
        };
        if let Some(value) = value {
            return Ok(value);
        }
        // The library knows the other types, and what is wrong with the rest.
        let name = std::str::from_utf8(self.name).map_err(|error| error.to_string())?;
        document
            .get(name)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("`{name}` cannot be found again"))
    }

    fn fixed<const N: usize>(&self) -> Option<[u8; N]> {
        self.value.try_into().ok()
    }
}

/// Goes through the elements of a document, or of an array.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a> {
    left: &'a [u8],
}

impl<'a> Elements<'a> {
    /// Goes through a whole document: its length, its elements, a zero byte.
    pub(crate) fn of(document: &'a [u8]) -> Self {
        Self { left: document.get(4..document.len().saturating_sub(1)).unwrap_or_default() }
    }

    /// Goes through elements of which the last may not be whole yet.
    pub(crate) fn within(elements: &'a [u8]) -> Self {
        Self { left: elements }
    }

    /// Returns how many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.left.len()
    }

    /// Returns the bytes that are left.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.left
    }

    #[inline(always)]
    fn step(&mut self) -> Option<Element<'a>> {
        let (name, kind, start) = head(self.left)?;
        let rest = self.left.get(start..)?;
        let (value, rest) = rest.split_at_checked(length(kind, rest)?)?;
        self.left = rest;
        Some(Element { kind, name, value })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, Malformed>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let element = self.step();
        if element.is_none() {
            // There is no telling where the next one would begin.
            self.left = &[];
        }
        Some(element.ok_or(Malformed("an element does not end within its document")))
    }
}

/// Returns the text that elements begin with, and what follows; nothing where its name is not one byte long.
fn short_text(elements: &[u8]) -> Option<(&[u8], &[u8])> {
    let ([kind::STRING, name, 0], rest) = elements.split_first_chunk()? else { return None };
    if *name == 0 {
        return None;
    }
    let (text, rest) = rest.split_at_checked(string_length(rest)?)?;
    Some((&text[4..text.len() - 1], rest))
}

/// Returns an element's name and type, and where its value begins.
#[inline(always)]
pub(crate) fn head(element: &[u8]) -> Option<(&[u8], u8, usize)> {
    let (&kind, rest) = element.split_first()?;
    let end = zero(rest)?;
    Some((rest.get(..end)?, kind, end + 2))
}

/// Returns where the last byte of a document is that begins with such a length.
pub(crate) fn last_byte(length: [u8; 4]) -> Option<usize> {
    usize::try_from(i32::from_le_bytes(length)).ok()?.checked_sub(1).filter(|last| *last >= 4)
}

/// Brings bytes that are about to be gone through into the processor's caches. Where one element ends tells where the
/// next begins, so that going through them waits for every line of memory one by one; here they come at the same time.
pub(crate) fn fetch(bytes: &[u8]) {
    const LINE: usize = 64;
    let last = bytes.last().copied().unwrap_or_default();
    std::hint::black_box(bytes.iter().step_by(LINE).fold(last, |all, byte| all ^ byte));
}

/// Finds an element by its name, the first of several.
#[inline]
pub(crate) fn find<'a>(document: &'a [u8], name: &str) -> Result<Option<Element<'a>>, Malformed> {
    for element in Elements::of(document) {
        let element = element?;
        if element.name == name.as_bytes() {
            return Ok(Some(element));
        }
    }
    Ok(None)
}

/// How many bytes a value of each type takes, [`OWN_LENGTH`] where not all take the same.
const LENGTHS: [u8; 256] = {
    let mut lengths = [OWN_LENGTH; 256];
    lengths[kind::NULL as usize] = 0;
    lengths[kind::UNDEFINED as usize] = 0;
    // The least and the greatest key.
    lengths[0xff] = 0;
    lengths[0x7f] = 0;
    lengths[kind::BOOLEAN as usize] = 1;
    lengths[kind::INT32 as usize] = 4;
    lengths[kind::DOUBLE as usize] = 8;
    lengths[kind::DATE_TIME as usize] = 8;
    lengths[kind::INT64 as usize] = 8;
    // A time stamp.
    lengths[0x11] = 8;
    lengths[kind::OBJECT_ID as usize] = 12;
    // A decimal.
    lengths[0x13] = 16;
    lengths
};
const OWN_LENGTH: u8 = u8::MAX;

/// Returns how many bytes a value takes, nothing where that cannot be.
#[inline(always)]
fn length(kind: u8, rest: &[u8]) -> Option<usize> {
    match kind {
        kind::DOCUMENT | kind::ARRAY => {
            let length = number(rest)?;
            (length >= 5 && *rest.get(length - 1)? == 0).then_some(length)
        }
        kind::STRING => string_length(rest),
        _ => match LENGTHS[usize::from(kind)] {
            OWN_LENGTH => rare_length(kind, rest),
            length => Some(usize::from(length)),
        },
    }
}

#[cold]
fn rare_length(kind: u8, rest: &[u8]) -> Option<usize> {
    Some(match kind {
        // A symbol, and code.
        0x0d | 0x0e => string_length(rest)?,
        // A pointer into a database.
        0x0c => string_length(rest)?.checked_add(12)?,
        // Bytes, with a type of their own.
        0x05 => number(rest)?.checked_add(5)?,
        // A regular expression with its options.
        0x0b => {
            let pattern = zero(rest)?;
            pattern + zero(&rest[pattern + 1..])? + 2
        }
        // Code with its variables.
        kind::CODE_WITH_SCOPE => number(rest)?,
        _ => return None,
    })
}

/// Returns where the first zero byte is. Most names are shorter than sixteen bytes, which are looked at together.
#[inline(always)]
fn zero(bytes: &[u8]) -> Option<usize> {
    if let Some((sixteen, rest)) = bytes.split_first_chunk() {
        return zero_of(*sixteen).or_else(|| Some(later_zero(rest)? + 16));
    }
    later_zero(bytes)
}

#[inline(always)]
fn zero_of(sixteen: [u8; 16]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    for at in [0, 8] {
        let eight = u64::from_le_bytes(std::array::from_fn(|byte| sixteen[at + byte]));
        // The lowest of these bits is that of the first zero byte; those above it may be wrong.
        let zeros = eight.wrapping_sub(ONES) & !eight & (ONES << 7);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
    }
    None
}

#[inline(never)]
fn later_zero(bytes: &[u8]) -> Option<usize> {
    let (sixteens, rest) = bytes.as_chunks();
    for (number, sixteen) in sixteens.iter().enumerate() {
        if let Some(at) = zero_of(*sixteen) {
            return Some(number * 16 + at);
        }
    }
    Some(sixteens.len() * 16 + rest.iter().position(|byte| *byte == 0)?)
}

fn number(rest: &[u8]) -> Option<usize> {
    usize::try_from(i32::from_le_bytes(*rest.first_chunk()?)).ok()
}

fn string_length(rest: &[u8]) -> Option<usize> {
    let end = number(rest)?.checked_add(4)?;
    (end > 4 && *rest.get(end - 1)? == 0).then_some(end)
}

#[cfg(test)]
mod tests {
    use bson::raw::RawDocumentBuf;
    use bson::{Bson, doc};

    use super::*;

    fn sample() -> RawDocumentBuf {
        let document = doc! {
            "double": 1.5, "string": "tide", "document": {"a": 1}, "array": [["html", "one"], 2],
            "binary": Bson::Binary(bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![0, 1, 2] }),
            "undefined": Bson::Undefined, "id": ObjectId::from_bytes([7; 12]), "yes": true,
            "date": bson::DateTime::from_millis(5), "null": Bson::Null,
            "regex": Bson::RegularExpression(bson::Regex {
                pattern: bson::raw::CString::try_from("a.b").expect("no zero byte"),
                options: bson::raw::CString::try_from("i").expect("no zero byte"),
            }),
            "code": Bson::JavaScriptCode("x".into()), "symbol": Bson::Symbol("s".into()),
            "scope": Bson::JavaScriptCodeWithScope(bson::JavaScriptCodeWithScope { code: "y".into(), scope: doc! {"z": 1} }),
            "int": 7, "stamp": Bson::Timestamp(bson::Timestamp { time: 1, increment: 2 }), "long": 1_i64 << 40,
            "decimal": Bson::Decimal128(bson::Decimal128::from_bytes([3; 16])), "min": Bson::MinKey, "max": Bson::MaxKey,
            "a": 1, "fifteen letters": 2, "sixteen letters.": 3, "seventeen letters": 4, "letter upon letter upon letter": 5,
            "b\u{1}\u{80}\u{ff}": 6, "": 7,
        };
        RawDocumentBuf::try_from(&document).expect("BSON")
    }

    /// Every type is found and read as the library reads it.
    #[test]
    fn reads_what_the_library_reads() {
        let document = sample();
        let elements = Elements::of(document.as_bytes()).collect::<Result<Vec<_>, _>>().expect("whole");
        assert_eq!(elements.len(), document.iter().count());
        for (element, known) in elements.iter().zip(&*document) {
            let (name, value) = known.expect("whole");
            assert_eq!(element.name(), name.as_str().as_bytes());
            assert_eq!(element.value(&document), Ok(value));
            let found = find(document.as_bytes(), name.as_str()).expect("whole").expect("there");
            assert_eq!(found.value(&document), Ok(value));
        }
        let array = find(document.as_bytes(), "array").expect("whole").expect("there");
        let pairs: Vec<_> = array.items().expect("a list").map(|item| item.expect("whole").pair()).collect();
        assert_eq!(pairs, [Some((&b"html"[..], &b"one"[..])), None]);
    }

    /// Pairs are read whatever their items are called.
    #[test]
    fn pairs_need_no_usual_names() {
        for names in [["0", "1"], ["", ""], ["0", "first"], ["zero", "1"]] {
            let mut whole = Vec::new();
            for name in names {
                whole.extend([[2].as_slice(), name.as_bytes(), &[0, 5, 0, 0, 0], b"html\0"].concat());
            }
            let length = i32::try_from(whole.len() + 5).expect("short").to_le_bytes();
            let whole = [&length[..], &whole, &[0]].concat();
            let element = |kind| Element { kind, name: b"0", value: &whole };
            assert_eq!(element(ARRAY).pair(), Some((&b"html"[..], &b"html"[..])), "{names:?}");
            assert_eq!(element(kind::DOCUMENT).pair(), None);
        }
        let document = doc! { "a": ["x", "y", "z"], "b": ["x"], "c": ["x", 1], "d": [] };
        let document = RawDocumentBuf::try_from(&document).expect("BSON");
        for element in Elements::of(document.as_bytes()) {
            assert_eq!(element.expect("whole").pair(), None);
        }
    }

    /// Whatever byte is changed, and wherever the end is cut: no panic, and nothing is accepted that the library refuses
    /// for its lengths.
    #[test]
    fn refuses_what_the_library_refuses() {
        let whole = sample().into_bytes();
        let mut refused = 0;
        for at in 4..whole.len() {
            for byte in [0, 1, 5, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let Ok(document) = RawDocument::from_bytes(&bytes) else { continue };
                let ours = Elements::of(&bytes).collect::<Result<Vec<_>, _>>();
                let theirs = document.iter_elements().collect::<Result<Vec<_>, _>>();
                refused += usize::from(ours.is_err());
                assert!(
                    ours.is_err() || theirs.is_ok() || std::str::from_utf8(&bytes).is_err(),
                    "{at} {byte}"
                );
                for element in ours.into_iter().flatten() {
                    let _ = (element.value(document), element.pair(), element.document(), element.string());
                }
            }
        }
        assert!(refused > 0);
        for end in 0..whole.len() {
            let _ = Elements::of(&whole[..end]).count();
        }
    }
}
