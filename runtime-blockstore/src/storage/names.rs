//! What files and objects are named (reference/blockstore, section 2).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::assets::Assets;
use super::client::Client;
use crate::digest::Digest;
use crate::document::FileRecord;
use crate::error::BlockstoreError;
use crate::path;

/// Where a file's bytes are to be found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// Among the data files of a bundle.
    Data(Uuid),
    /// In a draft's folder, under its own path.
    Draft {
        /// The draft.
        draft: Uuid,
        /// The bundle it is of, whose data files may have the same bytes.
        bundle: Uuid,
    },
}

/// The place that holds bundles and drafts side by side.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(super) root: PathBuf,
    /// Where the root is no folder.
    pub(super) objects: Option<Arc<Client>>,
}

impl Storage {
    /// Finds the place of a store's files, given the folder of its database; nothing is made.
    ///
    /// # Errors
    /// An environment from which no client of the object store can be made.
    pub(crate) fn new(assets: &Assets, beside: &Path) -> Result<Self, BlockstoreError> {
        if let Assets::Objects(place) = assets {
            let root = PathBuf::from(assets.to_string());
            let client = Client::new(place, root.clone())?;
            return Ok(Self { root, objects: Some(Arc::new(client)) });
        }
        let root = assets.folder(beside).unwrap_or_else(|| beside.to_path_buf());
        Ok(Self { root, objects: None })
    }

    /// Makes the folder of a new store.
    pub(crate) fn create(&self) -> Result<(), BlockstoreError> {
        match &self.objects {
            None => fs::create_dir_all(&self.root).map_err(BlockstoreError::io("cannot create", &self.root)),
            Some(_) => Ok(()),
        }
    }

    /// Returns the outermost of the folders that are missing on the way to the documents and data files; among objects none.
    pub(crate) fn missing_folders(&self) -> Option<PathBuf> {
        if self.objects.is_some() {
            return None;
        }
        let missing =
            self.root.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists());
        missing.last().map(Path::to_path_buf)
    }

    /// Says whether nothing at all lies where documents and data files should.
    pub(crate) fn is_bare(&self) -> Result<bool, BlockstoreError> {
        let Some(objects) = &self.objects else {
            return match fs::read_dir(&self.root) {
                Ok(mut entries) => Ok(entries.next().is_none()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
                Err(error) => Err(BlockstoreError::io("cannot list", &self.root)(error)),
            };
        };
        objects.is_empty()
    }

    /// Refuses a bucket that is not there; folders are made where they are missing.
    pub(crate) fn look_for_bucket(&self) -> Result<(), BlockstoreError> {
        self.objects.as_ref().map_or(Ok(()), |objects| objects.is_empty().map(drop))
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
        self.folder(bundle).join("snapshot_data").join(record.data_name())
    }

    pub(crate) fn summary_path(&self, draft: Uuid) -> PathBuf {
        self.folder(draft).join("summary.json")
    }

    /// Returns where a staged file lies; a path that is no file name is damage.
    pub(crate) fn staged_path(&self, draft: Uuid, file: &str) -> Result<PathBuf, BlockstoreError> {
        match path::problem(file) {
            None if self.objects.is_some() && file.chars().any(char::is_control) => {
                Err(BlockstoreError::InvalidFileName {
                    path: file.to_owned(),
                    problem: path::PathProblem::ControlCharacter,
                })
            }
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

    /// Returns where a document of a change to a draft waits, given the digest of the draft's coming document. Among objects
    /// each change has names of its own: a request of an earlier one that is carried out late meets none of them.
    pub(crate) fn incoming_document(&self, draft: Uuid, after: Digest, name: &str) -> PathBuf {
        let incoming = self.incoming(draft);
        if self.may_be_late() { incoming.join(format!("{after}.{name}")) } else { incoming.join(name) }
    }

    /// Says whether a request may be carried out after the one who made it has given up on it, as by an object store.
    pub(crate) fn may_be_late(&self) -> bool {
        self.objects.is_some()
    }

    /// Returns a new place in a draft's folder for bytes that come in slowly.
    pub(crate) fn upload_path(&self, draft: Uuid) -> PathBuf {
        self.folder(draft).join(format!("upload-{}", Uuid::new_v4()))
    }
}
