//! The change feed: which version of which bundle changed what, in the order of commits.
//!
//! An entry is written in the transaction that makes its version. Versions that the app made are entered by the next
//! one of ours, or by whoever reads the feed; `xblock_feed_seen` says up to which row that was looked for.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Blockstore;
use super::dependents::{enter_links, links_agree};
use crate::database::{Access, Connection};
use crate::digest::Digest;
use crate::document::Snapshot;
use crate::error::BlockstoreError;
use crate::rows::{
    self, RowId, VersionRow, digest_at, digest_or_none, number, uuid_at, uuid_text, version_at,
};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path.
    pub path: String,
    /// The digest of its bytes before; none where it was not there.
    pub before: Option<Digest>,
    /// The digest of its bytes after; none where it is gone.
    pub after: Option<Digest>,
}

/// An entry of the change feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleChange {
    /// Its place in the feed; later entries have greater ones.
    pub cursor: u64,
    /// The bundle.
    pub bundle_uuid: Uuid,
    /// The new version; none where the bundle was deleted.
    pub version: Option<u64>,
    /// The snapshot of the version before; none before the first.
    pub before: Option<Digest>,
    /// The snapshot of the new version.
    pub after: Option<Digest>,
    /// What became of each file that changed, by path.
    pub files: Vec<FileChange>,
    /// Names of the links that changed.
    pub links: Vec<String>,
    /// Whether files and links are all there; not where a document was damaged when the entry was made.
    pub is_whole: bool,
}

