//! Files of any size: written from a stream, read in ranges.

use std::io::{self, Read, Seek, SeekFrom, Write};

use uuid::Uuid;

use super::Blockstore;
use super::drafts::Incoming;
use crate::digest::{Digest, Hasher};
use crate::document::FileRecord;
use crate::error::BlockstoreError;
use crate::path;
use crate::storage::{Opened, Place};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// Bytes held at once while a file is copied.
const BUFFER: usize = 128 * 1024;

/// Most bytes that memory is taken for before they come.
const LONGEST: usize = 4 * 1024 * 1024;

/// A file of a bundle, open for reading from any place in it.
///
/// Reading does not prove the digest, which would take the whole file; [`BundleFile::copy_proved`] does.
#[derive(Debug)]
pub struct BundleFile {
    open: Opened,
    place: String,
    size: u64,
    hash_digest: Digest,
}

impl BundleFile {
    /// Returns the size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the digest of the whole content; fit for an entity tag.
    #[must_use]
    pub fn hash_digest(&self) -> Digest {
        self.hash_digest
    }

    /// Reads the bytes from `start` on, `length` of them or up to the end.
    ///
    /// # Errors
    /// [`BlockstoreError::Corrupt`] where the file was cut short since it was opened, and failures of the medium.
    pub fn read_range(&mut self, start: u64, length: u64) -> Result<Vec<u8>> {
        let failed = |place: &str| {
            let place = place.to_owned();
            move |source| BlockstoreError::Io { action: "cannot read", place, source }
        };
        let start = start.min(self.size);
        let length = length.min(self.size - start);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(LONGEST));
        self.open.seek(SeekFrom::Start(start)).map_err(failed(&self.place))?;
        self.open.expect(length);
        Read::by_ref(&mut self.open).take(length).read_to_end(&mut bytes).map_err(failed(&self.place))?;
        if bytes.len() as u64 != length {
            let reason = format!("it ends at byte {}, not {}", start + bytes.len() as u64, self.size);
            return Err(BlockstoreError::corrupt(&self.place, reason));
        }
        Ok(bytes)
    }

    /// Copies the whole content and proves its digest; nothing may be made of the copy before this returns.
    ///
    /// # Errors
    /// [`BlockstoreError::Corrupt`], and failures of the medium and of the target.
    pub fn copy_proved(&mut self, target: &mut dyn Write) -> Result<u64> {
        let failed = |place: &str| {
            let place = place.to_owned();
            move |source| BlockstoreError::Io { action: "cannot copy", place, source }
        };
        self.open.seek(SeekFrom::Start(0)).map_err(failed(&self.place))?;
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; BUFFER];
        let mut length = 0;
        loop {
            let read = match self.open.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(&self.place)(error)),
            };
            hasher.update(&buffer[..read]);
            target.write_all(&buffer[..read]).map_err(failed(&self.place))?;
            length += read as u64;
        }
        let hash = hasher.finish();
        if hash != self.hash_digest {
            let reason = format!("it should have the digest {}, not {hash}", self.hash_digest);
            return Err(BlockstoreError::corrupt(&self.place, reason));
        }
        Ok(length)
    }
}

impl Read for BundleFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.open.read(bytes)
    }
}

impl Seek for BundleFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.open.seek(to)
    }
}

impl Blockstore {
    /// Opens a file of a bundle's draft or latest version without reading it.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_file_data`], but that only a wrong size is noticed as damage.
    pub fn open_bundle_file(&self, bundle: Uuid, path: &str, use_draft: Option<&str>) -> Result<BundleFile> {
        self.retry(|| {
            let (place, record) = self.find(bundle, path, use_draft)?;
            self.open_record(place, path, &record)
        })
    }

    /// Opens a file of a version without reading it.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_version_file_data`], but that only a wrong size is noticed as damage.
    pub fn open_bundle_version_file(&self, bundle: Uuid, version: u64, path: &str) -> Result<BundleFile> {
        let record = self.version_record(bundle, version, path)?;
        self.open_record(Place::Data(bundle), path, &record)
    }

    pub(crate) fn open_record(&self, place: Place, path: &str, record: &FileRecord) -> Result<BundleFile> {
        let open = |file: std::path::PathBuf| {
            let open = self.storage.open(&file)?;
            let size = open.length();
            if size != record.size {
                let reason = format!("{path} should have {} bytes, this has {size}", record.size);
                return Err(BlockstoreError::corrupt(file.display(), reason));
            }
            let place = file.display().to_string();
            Ok(BundleFile { open, place, size, hash_digest: record.hash })
        };
        let located = |place| self.storage.locate(place, path, record).and_then(open);
        let Place::Draft { draft, bundle } = place else { return located(place) };
        if self.storage.may_be_late() {
            // Nothing is proved before it is read, and under its digest it is what it should be.
            match open(self.storage.data_path(bundle, record)) {
                Err(BlockstoreError::Missing { .. } | BlockstoreError::Corrupt { .. }) => {}
                result => return result,
            }
        }
        located(place).or_else(|error| {
            // It may still wait to be put there; and whatever became of it, the bundle may have the bytes.
            open(self.storage.incoming_path(draft, path))
                .or_else(|_| located(Place::Data(bundle)))
                .map_err(|_| error)
        })
    }

    /// Stages a file from a stream, of any size in little memory; returns its size and digest.
    ///
    /// The bytes come in before the draft is touched, so a stream that fails changes nothing and one that is slow keeps
    /// nobody waiting.
    ///
    /// # Errors
    /// As [`Blockstore::write_draft_file`], and failures of the stream.
    pub fn write_draft_file_from(&self, draft: Uuid, path: &str, source: impl Read) -> Result<(u64, Digest)> {
        path::check(path)?;
        if self.db.access() == crate::database::Access::ReadOnly {
            return Err(BlockstoreError::ReadOnly);
        }
        // The draft must be there: its folder is not made for nothing.
        self.draft_document(draft)?;
        let upload = self.storage.upload_path(draft);
        let outcome = self.write_upload(draft, path, source, &upload);
        if outcome.is_err() {
            // What cannot be removed now is swept by gc.
            let _ = self.storage.remove_file(&upload);
        }
        outcome
    }

    fn write_upload(
        &self,
        draft: Uuid,
        path: &str,
        source: impl Read,
        upload: &std::path::Path,
    ) -> Result<(u64, Digest)> {
        // From here on it is only renamed, so it must be on the medium then.
        let (hash, size) = self.storage.store_stream(source, upload)?;
        let record = FileRecord::new(path, size, hash);
        self.stage(draft, [(path.to_owned(), Some((record, Incoming::Upload(upload.to_owned()))))].into())?;
        // Where the draft had the same bytes already, the upload was not needed.
        self.storage.remove_file(upload)?;
        Ok((size, hash))
    }
}
