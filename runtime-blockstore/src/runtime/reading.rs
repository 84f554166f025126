//! The reading half of the runtime trait, and the trait itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;
use xblock_core::keys::{AssetKey, BundleDefinitionKey, ContextKey, DefinitionKey, LibraryKeyV2, UsageKey};
use xblock_core::olx::definition_type;
use xblock_core::runtime::{
    AssetMetadataRecords, AssetReader, AssetRecord, BlockAsset, BlockData, BlockRecord, Branch, Change,
    Commit, ContextRecord, Cursor, DefinitionRecord, Edit, EditInfo, Head, Origin, Runtime, RuntimeError,
    VersionContent, VersionId, VersionRecord,
};

use super::BlockstoreRuntime;
use super::assets::{OpenAsset, asset_record, attributes_text, record_of};
use super::conventions::Conventions;
use super::definitions::{Reader, Source};
use super::includes::include_rows;
use super::layout::{ASSET_METADATA_FILE, ASSETS_FILE, Entry, asset_path, classify};
use super::links::LinkEdit;
use super::locating::Located;
use super::tables::{AssetRow, Tables};
use super::view::{View, parse_version_id, version_id};
use crate::context::{LibraryContext, STUDIO_DRAFT, folders};
use crate::database::Access;
use crate::document::{FileRecord, Snapshot};
use crate::error::BlockstoreError;
use crate::rows;
use crate::schema::{self, Home};

/// Finds a static file of a branch.
fn asset_row(view: &View<'_>, key: &AssetKey, branch: Branch) -> Result<AssetRow, RuntimeError> {
    let state = view.state(branch)?.id;
    let row = view.tables.asset(state, key.asset_type(), key.path())?;
    row.ok_or_else(|| RuntimeError::NoSuchAsset { key: key.clone(), branch })
}

/// Keeps damage of one block to that block.
fn sound<T>(read: Result<T, RuntimeError>) -> Result<Result<T, RuntimeError>, RuntimeError> {
    match read {
        Err(error) if !error.is_damage() => Err(error),
        read => Ok(read),
    }
}

impl Runtime for BlockstoreRuntime {
    fn contexts(&self) -> Result<Vec<ContextKey>, RuntimeError> {
        self.note_new_bundles()?;
        let texts = self.store.db.read(|db| self.tables(db).context_keys())?;
        let mut keys = BTreeSet::new();
        for text in texts {
            keys.insert(self.contexts.read_key(&text).ok_or_else(|| RuntimeError::Corrupt {
                place: format!("index of {text}"),
                reason: "it is no key of a context".into(),
            })?);
        }
        for (key, bundle) in self.contexts.known(&self.store)? {
            let is_there = self.store.db.read(|db| rows::bundle_id(db, bundle))?.is_some();
            if is_there {
                keys.insert(key);
            }
        }
        Ok(keys.into_iter().collect())
    }

    fn context(&self, key: &ContextKey) -> Result<ContextRecord, RuntimeError> {
        self.notice(key)?;
        let whole = self.look(key, &[Branch::Draft], |view| {
            let draft = view.state(Branch::Draft)?;
            self.context_record(
                view,
                Head { version: VersionId(draft.token.into()), edit_info: draft.edit_info },
            )
        });
        let Err(RuntimeError::Corrupt { place, reason }) = whole else { return whole };
        // Where only the draft is damaged, the published branch is to be read; the draft is what it was last.
        self.look(key, &[Branch::Published], |view| {
            let known = view.state(Branch::Draft).or_else(|_| view.state(Branch::Published))?;
            self.context_record(
                view,
                Head { version: VersionId(known.token.into()), edit_info: known.edit_info },
            )
        })
        .map_err(|_| RuntimeError::Corrupt { place, reason })
    }

    fn usages(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.look(context, &[branch], |view| view.all_usages(view.state(branch)?.id))
    }

