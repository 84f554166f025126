//! The index made anew from the bundles: where it is missing, and where another program has written.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, EditInfo, RuntimeError};

use super::BlockstoreRuntime;
use super::definitions::Source;
use super::includes::include_rows;
use super::layout::{ASSETS_FILE, AssetsDocument, CONTEXT_FILE, ContextDocument, Entry, classify};
use super::room::{has_room, has_room_for_context};
use super::tables::{AssetRow, Tables, UsageRow};
use super::view::{Trouble, View, draft_id, version_id};
use crate::database::{Access, Connection};
use crate::digest::Digest;
use crate::document::FileRecord;
use crate::error::BlockstoreError;
use crate::rows::{self, RowId};
use crate::store::OnStale;

/// The files of a branch as the documents say, with when it was made.
pub(super) struct Files {
    pub(super) files: BTreeMap<String, FileRecord>,
    pub(super) source: Source,
    edit_info: EditInfo,
    message: String,
}

/// Two bundles that say they are the same context; the first is served.
pub(super) struct Twins {
    pub(super) context: String,
    pub(super) first: RowId,
    pub(super) second: RowId,
}

impl BlockstoreRuntime {
    /// Brings the index of a context up to date; damage is an error only in the branches that are needed.
    pub(super) fn refresh(&self, key: &ContextKey, needed: &[Branch]) -> Result<(), RuntimeError> {
        if self.store.db.access() == Access::ReadOnly {
            if !self.in_memory.load(std::sync::atomic::Ordering::Acquire) {
                self.index_in_memory()?;
            }
            return self.store.db.write_temporary(|db| self.refresh_in(db, key, needed));
        }
        self.lay_on_latest(key)?;
        self.store.db.write(|db| self.refresh_in(db, key, needed))
    }

    /// Looks at bundles that are new to the index.
    pub(super) fn refresh_bundles(&self) -> Result<(), RuntimeError> {
        if self.store.db.access() == Access::ReadOnly {
            if !self.in_memory.load(std::sync::atomic::Ordering::Acquire) {
                self.index_in_memory()?;
            }
            return self.store.db.write_temporary(|db| self.scan_bundles(&self.tables(db)).map(drop));
        }
        self.store.db.write(|db| self.scan_bundles(&self.tables(db)).map(drop))
    }