/// Lists what differs between two states, by path.
pub(super) fn file_changes(before: Option<&Snapshot>, after: &Snapshot) -> Vec<FileChange> {
    let none = BTreeMap::new();
    differing(before.map_or(&none, |before| &before.files), &after.files)
        .map(|(path, before, after)| FileChange {
            path: path.clone(),
            before: before.map(|record| record.hash),
            after: after.map(|record| record.hash),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

fn link_changes(before: Option<&Snapshot>, after: &Snapshot) -> Vec<String> {
    let none = BTreeMap::new();
    let differing = differing(before.map_or(&none, |before| &before.links), &after.links);
    differing.map(|(name, ..)| name.clone()).collect()
}

/// Goes through two maps side by side and returns where they differ, in the order of names.
fn differing<'m, T: PartialEq>(
    before: &'m BTreeMap<String, T>,
    after: &'m BTreeMap<String, T>,
) -> impl Iterator<Item = (&'m String, Option<&'m T>, Option<&'m T>)> {
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    std::iter::from_fn(move || {
        loop {
            let order = match (old.peek(), new.peek()) {
                (Some((old, _)), Some((new, _))) => old.cmp(new),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return None,
            };
            let before = if order.is_gt() { None } else { old.next() };
            let after = if order.is_lt() { None } else { new.next() };
            let (name, _) = before.or(after)?;
            let (before, after) = (before.map(|(_, value)| value), after.map(|(_, value)| value));
            if before != after {
                return Some((name, before, after));
            }
        }
    })
}

/// What an entry says of its version.
struct Entry<'e> {
    bundle_id: RowId,
    bundle: Uuid,
    version: &'e VersionRow,
    before: Option<Digest>,
    /// The two documents; none where one of them cannot be read.
    documents: Option<(Option<&'e Snapshot>, &'e Snapshot)>,
}

impl Blockstore {
    /// Inserts the next version of a bundle and enters it into the feed.
    pub(crate) fn insert_version(
        &self,
        db: &Connection,
        bundle_id: RowId,
        number: u64,
        snapshot: &Snapshot,
        before: Option<&Snapshot>,
        description: &str,
    ) -> Result<()> {
        let bundle = snapshot.bundle_uuid;
        self.enter_missed(db, bundle_id, bundle)?;
        rows::insert_version(db, bundle_id, number, snapshot.hash_digest, description)?;
        let version =
            VersionRow { number, snapshot: snapshot.hash_digest, change_description: description.to_owned() };
        enter(
            db,
            &Entry {
                bundle_id,
                bundle,
                version: &version,
                before: before.map(|before| before.hash_digest),
                documents: Some((before, snapshot)),
            },
        )
    }

    /// Enters the versions of a bundle that another program has made.
    fn enter_missed(&self, db: &Connection, bundle_id: RowId, bundle: Uuid) -> Result<()> {
        let sql = "SELECT coalesce(max(version_num), 0) FROM main.xblock_feed WHERE bundle_id = ?1";
        let noted = db.one("reading the change feed", sql, [bundle_id], |row| version_at(row, 0))?;
        let noted = noted.unwrap_or_default();
        let missed: Vec<VersionRow> = match rows::latest_version(db, bundle_id)? {
            Some(latest) if latest.number > noted => rows::versions(db, bundle_id)?,
            _ => return Ok(()),
        };
        let mut before: Option<VersionRow> = None;
        for version in missed.into_iter().rev() {
            if version.number > noted {
                let old = before.as_ref().map(|row| self.snapshot(bundle, row.snapshot)).transpose();
                let new = self.snapshot(bundle, version.snapshot);
                let documents = match (&old, &new) {
                    (Ok(old), Ok(new)) => Some((old.as_deref(), &**new)),
                    // What cannot be read now is no reason to stop whoever commits.
                    _ => None,
                };
                let before = before.as_ref().map(|row| row.snapshot);
                enter(db, &Entry { bundle_id, bundle, version: &version, before, documents })?;
            }
            before = Some(version);
        }
        Ok(())
    }

    /// Enters that a bundle is gone.
    pub(super) fn enter_deleted(&self, db: &Connection, bundle_id: RowId, bundle: Uuid) -> Result<()> {
        self.enter_missed(db, bundle_id, bundle)?;
        let latest = rows::latest_version(db, bundle_id)?.map(|row| row.snapshot.to_string());
        db.run(
            "writing the change feed",
            "INSERT INTO main.xblock_feed (bundle_id, bundle, \"before\", links, is_whole) \
             VALUES (?1, ?2, ?3, '[]', 1)",
            (bundle_id, uuid_text(bundle), latest),
        )
        .map(drop)
    }

    /// Reads the feed after a cursor (0 is its beginning), oldest entry first.
    ///
    /// A store that is open for reading shows what was entered so far; versions that only the app has made are missing
    /// until somebody who may write has looked.
    ///
    /// # Errors
    /// Failures of the medium.
    pub fn get_changes(&self, after: u64, limit: usize) -> Result<Vec<BundleChange>> {
        self.enter_unseen()?;
        self.db.read(|db| {
            if !has_feed(db)? {
                return Ok(Vec::new());
            }
            let mut changes: Vec<BundleChange> = db.all(
                "reading the change feed",
                "SELECT \"cursor\", bundle, version_num, \"before\", \"after\", links, is_whole \
                 FROM main.xblock_feed WHERE \"cursor\" > ?1 ORDER BY \"cursor\" LIMIT ?2",
                (number(after), number(limit as u64)),
                |row| {
                    let links: String = row.get(5)?;
                    Ok(BundleChange {
                        cursor: u64::try_from(row.get::<i64>(0)?).unwrap_or_default(),
                        bundle_uuid: uuid_at(row, 1)?,
                        version: row.get::<Option<u32>>(2)?.map(u64::from),
                        before: digest_or_none(row, 3)?,
                        after: digest_or_none(row, 4)?,
                        files: Vec::new(),
                        links: serde_json::from_str(&links).unwrap_or_default(),
                        is_whole: row.get(6)?,
                    })
                },
            )?;
            for change in &mut changes {
                change.files = changed_files(db, change.cursor)?;
            }
            Ok(changes)
        })
    }

    /// Enters what another program has made since the last look, where that may be written.
    pub(super) fn enter_unseen(&self) -> Result<()> {
        if self.db.access() == Access::ReadWrite && self.db.read(has_unseen)? {
            self.db.write(|db| self.enter_all_missed(db))?;
        }
        Ok(())
    }

    fn enter_all_missed(&self, db: &Connection) -> Result<()> {
        let bundles: Vec<(RowId, Option<Uuid>)> = db.all(
            "looking for new versions",
            "SELECT DISTINCT b.id, b.uuid FROM main.bundles_bundleversion v \
             JOIN main.bundles_bundle b ON b.id = v.bundle_id \
             WHERE v.id > (SELECT coalesce(max(version_id), 0) - ?1 FROM main.xblock_feed_seen) \
             AND NOT EXISTS (SELECT 1 FROM main.xblock_feed f WHERE f.version_id = v.id) ORDER BY b.id",
            [db.late_keys()],
            |row| Ok((row.get(0)?, uuid_at(row, 1).ok())),
        )?;
        for (id, bundle) in bundles {
            let Some(bundle) = bundle else { continue };
            match self.enter_missed(db, id, bundle) {
                // A row that cannot be read is no reason to tell nothing of the other bundles.
                Err(BlockstoreError::Corrupt { .. }) => {}
                outcome => outcome?,
            }
        }
        let action = "noting the versions seen";
        db.run(action, "DELETE FROM main.xblock_feed_seen", ())?;
        let insert = "INSERT INTO main.xblock_feed_seen (version_id) \
                      SELECT coalesce(max(id), 0) FROM main.bundles_bundleversion";
        db.run(action, insert, ()).map(drop)
    }
}

/// What the feed and the index of links have of a version, and what they should have.
pub(crate) struct FeedEntry<'e> {
    pub(crate) bundle_id: RowId,
    pub(crate) bundle: Uuid,
    pub(crate) version: &'e VersionRow,
    pub(crate) before: Option<&'e Snapshot>,
    pub(crate) after: &'e Snapshot,
}

