//! The runtime over a store of Split documents.

mod feed;
mod files;
mod published;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use bson::oid::ObjectId;
use chrono::{DateTime, Timelike, Utc};
use quick_cache::sync::Cache;
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};
use xblock_core::runtime::{
    AssetMetadataRecords, AssetReader, AssetRecord, Base, BlockRecord, Branch, Change, Commit, ContentDigest,
    ContextRecord, Cursor, DefinitionRecord, Edit, Head, Origin, Runtime, RuntimeError, Unlisted,
    VersionContent, VersionId, VersionRecord,
};

use crate::asset_reader::OpenFile;
use crate::assets::{self, FoundFile};
use crate::attempts::Attempts;
use crate::commit::{Committed, carry_out, no_such_version, versions_after};
use crate::documents::{
    CourseIndex, IndexKey, MANAGEMENT_COMMAND, MAX_DOCUMENT, Structure, corrupt, to_bson_id,
};
use crate::dump::{self, DumpCounts, ExportedDump, OnDamage};
use crate::fields::FieldCodec;
use crate::old_mongo::{self, OldCourse};
use crate::origin;
use crate::reader::{ByBytes, Reader, StructureCache, block_key};
use crate::store::{Collection, DocumentReads, DocumentStore, Outcome, SqliteStore, StoreMode};

/// How many bytes of structures are kept decoded.
const STRUCTURE_BYTES: u64 = 256 * 1024 * 1024;
/// How many structures that is about. The cache is in one piece with so few: of several, each would have to hold a big
/// structure by itself.
const STRUCTURES: usize = 60;
/// How many digests of files are remembered that the store does not hold.
const DIGESTS: usize = 20_000;
/// How many courses of Old Mongo are kept decoded.
const OLD_COURSES: usize = 16;

/// What the cache of structures holds and how it served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheUse {
    /// How many structures it holds.
    pub structures: usize,
    /// How many bytes they take.
    pub bytes: u64,
    /// How many bytes they may take.
    pub bound: u64,
    /// How often a structure was there.
    pub hits: u64,
    /// How often one had to be read.
    pub misses: u64,
}

/// A [`Runtime`] over Split documents, as edx-platform keeps them.
///
/// The draft is the branch authors edit (`draft-branch`, of libraries `library`), the published one
/// `published-branch`. Versions are structure ids.
pub struct ModulestoreRuntime {
    pub(crate) store: Arc<dyn DocumentStore>,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) structures: StructureCache,
    pub(crate) document_limit: usize,
    digests: Cache<Vec<u8>, Arc<str>>,
    /// Courses of Old Mongo, each with how far the documents went when it was read.
    old_courses: Cache<ContextKey, (i64, Arc<OldCourse>)>,
}

