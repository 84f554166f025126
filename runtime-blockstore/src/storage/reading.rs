//! Documents and data files found, read and proved.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::listing::{self, entries};
use super::names::{Place, Storage};
use super::opened::{Found, Mark, Opened, Tag};
use crate::counts;
use crate::digest::{Digest, Hasher};
use crate::document::{DraftDocument, FileRecord, Snapshot};
use crate::error::BlockstoreError;
use crate::mime;

impl Storage {
    /// Reads a snapshot and proves its digest.
    pub(crate) fn snapshot(&self, bundle: Uuid, digest: Digest) -> Result<Snapshot, BlockstoreError> {
        self.snapshot_and_text(bundle, digest).map(|(snapshot, _)| snapshot)
    }

    /// Reads a snapshot, proves its digest and returns the document as it stands there, too.
    pub(crate) fn snapshot_and_text(
        &self,
        bundle: Uuid,
        digest: Digest,
    ) -> Result<(Snapshot, Vec<u8>), BlockstoreError> {
        let file = self.snapshot_path(bundle, digest);
        let text = self.read_path(&file)?;
        let place = file.display();
        let snapshot = Snapshot::from_json(&text).map_err(|error| BlockstoreError::corrupt(place, error))?;
        refuse_newer(&file, snapshot.form())?;
        if snapshot.bundle_uuid != bundle {
            let reason = format!("it belongs to bundle {}", snapshot.bundle_uuid);
            return Err(BlockstoreError::corrupt(file.display(), reason));
        }
        let computed = snapshot.digest();
        if computed != digest || snapshot.hash_digest != digest {
            let reason = format!("its content has the digest {computed}");
            return Err(BlockstoreError::corrupt(file.display(), reason));
        }
        Ok((snapshot, text))
    }

    /// Reads a draft and returns the digest of its document beside it.
    pub(crate) fn draft(&self, uuid: Uuid) -> Result<(DraftDocument, Digest), BlockstoreError> {
        self.draft_at(&self.summary_path(uuid), uuid)
    }

    /// Reads a draft and returns the digest of its document beside it, and by what another document is written over it.
    pub(crate) fn draft_tagged(&self, uuid: Uuid) -> Result<(DraftDocument, Digest, Tag), BlockstoreError> {
        let file = self.summary_path(uuid);
        let (text, tag) = match &self.objects {
            None => (self.read_path(&file)?, Tag::default()),
            Some(objects) => objects.read_tagged(&file)?,
        };
        let (document, digest) = draft_from(&file, &text, uuid)?;
        Ok((document, digest, tag))
    }

    /// Reads a document that waits in a draft's folder.
    pub(crate) fn read_incoming(
        &self,
        draft: Uuid,
        after: Digest,
        name: &str,
    ) -> Result<(PathBuf, Vec<u8>), BlockstoreError> {
        let file = self.incoming_document(draft, after, name);
        match self.read_path(&file) {
            // Earlier versions gave every change the same names.
            Err(error @ BlockstoreError::Missing { .. }) if self.may_be_late() => {
                let file = self.incoming(draft).join(name);
                self.read_path(&file).map(|text| (file, text)).map_err(|_| error)
            }
            result => result.map(|text| (file, text)),
        }
    }

    /// Reads a draft's document from a file.
    pub(crate) fn draft_at(
        &self,
        file: &Path,
        uuid: Uuid,
    ) -> Result<(DraftDocument, Digest), BlockstoreError> {
        draft_from(file, &self.read_path(file)?, uuid)
    }

    /// Finds the file that holds a record's bytes, without looking into it.
    pub(crate) fn locate(
        &self,
        place: Place,
        file: &str,
        record: &FileRecord,
    ) -> Result<PathBuf, BlockstoreError> {
        let bundle = match place {
            Place::Draft { draft, .. } => return self.staged_path(draft, file),
            Place::Data(bundle) => bundle,
        };
        let folder = self.folder(bundle).join("snapshot_data");
        // The name depends on the MIME table of whoever wrote it, so likely names are tried and then all.
        for name in mime::data_names(record.hash, record.mime.as_deref()) {
            let candidate = folder.join(name);
            if self.is_file(&candidate)? {
                return Ok(candidate);
            }
        }
        self.search(&folder, record.hash)
    }

