//! Stale drafts laid on the latest version, to be worked on there.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Blockstore;
use super::commits::OnStale;
use super::drafts::{Incoming, Open, Staging, changed_draft, draft_bundle};
use crate::database::Connection;
use crate::digest::Digest;
use crate::document::{DraftDocument, Snapshot};
use crate::error::BlockstoreError;
use crate::path;
use crate::rows;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// How a draft stands to the latest version of its bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftStanding {
    /// The draft.
    pub uuid: Uuid,
    /// The snapshot it lies on; none where the bundle had no version.
    pub base: Option<Digest>,
    /// The latest version's snapshot.
    pub latest: Option<Digest>,
    /// Files it changes.
    pub files: Vec<String>,
    /// Links it changes.
    pub links: Vec<String>,
    /// Files that it and later versions changed, each to something else.
    pub conflicting_files: Vec<String>,
    /// Links that it and later versions changed, each to something else.
    pub conflicting_links: Vec<String>,
}

impl DraftStanding {
    /// Says whether another version than the one it lies on is the latest.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.base != self.latest
    }

    /// Says whether it changes anything of what it lies on.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.files.is_empty() || !self.links.is_empty()
    }

    /// Says what committing it as it is would have to be refused for.
    fn as_stale(&self) -> BlockstoreError {
        BlockstoreError::StaleDraft {
            uuid: self.uuid,
            base: self.base,
            latest: self.latest,
            files: self.conflicting_files.clone(),
            links: self.conflicting_links.clone(),
        }
    }
}

impl Blockstore {
    /// Says how a draft stands to the latest version of its bundle.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftNotFound`], and damage.
    pub fn draft_standing(&self, draft: Uuid) -> Result<DraftStanding> {
        self.db.read(|db| self.standing_in(db, draft))
    }

    pub(crate) fn standing_in(&self, db: &Connection, draft: Uuid) -> Result<DraftStanding> {
        let (id, bundle) = draft_bundle(db, draft)?;
        let (document, _) = self.draft_now(db, draft)?;
        let latest = rows::latest_version(db, id)?;
        let base = document.base_snapshot.map(|base| self.snapshot(bundle, base)).transpose()?;
        let latest = latest.map(|row| self.snapshot(bundle, row.snapshot)).transpose()?;
        Ok(standing(&document, base.as_deref(), latest.as_deref()))
    }

    /// Lays a stale draft on the latest version and keeps what it changes, or some of it; nothing is committed. Returns how
    /// it stood before.
    ///
    /// [`OnStale::Refuse`] does it only where the draft changes nothing. What both changed is the draft's with
    /// [`OnStale::KeepOurs`] and the others' with [`OnStale::KeepTheirs`]; with [`OnStale::UndoTheirs`] the draft stages what
    /// undoes all that the others changed.
    ///
    /// # Errors
    /// [`BlockstoreError::StaleDraft`] where that is refused, [`BlockstoreError::DraftNotFound`], and damage; in each case
    /// nothing has changed.
    pub fn rebase_draft(&self, draft: Uuid, on_stale: OnStale) -> Result<DraftStanding> {
        let before = self.db.write(|db| self.rebase_in(db, draft, on_stale))?;
        self.complete_soon();
        Ok(before)
    }

    /// Drops all that a draft stages and lays it on the latest version. Returns how it stood before.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftNotFound`], and damage; then nothing has changed.
    pub fn reset_draft(&self, draft: Uuid) -> Result<DraftStanding> {
        let before = self.db.write(|db| {
            let open = self.open_draft(db, draft)?;
            let latest = self.latest_of(db, &open)?;
            let before = standing(&open.document, open.base.as_deref(), latest.as_deref());
            if before.is_stale() || before.has_changes() {
                let mut document = open.document.clone();
                document.base_snapshot = before.latest;
                document.files_to_overwrite.clear();
                document.links_to_overwrite.clear();
                self.write_rebased(db, &open, document, Staging::new())?;
            }
            Ok::<_, BlockstoreError>(before)
        })?;
        self.complete_soon();
        Ok(before)
    }

