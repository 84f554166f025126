//! Definition files read and written.

use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

use xblock_core::keys::UsageKey;
use xblock_core::olx::{definition_path, read_definition, read_definition_owner, write_definition};
use xblock_core::runtime::{BlockData, RuntimeError};

use super::BlockstoreRuntime;
use super::layout::{Entry, classify};
use super::tables::ContextRow;
use crate::database::Connection;
use crate::digest::Digest;
use crate::document::FileRecord;
use crate::error::BlockstoreError;
use crate::storage::Place;
use crate::store::BundleFile;

/// Where the files of a branch are to be found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) bundle: Uuid,
    /// The draft whose staged files come first.
    pub(super) draft: Option<Uuid>,
}

impl Source {
    pub(super) fn draft(row: &ContextRow) -> Self {
        Self { bundle: row.bundle, draft: row.draft }
    }

    pub(super) fn published(row: &ContextRow) -> Self {
        Self { bundle: row.bundle, draft: None }
    }
}

impl BlockstoreRuntime {
    /// Reads a file's bytes, staged or committed, and proves them.
    pub(super) fn read_file(
        &self,
        source: Source,
        path: &str,
        record: &FileRecord,
    ) -> Result<Vec<u8>, BlockstoreError> {
        let storage = &self.store.storage;
        let Some(draft) = source.draft else {
            return storage.read(Place::Data(source.bundle), path, record);
        };
        match storage.read(Place::Draft(draft), path, record) {
            Ok(bytes) => Ok(bytes),
            Err(staged @ (BlockstoreError::Missing { .. } | BlockstoreError::Corrupt { .. })) => {
                match storage.read(Place::Data(source.bundle), path, record) {
                    // What is not among the committed files must be staged, so that is where the damage is.
                    Err(BlockstoreError::Missing { .. }) => Err(staged),
                    result => result,
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a file, staged or committed, without reading it. Bytes do not tell here which of the two it is, as they do
    /// where the whole file is read, so the draft's document is asked.
    pub(super) fn open_file(
        &self,
        db: &Connection,
        source: Source,
        path: &str,
        record: &FileRecord,
    ) -> Result<BundleFile, BlockstoreError> {
        let mut place = Place::Data(source.bundle);
        if let Some(draft) = source.draft {
            let (document, _) = self.store.draft_now(db, draft)?;
            let staged = document.files_to_overwrite.get(path).and_then(Option::as_ref);
            if staged.is_some_and(|staged| staged.hash == record.hash) {
                place = Place::Draft(draft);
            }
        }
        self.store.open_record(place, path, record)
    }

    /// Finds the type and id of the block whose definition lies at a path; none where the path is none of a definition.
    ///
    /// A path that has them shortened takes a look into the file; one that is damaged there belongs to no block.
    pub(super) fn block_at<'p>(
        &self,
        source: Source,
        path: &'p str,
        record: &FileRecord,
    ) -> Option<(Cow<'p, str>, Cow<'p, str>)> {
        match classify(path) {
            Entry::Definition(block_type, id) => Some((block_type, id)),
            Entry::Shortened => {
                let bytes = self.read_file(source, path, record).ok()?;
                let (block_type, id) = read_definition_owner(&bytes, path)?;
                Some((block_type.into(), id.into()))
            }
            _ => None,
        }
    }

    /// Reads and parses a block's definition, or takes it from memory.
    pub(super) fn read_block(
        &self,
        source: Source,
        usage: &UsageKey,
        hash: Digest,
        size: u64,
    ) -> Result<Arc<BlockData>, RuntimeError> {
        self.definitions.get_or_parse((source.bundle, usage.block_type(), hash), || {
            let path = definition_path(usage.block_type(), usage.block_id());
            let record = FileRecord::new(&path, size, hash);
            let bytes = self.read_file(source, &path, &record)?;
            self.parse(source.bundle, &path, usage, &bytes)
        })
    }

    pub(super) fn parse(
        &self,
        bundle: Uuid,
        path: &str,
        usage: &UsageKey,
        bytes: &[u8],
    ) -> Result<BlockData, RuntimeError> {
        read_definition(bytes, usage, &self.registry).map_err(|error| {
            let position = error.position().map(|at| format!(":{at}")).unwrap_or_default();
            RuntimeError::Corrupt {
                place: format!("bundle {bundle}, {path}{position}"),
                reason: error.to_string(),
            }
        })
    }

    /// Writes a block's definition.
    pub(super) fn render(&self, usage: &UsageKey, data: &BlockData) -> Result<Vec<u8>, RuntimeError> {
        write_definition(usage, data, &self.registry)
            .map(String::into_bytes)
            .map_err(|error| RuntimeError::Unstorable { place: usage.to_string(), reason: error.to_string() })
    }
}