    /// Finds a data file of a bundle by its digest, whatever the ending of its name.
    pub(crate) fn search_data(&self, bundle: Uuid, hash: Digest) -> Result<Option<PathBuf>, BlockstoreError> {
        match self.search(&self.folder(bundle).join("snapshot_data"), hash) {
            Err(BlockstoreError::Missing { .. }) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Finds a data file by the digest its name begins with.
    fn search(&self, folder: &Path, hash: Digest) -> Result<PathBuf, BlockstoreError> {
        let prefix = hash.to_string();
        let missing = || BlockstoreError::Missing { place: folder.join(&prefix).display().to_string() };
        if let Some(objects) = &self.objects {
            return objects.find(folder, &prefix)?.ok_or_else(missing);
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
            Err(error) => return Err(BlockstoreError::io("cannot list", folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(BlockstoreError::io("cannot list", folder))?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
                return Ok(entry.path());
            }
        }
        Err(missing())
    }

    /// Reads a file's bytes and proves that they are those the record names.
    pub(crate) fn read(
        &self,
        place: Place,
        file: &str,
        record: &FileRecord,
    ) -> Result<Vec<u8>, BlockstoreError> {
        let found = match place {
            // Asking for the likely names is one step where looking first would be two.
            Place::Data(bundle) => self.read_data(bundle, file, record),
            Place::Draft { .. } => {
                self.locate(place, file, record).and_then(|found| self.read_proved(&found, file, record))
            }
        };
        match (place, found) {
            (Place::Draft { draft, bundle }, Err(error)) => {
                // It may still wait to be put there; and whatever became of it, the bundle may have the bytes.
                self.read_proved(&self.incoming_path(draft, file), file, record)
                    .or_else(|_| self.read_data(bundle, file, record))
                    .map_err(|_| error)
            }
            (_, result) => result,
        }
    }

    fn read_data(&self, bundle: Uuid, file: &str, record: &FileRecord) -> Result<Vec<u8>, BlockstoreError> {
        let folder = self.folder(bundle).join("snapshot_data");
        for name in mime::data_names(record.hash, record.mime.as_deref()) {
            match self.read_proved(&folder.join(name), file, record) {
                Err(BlockstoreError::Missing { .. }) => {}
                result => return result,
            }
        }
        let found = self.search(&folder, record.hash)?;
        self.read_proved(&found, file, record)
    }

    fn read_proved(&self, found: &Path, file: &str, record: &FileRecord) -> Result<Vec<u8>, BlockstoreError> {
        let bytes = self.read_path(found)?;
        let hash = Digest::of(&bytes);
        if hash != record.hash {
            let reason = format!("{file} should have the digest {}, this has {hash}", record.hash);
            return Err(BlockstoreError::corrupt(found.display(), reason));
        }
        Ok(bytes)
    }

    /// Says whether a data file is there and whole; a torn one, which a crash of the app can leave, counts for none.
    ///
    /// # Errors
    /// Failures of an object store; a file that cannot be read is none.
    pub(crate) fn has_data(
        &self,
        bundle: Uuid,
        file: &str,
        record: &FileRecord,
    ) -> Result<bool, BlockstoreError> {
        let wanted = self.data_path(bundle, record);
        if let Some(objects) = &self.objects {
            // Objects appear whole, so none is torn; one of another length was put there by nobody's rule.
            return match objects.mark(&wanted) {
                Ok(mark) => Ok(mark.length == record.size),
                Err(BlockstoreError::Missing { .. }) => Ok(false),
                Err(error) => Err(error),
            };
        }
        let is_whole = |found: &Path| {
            self.digest_of(found).is_ok_and(|(hash, size)| hash == record.hash && size == record.size)
        };
        Ok(wanted.is_file()
            && self.locate(Place::Data(bundle), file, record).is_ok_and(|found| is_whole(&found)))
    }

    /// Reads a whole file.
    pub(crate) fn read_path(&self, file: &Path) -> Result<Vec<u8>, BlockstoreError> {
        match &self.objects {
            None => read(file),
            Some(objects) => objects.read(file),
        }
    }

    /// Says whether there is a file of this name.
    pub(crate) fn is_file(&self, file: &Path) -> Result<bool, BlockstoreError> {
        let Some(objects) = &self.objects else {
            return match fs::metadata(file) {
                Ok(metadata) => Ok(metadata.is_file()),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    Err(BlockstoreError::io("cannot look at", file)(error))
                }
                Err(_) => Ok(false),
            };
        };
        match objects.mark(file) {
            Ok(_) => Ok(true),
            Err(BlockstoreError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Looks at a file without reading it.
    pub(crate) fn mark(&self, file: &Path) -> Result<Mark, BlockstoreError> {
        match &self.objects {
            None => fs::metadata(file)
                .map(|metadata| Mark::of(&metadata))
                .map_err(missing_or("cannot look at", file)),
            Some(objects) => objects.mark(file),
        }
    }

    /// Opens a file to read any part of it.
    pub(crate) fn open(&self, file: &Path) -> Result<Opened, BlockstoreError> {
        let Some(objects) = &self.objects else {
            let open = File::open(file).map_err(missing_or("cannot read", file))?;
            let length = open.metadata().map_err(BlockstoreError::io("cannot read", file))?.len();
            return Ok(Opened::File(open, length));
        };
        objects.open(file).map(|object| Opened::Object(Box::new(object)))
    }

    /// Digests a file piece by piece.
    pub(crate) fn digest_of(&self, file: &Path) -> Result<(Digest, u64), BlockstoreError> {
        match &self.objects {
            None => digest_of(file),
            Some(_) => {
                let mut hasher = Hasher::default();
                let mut open = self.open(file)?;
                let length =
                    io::copy(&mut open, &mut hasher).map_err(BlockstoreError::io("cannot read", file))?;
                Ok((hasher.finish(), length))
            }
        }
    }

    /// Lists the folders of bundles and drafts.
    pub(crate) fn folders(&self) -> Result<Vec<Uuid>, BlockstoreError> {
        let names: Vec<String> = match &self.objects {
            None => {
                let entries = entries(&self.root)?;
                entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect()
            }
            Some(objects) => objects.folders()?,
        };
        // Another way to write the same UUID is nobody's folder.
        let uuid = |name: String| Uuid::try_parse(&name).ok().filter(|uuid| uuid.to_string() == name);
        Ok(names.into_iter().filter_map(uuid).collect())
    }

    /// Lists all files below a folder, in the order of their paths.
    pub(crate) fn files(&self, folder: &Path) -> Result<Vec<Found>, BlockstoreError> {
        match &self.objects {
            None => listing::files(folder),
            Some(objects) => objects.list(folder),
        }
    }

    /// Lists the folders with no file anywhere in them, inner ones first; among objects there are none.
    pub(crate) fn empty_folders(&self, folder: &Path) -> Result<Vec<Found>, BlockstoreError> {
        match &self.objects {
            None => listing::empty_folders(folder),
            Some(_) => Ok(Vec::new()),
        }
    }

    /// Says whether two names are of one file; where nobody can tell, they are of two.
    pub(crate) fn is_one(&self, a: &Path, b: &Path) -> bool {
        self.objects.is_none() && is_one(a, b)
    }
}

/// Says whether two names are of one file.
#[cfg(unix)]
fn is_one(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Says whether two names are of one file; where nobody can tell, they are of two.
#[cfg(not(unix))]
fn is_one(_: &Path, _: &Path) -> bool {
    false
}

/// Reads a draft's document, which was read from a file.
pub(crate) fn draft_from(
    file: &Path,
    text: &[u8],
    uuid: Uuid,
) -> Result<(DraftDocument, Digest), BlockstoreError> {
    let draft =
        DraftDocument::from_json(text).map_err(|error| BlockstoreError::corrupt(file.display(), error))?;
    refuse_newer(file, draft.form())?;
    if draft.uuid != uuid {
        return Err(BlockstoreError::corrupt(file.display(), format!("it is of draft {}", draft.uuid)));
    }
    Ok((draft, Digest::of(text)))
}

fn refuse_newer(file: &Path, form: u64) -> Result<(), BlockstoreError> {
    match form {
        0 | 1 => Ok(()),
        form => Err(BlockstoreError::NewerForm {
            place: file.display().to_string(),
            found: format!("form {form} of the documents; this version knows 1"),
        }),
    }
}

/// Digests a file piece by piece.
pub(crate) fn digest_of(file: &Path) -> Result<(Digest, u64), BlockstoreError> {
    let (_, hash, length) = open_and_digest(file)?;
    Ok((hash, length))
}

/// Opens a file and digests it piece by piece.
pub(super) fn open_and_digest(file: &Path) -> Result<(File, Digest, u64), BlockstoreError> {
    let mut open = File::open(file).map_err(BlockstoreError::io("cannot read", file))?;
    let mut hasher = Hasher::default();
    let length = io::copy(&mut open, &mut hasher).map_err(BlockstoreError::io("cannot read", file))?;
    Ok((open, hasher.finish(), length))
}

fn read(file: &Path) -> Result<Vec<u8>, BlockstoreError> {
    let mut open = File::open(file).map_err(missing_or("cannot read", file))?;
    counts::file();
    let mut bytes = Vec::new();
    open.read_to_end(&mut bytes).map_err(BlockstoreError::io("cannot read", file))?;
    Ok(bytes)
}

/// Names a failure with a file that may not be there; meant for `map_err`.
pub(crate) fn missing_or(action: &'static str, file: &Path) -> impl FnOnce(io::Error) -> BlockstoreError {
    let file = file.to_path_buf();
    move |error| match error.kind() {
        io::ErrorKind::NotFound => BlockstoreError::Missing { place: file.display().to_string() },
        _ => BlockstoreError::io(action, &file)(error),
    }
}
