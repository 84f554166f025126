//! Every digest and every reference, proved; and what can be repaired, repaired.
//!
//! - [`database`]: what the database says of itself, and rows that say nothing.
//! - [`versions`], [`drafts`]: the documents of a bundle and what they name.
//! - [`data`], [`links`]: the files and bundles that these lead to.
//! - [`suspects`]: a second look at what others may have changed meanwhile.

mod data;
mod database;
mod drafts;
mod links;
mod suspects;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;
use xblock_core::runtime::{Finding, Findings, FsckOptions, Severity};

use self::suspects::Suspect;
use super::data_names::DataNames;
use super::gc::{GcOptions, GcReport, UnusedKind};
use super::marks::{BundleRoots, Roots};
use crate::database::Connection;
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::store::Blockstore;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// What a check counted and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FsckReport {
    /// Bundles that were checked.
    pub bundles: usize,
    /// Versions that were checked.
    pub versions: usize,
    /// Drafts that were checked.
    pub drafts: usize,
    /// Data files that were checked, each once in its bundle.
    pub files: usize,
    /// Bytes that were read and digested.
    pub bytes: u64,
    /// What was found, in the order of bundles.
    pub findings: Findings,
}

/// The word for what the medium does not give back.
const UNREAD: &str = "unread";

impl FsckReport {
    /// Counts what the medium did not give back, so that nobody knows whether it is damaged.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.findings.iter().filter(|finding| finding.code == UNREAD).count()
    }
}

/// A store being checked.
struct Check<'s> {
    store: &'s Blockstore,
    db: &'s Connection,
    options: FsckOptions,
    roots: Roots,
    report: FsckReport,
    /// Where data files with a digest lie; made when something is missing.
    copies: Option<BTreeMap<Digest, Vec<PathBuf>>>,
    /// Bundles that are there or were deleted, as far as that was noted; read when it is needed.
    known: Option<BTreeSet<Uuid>>,
    suspects: Vec<Suspect>,
}

impl Blockstore {
    /// Checks the database, every version with every file and link, and every draft.
    ///
    /// Damage is in the report, not an error. With [`FsckOptions::repair`] writers wait until the check is done.
    ///
    /// # Errors
    /// [`BlockstoreError::ReadOnly`] where a store that is open for reading is to be repaired; a database that cannot
    /// be read at all.
    pub fn fsck(&self, options: FsckOptions) -> Result<FsckReport> {
        let check = |db: &Connection| -> Result<(FsckReport, Vec<Suspect>)> {
            let mut check = Check::new(self, db, options)?;
            check.run()?;
            Ok((check.report, check.suspects))
        };
        // Writers of ours wait where something is repaired.
        let (mut report, suspects) = if options.repair {
            self.db.write(check)?
        } else {
            let (report, suspects) = self.db.read(check)?;
            (report, self.look_again(suspects, options)?)
        };
        let mut found = std::mem::take(&mut report.findings).iter().cloned().collect::<Vec<_>>().into_iter();
        let mut passed = 0;
        for suspect in suspects {
            found.by_ref().take(suspect.at - passed).for_each(|finding| report.findings.push(finding));
            passed = suspect.at;
            suspect.found.iter().for_each(|finding| report.findings.push(finding.clone()));
        }
        found.for_each(|finding| report.findings.push(finding));
        self.orphans(&mut report)?;
        Ok(report)
    }

    /// Counts what nothing leads to, by kind.
    fn orphans(&self, report: &mut FsckReport) -> Result<()> {
        let GcReport { unused, unknown, .. } =
            self.gc(&GcOptions { grace: Duration::ZERO, ..GcOptions::default() })?;
        let mut kinds: BTreeMap<UnusedKind, (usize, u64, String)> = BTreeMap::new();
        for unused in unused {
            let (count, bytes, _) = kinds.entry(unused.kind).or_insert((0, 0, unused.key));
            *count += 1;
            *bytes += unused.size;
        }
        for folder in unknown {
            report.findings.push(Finding {
                severity: Severity::Note,
                code: "unknown_bundle",
                place: folder,
                reason: "the database knows nothing of it; another store may have its files here".into(),
                repair: None,
                is_repaired: false,
            });
        }
        for (kind, (count, bytes, first)) in kinds {
            report.findings.push(Finding {
                severity: Severity::Note,
                code: "orphan",
                place: first,
                reason: format!("nothing leads to {count} files like this ({}), {bytes} bytes", kind.name()),
                repair: Some("gc removes them".into()),
                is_repaired: false,
            });
        }
        Ok(())
    }
}

impl<'s> Check<'s> {
    fn new(store: &'s Blockstore, db: &'s Connection, options: FsckOptions) -> Result<Self> {
        Ok(Self {
            store,
            db,
            options,
            roots: Roots::read(db, None)?,
            report: FsckReport::default(),
            copies: None,
            known: None,
            suspects: Vec::new(),
        })
    }

    /// Takes why something cannot be read, where that is about it alone; what is not ends the check.
    fn failed(&mut self, code: &'static str, place: impl fmt::Display, error: BlockstoreError) -> Result<()> {
        if error.is_unread() {
            self.unread(place, error);
            return Ok(());
        }
        if !error.is_definite() {
            return Err(error);
        }
        let is_newer = matches!(error, BlockstoreError::NewerForm { .. });
        self.report.findings.push(Finding {
            severity: Severity::Damage,
            code,
            place: place.to_string(),
            reason: error.to_string(),
            repair: is_newer.then(|| "the newer program that wrote it, or a later one, reads it".to_owned()),
            is_repaired: false,
        });
        Ok(())
    }

    /// Takes that the medium does not give something back.
    fn unread(&mut self, place: impl fmt::Display, reason: impl fmt::Display) {
        self.report.findings.push(Finding {
            severity: Severity::Warning,
            code: UNREAD,
            place: place.to_string(),
            reason: format!("it could not be read, so nobody knows whether it is damaged: {reason}"),
            repair: Some("look after the medium, and check again".to_owned()),
            is_repaired: false,
        });
    }

    fn run(&mut self) -> Result<()> {
        self.database()?;
        self.rows();
        self.handovers()?;
        let bundles: Vec<BundleRoots> = self.roots.bundles.values().cloned().collect();
        for bundle in &bundles {
            self.bundle(bundle)?;
        }
        (self.report.bundles, self.report.drafts) = (bundles.len(), self.roots.drafts.len());
        Ok(())
    }

    fn bundle(&mut self, bundle: &BundleRoots) -> Result<()> {
        let mut proved = DataNames::default();
        self.suspecting((bundle.uuid, None), &mut proved, |check, proved| check.versions(bundle, proved))?;
        for (draft, name) in &bundle.drafts {
            self.suspecting((bundle.uuid, Some(*draft)), &mut proved, |check, proved| {
                check.draft(bundle, *draft, name, proved)
            })?;
        }
        Ok(())
    }
}
