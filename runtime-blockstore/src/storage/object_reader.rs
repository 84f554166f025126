//! An object read from any place in it, in little memory.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use super::client::Client;
use super::opened::Mark;
use crate::error::BlockstoreError;

/// The first piece that is asked for after a jump; each one after it is twice as long.
const FIRST: u64 = 64 * 1024;

/// The longest piece.
const LONGEST: u64 = 1024 * 1024;

/// An object open for reading. It is the same object to the end: one written over it meanwhile is an error.
#[derive(Debug)]
pub(crate) struct ObjectReader {
    client: Arc<Client>,
    path: PathBuf,
    mark: Mark,
    at: u64,
    /// What was read last, and where it begins.
    piece: (u64, Vec<u8>),
    next: u64,
}

impl ObjectReader {
    pub(super) fn new(client: Arc<Client>, path: PathBuf, mark: Mark) -> Self {
        Self { client, path, mark, at: 0, piece: (0, Vec::new()), next: FIRST }
    }

    pub(super) fn length(&self) -> u64 {
        self.mark.length
    }

    /// Asks for no more than a range, which is read next.
    pub(super) fn expect(&mut self, length: u64) {
        self.next = length.clamp(1, LONGEST);
    }

    /// Reads the next piece into the memory of the last one.
    fn read_piece(&mut self) -> Result<Vec<u8>, BlockstoreError> {
        let end = self.at.saturating_add(self.next).min(self.mark.length);
        let memory = std::mem::take(&mut self.piece.1);
        let bytes = self.client.read_part(&self.path, self.mark.tag.as_deref(), self.at..end, memory)?;
        if bytes.len() as u64 != end - self.at {
            let reason = format!("{} bytes came of {}", bytes.len(), end - self.at);
            return Err(BlockstoreError::corrupt(self.path.display(), reason));
        }
        self.next = (self.next * 2).min(LONGEST);
        Ok(bytes)
    }
}

impl Read for ObjectReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.mark.length || target.is_empty() {
            return Ok(0);
        }
        let (start, piece) = &self.piece;
        if self.at < *start || self.at >= *start + piece.len() as u64 {
            self.piece = (self.at, self.read_piece().map_err(io::Error::other)?);
        }
        let (start, piece) = &self.piece;
        let from = usize::try_from(self.at - start).unwrap_or(usize::MAX);
        let rest = piece.get(from..).unwrap_or_default();
        let length = rest.len().min(target.len());
        target[..length].copy_from_slice(&rest[..length]);
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wanted = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.mark.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let wanted = wanted.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        if wanted != self.at {
            self.next = FIRST;
        }
        self.at = wanted;
        Ok(wanted)
    }
}