impl ModulestoreRuntime {
    /// Opens the embedded store in a file, which is made where it is not there yet.
    ///
    /// The registry tells which fields are dates and references, which Split stores in forms of its own.
    ///
    /// # Errors
    /// [`RuntimeError::Storage`] where the file cannot be opened, [`RuntimeError::Corrupt`] where it is something else.
    pub fn open(
        path: impl AsRef<Path>,
        registry: Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RuntimeError> {
        Ok(Self::over(SqliteStore::open(path, StoreMode::ReadWrite)?, registry, clock))
    }

    /// Opens the embedded store in a file that stays as it is; every commit is [`RuntimeError::ReadOnly`].
    ///
    /// # Errors
    /// As [`ModulestoreRuntime::open`].
    pub fn open_read_only(
        path: impl AsRef<Path>,
        registry: Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RuntimeError> {
        Ok(Self::over(SqliteStore::open(path, StoreMode::ReadOnly)?, registry, clock))
    }

    /// Makes a runtime over any store of documents.
    #[must_use]
    pub fn over(store: impl DocumentStore + 'static, registry: Registry, clock: Arc<dyn Clock>) -> Self {
        Self {
            store: Arc::new(store),
            registry,
            clock,
            structures: Cache::with_weighter(STRUCTURES, STRUCTURE_BYTES, ByBytes),
            document_limit: MAX_DOCUMENT,
            digests: Cache::new(DIGESTS),
            old_courses: Cache::new(OLD_COURSES),
        }
    }

    /// Sets how many bytes a structure, or a document of a dump, may take, 16 MiB otherwise: the most that MongoDB takes in one document.
    ///
    /// Only an embedded store holds bigger ones, and they cannot be taken to MongoDB.
    #[must_use]
    pub fn with_document_limit(self, bytes: usize) -> Self {
        Self { document_limit: bytes, ..self }
    }

    /// Sets how many bytes the structures that are kept may take, 256 MiB otherwise; what is kept so far is let go.
    #[must_use]
    pub fn with_cache_bytes(self, bytes: u64) -> Self {
        Self { structures: Cache::with_weighter(STRUCTURES, bytes, ByBytes), ..self }
    }

    /// Returns the store below.
    #[must_use]
    pub fn store(&self) -> &dyn DocumentStore {
        &*self.store
    }

    /// Tells how the cache of structures is used.
    #[must_use]
    pub fn cache_use(&self) -> CacheUse {
        CacheUse {
            structures: self.structures.len(),
            bytes: self.structures.weight(),
            bound: self.structures.capacity(),
            hits: self.structures.hits(),
            misses: self.structures.misses(),
        }
    }

    /// Loads what `mongodump` wrote into a folder, all or none.
    ///
    /// Collections that are no part of Split and of the contentstore are kept as they are, for
    /// [`ModulestoreRuntime::export_dump`]. Documents that are in the store already are passed over, as structures and
    /// definitions never change; the change feed gets an entry for each branch.
    ///
    /// Documents that are damaged are named and kept, [`OnDamage::Keep`].
    ///
    /// # Errors
    /// [`RuntimeError::ContextExists`] where the store has one of the contexts, [`RuntimeError::Unstorable`] where it has
    /// another document with an id of the dump's, [`RuntimeError::Corrupt`] where a file ends within a document, a document
    /// is too big or has no `_id`, or there is no dump, [`RuntimeError::Storage`] where a file cannot be read.
    pub fn import_dump(&self, folder: impl AsRef<Path>) -> Result<DumpCounts, RuntimeError> {
        self.import_dump_with(folder, OnDamage::Keep)
    }

    /// Loads what `mongodump` wrote into a folder, as [`import_dump`](Self::import_dump), and says what to do with damaged
    /// documents.
    ///
    /// # Errors
    /// As [`import_dump`](Self::import_dump), and [`RuntimeError::Corrupt`] for any damage with [`OnDamage::Refuse`].
    pub fn import_dump_with(
        &self,
        folder: impl AsRef<Path>,
        on_damage: OnDamage,
    ) -> Result<DumpCounts, RuntimeError> {
        dump::import(&*self.store, folder.as_ref(), self.document_limit, on_damage)
    }

    /// Writes every document into a new folder, in the files `mongorestore` reads, whole or not at all.
    ///
    /// The documents are those that were loaded and written; what only this store knows (messages of versions, its change
    /// feed, the packages of imports) is not among them.
    ///
    /// # Errors
    /// [`RuntimeError::Unstorable`] where the folder is there already, [`RuntimeError::Storage`] where it cannot be written.
    pub fn export_dump(&self, folder: impl AsRef<Path>) -> Result<ExportedDump, RuntimeError> {
        dump::export(&*self.store, folder.as_ref())
    }

    pub(crate) fn reader<'r>(&'r self, docs: &'r dyn DocumentReads, context: &'r ContextKey) -> Reader<'r> {
        let (registry, structures) = (&self.registry, &self.structures);
        Reader { docs, registry, structures, context, document_limit: self.document_limit }
    }

