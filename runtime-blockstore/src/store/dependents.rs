//! Who links to a bundle: the index that the app's schema does not have.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::Blockstore;
use super::feed::{has_feed, has_unseen};
use crate::database::Connection;
use crate::document::{Dependency, Snapshot};
use crate::error::BlockstoreError;
use crate::rows::{self, RowId, number, uuid_at, uuid_text, version_at};

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
pub(super) fn enter_links(db: &Connection, bundle: RowId, version: u64, snapshot: &Snapshot) -> Result<()> {
    let mut seen = HashSet::new();
    // What a link leads to directly comes first, and counts as that.
    let rows = edges(snapshot)
        .filter(|(name, dependency, _)| seen.insert((*name, dependency.bundle_uuid, dependency.version)))
        .map(|(name, dependency, is_direct)| {
            let target = uuid_text(dependency.bundle_uuid);
            (target, bundle, number(version), name, number(dependency.version), is_direct)
        });
    db.insert_rows(
        "noting the links of a version",
        "REPLACE INTO main.xblock_link (target, bundle_id, version_num, name, target_version, is_direct)",
        rows,
    )
}

/// Says whether what is noted of a version's links is what its snapshot says.
pub(super) fn links_agree(db: &Connection, bundle: RowId, version: u64, snapshot: &Snapshot) -> Result<bool> {
    let mut is = BTreeMap::new();
    for (name, dependency, is_direct) in edges(snapshot) {
        let edge = (uuid_text(dependency.bundle_uuid), name.to_owned(), dependency.version);
        is.entry(edge).or_insert(is_direct);
    }
    let said = db.all(
        "checking the links of a version",
        "SELECT target, name, target_version, is_direct FROM main.xblock_link \
         WHERE bundle_id = ?1 AND version_num = ?2",
        (bundle, number(version)),
        |row| Ok(((row.get(0)?, row.get(1)?, version_at(row, 2)?), row.get::<bool>(3)?)),
    )?;
    Ok(said.into_iter().collect::<BTreeMap<(String, String, u64), bool>>() == is)
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
            let mut found = db.all(
                "looking for dependents",
                "SELECT b.uuid, l.version_num, l.name, l.target_version, l.is_direct FROM main.xblock_link l \
                 JOIN main.bundles_bundle b ON b.id = l.bundle_id WHERE l.target = ?1 AND l.version_num = \
                 (SELECT max(v.version_num) FROM main.bundles_bundleversion v WHERE v.bundle_id = l.bundle_id)",
                [uuid_text(bundle)],
                |row| {
                    Ok(Dependent {
                        bundle_uuid: uuid_at(row, 0)?,
                        version: version_at(row, 1)?,
                        link: row.get(2)?,
                        target_version: u64::try_from(row.get::<i64>(3)?).unwrap_or_default(),
                        is_direct: row.get(4)?,
                    })
                },
            )?;
            found.sort();
            Ok(found)
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
