//! The object store: documents and data files in folders (reference/blockstore, section 2).

mod batch;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

pub(crate) use batch::{Batch, replace, sync_names};

use crate::digest::{Digest, Hasher};
use crate::document::{DraftDocument, FileRecord, Snapshot};
use crate::error::BlockstoreError;
use crate::{mime, path};

/// Where a file's bytes are to be found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// Among the data files of a bundle.
    Data(Uuid),
    /// In a draft's folder, under its own path.
    Draft(Uuid),
}

/// The folder that holds bundles and drafts side by side.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    root: PathBuf,
}

impl Storage {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder(&self, uuid: Uuid) -> PathBuf {
        self.root.join(uuid.to_string())
    }

    pub(crate) fn snapshot_path(&self, bundle: Uuid, digest: Digest) -> PathBuf {
        self.folder(bundle).join("snapshots").join(format!("{digest}.json"))
    }

    pub(crate) fn data_path(&self, bundle: Uuid, record: &FileRecord) -> PathBuf {
        self.folder(bundle).join("snapshot_data").join(mime::data_name(record.hash, record.mime.as_deref()))
    }

    pub(crate) fn summary_path(&self, draft: Uuid) -> PathBuf {
        self.folder(draft).join("summary.json")
    }

    /// Returns where a staged file lies; a path that is no file name is damage.
    pub(crate) fn staged_path(&self, draft: Uuid, file: &str) -> Result<PathBuf, BlockstoreError> {
        match path::problem(file) {
            None => Ok(self.folder(draft).join("data").join(file)),
            Some(problem) => Err(BlockstoreError::corrupt(format!("draft {draft}, file {file:?}"), problem)),
        }
    }

    /// Returns the folder in which changes to a draft wait.
    pub(crate) fn incoming(&self, draft: Uuid) -> PathBuf {
        self.folder(draft).join("incoming")
    }

    /// Returns where a file waits that is to be staged.
    pub(crate) fn incoming_path(&self, draft: Uuid, file: &str) -> PathBuf {
        self.incoming(draft).join(Digest::of(file.as_bytes()).to_string())
    }

    /// Returns a new place in a draft's folder for bytes that come in slowly.
    pub(crate) fn upload_path(&self, draft: Uuid) -> PathBuf {
        self.folder(draft).join(format!("upload-{}", Uuid::new_v4()))
    }

    /// Reads a snapshot and proves its digest.
    pub(crate) fn snapshot(&self, bundle: Uuid, digest: Digest) -> Result<Snapshot, BlockstoreError> {
        let file = self.snapshot_path(bundle, digest);
        let text = read(&file)?;
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
        Ok(snapshot)
    }

    /// Reads a draft and returns the digest of its document beside it.
    pub(crate) fn draft(&self, uuid: Uuid) -> Result<(DraftDocument, Digest), BlockstoreError> {
        self.draft_at(&self.summary_path(uuid), uuid)
    }

    /// Reads a draft's document from a file.
    pub(crate) fn draft_at(
        &self,
        file: &Path,
        uuid: Uuid,
    ) -> Result<(DraftDocument, Digest), BlockstoreError> {
        let text = read(file)?;
        let place = file.display();
        let draft =
            DraftDocument::from_json(&text).map_err(|error| BlockstoreError::corrupt(place, error))?;
        refuse_newer(file, draft.form())?;
        if draft.uuid != uuid {
            return Err(BlockstoreError::corrupt(file.display(), format!("it is of draft {}", draft.uuid)));
        }
        Ok((draft, Digest::of(&text)))
    }