    /// Finds a course of Old Mongo; one that Split has by the same key stands before it, as in the mixed store.
    pub(crate) fn old_course(&self, context: &ContextKey) -> Result<Option<Arc<OldCourse>>, RuntimeError> {
        // The text of an old block key names no run: it is in no course.
        if !context.is_deprecated() || IndexKey::of(context).is_err() {
            return Ok(None);
        }
        let docs = self.store.read()?;
        if self.reader(&*docs, context).index()?.is_some() {
            return Ok(None);
        }
        let end = docs.other_end()?;
        if let Some((read_at, course)) = self.old_courses.get(context)
            && read_at == end
        {
            return Ok(Some(course));
        }
        let Some(course) = OldCourse::read(&*docs, &self.registry, context)?.map(Arc::new) else {
            return Ok(None);
        };
        self.old_courses.insert(context.clone(), (end, course.clone()));
        Ok(Some(course))
    }

    /// Reads in one view of the store, with the context's index.
    fn in_context<T>(
        &self,
        context: &ContextKey,
        read: impl FnOnce(Reader<'_>, &CourseIndex) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let docs = self.store.read()?;
        let reader = self.reader(&*docs, context);
        let index = reader.existing_index()?;
        index.check_heads()?;
        read(reader, &index)
    }

    pub(crate) fn in_branch<T>(
        &self,
        context: &ContextKey,
        branch: Branch,
        read: impl FnOnce(Reader<'_>, &Arc<Structure>) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        self.in_context(context, |reader, index| {
            let structure = reader.structure(head_id(index, context, branch)?)?;
            read(reader, &structure)
        })
    }

    fn with_asset<T>(
        &self,
        key: &AssetKey,
        branch: Branch,
        read: impl FnOnce(&dyn DocumentReads, FoundFile) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let context = key.context_key();
        if self.old_course(&context)?.is_some() {
            let docs = self.store.read()?;
            return match assets::find_published(&*docs, key)? {
                Some(found) => read(&*docs, found),
                None => Err(RuntimeError::NoSuchAsset { key: key.clone(), branch }),
            };
        }
        self.in_context(&context, |reader, index| {
            head_id(index, &context, branch)?;
            let found = match branch {
                Branch::Draft => assets::find_draft(reader.docs, key)?,
                Branch::Published => assets::find_published(reader.docs, key)?,
            };
            match found {
                Some(found) => read(reader.docs, found),
                None => Err(RuntimeError::NoSuchAsset { key: key.clone(), branch }),
            }
        })
    }

    fn asset_record(
        &self,
        docs: &dyn DocumentReads,
        key: &AssetKey,
        found: &FoundFile,
    ) -> Result<AssetRecord, RuntimeError> {
        let digest = match found.digest() {
            Some(digest) => digest,
            None => self.digests.get_or_insert_with(&found.fingerprint(), || {
                let mut digest = ContentDigest::default();
                found.each_chunk(docs, &mut |chunk| digest.update(chunk))?;
                Ok(digest.finish())
            })?,
        };
        Ok(AssetRecord { key: key.clone(), data: found.data(key)?, length: found.length()?, digest })
    }
}

fn head_id(index: &CourseIndex, context: &ContextKey, branch: Branch) -> Result<ObjectId, RuntimeError> {
    match branch {
        Branch::Draft => index.draft(),
        Branch::Published => {
            index.head(branch).ok_or_else(|| RuntimeError::NoSuchBranch { key: context.clone(), branch })
        }
    }
}

/// Describes a head; of one that is damaged only the version is known.
fn head(id: ObjectId, structure: Option<&Structure>) -> Head {
    let edit_info = structure.map(|structure| structure.header().edit_info.clone());
    Head { version: VersionId(id.to_hex().into()), edit_info: edit_info.unwrap_or_default() }
}

/// Cuts a time to the milliseconds BSON holds.
pub(crate) fn in_milliseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    time.with_nanosecond(time.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(time)
}

