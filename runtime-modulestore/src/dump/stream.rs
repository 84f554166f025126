//! The bytes of a file of a dump, and where its documents end.
//!
//! A document says twice how long it is: by the length it begins with, and by its elements, each of which says how long it
//! is, up to a zero byte. Where one of the two is damaged, the other one shows where the next document begins.

use std::io::{self, Read};

use crate::documents::Elements;

/// The fewest bytes of a document: the length and the end.
const LEAST: usize = 5;
/// The most bytes that are looked at to find the end of one document.
const FAR: usize = 64 << 20;
/// How many bytes are read at once, at least.
const PIECE: usize = 64 << 10;

pub(super) struct Stream {
    reader: Box<dyn Read>,
    bytes: Vec<u8>,
    start: usize,
    is_at_end: bool,
    /// How many bytes were passed.
    pub(super) passed: u64,
}

impl Stream {
    pub(super) fn new(reader: Box<dyn Read>) -> Self {
        Self { reader, bytes: Vec::new(), start: 0, is_at_end: false, passed: 0 }
    }

    /// Returns the bytes ahead, at least so many unless the file has fewer.
    pub(super) fn fill(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.bytes.len() - self.start < count && !self.is_at_end {
            self.bytes.drain(..self.start);
            self.start = 0;
            let wanted = (count - self.bytes.len()).max(PIECE) as u64;
            self.is_at_end = self.reader.by_ref().take(wanted).read_to_end(&mut self.bytes)? == 0;
        }
        Ok(self.bytes.get(self.start..).unwrap_or_default())
    }

    /// Returns so many of the bytes ahead, which are there.
    pub(super) fn ahead(&self, count: usize) -> &[u8] {
        self.bytes.get(self.start..self.start + count).unwrap_or_default()
    }

    /// Goes past so many bytes.
    pub(super) fn pass(&mut self, count: usize) {
        self.start += count;
        self.passed += count as u64;
    }

    /// Finds how long the next document is, or says why nobody can tell.
    pub(super) fn next_document(&mut self, limit: usize) -> io::Result<Result<usize, String>> {
        let first = self.fill(LEAST)?.first_chunk().copied();
        let said = first.and_then(|length| usize::try_from(i32::from_le_bytes(length)).ok());
        let first_said = said.unwrap_or(0);
        let said = said.filter(|length| (LEAST..=limit.max(FAR)).contains(length));
        let mut ends_right = false;
        if let Some(length) = said
            && let Some(document) = self.fill(length)?.get(..length)
        {
            ends_right = document.last() == Some(&0);
            // Whatever is wrong within it then, its length is right.
            if ends_right && (is_filled(document) || self.follows(length)?) {
                return Ok(Ok(length));
            }
        }
        let bytes = self.fill(FAR)?;
        let is_there = said.filter(|length| *length <= bytes.len());
        let is_filled = is_there.is_some_and(|length| bytes.get(..length).is_some_and(is_filled));
        let end = end(bytes);
        if let Some(length) = is_there
            && (is_filled || self.follows(length)?)
            && self.follows(length)?
        {
            return Ok(Ok(length));
        }
        if let Some(length) = end
            && self.follows(length)?
        {
            return Ok(Ok(length));
        }
        Ok(match is_there.filter(|_| ends_right || is_filled) {
            Some(length) => Ok(length),
            None if first_said > limit => {
                Err(format!("it takes {first_said} bytes, a document may take {limit}"))
            }
            None if said.is_some() && is_there.is_none() => Err("the file ends within it".to_owned()),
            None if said.is_none() => Err("its first bytes are no length".to_owned()),
            None => Err("its length is wrong, and it cannot be told where it ends".to_owned()),
        })
    }

    /// Says whether a document, or the end of the file, can be at a place ahead.
    fn follows(&mut self, at: usize) -> io::Result<bool> {
        let next = self.fill(at + LEAST)?.get(at..).unwrap_or_default();
        if next.is_empty() {
            return Ok(true);
        }
        let (Some(length), Some(kind)) = (next.first_chunk(), next.get(4).copied()) else { return Ok(false) };
        let Some(length) = usize::try_from(i32::from_le_bytes(*length)).ok().filter(|length| *length <= FAR)
        else {
            return Ok(false);
        };
        let is_kind = matches!(kind, 0x01..=0x13 | 0x7f | 0xff) || (kind == 0 && length == LEAST);
        if length < LEAST || !is_kind {
            return Ok(false);
        }
        Ok(self.fill(at + length)?.get(at + length - 1) == Some(&0))
    }
}

/// Says whether elements fill a document exactly up to its last byte.
fn is_filled(document: &[u8]) -> bool {
    Elements::of(document).all(|element| element.is_ok())
}

/// Finds where the elements of a document end with a zero byte.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut elements = Elements::within(bytes.get(4..)?);
    loop {
        if elements.bytes().first()? == &0 {
            return Some(bytes.len() - elements.left() + 1);
        }
        elements.next()?.ok()?;
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn documents() -> Vec<Vec<u8>> {
        (0..5)
            .map(|number| {
                let mut bytes = Vec::new();
                doc! { "_id": number, "text": "x".repeat(40 * number as usize), "more": { "a": [1, "b", true] } }
                    .to_writer(&mut bytes)
                    .expect("BSON");
                bytes
            })
            .collect()
    }

    fn lengths(bytes: &[u8]) -> Result<Vec<usize>, String> {
        let mut stream = Stream::new(Box::new(io::Cursor::new(bytes.to_vec())));
        let mut found = Vec::new();
        while !stream.fill(1).expect("bytes").is_empty() {
            let length = stream.next_document(1 << 24).expect("bytes")?;
            found.push(length);
            stream.pass(length);
        }
        Ok(found)
    }

    /// Wherever a bit is wrong, of the end of no document another is lost.
    #[test]
    fn one_wrong_bit_moves_no_end_of_a_document() {
        let documents = documents();
        let expected: Vec<_> = documents.iter().map(Vec::len).collect();
        let whole = documents.concat();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(lengths(&bytes), Ok(expected.clone()), "bit {bit}");
        }
    }

    #[test]
    fn what_is_cut_off_is_told() {
        let whole = documents().concat();
        assert_eq!(lengths(&whole[..whole.len() - 1]), Err("the file ends within it".to_owned()));
        assert_eq!(lengths(&[1, 2, 3]), Err("its first bytes are no length".to_owned()));
    }
}