    pub(crate) fn rebase_in(&self, db: &Connection, draft: Uuid, on_stale: OnStale) -> Result<DraftStanding> {
        let open = self.open_draft(db, draft)?;
        let latest = self.latest_of(db, &open)?;
        let latest = latest.as_deref();
        let before = standing(&open.document, open.base.as_deref(), latest);
        if !before.is_stale() {
            return Ok(before);
        }
        let conflicts = before.conflicting_files.len() + before.conflicting_links.len();
        let refuses = match on_stale {
            OnStale::Refuse => before.has_changes(),
            OnStale::Merge => conflicts > 0,
            OnStale::KeepOurs | OnStale::KeepTheirs | OnStale::UndoTheirs => false,
        };
        if refuses {
            return Err(before.as_stale());
        }
        let mut document = open.document.clone();
        document.base_snapshot = before.latest;
        let mut staging = Staging::new();
        if on_stale == OnStale::UndoTheirs {
            let base = open.base.as_deref();
            let files = open.document.composed_files(base);
            let links = open.document.composed_links(base);
            document.links_to_overwrite = difference(latest.map(|latest| &latest.links), &links);
            document.files_to_overwrite = difference(latest.map(|latest| &latest.files), &files);
            for (path, record) in &document.files_to_overwrite {
                if let Some(record) = record
                    && open.document.files_to_overwrite.get(path).and_then(Option::as_ref) != Some(record)
                {
                    staging.insert(path.clone(), Some((record.clone(), Incoming::Committed)));
                }
            }
        } else {
            let keeps = |name: &String, ours: &[String], conflicting: &[String]| {
                ours.contains(name) && (on_stale != OnStale::KeepTheirs || !conflicting.contains(name))
            };
            document
                .files_to_overwrite
                .retain(|path, _| keeps(path, &before.files, &before.conflicting_files));
            document
                .links_to_overwrite
                .retain(|name, _| keeps(name, &before.links, &before.conflicting_links));
        }
        let composed = document.composed_files(latest);
        for (path, _) in document.files_to_overwrite.iter().filter(|(_, staged)| staged.is_some()) {
            path::check_folders(&composed, path)?;
        }
        self.write_rebased(db, &open, document, staging)?;
        Ok(before)
    }

    fn latest_of(&self, db: &Connection, open: &Open) -> Result<Option<std::sync::Arc<Snapshot>>> {
        let latest = rows::latest_version(db, open.bundle)?;
        latest.map(|row| self.snapshot(open.document.bundle_uuid, row.snapshot)).transpose()
    }

    fn write_rebased(
        &self,
        db: &Connection,
        open: &Open,
        mut document: DraftDocument,
        staging: Staging<'_>,
    ) -> Result<()> {
        document.touch(self.clock.now());
        changed_draft(self, db, (&open.document, open.digest), &document, &staging)
    }
}

fn standing(document: &DraftDocument, base: Option<&Snapshot>, latest: Option<&Snapshot>) -> DraftStanding {
    let (files, conflicting_files) =
        sides(base.map(|base| &base.files), latest.map(|latest| &latest.files), &document.files_to_overwrite);
    let (links, conflicting_links) =
        sides(base.map(|base| &base.links), latest.map(|latest| &latest.links), &document.links_to_overwrite);
    DraftStanding {
        uuid: document.uuid,
        base: document.base_snapshot,
        latest: latest.map(|latest| latest.hash_digest),
        files,
        links,
        conflicting_files,
        conflicting_links,
    }
}

/// Names what a draft changes, and what of it the others changed to something else.
fn sides<T: PartialEq>(
    base: Option<&BTreeMap<String, T>>,
    latest: Option<&BTreeMap<String, T>>,
    staged: &BTreeMap<String, Option<T>>,
) -> (Vec<String>, Vec<String>) {
    let (mut changed, mut conflicts) = (Vec::new(), Vec::new());
    for (name, ours) in staged {
        let before = base.and_then(|base| base.get(name));
        let theirs = latest.and_then(|latest| latest.get(name));
        if ours.as_ref() == before {
            continue;
        }
        if theirs != before && ours.as_ref() != theirs {
            conflicts.push(name.clone());
        }
        changed.push(name.clone());
    }
    (changed, conflicts)
}

/// Returns what makes one state another.
fn difference<T: Clone + PartialEq>(
    from: Option<&BTreeMap<String, T>>,
    to: &BTreeMap<String, T>,
) -> BTreeMap<String, Option<T>> {
    let mut changes = BTreeMap::new();
    for (name, value) in to {
        if from.and_then(|from| from.get(name)) != Some(value) {
            changes.insert(name.clone(), Some(value.clone()));
        }
    }
    for name in from.iter().flat_map(|from| from.keys()).filter(|name| !to.contains_key(*name)) {
        changes.insert(name.clone(), None);
    }
    changes
}
