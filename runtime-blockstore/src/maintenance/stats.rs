//! What is big, what is there twice, what nothing leads to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::gc::GcOptions;
use super::marks::Roots;
use super::walk::digest_in_name;
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::store::Blockstore;

/// How many of the biggest are listed.
const LISTED: usize = 10;

const COUNT: &str = "SELECT count(*) FROM bundles_collection";

/// A bundle and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizedBundle {
    /// Its UUID.
    pub uuid: String,
    /// Its slug.
    pub slug: String,
    /// Bytes of its snapshots and data files.
    pub bytes: u64,
    /// How many versions it has.
    pub versions: usize,
}

/// A data file and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizedFile {
    /// Its key in the object store.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Counts of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StoreStats {
    /// Collections, bundles, versions and drafts that have rows.
    pub collections: usize,
    /// Bundles.
    pub bundles: usize,
    /// Versions of all bundles.
    pub versions: usize,
    /// Drafts of all bundles.
    pub drafts: usize,
    /// How many snapshot documents there are, and their bytes.
    pub snapshots: usize,
    /// Bytes of the snapshot documents.
    pub snapshot_bytes: u64,
    /// How many data files there are.
    pub data_files: usize,
    /// Bytes of the data files.
    pub data_bytes: u64,
    /// Bytes of everything else, drafts above all.
    pub other_bytes: u64,
    /// Bytes of data files that are there under another name too, in this bundle or another, and on the medium twice.
    pub duplicated_bytes: u64,
    /// Files that nothing leads to.
    pub unused_files: usize,
    /// Bytes of those.
    pub unused_bytes: u64,
    /// Rows that cannot be read, and why; what they lead to is not counted with their bundles.
    pub unreadable_rows: Vec<String>,
    /// The biggest bundles.
    pub biggest_bundles: Vec<SizedBundle>,
    /// The biggest data files.
    pub biggest_files: Vec<SizedFile>,
}

impl Blockstore {
    /// Counts what the store has.
    ///
    /// # Errors
    /// Failures of the medium.
    pub fn stats(&self) -> Result<StoreStats, BlockstoreError> {
        let roots = self.db.read(|db| Roots::read(db, None))?;
        let mut stats = StoreStats {
            collections: self
                .db
                .read(|db| db.one("counting the collections", COUNT, (), |row| row.get::<i64>(0)))?
                .map_or(0, |count| usize::try_from(count).unwrap_or(0)),
            bundles: roots.bundles.len(),
            versions: roots.bundles.values().map(|bundle| bundle.versions.len()).sum(),
            drafts: roots.drafts.len(),
            unreadable_rows: roots.bad.iter().map(|row| format!("{}: {}", row.place(), row.reason)).collect(),
            ..StoreStats::default()
        };
        let mut first: BTreeMap<Digest, PathBuf> = BTreeMap::new();
        for folder in self.storage.folders()? {
            let place = self.storage.folder(folder);
            let mut bytes = 0;
            for found in self.storage.files(&place)? {
                let part = found.path.strip_prefix(&place).ok().and_then(|below| below.iter().next());
                match part.and_then(|part| part.to_str()) {
                    Some("snapshots") => {
                        stats.snapshots += 1;
                        stats.snapshot_bytes += found.size;
                        bytes += found.size;
                    }
                    Some("snapshot_data") => {
                        stats.data_files += 1;
                        stats.data_bytes += found.size;
                        bytes += found.size;
                        if let Some(digest) = digest_in_name(&found.path) {
                            match first.get(&digest) {
                                Some(other) if !self.storage.is_one(other, &found.path) => {
                                    stats.duplicated_bytes += found.size
                                }
                                Some(_) => {}
                                None => {
                                    first.insert(digest, found.path.clone());
                                }
                            }
                        }
                        let key = super::walk::key(self.storage.root(), &found.path);
                        stats.biggest_files.push(SizedFile { key, bytes: found.size });
                        if stats.biggest_files.len() > LISTED * 20 {
                            keep_biggest(&mut stats.biggest_files, |file| file.bytes);
                        }
                    }
                    _ => stats.other_bytes += found.size,
                }
            }
            if let Some(bundle) = roots.bundles.get(&folder) {
                stats.biggest_bundles.push(SizedBundle {
                    uuid: folder.to_string(),
                    slug: bundle.slug.clone(),
                    bytes,
                    versions: bundle.versions.len(),
                });
                if stats.biggest_bundles.len() > LISTED * 20 {
                    keep_biggest(&mut stats.biggest_bundles, |bundle| bundle.bytes);
                }
            }
        }
        keep_biggest(&mut stats.biggest_files, |file| file.bytes);
        keep_biggest(&mut stats.biggest_bundles, |bundle| bundle.bytes);
        let unused = self.gc(&GcOptions { grace: Duration::ZERO, ..GcOptions::default() })?;
        stats.unused_files = unused.unused.len();
        stats.unused_bytes = unused.unused_bytes;
        Ok(stats)
    }
}

fn keep_biggest<T>(list: &mut Vec<T>, size: impl Fn(&T) -> u64) {
    list.sort_by_key(|item| std::cmp::Reverse(size(item)));
    list.truncate(LISTED);
}
