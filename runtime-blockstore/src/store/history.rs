//! What became of a bundle and its files, version by version.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Blockstore;
use super::feed::{FileChange, file_changes, has_feed};
use crate::database::{Cell, Connection};
use crate::digest::Digest;
use crate::document::Snapshot;
use crate::error::BlockstoreError;
use crate::rows::{self, RowId, VersionRow, digest_or_none, version_at};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A version in a bundle's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSummary {
    /// Its number.
    pub version: u64,
    /// Its snapshot.
    pub snapshot_digest: Digest,
    /// What was said about it.
    pub change_description: String,
}

/// What a version did to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRevision {
    /// The version.
    pub version: u64,
    /// The digest of its bytes before; none where the version added it.
    pub before: Option<Digest>,
    /// The digest of its bytes after; none where the version removed it.
    pub after: Option<Digest>,
}

impl Blockstore {
    /// Lists a bundle's versions, newest first.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`].
    pub fn get_bundle_history(&self, bundle: Uuid) -> Result<Vec<VersionSummary>> {
        let rows = self.db.read(|db| rows::versions(db, bundle_id(db, bundle)?))?;
        let summary = |row: VersionRow| VersionSummary {
            version: row.number,
            snapshot_digest: row.snapshot,
            change_description: row.change_description,
        };
        Ok(rows.into_iter().map(summary).collect())
    }

    /// Lists what a version changed, from its document and that of the version before.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], [`BlockstoreError::BundleVersionNotFound`], and damage.
    pub fn get_bundle_version_changes(&self, bundle: Uuid, version: u64) -> Result<Vec<FileChange>> {
        let versions = self.db.read(|db| rows::versions(db, bundle_id(db, bundle)?))?;
        let at = versions
            .iter()
            .position(|row| row.number == version)
            .ok_or(BlockstoreError::BundleVersionNotFound { bundle, version })?;
        let before = versions.get(at + 1).map(|row| self.snapshot(bundle, row.snapshot)).transpose()?;
        Ok(file_changes(before.as_deref(), &*self.snapshot(bundle, versions[at].snapshot)?))
    }

    /// Lists the versions that changed a file, newest first; none where no version ever had it.
    ///
    /// The cost is that of the file's own changes where all versions are in the change feed, and of reading the
    /// documents of all versions otherwise.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], and damage.
    pub fn get_file_history(&self, bundle: Uuid, path: &str) -> Result<Vec<FileRevision>> {
        let (versions, entered) = self.db.read(|db| {
            let id = bundle_id(db, bundle)?;
            let versions = rows::versions(db, id)?;
            let entered =
                if is_entered(db, id, versions.len())? { Some(revisions(db, id, path)?) } else { None };
            Ok::<_, BlockstoreError>((versions, entered))
        })?;
        if let Some(entered) = entered {
            return Ok(entered);
        }
        let mut found = Vec::new();
        self.walk(bundle, &versions, |version, before, after| {
            let hash = |snapshot: Option<&Snapshot>| {
                snapshot.and_then(|snapshot| snapshot.files.get(path)).map(|record| record.hash)
            };
            let (before, after) = (hash(before), hash(Some(after)));
            if before != after {
                found.push(FileRevision { version, before, after });
            }
        })?;
        found.reverse();
        Ok(found)
    }

    /// Names for each file of the latest version the version that last changed it.
    ///
    /// # Errors
    /// As [`Blockstore::get_file_history`].
    pub fn get_bundle_blame(&self, bundle: Uuid) -> Result<BTreeMap<String, u64>> {
        let (versions, entered) = self.db.read(|db| {
            let id = bundle_id(db, bundle)?;
            let versions = rows::versions(db, id)?;
            let entered = if is_entered(db, id, versions.len())? { Some(blame(db, id)?) } else { None };
            Ok::<_, BlockstoreError>((versions, entered))
        })?;
        if let Some(entered) = entered {
            return Ok(entered);
        }
        let mut last = BTreeMap::new();
        self.walk(bundle, &versions, |version, before, after| {
            for change in file_changes(before, after) {
                match change.after {
                    Some(_) => last.insert(change.path, version),
                    None => last.remove(&change.path),
                };
            }
        })?;
        Ok(last)
    }

    /// Reads the documents of versions, given newest first, from the oldest on.
    fn walk(
        &self,
        bundle: Uuid,
        versions: &[VersionRow],
        mut visit: impl FnMut(u64, Option<&Snapshot>, &Snapshot),
    ) -> Result<()> {
        let mut before: Option<Arc<Snapshot>> = None;
        for row in versions.iter().rev() {
            let after = self.snapshot(bundle, row.snapshot)?;
            visit(row.number, before.as_deref(), &after);
            before = Some(after);
        }
        Ok(())
    }
}

fn bundle_id(db: &Connection, bundle: Uuid) -> Result<RowId> {
    rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })
}

/// Says whether the change feed has all versions of a bundle, and each of them whole.
fn is_entered(db: &Connection, bundle: RowId, versions: usize) -> Result<bool> {
    if !has_feed(db)? {
        return Ok(false);
    }
    let entered = db.one(
        "reading the change feed",
        "SELECT count(*) FROM main.xblock_feed WHERE bundle_id = ?1 AND version_num IS NOT NULL AND is_whole <> 0",
        [bundle],
        |row| row.get::<i64>(0),
    )?;
    Ok(entered.is_some_and(|entered| usize::try_from(entered).is_ok_and(|entered| entered == versions)))
}

fn revisions(db: &Connection, bundle: RowId, path: &str) -> Result<Vec<FileRevision>> {
    db.all(
        "reading the history of a file",
        "SELECT f.version_num, c.\"before\", c.\"after\" FROM main.xblock_file_change c \
         JOIN main.xblock_feed f ON f.\"cursor\" = c.\"cursor\" \
         WHERE c.bundle_id = ?1 AND c.path = ?2 ORDER BY c.\"cursor\" DESC",
        (bundle, path),
        |row| {
            Ok(FileRevision {
                version: version_at(row, 0)?,
                before: digest_or_none(row, 1)?,
                after: digest_or_none(row, 2)?,
            })
        },
    )
}

fn blame(db: &Connection, bundle: RowId) -> Result<BTreeMap<String, u64>> {
    // In the order of the primary key, so that the last change of each file is the one that stays.
    let changes = db.all(
        "reading the history of a bundle",
        "SELECT c.path, c.\"after\", f.version_num FROM main.xblock_file_change c \
         JOIN main.xblock_feed f ON f.\"cursor\" = c.\"cursor\" \
         WHERE c.bundle_id = ?1 ORDER BY c.path, c.\"cursor\"",
        [bundle],
        |row| {
            let is_there = row.cell(1)? != Cell::Null;
            Ok((row.get::<String>(0)?, is_there.then_some(version_at(row, 2)?)))
        },
    )?;
    let last: BTreeMap<String, Option<u64>> = changes.into_iter().collect();
    Ok(last.into_iter().filter_map(|(path, version)| Some((path, version?))).collect())
}