impl ModulestoreRuntime {
    /// Lists the contexts, and what is wrong with those that cannot even be named.
    fn every_context(&self) -> Result<(Vec<ContextKey>, Vec<RuntimeError>), RuntimeError> {
        let docs = self.store.read()?;
        let (mut contexts, mut damaged) = (Vec::new(), Vec::new());
        let indexes = docs.indexes()?.into_iter().map(|raw| CourseIndex::read(&raw?)?.context());
        for found in indexes.chain(old_mongo::contexts(&*docs)?) {
            match found {
                Ok(context) => contexts.push(context),
                Err(error) if error.is_damage() => damaged.push(error),
                Err(error) => return Err(error),
            }
        }
        contexts.sort();
        contexts.dedup();
        Ok((contexts, damaged))
    }
}

impl Runtime for ModulestoreRuntime {
    fn contexts(&self) -> Result<Vec<ContextKey>, RuntimeError> {
        Ok(self.every_context()?.0)
    }

    fn damaged_contexts(&self) -> Result<Vec<RuntimeError>, RuntimeError> {
        Ok(self.every_context()?.1)
    }

    fn context(&self, key: &ContextKey) -> Result<ContextRecord, RuntimeError> {
        if let Some(course) = self.old_course(key)? {
            return Ok(course.record());
        }
        self.in_context(key, |reader, index| {
            let draft = index.draft()?;
            let published = index.head(Branch::Published);
            let last = published.map(|id| (id, reader.structure(id)));
            // One branch that cannot be read does not take the other along: whoever reads it is told.
            let (found, sound) = match (reader.structure(draft), &last) {
                (Err(error), Some((_, Ok(published)))) if error.is_damage() => (None, published.clone()),
                (found, _) => found.map(|found| (Some(found.clone()), found))?,
            };
            let root = sound.root();
            let root = reader.usage(&root.block_type, &root.block_id, format!("structure {}", sound.id()))?;
            let last = last.map(|(id, last)| match last {
                Err(error) if error.is_damage() => Ok(head(id, None)),
                last => last.map(|last| head(id, Some(&last))),
            });
            let published = last.transpose()?;
            Ok(ContextRecord { key: key.clone(), root, draft: head(draft, found.as_deref()), published })
        })
    }

    fn usages(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        if let Some(course) = self.old_course(context)? {
            return Ok(course.usages(branch));
        }
        self.in_branch(context, branch, |reader, structure| Ok(reader.usages(structure)))
    }

    fn unlisted(&self, context: &ContextKey, branch: Branch) -> Result<Vec<Unlisted>, RuntimeError> {
        let mut unlisted = match self.old_course(context)? {
            Some(course) => course.unlisted(branch),
            None => self.in_branch(context, branch, |reader, structure| reader.unnamed(structure))?,
        };
        unlisted.extend(self.files(context, branch)?.1);
        Ok(unlisted)
    }

