//! How deep documents may be nested.
//!
//! What makes values of BSON calls itself for each level, so that a document of some ten thousand bytes that is nothing
//! but levels would end the process. Every document is looked at before it is taken apart, level by level and without
//! such calls. Most need no look: a level takes seven bytes, and what is shorter than so many cannot be too deep.

use std::fmt;

use bson::raw::{RawBsonRef, RawDocument};
use bson::{Bson, Document};
use xblock_core::fields::MAX_DEPTH;

use super::scan::Elements;

/// How many levels a document may have: those of a field's value, and what stands around it in a structure.
const DOCUMENT_DEPTH: usize = MAX_DEPTH + 8;
/// How many a field's value may have; it may stand in an object of ours.
const VALUE_DEPTH: usize = MAX_DEPTH + 2;
/// The fewest bytes of a document: its length and its end.
const SMALLEST: usize = 5;
/// The fewest bytes a level takes: a type, the end of a name, a length, an end.
const LEVEL: usize = 7;

/// Why a document is not taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// It has too many levels.
    TooDeep,
    /// It is no BSON.
    Malformed(String),
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "it is nested deeper than {DOCUMENT_DEPTH} levels"),
            Self::Malformed(reason) => f.write_str(reason),
        }
    }
}

/// Says whether a document, or an array, has more levels than that.
fn is_deeper(document: &[u8], levels: usize) -> bool {
    let least = |levels: usize| SMALLEST + LEVEL * levels;
    if document.len() < least(levels) {
        return false;
    }
    let mut open = vec![Elements::of(document)];
    while let Some(last) = open.last_mut() {
        match last.next() {
            Some(Ok(element)) => {
                let Some(inner) = element.nested() else { continue };
                if open.len() == levels {
                    return true;
                }
                if inner.len() >= least(levels - open.len()) {
                    open.push(Elements::of(inner));
                }
            }
            // Nobody gets past what is malformed.
            Some(Err(_)) | None => {
                open.pop();
            }
        }
    }
    false
}

/// Says whether a document is too deep to be taken apart.
pub(crate) fn is_too_deep(document: &RawDocument) -> bool {
    is_deeper(document.as_bytes(), DOCUMENT_DEPTH)
}

/// Says whether a field's value is too deep.
pub(crate) fn is_value_too_deep(value: RawBsonRef<'_>) -> bool {
    is_value_deeper(value, VALUE_DEPTH)
}

fn is_value_deeper(value: RawBsonRef<'_>, levels: usize) -> bool {
    match value {
        RawBsonRef::Document(document) => is_deeper(document.as_bytes(), levels),
        RawBsonRef::Array(items) => is_deeper(items.as_bytes(), levels),
        RawBsonRef::JavaScriptCodeWithScope(code) => is_deeper(code.scope.as_bytes(), levels),
        _ => false,
    }
}

/// Takes a document apart.
pub(crate) fn to_document(raw: &RawDocument) -> Result<Document, Undecodable> {
    if is_too_deep(raw) {
        return Err(Undecodable::TooDeep);
    }
    Document::try_from(raw).map_err(|error| Undecodable::Malformed(error.to_string()))
}

/// Takes a value apart.
pub(crate) fn to_bson(value: RawBsonRef<'_>) -> Result<Bson, Undecodable> {
    if is_value_deeper(value, DOCUMENT_DEPTH) {
        return Err(Undecodable::TooDeep);
    }
    Bson::try_from(value).map_err(|error| Undecodable::Malformed(error.to_string()))
}

/// Says why a document is no well-formed BSON, all of it; one that is nested too deep is not looked into.
pub(crate) fn malformed(document: &RawDocument) -> Option<String> {
    if is_too_deep(document) {
        return None;
    }
    walk(document).err().map(|error| error.to_string())
}

fn walk(document: &RawDocument) -> bson::error::Result<()> {
    for element in document {
        match element?.1 {
            RawBsonRef::Document(inner) => walk(inner)?,
            RawBsonRef::Array(items) => walk(RawDocument::from_bytes(items.as_bytes())?)?,
            RawBsonRef::JavaScriptCodeWithScope(code) => walk(code.scope)?,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bson::raw::RawDocumentBuf;
    use bson::spec::ElementType;

    use super::*;

    /// Makes a document of so many levels, each in a member of the type.
    fn nested(levels: usize, kind: ElementType, beside: &[u8]) -> RawDocumentBuf {
        let mut inner = vec![5, 0, 0, 0, 0];
        for _ in 1..levels {
            let mut value = inner;
            if kind == ElementType::JavaScriptCodeWithScope {
                let length = i32::try_from(value.len() + 9).expect("short").to_le_bytes();
                value = [&length[..], &[1, 0, 0, 0, 0], &value].concat();
            }
            let body = [beside, &[kind as u8, b'0', 0], &value, &[0]].concat();
            let length = i32::try_from(body.len() + 4).expect("short").to_le_bytes();
            inner = [&length[..], &body].concat();
        }
        RawDocumentBuf::from_bytes(inner).expect("a document")
    }

    #[test]
    fn levels_are_counted_exactly_whatever_they_are_made_of() {
        let kinds = [ElementType::EmbeddedDocument, ElementType::Array, ElementType::JavaScriptCodeWithScope];
        for kind in kinds {
            for beside in [&b""[..], b"\x0aname\0", b"\x02text\0\x05\0\0\0four\0"] {
                assert!(to_document(&nested(DOCUMENT_DEPTH, kind, beside)).is_ok(), "{kind:?}");
                for levels in [DOCUMENT_DEPTH + 1, 10_000] {
                    let document = nested(levels, kind, beside);
                    assert_eq!(to_document(&document), Err(Undecodable::TooDeep), "{kind:?}, {levels}");
                }
            }
        }
    }

    #[test]
    fn what_stands_after_a_long_value_is_looked_at() {
        let mut document = RawDocumentBuf::new();
        document.append(bson::raw::cstr!("text"), "x".repeat(10_000));
        document.append(bson::raw::cstr!("wide"), bson::raw::RawArrayBuf::from_iter(0..5_000));
        assert!(!is_too_deep(&document));
        document.append(bson::raw::cstr!("deep"), nested(5_000, ElementType::Array, b""));
        assert!(is_too_deep(&document));
    }
}
