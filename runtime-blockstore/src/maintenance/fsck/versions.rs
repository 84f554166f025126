//! The versions of a bundle: their documents, the files and links these name, and what the change feed says of them.

use uuid::Uuid;
use xblock_core::runtime::{Finding, Severity};

use super::{Check, Result};
use crate::document::Snapshot;
use crate::maintenance::data_names::DataNames;
use crate::maintenance::marks::BundleRoots;
use crate::path;
use crate::rows::{self, VersionRow};
use crate::store::FeedEntry;

impl Check<'_> {
    pub(super) fn versions(&mut self, bundle: &BundleRoots, proved: &mut DataNames) -> Result<()> {
        // The version before, none where it cannot be read.
        let mut before: Option<Option<Snapshot>> = Some(None);
        // Where a row cannot be read, nobody knows which version came before which.
        let has_all_rows = !self.roots.bad.iter().any(|row| row.bundle == Some(bundle.uuid));
        self.lost_versions(bundle)?;
        for (at, version) in bundle.versions.iter().enumerate() {
            let place = format!("bundle {} ({}), version {}", bundle.uuid, bundle.slug, version.number);
            if version.number != at as u64 + 1 {
                let reason = format!("it should be version {}", at + 1);
                self.report.findings.add(Severity::Warning, "gap", &place, reason);
            }
            self.report.versions += 1;
            match self.store.storage.snapshot_and_text(bundle.uuid, version.snapshot) {
                Ok((snapshot, text)) => {
                    // The digest is of what it says, not of how; links may be left out.
                    if text != snapshot.with_its_type().to_json()
                        && (!snapshot.links.is_empty() || says_links(&text))
                    {
                        let reason = "its document says what it should, and has more beside it, or is written otherwise";
                        self.report.findings.add(Severity::Warning, "snapshot_form", &place, reason);
                    }
                    self.snapshot(&place, &snapshot, proved)?;
                    if let Some(before) = before.as_ref().filter(|_| has_all_rows) {
                        self.feed(place, bundle.uuid, version, before.as_ref(), &snapshot)?;
                    }
                    before = Some(Some(snapshot));
                }
                Err(error) => {
                    self.failed("snapshot", place, error)?;
                    before = None;
                }
            }
        }
        Ok(())
    }

    /// Names the versions that the change feed has and that have no row any more.
    fn lost_versions(&mut self, bundle: &BundleRoots) -> Result<()> {
        for (number, snapshot) in self.roots.lost_versions(self.db, bundle)? {
            let place = format!("bundle {} ({}), version {number}", bundle.uuid, bundle.slug);
            let is_there =
                self.store.storage.is_file(&self.store.storage.snapshot_path(bundle.uuid, snapshot))?;
            let fate = if is_there { "is there" } else { "is gone, too" };
            let reason =
                format!("its row is gone; the change feed has it, and its snapshot {snapshot} {fate}");
            self.report.findings.add(Severity::Damage, "version_lost", place, reason);
        }
        Ok(())
    }

    /// Holds what the change feed and the index of links say of a version against its snapshots.
    fn feed(
        &mut self,
        place: String,
        bundle: Uuid,
        version: &VersionRow,
        before: Option<&Snapshot>,
        after: &Snapshot,
    ) -> Result<()> {
        let Some(bundle_id) = rows::bundle_id(self.db, bundle)? else { return Ok(()) };
        let entry = FeedEntry { bundle_id, bundle, version, before, after };
        let Some(reason) = entry.fault(self.db)? else { return Ok(()) };
        if self.options.repair {
            entry.mend(self.db)?;
        }
        self.report.findings.push(Finding {
            severity: Severity::Damage,
            code: "feed",
            place,
            reason,
            repair: Some("both can be made anew from the snapshots".into()),
            is_repaired: self.options.repair,
        });
        Ok(())
    }

    /// Checks what a snapshot names; `proved` has the data files of the bundle that were looked at.
    pub(super) fn snapshot(
        &mut self,
        place: &str,
        snapshot: &Snapshot,
        proved: &mut DataNames,
    ) -> Result<()> {
        // All names before any file, so that a file that is missing is not taken for another's.
        let mut unproved = proved.add(snapshot);
        for (file, record) in &snapshot.files {
            if let Some(problem) = path::problem(file) {
                self.report.findings.add(Severity::Warning, "path", format!("{place}, {file:?}"), problem);
            }
            if unproved.remove(&record.data_name()) {
                self.data(&format!("{place}, {file}"), snapshot.bundle_uuid, record, proved)?;
            }
        }
        for (name, link) in &snapshot.links {
            self.link(&format!("{place}, link {name}"), snapshot.bundle_uuid, link)?;
        }
        Ok(())
    }
}

/// Says whether a document has a member for links.
fn says_links(text: &[u8]) -> bool {
    text.windows(LINKS.len()).any(|part| part == LINKS)
}

const LINKS: &[u8] = b"\"links\"";