    /// Finds the file that holds a record's bytes, without looking into it.
    pub(crate) fn locate(
        &self,
        place: Place,
        file: &str,
        record: &FileRecord,
    ) -> Result<PathBuf, BlockstoreError> {
        let bundle = match place {
            Place::Draft(draft) => return self.staged_path(draft, file),
            Place::Data(bundle) => bundle,
        };
        let folder = self.folder(bundle).join("snapshot_data");
        // The name depends on the MIME table of whoever wrote it, so likely names are tried and then all.
        for name in mime::data_names(record.hash, record.mime.as_deref()) {
            let candidate = folder.join(name);
            if candidate.is_file() {
                return Ok(candidate);
            }
        }
        let prefix = record.hash.to_string();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BlockstoreError::Missing { place: folder.join(prefix).display().to_string() });
            }
            Err(error) => return Err(BlockstoreError::io("cannot list", &folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(BlockstoreError::io("cannot list", &folder))?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
                return Ok(entry.path());
            }
        }
        Err(BlockstoreError::Missing { place: folder.join(prefix).display().to_string() })
    }

    /// Reads a file's bytes and proves that they are those the record names.
    pub(crate) fn read(
        &self,
        place: Place,
        file: &str,
        record: &FileRecord,
    ) -> Result<Vec<u8>, BlockstoreError> {
        match (place, self.locate(place, file, record).and_then(|found| read_proved(&found, file, record))) {
            (Place::Draft(draft), Err(error)) => {
                // It may still wait to be put there.
                read_proved(&self.incoming_path(draft, file), file, record).map_err(|_| error)
            }
            (_, result) => result,
        }
    }

    /// Says whether a data file is there and whole; a torn one, which a crash of the app can leave, counts for none.
    pub(crate) fn has_data(&self, bundle: Uuid, file: &str, record: &FileRecord) -> bool {
        let wanted = self.data_path(bundle, record);
        wanted.is_file()
            && self.locate(Place::Data(bundle), file, record).is_ok_and(|found| {
                digest_of(&found).is_ok_and(|(hash, size)| hash == record.hash && size == record.size)
            })
    }

    /// Removes what may be left of a draft's folder.
    pub(crate) fn remove_folder(&self, uuid: Uuid) -> Result<(), BlockstoreError> {
        let folder = self.folder(uuid);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(BlockstoreError::io("cannot remove", &folder)(error))
            }
            _ => Ok(()),
        }
    }
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

fn read_proved(found: &Path, file: &str, record: &FileRecord) -> Result<Vec<u8>, BlockstoreError> {
    let bytes = read(found)?;
    let hash = Digest::of(&bytes);
    if hash != record.hash {
        let reason = format!("{file} should have the digest {}, this has {hash}", record.hash);
        return Err(BlockstoreError::corrupt(found.display(), reason));
    }
    Ok(bytes)
}

/// Digests a file piece by piece.
pub(crate) fn digest_of(file: &Path) -> Result<(Digest, u64), BlockstoreError> {
    let mut open = File::open(file).map_err(BlockstoreError::io("cannot read", file))?;
    let mut hasher = Hasher::default();
    let length = io::copy(&mut open, &mut hasher).map_err(BlockstoreError::io("cannot read", file))?;
    Ok((hasher.finish(), length))
}

/// Copies a source to a new file, digesting it on the way.
pub(crate) fn store_stream(
    mut source: impl io::Read,
    target: &Path,
) -> Result<(Digest, u64), BlockstoreError> {
    let mut out = File::create_new(target).map_err(BlockstoreError::io("cannot create", target))?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 128 * 1024];
    let mut length = 0;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), length)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(BlockstoreError::io("cannot read the source of", target)(error)),
        };
        hasher.update(&buffer[..read]);
        length += read as u64;
        io::Write::write_all(&mut out, &buffer[..read])
            .map_err(BlockstoreError::io("cannot write", target))?;
    }
}

fn read(file: &Path) -> Result<Vec<u8>, BlockstoreError> {
    let mut open = match File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(BlockstoreError::Missing { place: file.display().to_string() });
        }
        Err(error) => return Err(BlockstoreError::io("cannot read", file)(error)),
    };
    let mut bytes = Vec::new();
    open.read_to_end(&mut bytes).map_err(BlockstoreError::io("cannot read", file))?;
    Ok(bytes)
}
