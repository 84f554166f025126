//! Edits carried out: plan, files, rows; in this order, and visible at once with the last.

use std::sync::Arc;

use uuid::Uuid;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{
    AssetStep, Base, Branch, BranchState, Commit, Edit, EditOp, EmptyBranch, OpenVersion, Plan, RuntimeError,
    Stage, VersionId,
};

use super::BlockstoreRuntime;
use super::branch::{IndexedBranch, SnapshotBranch};
use super::carrying::Carrying;
use super::conventions::Conventions;
use super::definitions::Source;
use super::layout::{ContextDocument, STORE};
use super::links::LinkEdit;
use super::room::refuse_too_long;
use super::tables::Tables;
use super::view::{Trouble, View, parse_version_id};
use crate::database::{Access, Connection};
use crate::document::Snapshot;
use crate::error::BlockstoreError;
use crate::rows::{self, BundleNames, RowId};

/// The collection that bundles made here stand in.
const COLLECTION: &str = "Courses and libraries";

/// Longest slug and title the app's columns take.
const LONGEST_SLUG: usize = 50;
const LONGEST_TITLE: usize = 180;

/// How often to begin anew where another process swept the noted folder away.
const ATTEMPTS: usize = 10;

impl BlockstoreRuntime {
    /// Carries an edit out, with what it changes of links and of how children are included.
    pub(super) fn carry_out(&self, edit: &Edit, changes: &LinkEdit) -> Result<Commit, RuntimeError> {
        if self.store.db.access() == Access::ReadOnly {
            return Err(RuntimeError::ReadOnly);
        }
        refuse_too_long(edit)?;
        // A context that is known from elsewhere cannot be made a second time.
        let mut is_known = matches!(edit.base, Base::New { .. }) && self.adopt_known(&edit.context)?;
        // The folder of a draft that is new: it is noted first, so that a crash leaves nothing behind.
        let mut noted = None;
        for _ in 0..ATTEMPTS {
            let mut is_begun = false;
            let result = self.store.db.write(|db| {
                if let Some(draft) = noted
                    && (std::mem::replace(&mut is_begun, true) || !self.tables(db).is_garbage(draft)?)
                {
                    // A first attempt, which the database took back, left files; or another process swept.
                    return Err(Trouble::Stale);
                }
                self.carry_out_in(db, edit, changes, noted)
            });
            match result {
                Ok(commit) => {
                    self.store.complete_soon();
                    return Ok(commit);
                }
                Err(Trouble::Behind) => self.lay_on_latest(&edit.context)?,
                Err(Trouble::Stale) => {
                    let draft = self.new_draft();
                    self.sweep(Some(draft))?;
                    noted = Some(draft);
                }
                Err(Trouble::Error(RuntimeError::NoSuchContext { .. }))
                    if !is_known && self.adopt_known(&edit.context)? =>
                {
                    is_known = true;
                }
                Err(Trouble::Error(error)) => {
                    // What cannot be removed now goes with the next sweep.
                    let _ = noted.map(|draft| self.store.storage.remove_folder(draft));
                    return Err(error);
                }
            }
        }
        Err(RuntimeError::storage(
            "the Blockstore",
            "other processes keep sweeping before this one can write",
        ))
    }

    /// Carries an edit out in a transaction; it is [`Trouble::Stale`] where a new draft is needed and none is noted.
    fn carry_out_in(
        &self,
        db: &Connection,
        edit: &Edit,
        changes: &LinkEdit,
        noted: Option<Uuid>,
    ) -> Result<Commit, Trouble> {
        self.store.complete_handovers(db)?;
        self.refresh_in(db, &edit.context, &Branch::ALL)?;
        let view = self.view_for(db, edit)?;
        let draft = view.row.draft.or(noted).ok_or(Trouble::Stale)?;
        self.store.clear_incoming(draft)?;
        let root = view.root()?;
        let open_version: &OpenVersion<'_> = &|version| {
            let snapshot = self.version_snapshot(&view, version)?;
            Ok(Box::new(SnapshotBranch::new(self, &view, snapshot)))
        };
        let states = [
            self.indexed(&view, Branch::Draft, Source::draft(&view.row))?,
            self.indexed(&view, Branch::Published, Source::published(&view.row))?,
        ];
        let [draft_state, published_state] =
            states.each_ref().map(|state| state.as_ref().map_or(&EmptyBranch as &dyn BranchState, |s| s));
        let plan = Plan::make(edit, draft_state, published_state, &root, open_version)?;

