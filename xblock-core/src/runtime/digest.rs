//! The digest by which static files are compared across backends.

use std::io::Read;
use std::sync::Arc;

use blake2::digest::consts::U20;
use blake2::{Blake2b, Digest};

/// Computes BLAKE2b with 20 bytes of output, piece by piece.
#[derive(Clone, Default)]
pub struct ContentDigest(Blake2b<U20>);

impl ContentDigest {
    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest in 40 lower-case hex digits.
    #[must_use]
    pub fn finish(self) -> Arc<str> {
        hex::encode(self.0.finalize()).into()
    }

    /// Digests a whole slice.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Arc<str> {
        let mut digest = Self::default();
        digest.update(bytes);
        digest.finish()
    }

    /// Digests what a reader gives, to its end.
    ///
    /// # Errors
    /// The reader's own.
    pub fn of_reader(mut reader: impl Read) -> std::io::Result<(Arc<str>, u64)> {
        let mut digest = Self::default();
        let mut buffer = vec![0; 64 * 1024];
        let mut length = 0;
        loop {
            let read = reader.read(&mut buffer)?;
            if read == 0 {
                return Ok((digest.finish(), length));
            }
            digest.update(&buffer[..read]);
            length += read as u64;
        }
    }
}