impl FeedEntry<'_> {
    fn number_of(&self) -> (RowId, i64) {
        (self.bundle_id, number(self.version.number))
    }

    fn cursor(&self, db: &Connection) -> Result<Option<u64>> {
        let sql = "SELECT \"cursor\" FROM main.xblock_feed WHERE bundle_id = ?1 AND version_num = ?2";
        db.one("checking the change feed", sql, self.number_of(), |row| version_at(row, 0))
    }

    /// Says what is wrong with it. A version that nobody has entered yet is no fault, for whoever looks next enters it.
    pub(crate) fn fault(&self, db: &Connection) -> Result<Option<String>> {
        const ACTION: &str = "checking the change feed";
        if !has_feed(db)? {
            return Ok(None);
        }
        let Some(cursor) = self.cursor(db)? else {
            let sql = "SELECT 1 FROM main.xblock_feed WHERE bundle_id = ?1 AND version_num > ?2";
            let is_passed_over = db.exists(ACTION, sql, self.number_of())?;
            return Ok(
                is_passed_over.then(|| "the change feed has later versions, and not this one".to_owned())
            );
        };
        let sql = "SELECT \"before\", \"after\", links, is_whole FROM main.xblock_feed WHERE \"cursor\" = ?1";
        let said = db.one(ACTION, sql, [number(cursor)], |row| {
            let links: String = row.get(2)?;
            let links: Vec<String> = serde_json::from_str(&links).unwrap_or_default();
            Ok((digest_or_none(row, 0)?, digest_or_none(row, 1)?, links, row.get::<bool>(3)?))
        })?;
        let before = self.before.map(|before| before.hash_digest);
        let is = (before, Some(self.after.hash_digest), link_changes(self.before, self.after), true);
        if said != Some(is) {
            return Ok(Some("the change feed has other snapshots or links of it".to_owned()));
        }
        if changed_files(db, cursor)? != file_changes(self.before, self.after) {
            return Ok(Some("the change feed has other files of it".to_owned()));
        }
        let wrong = !links_agree(db, self.bundle_id, self.version.number, self.after)?;
        Ok(wrong.then(|| "the index of links has others of it".to_owned()))
    }

    /// Writes what it should have. An entry keeps its place; one that is missing comes last.
    pub(crate) fn mend(&self, db: &Connection) -> Result<()> {
        const ACTION: &str = "mending the change feed";
        let sql = "DELETE FROM main.xblock_link WHERE bundle_id = ?1 AND version_num = ?2";
        db.run(ACTION, sql, self.number_of())?;
        let Some(cursor) = self.cursor(db)? else {
            return enter(
                db,
                &Entry {
                    bundle_id: self.bundle_id,
                    bundle: self.bundle,
                    version: self.version,
                    before: self.before.map(|before| before.hash_digest),
                    documents: Some((self.before, self.after)),
                },
            );
        };
        let links = serde_json::Value::from(link_changes(self.before, self.after)).to_string();
        db.run(
            ACTION,
            "UPDATE main.xblock_feed SET \"before\" = ?2, \"after\" = ?3, links = ?4, is_whole = 1 \
             WHERE \"cursor\" = ?1",
            (
                number(cursor),
                self.before.map(|before| before.hash_digest.to_string()),
                self.after.hash_digest.to_string(),
                links,
            ),
        )?;
        db.run(ACTION, "DELETE FROM main.xblock_file_change WHERE \"cursor\" = ?1", [number(cursor)])?;
        enter_links(db, self.bundle_id, self.version.number, self.after)?;
        enter_files(db, self.bundle_id, number(cursor), file_changes(self.before, self.after))
    }
}

fn enter_files(db: &Connection, bundle_id: RowId, cursor: RowId, changes: Vec<FileChange>) -> Result<()> {
    let text = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
    let rows = changes
        .into_iter()
        .map(|change| (bundle_id, change.path, cursor, text(change.before), text(change.after)));
    let into = "INSERT INTO main.xblock_file_change (bundle_id, path, \"cursor\", \"before\", \"after\")";
    db.insert_rows("writing the change feed", into, rows)
}

