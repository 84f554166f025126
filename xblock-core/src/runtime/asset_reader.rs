//! Static files read in parts.

use std::io::{self, Read};

use super::digest::ContentDigest;
use super::error::RuntimeError;
use super::record::AssetRecord;

/// Bytes an [`AssetStream`] asks for at once.
const PIECE: usize = 1024 * 1024;

/// A static file open for reading: as it was when it was opened, whatever is written meanwhile.
///
/// Reading a part does not prove the digest, which would take the whole file; an [`AssetStream`] does.
pub trait AssetReader: Send {
    /// Returns the file's record.
    fn record(&self) -> &AssetRecord;

    /// Reads `length` bytes from `start` on, fewer only where the file ends.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where bytes are missing, and the store's own, also where it cannot keep a file that has
    /// been replaced since it was opened.
    fn read_at(&mut self, start: u64, length: usize) -> Result<Vec<u8>, RuntimeError>;
}

/// A static file from its beginning to its end, in pieces and in little memory.
///
/// The digest is proved before the last piece is given out, so that nobody takes damaged bytes for a whole file.
pub struct AssetStream {
    reader: Box<dyn AssetReader>,
    at: u64,
    digest: ContentDigest,
    /// Where the digest was found to be right.
    is_proved: bool,
    /// What [`Read`] has not given out yet.
    rest: io::Cursor<Vec<u8>>,
}

impl AssetStream {
    /// Begins at the beginning of a file.
    #[must_use]
    pub fn new(reader: Box<dyn AssetReader>) -> Self {
        Self {
            reader,
            at: 0,
            digest: ContentDigest::default(),
            is_proved: false,
            rest: io::Cursor::default(),
        }
    }

    /// Returns the next piece, none behind the last.
    ///
    /// # Errors
    /// Those of [`AssetReader::read_at`], and [`RuntimeError::Corrupt`] where the digest is another.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>, RuntimeError> {
        if self.is_proved {
            return Ok(None);
        }
        let piece = self.reader.read_at(self.at, PIECE)?;
        self.digest.update(&piece);
        self.at += piece.len() as u64;
        let record = self.reader.record();
        if self.at >= record.length || piece.is_empty() {
            let found = std::mem::take(&mut self.digest).finish();
            if self.at != record.length || found != record.digest {
                let reason = format!("its bytes have the digest {found}, not {}", record.digest);
                return Err(RuntimeError::Corrupt { place: record.key.to_string(), reason });
            }
            self.is_proved = true;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

impl Read for AssetStream {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.rest.read(target)?;
            if read > 0 || target.is_empty() {
                return Ok(read);
            }
            match self.next_piece().map_err(io::Error::other)? {
                Some(piece) => self.rest = io::Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}
