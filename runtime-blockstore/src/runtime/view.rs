//! One consistent look at a context: its rows, checked against what the app's tables and files say now.

use std::time::{Duration, SystemTime};

use uuid::Uuid;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{BlockData, Branch, RuntimeError, VersionId};

use super::BlockstoreRuntime;
use super::conventions::Conventions;
use super::definitions::{Reader, Source};
use super::tables::{ContextRow, StateRow, Tables};
use crate::database::Connection;
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::rows::RowId;
use crate::storage::Mark;

/// How often to look again when others write meanwhile.
const ATTEMPTS: usize = 5;

/// Digests of draft documents kept in memory.
const SUMMARIES: usize = 4096;

/// A file younger than this may change again without the file system showing it.
const SETTLED: Duration = Duration::from_secs(1);

/// Says whether a later change is sure to give another mark; the tag of an object tells every change.
fn is_settled(mark: &Mark) -> bool {
    let age = mark.modified.and_then(|at| SystemTime::now().duration_since(at).ok());
    mark.tag.is_some() || age.is_some_and(|age| age > SETTLED)
}

/// Why a look at a context gave nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The index does not describe what the app's tables and files hold.
    Stale,
    /// The draft changes nothing, and lies on another version than the latest.
    Behind,
    /// Something else.
    Error(RuntimeError),
}

impl From<BlockstoreError> for Trouble {
    fn from(error: BlockstoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<RuntimeError> for Trouble {
    fn from(error: RuntimeError) -> Self {
        Self::Error(error)
    }
}

/// A context as it is now, with the index of its branches.
pub(super) struct View<'c> {
    pub(super) tables: Tables<'c>,
    pub(super) key: ContextKey,
    pub(super) row: ContextRow,
    pub(super) conventions: Conventions,
}

/// The name of a published version.
pub(super) fn version_id(number: u64, snapshot: Digest) -> VersionId {
    VersionId(format!("{number}-{snapshot}").into())
}

/// Reads the number and digest out of a published version's name.
pub(super) fn parse_version_id(version: &VersionId) -> Option<(u64, Digest)> {
    let (number, digest) = version.0.split_once('-')?;
    Some((number.parse().ok()?, digest.parse().ok()?))
}

/// The name of a draft's state.
pub(super) fn draft_id(digest: Digest) -> VersionId {
    VersionId(format!("draft-{digest}").into())
}

impl View<'_> {
    /// Returns the root's usage.
    pub(super) fn root(&self) -> Result<UsageKey, RuntimeError> {
        match &self.row.root {
            Some((block_type, id)) => self.usage(block_type, id),
            None => {
                let (block_type, id) = self.conventions.kind.root();
                self.usage(block_type, id)
            }
        }
    }

    /// Says where the files of a branch are.
    pub(super) fn source(&self, branch: Branch) -> Source {
        match branch {
            Branch::Draft => Source::draft(&self.row),
            Branch::Published => Source::published(&self.row),
        }
    }