/// Says whether the store has a feed; one that only the app has written has none.
pub(super) fn has_feed(db: &Connection) -> Result<bool> {
    db.has_table("xblock_feed")
}

/// Lists the bundles that have, or had, a row in this database as far as it still knows.
pub(crate) fn known_bundles(db: &Connection) -> Result<BTreeSet<Uuid>> {
    const ACTION: &str = "listing the bundles that were";
    // Rows that cannot be read name nobody.
    let uuids = |sql| db.all(ACTION, sql, (), |row| Ok(uuid_at(row, 0).ok()));
    let mut known: BTreeSet<Uuid> = uuids("SELECT uuid FROM bundles_bundle")?.into_iter().flatten().collect();
    if has_feed(db)? {
        known.extend(uuids("SELECT DISTINCT bundle FROM main.xblock_feed")?.into_iter().flatten());
    }
    Ok(known)
}

/// Lists the versions of a bundle that the feed has, with their snapshots.
pub(crate) fn versions_in_feed(db: &Connection, bundle_id: RowId) -> Result<Vec<(u64, Digest)>> {
    if !has_feed(db)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT version_num, \"after\" FROM main.xblock_feed \
               WHERE bundle_id = ?1 AND version_num IS NOT NULL AND \"after\" IS NOT NULL ORDER BY version_num";
    // What the feed itself has wrong is found with the versions.
    let read = db.all("checking the change feed", sql, [bundle_id], |row| {
        Ok(version_at(row, 0).ok().zip(digest_at(row, 1).ok()))
    })?;
    Ok(read.into_iter().flatten().collect())
}

/// Says whether there are versions that nobody has looked at; in a store that has a feed.
pub(super) fn has_unseen(db: &Connection) -> Result<bool> {
    const ACTION: &str = "looking for new versions";
    let greatest = "SELECT coalesce(max(id), 0) FROM main.bundles_bundleversion";
    let greatest = db.one(ACTION, greatest, (), |row| row.get::<RowId>(0))?.unwrap_or_default();
    let seen = "SELECT coalesce(max(version_id), 0) FROM main.xblock_feed_seen";
    let seen = db.one(ACTION, seen, (), |row| row.get::<RowId>(0))?.unwrap_or_default();
    if greatest > seen {
        return Ok(true);
    }
    if db.late_keys() == 0 {
        return Ok(false);
    }
    db.exists(
        ACTION,
        "SELECT 1 FROM main.bundles_bundleversion v WHERE v.id > ?1 \
         AND NOT EXISTS (SELECT 1 FROM main.xblock_feed f WHERE f.version_id = v.id) LIMIT 1",
        [seen - db.late_keys()],
    )
}

fn changed_files(db: &Connection, cursor: u64) -> Result<Vec<FileChange>> {
    db.all(
        "reading the change feed",
        "SELECT path, \"before\", \"after\" FROM main.xblock_file_change WHERE \"cursor\" = ?1 ORDER BY path",
        [number(cursor)],
        |row| {
            Ok(FileChange {
                path: row.get(0)?,
                before: digest_or_none(row, 1)?,
                after: digest_or_none(row, 2)?,
            })
        },
    )
}

fn enter(db: &Connection, entry: &Entry<'_>) -> Result<()> {
    const ACTION: &str = "writing the change feed";
    let sql = "SELECT id FROM main.bundles_bundleversion WHERE bundle_id = ?1 AND version_num = ?2";
    let number_of = (entry.bundle_id, number(entry.version.number));
    let Some(version_id) = db.one(ACTION, sql, number_of, |row| row.get::<RowId>(0))? else {
        return Ok(());
    };
    let links = entry.documents.map(|(before, after)| link_changes(before, after)).unwrap_or_default();
    let cursor = db.insert(
        ACTION,
        "INSERT INTO main.xblock_feed \
         (bundle_id, bundle, version_id, version_num, \"before\", \"after\", links, is_whole) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            entry.bundle_id,
            uuid_text(entry.bundle),
            version_id,
            number(entry.version.number),
            entry.before.map(|digest| digest.to_string()),
            entry.version.snapshot.to_string(),
            serde_json::Value::from(links).to_string(),
            entry.documents.is_some(),
        ),
    )?;
    let Some((before, after)) = entry.documents else { return Ok(()) };
    enter_links(db, entry.bundle_id, entry.version.number, after)?;
    enter_files(db, entry.bundle_id, cursor, file_changes(before, after))
}
