//! Definition files read and written.

use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

use xblock_core::fields::Conversion;
use xblock_core::keys::UsageKey;
use xblock_core::olx::{DefinitionError, Include, read_definition_owner, read_definition_parts};
use xblock_core::runtime::{BlockData, RuntimeError};

use super::BlockstoreRuntime;
use super::conventions::{Conventions, ReadNaming};
use super::layout::{Entry, classify};
use super::room::{has_room, too_long};
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
        match storage.read(Place::Draft { draft, bundle: source.bundle }, path, record) {
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
                place = Place::Draft { draft, bundle: source.bundle };
            }
        }
        self.store.open_record(place, path, record)
    }

    /// Finds the type and id of the block whose definition lies at a path; none where the path is none of a definition.
    ///
    /// A path that has them shortened takes a look into the file; one that is damaged there belongs to no block.
    pub(super) fn block_at<'p>(
        &self,
        conventions: &Conventions,
        source: Source,
        path: &'p str,
        record: &FileRecord,
    ) -> Option<(Cow<'p, str>, Cow<'p, str>)> {
        if let Some(found) = conventions.block_at(path) {
            return Some(found).filter(|(block_type, id)| has_room(block_type, id));
        }
        if classify(path) != Entry::Shortened {
            return None;
        }
        let bytes = self.read_file(source, path, record).ok()?;
        let (block_type, id) = read_definition_owner(&bytes, path)?;
        (conventions.path(&block_type, &id) == path && has_room(&block_type, &id))
            .then(|| (block_type.into(), id.into()))
    }

    /// Reads and parses a block's definition, or takes it from memory.
    pub(super) fn read_block(
        &self,
        reader: &Reader<'_>,
        usage: &UsageKey,
        hash: Digest,
        size: u64,
    ) -> Result<Arc<BlockData>, RuntimeError> {
        let path = reader.conventions.path(usage.block_type(), usage.block_id());
        self.read_at(reader, usage, &path, hash, size).map(|parsed| parsed.data)
    }

    /// Reads and parses the definition at a path as that of a usage, or takes it from memory.
    pub(super) fn read_at(
        &self,
        reader: &Reader<'_>,
        usage: &UsageKey,
        path: &str,
        hash: Digest,
        size: u64,
    ) -> Result<Parsed, RuntimeError> {
        let own = reader.context;
        // Children of what lies in another bundle are called after their parent.
        let as_usage = (reader.source.bundle != own).then(|| usage.block_id());
        self.definitions.get_or_parse((own, usage.block_type(), hash, as_usage), || {
            let record = FileRecord::new(path, size, hash);
            let bytes = self.read_file(reader.source, path, &record)?;
            self.parse(reader, path, usage, &bytes)
        })
    }

    /// Parses the definition of a usage.
    pub(super) fn parse(
        &self,
        reader: &Reader<'_>,
        path: &str,
        usage: &UsageKey,
        bytes: &[u8],
    ) -> Result<Parsed, RuntimeError> {
        let bundle = reader.source.bundle;
        let naming = ReadNaming::new(reader.conventions, usage, bundle, reader.context);
        let read = || {
            let mut parts = read_definition_parts(bytes, usage, &self.registry, &Conversion::default())?;
            if let Some(children) = parts.children.take_if(|_| bundle != reader.context) {
                // What it calls blocks of its own context are blocks of its bundle.
                let context = usage.context_key();
                parts.includes.clear();
                parts
                    .includes
                    .extend(children.iter().filter(|c| c.context_key() == context).map(Include::of));
            }
            let includes = if parts.children.is_some() { Vec::new() } else { parts.includes.clone() };
            let data = Arc::new(parts.resolve(&naming)?);
            Ok(Parsed { data, includes: includes.into() })
        };
        let parsed = read().map_err(|error: DefinitionError| {
            let position = error.position().map(|at| format!(":{at}")).unwrap_or_default();
            RuntimeError::Corrupt {
                place: format!("bundle {bundle}, {path}{position}"),
                reason: error.to_string(),
            }
        })?;
        match too_long(&parsed.data.children, &parsed.includes) {
            None => Ok(parsed),
            Some(reason) => Err(RuntimeError::Corrupt { place: format!("bundle {bundle}, {path}"), reason }),
        }
    }
}

/// A definition that was read.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    pub(super) data: Arc<BlockData>,
    /// The children as the file names them; empty where it lists them otherwise.
    pub(super) includes: Arc<[Include]>,
}

/// For which context, and from where, definitions are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'c> {
    pub(super) conventions: &'c Conventions,
    /// The bundle of the context.
    pub(super) context: Uuid,
    pub(super) source: Source,
}