    /// Brings the index of a context up to date inside a transaction that may write it.
    pub(super) fn refresh_in(
        &self,
        db: &Connection,
        key: &ContextKey,
        needed: &[Branch],
    ) -> Result<(), RuntimeError> {
        self.scan_bundles(&self.tables(db))?;
        let view = match self.find(db, key) {
            Ok(view) => view,
            // What is not there is found out by the next look.
            Err(_) => return Ok(()),
        };
        for branch in Branch::ALL {
            let outcome = match self.check(&view, branch) {
                Err(Trouble::Stale | Trouble::Behind) => self.rebuild(&view, branch),
                Err(Trouble::Error(RuntimeError::NoSuchBranch { .. })) | Ok(()) => Ok(()),
                Err(Trouble::Error(error)) => Err(error),
            };
            match outcome {
                // The other branch can be read all the same.
                Err(RuntimeError::Corrupt { .. }) if !needed.contains(&branch) => {}
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Lays the draft of a context on the latest version where it changes nothing and another program made that version from
    /// a draft of its own.
    pub(super) fn lay_on_latest(&self, key: &ContextKey) -> Result<(), RuntimeError> {
        let behind = self.store.db.read(|db| {
            let Ok(view) = self.find(db, key) else { return Ok(None) };
            let Some(draft) = view.row.draft else { return Ok(None) };
            let latest = view.row.latest.map(|(_, digest)| digest);
            // What is damaged stays as it is; whoever reads it is told.
            let document = sound(self.store.draft_now(db, draft))?.map(|(document, _)| document);
            Ok::<_, BlockstoreError>(document.filter(|found| found.base_snapshot != latest).map(|_| draft))
        })?;
        let Some(draft) = behind else { return Ok(()) };
        match sound(self.store.rebase_draft(draft, OnStale::Refuse)) {
            // What it changes is for its authors to judge.
            Err(BlockstoreError::StaleDraft { .. } | BlockstoreError::DraftNotFound { .. }) => Ok(()),
            outcome => Ok(outcome.map(drop)?),
        }
    }

    /// Takes notice of versions that other programs made of a context, before what is read of it is edited.
    pub(super) fn notice(&self, key: &ContextKey) -> Result<(), RuntimeError> {
        if self.store.db.access() == Access::ReadOnly {
            return Ok(());
        }
        let is_behind = self.store.db.read(|db| {
            let Ok(view) = self.find(db, key) else { return Ok(false) };
            let Some((number, digest)) = view.row.latest else { return Ok(false) };
            let known = view.tables.state(view.row.bundle_id, Branch::Published)?;
            Ok::<_, BlockstoreError>(known.is_none_or(|known| *known.token != *version_id(number, digest).0))
        })?;
        if is_behind { self.refresh(key, &[]) } else { Ok(()) }
    }

    /// Notes which of the bundles that are new to the index are learning contexts; returns those that say they are what
    /// another bundle says, too.
    ///
    /// A bundle that cannot be read is looked at again and again: unreadable is not the same as being no context.
    pub(super) fn scan_bundles(&self, tables: &Tables<'_>) -> Result<Vec<Twins>, RuntimeError> {
        let mut twins = Vec::new();
        for (id, bundle) in tables.unknown_bundles()? {
            let document = match bundle {
                Some(bundle) => self.context_document(tables, id, bundle)?,
                None => None,
            };
            let Some(document) = document else {
                tables.put_unread(id)?;
                continue;
            };
            let context = document.as_ref().map(|d| (&*d.context, &*d.root_type, &*d.root_id));
            if let (Some(twin), Some(document)) = (tables.put_bundle(id, context)?, &document) {
                let context = document.context.clone();
                twins.push(Twins { context, first: id.min(twin), second: id.max(twin) });
            }
        }
        Ok(twins)
    }

    /// Reads which context a bundle says it is, if any; nothing where that cannot be read.
    fn context_document(
        &self,
        tables: &Tables<'_>,
        id: RowId,
        bundle: Uuid,
    ) -> Result<Option<Option<ContextDocument>>, RuntimeError> {
        let mut draft = None;
        for name in self.contexts.drafts() {
            draft = match draft {
                None => match sound(rows::draft_named(tables.db, id, name))? {
                    Some(found) => found,
                    None => return Ok(None),
                },
                found => found,
            };
        }
        let Some(latest) = sound(rows::latest_version(tables.db, id))? else { return Ok(None) };
        let latest = latest.map(|row| row.snapshot);
        let in_version = |base: Option<Digest>, source| -> Result<Option<Vec<u8>>, BlockstoreError> {
            let Some(base) = base else { return Ok(None) };
            let snapshot = self.store.snapshot(bundle, base)?;
            let record = snapshot.files.get(CONTEXT_FILE);
            record.map(|record| self.read_file(source, CONTEXT_FILE, record)).transpose()
        };
        let in_draft = |draft| -> Result<Option<Vec<u8>>, BlockstoreError> {
            let source = Source { bundle, draft: Some(draft) };
            let (document, _) = self.store.draft_now(tables.db, draft)?;
            match document.files_to_overwrite.get(CONTEXT_FILE) {
                Some(staged) => {
                    staged.as_ref().map(|record| self.read_file(source, CONTEXT_FILE, record)).transpose()
                }
                None => in_version(document.base_snapshot, source),
            }
        };
        let published = || in_version(latest, Source { bundle, draft: None });
        let text = match draft {
            None => sound(published())?,
            Some(draft) => match sound(in_draft(draft))? {
                // Where the draft is damaged, the latest version may still say it; that it does not says nothing.
                None => sound(published())?.flatten().map(Some),
                found => found,
            },
        };
        let Some(text) = text else { return Ok(None) };
        let document: Option<ContextDocument> = text.and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Some(document.filter(|document| {
            has_room_for_context(&document.context, &document.root_type, &document.root_id)
                && self.contexts.read_key(&document.context).is_some_and(|key| {
                    key.to_string() == document.context
                        && key.make_usage_key(&document.root_type, &document.root_id).is_ok()
                })
        })))
    }

    /// Composes the files of a branch from its documents.
    pub(super) fn files_of(&self, view: &View<'_>, branch: Branch) -> Result<Files, RuntimeError> {
        let row = &view.row;
        if let (Branch::Draft, Some(draft)) = (branch, row.draft) {
            let (document, _) = self.store.draft_now(view.tables.db, draft)?;
            let base =
                document.base_snapshot.map(|base| self.store.snapshot(row.bundle, base)).transpose()?;
            return Ok(Files {
                files: document.composed_files(base.as_deref()),
                source: Source::draft(row),
                edit_info: EditInfo { edited_on: document.updated(), edited_by: None },
                message: String::new(),
            });
        }
        let (number, digest) =
            row.latest.ok_or_else(|| RuntimeError::NoSuchBranch { key: view.key.clone(), branch })?;
        let snapshot = self.store.snapshot(row.bundle, digest)?;
        let version = rows::version(view.tables.db, row.bundle_id, number)?;
        Ok(Files {
            files: snapshot.files.clone(),
            source: Source::published(row),
            edit_info: EditInfo { edited_on: snapshot.created(), edited_by: None },
            message: version.map(|row| row.change_description).unwrap_or_default(),
        })
    }

    /// Writes the rows of a branch anew.
    fn rebuild(&self, view: &View<'_>, branch: Branch) -> Result<(), RuntimeError> {
        let Files { files, source, edit_info, message } = self.files_of(view, branch)?;
        let tables = &view.tables;
        let bundle = view.row.bundle_id;
        let version = match (branch, view.row.draft) {
            // The document was read above; what it is now decides the next look.
            (Branch::Draft, Some(draft)) => {
                let (document, digest) = self.store.draft_now(view.tables.db, draft)?;
                if document.updated() != edit_info.edited_on {
                    return Ok(());
                }
                Some(draft_id(digest))
            }
            _ => self.version_now(tables.db, &view.row, branch)?,
        };
        let Some(version) = version else { return Ok(()) };
        let old: HashMap<(String, String), UsageRow> = match tables.state(bundle, branch)? {
            Some(state) => tables.usage_rows(state.id)?.into_iter().collect(),
            None => HashMap::new(),
        };
        let state = tables.put_state(bundle, branch, &version.0, &message, &edit_info)?;
        tables.clear_state(state)?;
        for (path, record) in &files {
            let Some((block_type, id)) = self.block_at(&view.conventions, source, path, record) else {
                continue;
            };
            let Ok(usage) = view.key.make_usage_key(&block_type, &id) else { continue };
            let kept = old.get(&(block_type.to_string(), id.to_string()));
            let edit_info = match kept {
                Some(kept) if kept.hash == record.hash => kept.edit_info.clone(),
                _ => edit_info.clone(),
            };
            let mut row = UsageRow { hash: record.hash, size: record.size, edit_info, title: None };
            // A definition that cannot be read names no children; reading the block itself tells what is wrong.
            if let Ok(parsed) = self.read_at(&view.reader(source), &usage, path, record.hash, record.size) {
                row.title = parsed.data.display_name().map(str::to_owned);
                tables.put_children(
                    state,
                    &block_type,
                    &id,
                    own_children(&view.key, &parsed.data.children),
                )?;
                let includes = include_rows(&view.conventions, view.row.bundle, &usage, &parsed.includes);
                if !includes.is_empty() {
                    tables.put_includes(state, (&block_type, &id), &includes)?;
                }
            }
            tables.put_usage(state, &block_type, &id, &row)?;
        }
        self.index_includes(view, state, &self.links_of(view, branch)?)?;
        let attributes = self.attributes(source, files.get(ASSETS_FILE)).unwrap_or_default();
        index_assets(tables, state, &files, &attributes)?;
        self.note_versions(view, branch, &edit_info)?;
        if !tables.is_in_memory() {
            tables.append_change(&view.key.to_string(), branch, &version.0, &edit_info)?;
        }
        Ok(())
    }

    /// Notes versions that another program made, and enters those before the latest into the feed.
    fn note_versions(
        &self,
        view: &View<'_>,
        branch: Branch,
        edit_info: &EditInfo,
    ) -> Result<(), RuntimeError> {
        if branch == Branch::Draft {
            return Ok(());
        }
        let bundle = view.row.bundle_id;
        for row in rows::versions(view.tables.db, bundle)?.into_iter().rev() {
            if view.tables.version(bundle, row.number)?.is_none() {
                let is_latest = view.row.latest.is_some_and(|(number, _)| number == row.number);
                let edit_info = if is_latest {
                    edit_info.clone()
                } else {
                    let made =
                        self.store.snapshot(view.row.bundle, row.snapshot).ok().and_then(|s| s.created());
                    EditInfo { edited_on: made, edited_by: None }
                };
                view.tables.put_version(bundle, row.number, &edit_info)?;
                if !is_latest && !view.tables.is_in_memory() {
                    let version = version_id(row.number, row.snapshot);
                    let key = view.key.to_string();
                    view.tables.append_change(&key, Branch::Published, &version.0, &edit_info)?;
                }
            }
        }
        Ok(())
    }

    /// Reads the attributes of static files.
    pub(super) fn attributes(
        &self,
        source: Source,
        record: Option<&FileRecord>,
    ) -> Result<AssetsDocument, RuntimeError> {
        let Some(record) = record else { return Ok(AssetsDocument::default()) };
        let text = self.read_file(source, ASSETS_FILE, record)?;
        serde_json::from_slice(&text).map_err(|error| RuntimeError::Corrupt {
            place: format!("bundle {}, {ASSETS_FILE}", source.bundle),
            reason: error.to_string(),
        })
    }
}

/// Takes what is damaged, too new or not given back by the medium for what is not there.
fn sound<T>(read: Result<T, BlockstoreError>) -> Result<Option<T>, BlockstoreError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(
            BlockstoreError::Corrupt { .. }
            | BlockstoreError::Missing { .. }
            | BlockstoreError::NewerForm { .. },
        ) => Ok(None),
        Err(error) if error.is_unread() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lists the children that belong to the context, as the index keeps them.
pub(super) fn own_children<'k>(
    context: &ContextKey,
    children: &'k [UsageKey],
) -> impl Iterator<Item = (&'k str, &'k str)> {
    children
        .iter()
        .filter(|child| child.context_key() == *context)
        .map(|child| (child.block_type(), child.block_id()))
}

/// Writes the rows of a state's static files.
pub(super) fn index_assets(
    tables: &Tables<'_>,
    state: RowId,
    files: &BTreeMap<String, FileRecord>,
    attributes: &AssetsDocument,
) -> Result<(), RuntimeError> {
    for (path, record) in files {
        let Entry::Asset(asset_type, name) = classify(path) else { continue };
        if !has_room(asset_type, name) {
            continue;
        }
        tables.put_asset(
            state,
            &AssetRow {
                asset_type: asset_type.to_owned(),
                name: name.to_owned(),
                hash: record.hash,
                size: record.size,
                attributes: super::assets::attributes_text(attributes.0.get(path), name, record)?,
            },
        )?;
    }
    Ok(())
}