    /// Reads definitions for this context.
    pub(super) fn reader(&self, source: Source) -> Reader<'_> {
        Reader { conventions: &self.conventions, context: self.row.bundle, source }
    }

    /// Lists the children of a block as the index has them: those of this context.
    pub(super) fn children(
        &self,
        state: RowId,
        block_type: &str,
        id: &str,
    ) -> Result<Vec<UsageKey>, RuntimeError> {
        let rows = self.tables.children(state, block_type, id)?;
        rows.iter().map(|(block_type, id)| self.usage(block_type, id)).collect()
    }

    /// Makes a usage key of an index row.
    pub(super) fn usage(&self, block_type: &str, id: &str) -> Result<UsageKey, RuntimeError> {
        self.key.make_usage_key(block_type, id).map_err(|error| RuntimeError::Corrupt {
            place: format!("index of {}", self.key),
            reason: error.to_string(),
        })
    }

    pub(super) fn usages(&self, rows: Vec<(String, String)>) -> Result<Vec<UsageKey>, RuntimeError> {
        let mut usages = Vec::with_capacity(rows.len());
        for (block_type, id) in rows {
            usages.push(self.usage(&block_type, &id)?);
        }
        usages.sort_unstable();
        Ok(usages)
    }

    /// Says whether the root of this context is made up in a state.
    pub(super) fn has_made_up_root(&self, state: RowId) -> Result<bool, RuntimeError> {
        if self.conventions.is_declared {
            return Ok(false);
        }
        let root = self.root()?;
        let (block_type, id) = (root.block_type(), root.block_id());
        Ok(self.tables.usage(state, block_type, id)?.is_none()
            && self.tables.included(state, block_type, id)?.is_none())
    }

    /// Makes the root of a context that has none: all blocks that nothing includes stand below it, in the order of their
    /// paths.
    pub(super) fn made_up_root(&self, state: RowId) -> Result<BlockData, RuntimeError> {
        let mut children = Vec::new();
        for (block_type, id) in self.tables.top_level(state)? {
            children.push((self.conventions.path(&block_type, &id), self.usage(&block_type, &id)?));
        }
        children.sort_unstable();
        let mut data = BlockData {
            children: children.into_iter().map(|(_, usage)| usage).collect(),
            ..BlockData::default()
        };
        let title = self.tables.bundle_title(self.row.bundle_id)?;
        data.settings.insert("display_name".into(), title.into());
        Ok(data)
    }

    /// Lists the usages of a state in key order: those of its own, those that includes give, and the root where it is made
    /// up.
    pub(super) fn all_usages(&self, state: RowId) -> Result<Vec<UsageKey>, RuntimeError> {
        let mut usages = self.usages(self.tables.usages(state)?)?;
        let before = usages.len();
        for ((block_type, id), row) in self.tables.all_included(state)? {
            let usage = self.usage(&block_type, &id)?;
            let is_there = match (&row.problem, &row.pinned) {
                (Some(_), _) => false,
                (None, Some(_)) => true,
                (None, None) => match self.conventions.block_at(&row.path) {
                    Some((own_type, own_id)) => self.tables.usage(state, &own_type, &own_id)?.is_some(),
                    None => false,
                },
            };
            if is_there && usages[..before].binary_search(&usage).is_err() {
                usages.push(usage);
            }
        }
        if self.has_made_up_root(state)? {
            usages.push(self.root()?);
        }
        usages.sort_unstable();
        Ok(usages)
    }

    /// Returns the index of a branch.
    pub(super) fn state(&self, branch: Branch) -> Result<StateRow, RuntimeError> {
        let missing = || RuntimeError::NoSuchBranch { key: self.key.clone(), branch };
        self.tables.state(self.row.bundle_id, branch)?.ok_or_else(missing)
    }
}