    fn block(&self, usage: &UsageKey, branch: Branch) -> Result<BlockRecord, RuntimeError> {
        self.look_at_one(&usage.context_key(), branch, |view| {
            let state = view.state(branch)?;
            let located = self
                .locate(view, &state, usage)?
                .ok_or_else(|| RuntimeError::NoSuchUsage { key: usage.clone(), branch })?;
            let edit_info = match &located {
                Located::Own(row) | Located::Alias(_, row) => row.edit_info.clone(),
                Located::Pinned { edit_info, .. } => edit_info.clone(),
                Located::MadeUp => state.edit_info.clone(),
            };
            Ok(BlockRecord {
                usage: usage.clone(),
                definition: self.definition_key(view, branch, usage, &located)?,
                data: self.read_located(view, &state, view.source(branch), usage, &located)?,
                edit_info,
            })
        })
    }

    fn parents(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.look(&usage.context_key(), &[branch], |view| {
            let state = view.state(branch)?;
            let Some(located) = self.locate(view, &state, usage)? else {
                return Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch });
            };
            let parents = view.tables.parents(state.id, usage.block_type(), usage.block_id())?;
            if parents.is_empty() && matches!(located, Located::Own(_)) {
                let root = view.root()?;
                let is_below = root != *usage && view.has_made_up_root(state.id)?;
                return Ok(if is_below { vec![root] } else { Vec::new() });
            }
            view.usages(parents)
        })
    }

    fn definition(&self, key: &DefinitionKey) -> Result<DefinitionRecord, RuntimeError> {
        let missing = || RuntimeError::NoSuchDefinition { key: key.clone() };
        let wanted = key.as_bundle().ok_or_else(missing)?;
        // Which ids there can be depends on the context that the bundle is.
        self.note_new_bundles()?;
        let mut attempt = 1;
        loop {
            match self.read_definition(key, wanted) {
                // The draft may have been replaced between two reads.
                Err(RuntimeError::Corrupt { .. }) if attempt < 3 => attempt += 1,
                result => return result,
            }
        }
    }

    fn assets(&self, context: &ContextKey, branch: Branch) -> Result<Vec<AssetRecord>, RuntimeError> {
        self.look(context, &[branch], |view| {
            let mut records = Vec::new();
            for row in view.tables.assets(view.state(branch)?.id)? {
                records.extend(asset_record(view, &row)?);
            }
            records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            Ok(records)
        })
    }

    fn asset_metadata(
        &self,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<AssetMetadataRecords, RuntimeError> {
        self.list_asset_metadata(context, branch)
    }

    fn asset(&self, key: &AssetKey, branch: Branch) -> Result<AssetRecord, RuntimeError> {
        self.look(&key.context_key(), &[branch], |view| {
            record_of(key.clone(), &asset_row(view, key, branch)?)
        })
    }

    fn read_asset(&self, key: &AssetKey, branch: Branch) -> Result<Vec<u8>, RuntimeError> {
        self.look(&key.context_key(), &[branch], |view| {
            let row = asset_row(view, key, branch)?;
            let path = asset_path(key);
            let record = FileRecord::new(&path, row.size, row.hash);
            Ok(self.read_file(view.source(branch), &path, &record)?)
        })
    }

    fn open_asset(&self, key: &AssetKey, branch: Branch) -> Result<Box<dyn AssetReader>, RuntimeError> {
        self.look(&key.context_key(), &[branch], |view| {
            let row = asset_row(view, key, branch)?;
            let path = asset_path(key);
            let record = FileRecord::new(&path, row.size, row.hash);
            let file = self.open_file(view.tables.db, view.source(branch), &path, &record)?;
            Ok(Box::new(OpenAsset::new(record_of(key.clone(), &row)?, file)) as Box<dyn AssetReader>)
        })
    }

    fn block_assets(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<BlockAsset>, RuntimeError> {
        self.list_block_assets(usage, branch)
    }

    fn read_block_asset(
        &self,
        usage: &UsageKey,
        name: &str,
        branch: Branch,
    ) -> Result<Vec<u8>, RuntimeError> {
        self.read_asset_of_block(usage, name, branch)
    }

    fn open_block_asset(
        &self,
        usage: &UsageKey,
        name: &str,
        branch: Branch,
    ) -> Result<Box<dyn AssetReader>, RuntimeError> {
        self.open_asset_of_block(usage, name, branch)
    }

    fn history(&self, context: &ContextKey, branch: Branch) -> Result<Vec<VersionRecord>, RuntimeError> {
        self.look(context, &[branch], |view| {
            if branch == Branch::Draft {
                let state = view.state(branch)?;
                return Ok(vec![VersionRecord {
                    version: VersionId(state.token.into()),
                    previous: state.previous.map(|previous| VersionId(previous.into())),
                    edit_info: state.edit_info,
                    message: state.message,
                }]);
            }
            let rows = rows::versions(view.tables.db, view.row.bundle_id)?;
            let ids: Vec<_> = rows.iter().map(|row| version_id(row.number, row.snapshot)).collect();
            let mut history = Vec::with_capacity(rows.len());
            for (at, row) in rows.into_iter().enumerate() {
                history.push(VersionRecord {
                    version: ids[at].clone(),
                    previous: ids.get(at + 1).cloned(),
                    edit_info: self.version_info(view, row.number)?,
                    message: row.change_description,
                });
            }
            Ok(history)
        })
    }

    fn version(&self, context: &ContextKey, version: &VersionId) -> Result<VersionContent, RuntimeError> {
        let is_published = parse_version_id(version).is_some();
        let branch = if is_published { Branch::Published } else { Branch::Draft };
        self.look(context, &[branch], |view| match branch {
            Branch::Published => self.version_content(view, &*self.version_snapshot(view, version)?),
            Branch::Draft => self.draft_content(view, version),
        })
    }

    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, RuntimeError> {
        // What other programs committed enters the feed when it is noticed, at the latest now, and only where it stays: numbers
        // that exist in memory would be given to something else.
        if self.store.db.access() == Access::ReadWrite {
            if !self.store.db.read(|db| self.tables(db).new_bundles())?.is_empty() {
                self.refresh_bundles()?;
            }
            for context in self.store.db.read(|db| self.tables(db).contexts_with_new_versions())? {
                if let Some(key) = self.contexts.read_key(&context) {
                    self.refresh(&key, &[])?;
                }
            }
        }
        let (last, rows) = self.store.db.read(|db| {
            if !db.has_table("xblock_change")? {
                return Ok((0, Vec::new()));
            }
            let tables = Tables::new(db, Home::Main);
            Ok::<_, BlockstoreError>((tables.last_change()?, tables.changes(after.0, limit)?))
        })?;
        if after.0 > last {
            return Err(RuntimeError::NoSuchCursor { cursor: after });
        }
        let mut changes = Vec::with_capacity(rows.len());
        for row in rows {
            changes.push(Change {
                cursor: Cursor(row.cursor),
                context: self.contexts.read_key(&row.context).ok_or_else(|| RuntimeError::Corrupt {
                    place: format!("change feed, entry {}", row.cursor),
                    reason: format!("{} is no key of a context", row.context),
                })?,
                branch: row.branch,
                version: VersionId(row.version.into()),
                edit_info: row.edit_info,
            });
        }
        Ok(changes)
    }

    fn is_feed_behind(&self) -> Result<bool, RuntimeError> {
        Ok(self.store.db.read(|db| {
            if !schema::has_index(db)? {
                return db.exists(
                    "looking for versions",
                    "SELECT 1 FROM main.bundles_bundleversion LIMIT 1",
                    (),
                );
            }
            let tables = Tables::new(db, Home::Main);
            Ok(!tables.new_bundles()?.is_empty() || !tables.contexts_with_new_versions()?.is_empty())
        })?)
    }

    fn commit(&self, edit: Edit) -> Result<Commit, RuntimeError> {
        self.carry_out(&edit, &LinkEdit::default())
    }

    fn origin(&self, context: &ContextKey) -> Result<Option<Origin>, RuntimeError> {
        self.read_origin(context)
    }

    fn keep_origin(&self, context: &ContextKey, origin: Option<&Origin>) -> Result<(), RuntimeError> {
        self.write_origin(context, origin)
    }
}

impl BlockstoreRuntime {
    fn context_record(&self, view: &View<'_>, draft: Head) -> Result<ContextRecord, RuntimeError> {
        let published = match view.row.latest {
            Some((number, digest)) => Some(Head {
                version: version_id(number, digest),
                edit_info: self.version_info(view, number)?,
            }),
            None => None,
        };
        Ok(ContextRecord { key: view.key.clone(), root: view.root()?, draft, published })
    }

    /// Reads an older version out of its snapshot.
    fn version_content(&self, view: &View<'_>, snapshot: &Snapshot) -> Result<VersionContent, RuntimeError> {
        let source = Source { bundle: view.row.bundle, draft: None };
        let attributes = self.attributes(source, snapshot.files.get(ASSETS_FILE))?;
        let (mut blocks, mut assets, mut includes) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (path, record) in &snapshot.files {
            if let Some((block_type, id)) = self.block_at(&view.conventions, source, path, record) {
                let usage = view.usage(&block_type, &id)?;
                let data = sound(self.read_at(&view.reader(source), &usage, path, record.hash, record.size))?;
                if let Ok(parsed) = &data {
                    let own = view.row.bundle;
                    includes.extend(include_rows(&view.conventions, own, &usage, &parsed.includes));
                }
                blocks.insert(usage, data.map(|parsed| parsed.data));
            } else if let Entry::Asset(asset_type, name) = classify(path) {
                let row = AssetRow {
                    asset_type: asset_type.to_owned(),
                    name: name.to_owned(),
                    hash: record.hash,
                    size: record.size,
                    attributes: attributes_text(attributes.0.get(path), name, record)?,
                };
                assets.extend(asset_record(view, &row)?);
            }
        }
        let mut included: BTreeSet<_> =
            blocks.values().flatten().flat_map(|data| &data.children).cloned().collect();
        for (usage, block) in self.follow_includes(view, &includes, &snapshot.links)? {
            included.extend(block.children.iter().cloned());
            if blocks.contains_key(&usage) || block.row.problem.is_some() {
                continue;
            }
            let data = match (&block.row.pinned, block.row.file) {
                (Some(pinned), Some((hash, size))) => {
                    let reader = view.reader(Source { bundle: pinned.bundle, draft: None });
                    sound(self.read_at(&reader, &usage, &block.row.path, hash, size))?
                }
                _ => {
                    let Some(record) = snapshot.files.get(&block.row.path) else { continue };
                    let reader = view.reader(source);
                    sound(self.read_at(&reader, &usage, &block.row.path, record.hash, record.size))?
                }
            };
            blocks.insert(usage, data.map(|parsed| parsed.data));
        }
        let root = view.root()?;
        if !view.conventions.is_declared && !blocks.contains_key(&root) {
            let mut children: Vec<_> =
                blocks.keys().filter(|usage| !included.contains(*usage)).cloned().collect();
            children.sort_by_cached_key(|usage| view.conventions.path(usage.block_type(), usage.block_id()));
            let mut data = BlockData { children, ..BlockData::default() };
            let title = view.tables.bundle_title(view.row.bundle_id)?;
            data.settings.insert("display_name".into(), title.into());
            blocks.insert(root.clone(), Ok(Arc::new(data)));
        }
        assets.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let said = self.records_of(&view.key, source, snapshot.files.get(ASSET_METADATA_FILE))?;
        Ok(VersionContent { root, blocks, assets: Some(assets), asset_metadata: said })
    }

    /// Reads the draft, which is the only version of it there is.
    fn draft_content(&self, view: &View<'_>, version: &VersionId) -> Result<VersionContent, RuntimeError> {
        let state = view.state(Branch::Draft)?;
        if *state.token != *version.0 {
            return Err(RuntimeError::NoSuchVersion { context: view.key.clone(), version: version.clone() });
        }
        let source = Source::draft(&view.row);
        let mut blocks = BTreeMap::new();
        for usage in view.all_usages(state.id)? {
            if let Some(located) = self.locate(view, &state, &usage)? {
                let data = sound(self.read_located(view, &state, source, &usage, &located))?;
                blocks.insert(usage, data);
            }
        }
        let mut assets = Vec::new();
        for row in view.tables.assets(state.id)? {
            assets.extend(asset_record(view, &row)?);
        }
        assets.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let said = self.records_in(view, Branch::Draft)?;
        Ok(VersionContent { root: view.root()?, blocks, assets: Some(assets), asset_metadata: said })
    }

    /// Finds out what bundles are that are new to the index.
    fn note_new_bundles(&self) -> Result<(), RuntimeError> {
        let unknown = self.store.db.read(|db| self.tables(db).unknown_bundles())?;
        if unknown.is_empty() { Ok(()) } else { self.refresh_bundles() }
    }

    /// Returns who made a version and when, by our notes or by its snapshot.
    fn version_info(&self, view: &View<'_>, number: u64) -> Result<EditInfo, RuntimeError> {
        if let Some(info) = view.tables.version(view.row.bundle_id, number)? {
            return Ok(info);
        }
        let made = match rows::version(view.tables.db, view.row.bundle_id, number)? {
            Some(row) => self.store.snapshot(view.row.bundle, row.snapshot)?.created(),
            None => None,
        };
        Ok(EditInfo { edited_on: made, edited_by: None })
    }

    fn read_definition(
        &self,
        key: &DefinitionKey,
        wanted: &BundleDefinitionKey,
    ) -> Result<DefinitionRecord, RuntimeError> {
        let missing = || RuntimeError::NoSuchDefinition { key: key.clone() };
        let bundle = wanted.bundle_uuid();
        let path = wanted.olx_path();
        let (draft, version, context) = self.store.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or_else(missing)?;
            let tables = self.tables(db);
            let context = tables.context_of_bundle(id)?.and_then(|(text, is_declared)| {
                let key = self.contexts.read_key(&text)?;
                let kind = self.contexts.kind_of(&key)?.clone();
                Some((key, Conventions { kind, is_declared }))
            });
            let draft = match wanted.draft_name() {
                Some(name) => rows::draft_named(db, id, name)?,
                None => None,
            };
            let draft = draft.map(|draft| self.store.draft_now(db, draft)).transpose()?;
            let authors_draft = context.as_ref().map_or(STUDIO_DRAFT, |(_, c)| c.kind.draft());
            let version = match (wanted.bundle_version(), wanted.draft_name()) {
                (Some(number), _) => rows::version(db, id, number)?,
                // Where nobody has begun the draft of authors, they read the latest version.
                (None, Some(name)) if name == authors_draft => rows::latest_version(db, id)?,
                _ => None,
            };
            Ok::<_, RuntimeError>((draft, version, context))
        })?;
        let record = match (&draft, version) {
            (Some((document, _)), _) => {
                let base =
                    document.base_snapshot.map(|base| self.store.snapshot(bundle, base)).transpose()?;
                document.file(base.as_deref(), path).cloned()
            }
            (None, Some(version)) => self.store.snapshot(bundle, version.snapshot)?.files.get(path).cloned(),
            (None, None) => None,
        };
        let record = record.ok_or_else(missing)?;
        let source = Source { bundle, draft: draft.map(|(document, _)| document.uuid) };
        // A bundle that is no context of ours counts as a library.
        let (context, conventions) = match context {
            Some(found) => found,
            None => {
                let key = LibraryKeyV2::new("Blockstore", &bundle.to_string()).map_err(|_| missing())?;
                let kind = Arc::new(LibraryContext::default());
                (ContextKey::from(key), Conventions { kind, is_declared: false })
            }
        };
        let (block_type, id) = self
            .block_at(&conventions, source, path, &record)
            .or_else(|| folders(path).map(|(block_type, id)| (block_type.into(), id.into())))
            .ok_or_else(missing)?;
        if definition_type(&block_type) != wanted.block_type() {
            return Err(missing());
        }
        let usage = context.make_usage_key(&block_type, &id).map_err(|_| missing())?;
        // Read for no context: what its children are called is no matter here.
        let reader = Reader { conventions: &conventions, context: Uuid::nil(), source };
        let parsed = self.read_at(&reader, &usage, path, record.hash, record.size)?;
        Ok(DefinitionRecord {
            key: key.clone(),
            block_type: Arc::from(&*block_type),
            content: parsed.data.content.clone(),
        })
    }
}