    fn block(&self, usage: &UsageKey, branch: Branch) -> Result<BlockRecord, RuntimeError> {
        if let Some(course) = self.old_course(&usage.context_key())? {
            return course.block(usage, branch);
        }
        self.in_branch(&usage.context_key(), branch, |reader, structure| {
            let key = block_key(usage);
            match key.as_ref().and_then(|key| structure.block(&key.block_type, &key.block_id)) {
                Some(view) => reader.record(usage, &view),
                None => Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch }),
            }
        })
    }

    fn parents(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        if let Some(course) = self.old_course(&usage.context_key())? {
            return course.parents(usage, branch);
        }
        self.in_branch(&usage.context_key(), branch, |reader, structure| {
            if !block_key(usage).is_some_and(|key| structure.contains(&key.block_type, &key.block_id)) {
                return Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch });
            }
            Ok(reader.parents(structure, usage))
        })
    }

    /// Looks a definition up. Outside a context its references have nowhere to lead and stay `[type, id]`.
    fn definition(&self, key: &DefinitionKey) -> Result<DefinitionRecord, RuntimeError> {
        let missing = || RuntimeError::NoSuchDefinition { key: key.clone() };
        let split = key.as_split().ok_or_else(missing)?;
        let id = to_bson_id(split.definition_id().ok_or_else(missing)?);
        let docs = self.store.read()?;
        let Some(bytes) = docs.definition(id)? else {
            return Err(match dump::damage_kept(&*docs, &Collection::Definitions, id)? {
                Some(reason) => corrupt(format!("definition {id}"), reason),
                None => missing(),
            });
        };
        let definition = crate::documents::DefinitionView::read(id, bytes)?;
        let block_type = definition.block_type()?;
        if block_type != key.block_type() {
            return Err(missing());
        }
        let declared = self.registry.block_type(block_type);
        let content = FieldCodec::new(&declared, None).read(definition.fields()?, &[], definition.place())?;
        Ok(DefinitionRecord { key: key.clone(), block_type: block_type.into(), content })
    }

    fn assets(&self, context: &ContextKey, branch: Branch) -> Result<Vec<AssetRecord>, RuntimeError> {
        Ok(self.files(context, branch)?.0)
    }

    fn asset_metadata(
        &self,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<AssetMetadataRecords, RuntimeError> {
        self.asset_records(context, branch)
    }

    fn asset(&self, key: &AssetKey, branch: Branch) -> Result<AssetRecord, RuntimeError> {
        self.with_asset(key, branch, |docs, found| self.asset_record(docs, key, &found))
    }

    fn read_asset(&self, key: &AssetKey, branch: Branch) -> Result<Vec<u8>, RuntimeError> {
        let read = || self.with_asset(key, branch, |docs, found| found.bytes(docs));
        match read() {
            // On a server a file may be replaced while it is read; then its new bytes are there now.
            Err(RuntimeError::Corrupt { .. }) => read(),
            outcome => outcome,
        }
    }

    fn open_asset(&self, key: &AssetKey, branch: Branch) -> Result<Box<dyn AssetReader>, RuntimeError> {
        self.with_asset(key, branch, |docs, found| {
            let record = self.asset_record(docs, key, &found)?;
            Ok(Box::new(OpenFile::new(self.store.clone(), record, found)?) as Box<dyn AssetReader>)
        })
    }

    fn history(&self, context: &ContextKey, branch: Branch) -> Result<Vec<VersionRecord>, RuntimeError> {
        if let Some(course) = self.old_course(context)? {
            return Ok(course.history(branch));
        }
        self.in_context(context, |reader, index| {
            let mut versions = Vec::new();
            let mut seen = HashSet::new();
            let mut at = Some(head_id(index, context, branch)?);
            while let Some(id) = at.filter(|id| seen.insert(*id)) {
                // The platform's pruning tool takes old structures out of the middle of a line.
                let Some(header) = reader.docs.header(id)? else { break };
                at = header.previous_version;
                versions.push(VersionRecord {
                    version: header.version(),
                    previous: header.previous_version.map(|id| VersionId(id.to_hex().into())),
                    edit_info: header.edit_info,
                    message: reader.docs.message(id)?.unwrap_or_default(),
                });
            }
            Ok(versions)
        })
    }

    /// Reads a version. Which files older drafts had is not kept.
    fn version(&self, context: &ContextKey, version: &VersionId) -> Result<VersionContent, RuntimeError> {
        if let Some(course) = self.old_course(context)? {
            let files = self.assets(context, Branch::Published)?;
            let said = self.asset_records(context, Branch::Published)?;
            return course.version(version, files, said);
        }
        self.in_context(context, |reader, index| {
            let newer_published = versions_after(&reader, index.head(Branch::Published), &version.0)?;
            let files = match newer_published {
                Some(newer) => Some(assets::list_before(reader.docs, context, &newer)?),
                None => match versions_after(&reader, Some(index.draft()?), &version.0)? {
                    Some(newer) if newer.is_empty() => Some(assets::list_draft(reader.docs, context)?),
                    Some(_) => None,
                    None => return Err(no_such_version(&reader, version)),
                },
            };
            let id = ObjectId::parse_str(&*version.0).map_err(|_| no_such_version(&reader, version))?;
            let structure = reader.structure(id)?;
            let mut blocks = BTreeMap::new();
            for usage in reader.usages(&structure) {
                let key = block_key(&usage);
                let Some(view) = key.and_then(|key| structure.block(&key.block_type, &key.block_id)) else {
                    continue;
                };
                let data = match reader.known(usage.block_type(), &view) {
                    Err(error) if !error.is_damage() => return Err(error),
                    known => known.map(|known| known.data),
                };
                blocks.insert(usage, data);
            }
            let described = files.map(|files| self.described(reader.docs, files)).transpose()?;
            let assets = described.map(|(records, _)| records);
            let root = structure.root();
            let root = reader.usage(&root.block_type, &root.block_id, format!("structure {id}"))?;
            Ok(VersionContent {
                root,
                blocks,
                assets,
                asset_metadata: crate::documents::records_of(&structure, context)?,
            })
        })
    }

    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, RuntimeError> {
        self.read_feed(after, limit)
    }

    fn is_feed_behind(&self) -> Result<bool, RuntimeError> {
        Ok(!feed::untold(&*self.store.read()?, 1)?.is_empty())
    }

    fn commit(&self, edit: Edit) -> Result<Commit, RuntimeError> {
        if self.old_course(&edit.context)?.is_some() {
            return Err(match edit.base {
                Base::New { .. } => RuntimeError::ContextExists { key: edit.context },
                _ => RuntimeError::UnsupportedKey {
                    key: edit.context.to_string(),
                    store: "Old Mongo",
                    reason: "its courses are only read; `courseware publish` moves them to another store, where they can be changed",
                },
            });
        }
        let mut edit = edit;
        // The documents of the platform always name somebody.
        edit.author.get_or_insert(MANAGEMENT_COMMAND);
        // A store without locks may have another writer come first; what is the edit's base decides whether that matters.
        let mut attempts = Attempts::begin(self.store.patience());
        loop {
            let docs = self.store.write()?;
            let reader = self.reader(&*docs, &edit.context);
            let tried = reader.tried()?;
            let now = in_milliseconds(self.clock.now());
            let Committed { commit, structures } = carry_out(&*docs, reader, &edit, now)?;
            if docs.commit()? == Outcome::Overtaken {
                if attempts.again(tried) {
                    continue;
                }
                break;
            }
            for structure in structures {
                self.structures.insert(structure.id(), structure);
            }
            return Ok(commit);
        }
        let head = self.context(&edit.context)?.draft.version;
        let base = match edit.base {
            Base::Version(base) => Some(base),
            Base::New { .. } | Base::Any => None,
        };
        Err(attempts.conflict(edit.context, base, head))
    }

    fn origin(&self, context: &ContextKey) -> Result<Option<Origin>, RuntimeError> {
        if self.old_course(context)?.is_some() {
            return Ok(None);
        }
        let packed = self.in_context(context, |reader, _| reader.docs.origin(&context.to_string()))?;
        packed.map(|packed| origin::unpack(&packed, context)).transpose()
    }

    fn keep_origin(&self, context: &ContextKey, origin: Option<&Origin>) -> Result<(), RuntimeError> {
        self.in_context(context, |_, _| Ok(()))?;
        let packed = origin.map(origin::pack).transpose()?;
        let docs = self.store.write()?;
        docs.put_origin(&context.to_string(), packed.as_deref())?;
        // No index is changed, so that nobody can be in the way.
        docs.commit().map(|_| ())
    }
}
