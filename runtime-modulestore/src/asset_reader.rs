//! Static files read in parts: the chunks that a part lies in.

use std::ops::Range;
use std::sync::Arc;

use xblock_core::runtime::{AssetReader, AssetRecord, RuntimeError};

use crate::assets::FoundFile;
use crate::documents::corrupt;
use crate::store::{DocumentReads, DocumentStore};

/// Most bytes that memory is taken for before they come.
const LONGEST: usize = 4 * 1024 * 1024;

/// A file open for reading. Its document is looked at with every part, for chunks have no versions: where other bytes were
/// put in its place, reading on is an error.
pub(crate) struct OpenFile {
    store: Arc<dyn DocumentStore>,
    record: AssetRecord,
    found: FoundFile,
    chunk_size: u64,
}

impl OpenFile {
    pub(crate) fn new(
        store: Arc<dyn DocumentStore>,
        record: AssetRecord,
        found: FoundFile,
    ) -> Result<Self, RuntimeError> {
        let chunk_size = found.chunk_size()?;
        Ok(Self { store, record, found, chunk_size })
    }

    /// Finds the file as it was opened.
    fn now(&self, docs: &dyn DocumentReads) -> Result<FoundFile, RuntimeError> {
        self.found.again(docs)?.ok_or_else(|| {
            RuntimeError::storage(
                format!("reading on in {}", self.record.key),
                "it was replaced or deleted since it was opened",
            )
        })
    }
}

impl AssetReader for OpenFile {
    fn record(&self) -> &AssetRecord {
        &self.record
    }

    fn read_at(&mut self, start: u64, length: usize) -> Result<Vec<u8>, RuntimeError> {
        let end = start.saturating_add(length as u64).min(self.record.length);
        if start >= end {
            return Ok(Vec::new());
        }
        let number = |place: u64| i32::try_from(place).unwrap_or(i32::MAX);
        let first = start / self.chunk_size;
        let numbers = number(first)..number(end.div_ceil(self.chunk_size));
        let docs = self.store.read()?;
        let now = self.now(&*docs)?;
        let mut part = Part::new(start..end, first * self.chunk_size);
        let mut is_regular = true;
        docs.some_chunks(now.bucket, &now.id, numbers, &mut |chunk| {
            let held = chunk.len() as u64;
            is_regular &= held == self.chunk_size || part.at + held == self.record.length;
            part.take(chunk);
            Ok(())
        })?;
        if !is_regular {
            // Who wrote it cut it elsewhere than it says, so that only its beginning tells where a chunk lies.
            part = Part::new(start..end, 0);
            now.each_chunk(&*docs, &mut |chunk| part.take(chunk))?;
        }
        // On a server it may have been replaced meanwhile.
        self.now(&*self.store.read()?)?;
        if part.bytes.len() as u64 != end - start {
            let reason =
                format!("its chunks hold {} of {} bytes from {start} on", part.bytes.len(), end - start);
            return Err(corrupt(self.record.key.to_string(), reason));
        }
        Ok(part.bytes)
    }
}

/// What is wanted of a file, gathered from its chunks.
struct Part {
    wanted: Range<u64>,
    /// The place of the next chunk in the file.
    at: u64,
    bytes: Vec<u8>,
}

impl Part {
    fn new(wanted: Range<u64>, at: u64) -> Self {
        // Who asks for very much may ask for more than there is.
        let bytes = Vec::with_capacity(usize::try_from(wanted.end - wanted.start).unwrap_or(0).min(LONGEST));
        Self { wanted, at, bytes }
    }

    fn take(&mut self, chunk: &[u8]) {
        let within = |place: u64| {
            usize::try_from(place.saturating_sub(self.at)).unwrap_or(usize::MAX).min(chunk.len())
        };
        self.bytes.extend_from_slice(&chunk[within(self.wanted.start)..within(self.wanted.end)]);
        self.at += chunk.len() as u64;
    }
}