        let mut carrying = Carrying::begin(self, &view, edit, &changes.includes, draft)?;
        if carrying.lies_idle() {
            return Err(Trouble::Behind);
        }
        carrying.change_links(&changes.links);
        let mut steps = edit.ops.split(|op| matches!(op, EditOp::Publish(_)));
        for stage in plan.stages {
            match stage {
                Stage::Draft { blocks, assets } => {
                    // Of steps that change all there is, the last one counts.
                    let whole = assets.iter().rev().find_map(|step| match step {
                        AssetStep::TakePublished => Some(None),
                        AssetStep::TakeVersion(version) => Some(Some(version)),
                        _ => None,
                    });
                    if whole == Some(None) {
                        carrying.discard()?;
                    }
                    let restored =
                        whole.flatten().map(|version| self.version_snapshot(&view, version)).transpose()?;
                    if let Some(version) = &restored {
                        carrying.restore(version.clone());
                    }
                    carrying.change_blocks(&blocks, draft_state)?;
                    if let Some(version) = &restored {
                        carrying.restore_definitions(version, &blocks, draft_state)?;
                        carrying.restore_own_files(version)?;
                    }
                    carrying.change_assets(assets)?;
                }
                Stage::Published { blocks, extent } => {
                    carrying.discard_own_files(steps.next().unwrap_or_default())?;
                    carrying.publish(&blocks, &extent, draft_state)?;
                }
            }
        }
        carrying.discard_own_files(steps.next().unwrap_or_default())?;
        Ok(carrying.finish()?)
    }

    fn indexed<'v>(
        &'v self,
        view: &'v View<'v>,
        branch: Branch,
        source: Source,
    ) -> Result<Option<IndexedBranch<'v>>, RuntimeError> {
        let exists = match branch {
            Branch::Draft => view.row.draft.is_some() || view.row.latest.is_some(),
            Branch::Published => view.row.latest.is_some(),
        };
        if !exists {
            return Ok(None);
        }
        Ok(Some(IndexedBranch { runtime: self, view, state: view.state(branch)?, source }))
    }

    /// Finds the context an edit is for, or makes its rows, and checks the edit's base.
    fn view_for<'c>(&self, db: &'c Connection, edit: &Edit) -> Result<View<'c>, RuntimeError> {
        let found = match self.find(db, &edit.context) {
            Ok(view) => Some(view),
            Err(Trouble::Error(RuntimeError::NoSuchContext { .. })) => None,
            Err(Trouble::Error(error)) => return Err(error),
            Err(Trouble::Stale | Trouble::Behind) => {
                return Err(RuntimeError::Corrupt {
                    place: edit.context.to_string(),
                    reason: "its index cannot be made".into(),
                });
            }
        };
        match (&edit.base, found) {
            (Base::New { .. }, Some(_)) => Err(RuntimeError::ContextExists { key: edit.context.clone() }),
            (Base::New { root }, None) => self.create(db, edit, root),
            (_, None) => Err(RuntimeError::NoSuchContext { key: edit.context.clone() }),
            (Base::Any, Some(view)) => Ok(view),
            (Base::Version(base), Some(view)) => {
                let head = view.state(Branch::Draft)?.token;
                if *base.0 == *head {
                    return Ok(view);
                }
                Err(RuntimeError::Conflict {
                    context: edit.context.clone(),
                    base: base.clone(),
                    head: VersionId(head.into()),
                })
            }
        }
    }

    /// Makes the rows of a new context.
    fn create<'c>(&self, db: &'c Connection, edit: &Edit, root: &UsageKey) -> Result<View<'c>, RuntimeError> {
        let document = ContextDocument::new(&self.contexts, &edit.context, root)?;
        let tables = self.tables(db);
        tables.forget_deleted(&document.context)?;
        self.refuse_unread(&tables, &edit.context)?;
        let collection = match find_collection(db)? {
            Some(collection) => collection,
            None => rows::insert_collection(db, Uuid::new_v4(), COLLECTION)?,
        };
        let names = BundleNames {
            slug: &slug_of(&document.context),
            title: &title_of(edit, root),
            description: &document.context,
        };
        let bundle = rows::insert_bundle(db, Uuid::new_v4(), collection, names)?;
        let context = (&*document.context, &*document.root_type, &*document.root_id);
        tables.put_bundle(bundle, Some(context))?;
        let kind =
            self.contexts.kind_of(&edit.context).cloned().ok_or_else(|| RuntimeError::UnsupportedKey {
                key: edit.context.to_string(),
                store: STORE,
                reason: "no kind of learning context has such keys",
            })?;
        let row = tables.context(&document.context, kind.draft())?.ok_or_else(|| RuntimeError::Corrupt {
            place: document.context.clone(),
            reason: "its new row is not there".into(),
        })?;
        let conventions = Conventions { kind, is_declared: true };
        Ok(View { tables, key: edit.context.clone(), row, conventions })
    }

    /// Refuses to make a context while a bundle that cannot be read may be it.
    fn refuse_unread(&self, tables: &Tables<'_>, key: &ContextKey) -> Result<(), RuntimeError> {
        for (id, uuid, description) in tables.unread_bundles()? {
            // Bundles made here are described by the key they have.
            if self.contexts.read_key(&description).is_none_or(|other| other == *key) {
                return Err(RuntimeError::Corrupt {
                    place: uuid
                        .map_or_else(|| format!("bundles_bundle, row {id}"), |uuid| format!("bundle {uuid}")),
                    reason: format!(
                        "its documents or rows cannot be read, and it may be {key}; nothing was written"
                    ),
                });
            }
        }
        Ok(())
    }

    pub(super) fn version_snapshot(
        &self,
        view: &View<'_>,
        version: &VersionId,
    ) -> Result<Arc<Snapshot>, RuntimeError> {
        let missing = || RuntimeError::NoSuchVersion { context: view.key.clone(), version: version.clone() };
        let (number, digest) = parse_version_id(version).ok_or_else(missing)?;
        match rows::version(view.tables.db, view.row.bundle_id, number)? {
            Some(row) if row.snapshot == digest => Ok(self.store.snapshot(view.row.bundle, digest)?),
            _ => Err(missing()),
        }
    }
}

fn find_collection(db: &Connection) -> Result<Option<RowId>, BlockstoreError> {
    let sql = "SELECT id FROM bundles_collection WHERE title = ?1 ORDER BY id LIMIT 1";
    db.one("finding the collection of contexts", sql, [COLLECTION], |row| row.get(0))
}

/// Makes a slug of a key: letters, digits, `_` and `-`.
fn slug_of(key: &str) -> String {
    let rest = key.split_once(':').map_or(key, |(_, rest)| rest);
    let is_slug = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    rest.chars().map(|c| if is_slug(c) { c } else { '-' }).take(LONGEST_SLUG).collect()
}

/// Titles a new bundle with the name of its root.
fn title_of(edit: &Edit, root: &UsageKey) -> String {
    let name = edit.ops.iter().rev().find_map(|op| match op {
        EditOp::PutBlock { usage, data } if usage == root => data.display_name().map(str::to_owned),
        _ => None,
    });
    let title = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| edit.context.to_string());
    title.chars().take(LONGEST_TITLE).collect()
}