impl BlockstoreRuntime {
    /// Looks at a context until what is seen is consistent; the index is brought up to date where it has to be.
    pub(super) fn look<T>(
        &self,
        key: &ContextKey,
        branches: &[Branch],
        job: impl Fn(&View<'_>) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        self.look_by(key, branches, Self::check, job)
    }

    /// Looks at one block, whose bytes are proved when they are read, so that the documents that list all need not be: what
    /// a process reads first does not cost the more the bigger the bundle is.
    pub(super) fn look_at_one<T>(
        &self,
        key: &ContextKey,
        branch: Branch,
        job: impl Fn(&View<'_>) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        self.look_by(key, &[branch], Self::is_current, job)
    }

    fn look_by<T>(
        &self,
        key: &ContextKey,
        branches: &[Branch],
        check: impl Fn(&Self, &View<'_>, Branch) -> Result<(), Trouble>,
        job: impl Fn(&View<'_>) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let mut attempt = 1;
        loop {
            let result = self.store.db.read(|db| {
                let view = self.find(db, key)?;
                for branch in branches {
                    check(self, &view, *branch)?;
                }
                job(&view).map_err(Trouble::Error)
            });
            match result {
                Ok(seen) => return Ok(seen),
                Err(Trouble::Stale | Trouble::Behind) if attempt < ATTEMPTS => self.refresh(key, branches)?,
                Err(Trouble::Stale | Trouble::Behind) => {
                    let reason = "another program keeps changing it".to_owned();
                    return Err(RuntimeError::Corrupt { place: key.to_string(), reason });
                }
                Err(Trouble::Error(RuntimeError::NoSuchContext { .. }))
                    if attempt < ATTEMPTS && (self.adopt_known(key)? || self.read_unread(attempt)?) => {}
                // A draft's folder goes when the next one is there; then a second look finds the new one.
                Err(Trouble::Error(RuntimeError::Corrupt { .. })) if attempt < ATTEMPTS => {}
                Err(Trouble::Error(error)) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Looks once more at bundles that could not be read before; says whether there are any.
    fn read_unread(&self, attempt: usize) -> Result<bool, RuntimeError> {
        if attempt > 1 || self.store.db.read(|db| self.tables(db).unread_bundles())?.is_empty() {
            return Ok(false);
        }
        self.refresh_bundles()?;
        Ok(true)
    }

    /// Finds a context's rows.
    pub(super) fn find<'c>(&self, db: &'c Connection, key: &ContextKey) -> Result<View<'c>, Trouble> {
        let tables = self.tables(db);
        let Some(kind) = self.contexts.kind_of(key) else {
            return Err(Trouble::Error(RuntimeError::NoSuchContext { key: key.clone() }));
        };
        match tables.context(&key.to_string(), kind.draft())? {
            Some(row) => {
                let conventions = Conventions { kind: kind.clone(), is_declared: row.root.is_some() };
                Ok(View { tables, key: key.clone(), row, conventions })
            }
            None if tables.new_bundles()?.is_empty() => {
                Err(Trouble::Error(RuntimeError::NoSuchContext { key: key.clone() }))
            }
            None => Err(Trouble::Stale),
        }
    }

    /// Makes sure that the index of a branch describes what the app's tables and files hold, and that those are whole.
    pub(super) fn check(&self, view: &View<'_>, branch: Branch) -> Result<(), Trouble> {
        self.is_current(view, branch)?;
        Ok(self.prove(view, branch)?)
    }

    /// Makes sure that the index of a branch describes what the app's tables and files hold.
    fn is_current(&self, view: &View<'_>, branch: Branch) -> Result<(), Trouble> {
        let Some(version) = self.version_now(view.tables.db, &view.row, branch)? else {
            return Err(Trouble::Error(RuntimeError::NoSuchBranch { key: view.key.clone(), branch }));
        };
        match view.tables.state(view.row.bundle_id, branch)? {
            Some(state) if *state.token == *version.0 => Ok(()),
            _ => Err(Trouble::Stale),
        }
    }

    /// Makes sure, once for each state, that the documents of a branch are there and whole; the index would hide damage
    /// until somebody writes.
    fn prove(&self, view: &View<'_>, branch: Branch) -> Result<(), BlockstoreError> {
        let row = &view.row;
        let latest = row.latest.map(|(_, digest)| digest);
        let state = (row.bundle, branch, latest);
        let proved = || self.proved.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if proved().contains(&state) {
            return Ok(());
        }
        let snapshot = match (branch, row.draft) {
            (Branch::Draft, Some(draft)) => self.store.draft_now(view.tables.db, draft)?.0.base_snapshot,
            _ => latest,
        };
        if let Some(snapshot) = snapshot {
            self.store.snapshot(row.bundle, snapshot)?;
        }
        let mut proved = proved();
        if proved.len() >= SUMMARIES {
            proved.clear();
        }
        proved.insert(state);
        Ok(())
    }

    /// Returns the version a branch has by the app's tables and files.
    pub(super) fn version_now(
        &self,
        db: &Connection,
        row: &ContextRow,
        branch: Branch,
    ) -> Result<Option<VersionId>, BlockstoreError> {
        match (branch, row.draft) {
            (Branch::Draft, Some(draft)) => {
                let found = self.summary_digest(draft)?;
                self.store.draft_digest_now(db, draft, found).map(|digest| Some(draft_id(digest)))
            }
            (Branch::Draft, None) => Ok(row.latest.map(|(_, snapshot)| draft_id(snapshot))),
            (Branch::Published, _) => Ok(row.latest.map(|(number, snapshot)| version_id(number, snapshot))),
        }
    }

    /// Digests a draft's document, or remembers the digest where the file has not changed.
    fn summary_digest(&self, draft: Uuid) -> Result<Digest, BlockstoreError> {
        let file = self.store.storage.summary_path(draft);
        let mark = self.store.storage.mark(&file)?;
        {
            let summaries = self.summaries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((known, digest)) = summaries.get(&draft)
                && *known == mark
            {
                return Ok(*digest);
            }
        }
        let (_, digest) = self.store.storage.draft(draft)?;
        if is_settled(&mark) {
            let mut summaries = self.summaries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if summaries.len() >= SUMMARIES {
                summaries.clear();
            }
            summaries.insert(draft, (mark, digest));
        }
        Ok(digest)
    }
}
