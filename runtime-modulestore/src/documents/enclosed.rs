//! Bytes of a dump that are a document only nearly: the length they begin with or the zero byte they end with is wrong.
//!
//! They are kept in a document of ours, as bytes, from which an export takes them out again.

use bson::Bson;
use bson::raw::{RawBinaryRef, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::spec::BinarySubtype;
use xblock_core::runtime::RuntimeError;

use super::read::corrupt;
use super::structure::MAX_DOCUMENT;

/// The one field beside `_id`.
const BYTES: &str = "xblock_runtime.bytes";

/// Puts bytes into a document, which has the `_id` that is given.
pub(crate) fn enclosed(id: Option<&Bson>, bytes: &[u8]) -> Result<RawDocumentBuf, RuntimeError> {
    let mut outer = RawDocumentBuf::new();
    if let Some(id) = id {
        outer = RawDocumentBuf::try_from(&bson::doc! { "_id": id })
            .map_err(|error| corrupt("a document of a dump", error))?;
    }
    outer.append(
        cstr!("xblock_runtime.bytes"),
        RawBsonRef::Binary(RawBinaryRef { subtype: BinarySubtype::Generic, bytes }),
    );
    Ok(outer)
}

/// Returns the bytes that stand in such a document; nothing of any other.
pub(crate) fn opened(document: &RawDocument) -> Option<&[u8]> {
    let mut bytes = None;
    for element in document {
        match element.ok()? {
            (name, RawBsonRef::Binary(found)) if name.as_str() == BYTES => bytes = Some(found.bytes),
            (name, _) if name.as_str() == "_id" => {}
            _ => return None,
        }
    }
    bytes
}

/// Says what is wrong with how long a document is, or with its end, where it is kept for that.
pub(crate) fn misshapen(document: &RawDocument) -> Option<String> {
    let Some(bytes) = opened(document) else {
        let length = document.as_bytes().len();
        return (length > MAX_DOCUMENT)
            .then(|| format!("it takes {length} bytes, a document may take {MAX_DOCUMENT}"));
    };
    if RawDocument::from_bytes(bytes).is_ok_and(|document| opened(document).is_some()) {
        return Some("it looks like one in which this program keeps bytes that are none".to_owned());
    }
    let length = bytes.first_chunk().map_or(0, |length| i32::from_le_bytes(*length));
    Some(if usize::try_from(length).is_ok_and(|length| length == bytes.len()) {
        format!("it does not end with a zero byte, but with {:#04x}", bytes.last().copied().unwrap_or(0))
    } else {
        format!("it says that it takes {length} bytes, and ends after {}", bytes.len())
    })
}
