//! Who links to a bundle: the index that the app's schema does not have.

use rusqlite::Connection;
use uuid::Uuid;

use super::Blockstore;
use super::feed::{has_feed, has_unseen};
use crate::document::{Dependency, Snapshot};
use crate::error::BlockstoreError;
use crate::rows::{self, RowId, number, query_failed, uuid_at, uuid_text};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A bundle whose latest version depends on another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependent {
    /// The bundle.
    pub bundle_uuid: Uuid,
    /// Its latest version.
    pub version: u64,
    /// The name of its link that leads there.
    pub link: String,
    /// The version it depends on, 0 for the one that was latest when the link was set.
    pub target_version: u64,
    /// Whether the link leads there itself, and not what it leads to.
    pub is_direct: bool,
}

/// Lists what a version depends on: link, bundle, version, and whether directly.
fn edges(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &Dependency, bool)> {
    snapshot.links.iter().flat_map(|(name, link)| {
        link.dependencies().enumerate().map(|(at, dependency)| (name.as_str(), dependency, at == 0))
    })
}

/// Notes what a version links to.
pub(super) fn enter_links(
    db: &Connection,
    bundle: RowId,
    version: u64,
    snapshot: &Snapshot,
) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT OR IGNORE INTO main.xblock_link \
         (target, bundle_id, version_num, name, target_version, is_direct) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (name, dependency, is_direct) in edges(snapshot) {
        let target = uuid_text(dependency.bundle_uuid);
        let version_there = number(dependency.version);
        insert.execute((target, bundle, number(version), name, version_there, is_direct))?;
    }
    Ok(())
}

impl Blockstore {
    /// Lists the bundles whose latest versions depend on a bundle, which need not be there any more.
    ///
    /// A store that is open for reading, and has versions nobody entered into its feed, is read version by version;
    /// bundles that cannot be read are passed over then.
    ///
    /// # Errors
    /// Failures of the medium.
    pub fn get_dependents(&self, bundle: Uuid) -> Result<Vec<Dependent>> {
        self.enter_unseen()?;
        let is_entered = self.db.read(|db| Ok::<_, BlockstoreError>(has_feed(db)? && !has_unseen(db)?))?;
        if !is_entered {
            return self.scan_dependents(bundle);
        }
        self.db.read(|db| {
            db.prepare_cached(
                "SELECT b.uuid, l.version_num, l.name, l.target_version, l.is_direct FROM main.xblock_link l \
                 JOIN main.bundles_bundle b ON b.id = l.bundle_id WHERE l.target = ?1 AND l.version_num = \
                 (SELECT max(v.version_num) FROM main.bundles_bundleversion v WHERE v.bundle_id = l.bundle_id)",
            )
            .and_then(|mut query| {
                let mut found = query
                    .query_map([uuid_text(bundle)], |row| {
                        Ok(Dependent {
                            bundle_uuid: uuid_at(row, 0)?,
                            version: u64::from(row.get::<_, u32>(1)?),
                            link: row.get(2)?,
                            target_version: u64::try_from(row.get::<_, i64>(3)?).unwrap_or_default(),
                            is_direct: row.get(4)?,
                        })
                    })?
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                found.sort();
                Ok(found)
            })
            .map_err(query_failed("looking for dependents"))
        })
    }

    fn scan_dependents(&self, bundle: Uuid) -> Result<Vec<Dependent>> {
        let mut found = Vec::new();
        for other in self.get_bundles(None)? {
            let latest = self.db.read(|db| match rows::bundle_id(db, other.uuid)? {
                Some(id) => rows::latest_version(db, id),
                None => Ok(None),
            })?;
            let Some(latest) = latest else { continue };
            let snapshot = match self.snapshot(other.uuid, latest.snapshot) {
                Ok(snapshot) => snapshot,
                Err(BlockstoreError::Corrupt { .. } | BlockstoreError::Missing { .. }) => continue,
                Err(error) => return Err(error),
            };
            for (name, dependency, is_direct) in edges(&snapshot) {
                if dependency.bundle_uuid == bundle {
                    found.push(Dependent {
                        bundle_uuid: other.uuid,
                        version: latest.number,
                        link: name.to_owned(),
                        target_version: dependency.version,
                        is_direct,
                    });
                }
            }
        }
        found.sort();
        Ok(found)
    }
}
