//! Links, held against the bundles they lead to.

use uuid::Uuid;
use xblock_core::runtime::Severity;

use super::{Check, Result};
use crate::document::Link;
use crate::store::known_bundles;

impl Check<'_> {
    pub(super) fn link(&mut self, place: &str, bundle: Uuid, link: &Link) -> Result<()> {
        if link.dependencies().any(|dependency| dependency.bundle_uuid == bundle) {
            let reason = "the bundle depends on itself";
            self.report.findings.add(Severity::Warning, "link_cycle", place, reason);
        }
        for dependency in link.dependencies() {
            let (target, digest) = (dependency.bundle_uuid, dependency.snapshot_digest);
            if !self.store.storage.is_file(&self.store.storage.snapshot_path(target, digest))? {
                let reason = format!("snapshot {digest} of bundle {target} is not there");
                self.report.findings.add(Severity::Damage, "link", place, reason);
                continue;
            }
            let Some(roots) = self.roots.bundles.get(&target) else {
                let (code, fate) = match self.is_known_deleted(target)? {
                    true => ("link_deleted", "was deleted"),
                    false => (
                        "link_elsewhere",
                        "is not in this store; it was restored without it, or deleted by another program",
                    ),
                };
                let reason = format!("bundle {target} {fate}; the files that the link needs are here");
                self.report.findings.add(Severity::Note, code, place, reason);
                continue;
            };
            let row = roots.versions.iter().find(|row| row.number == dependency.version);
            // Version 0 stands for the one that was latest when the link was set.
            if dependency.version != 0 && row.is_none_or(|row| row.snapshot != digest) {
                let reason =
                    format!("version {} of bundle {target} is another than {digest}", dependency.version);
                self.report.findings.add(Severity::Warning, "link_version", place, reason);
            }
        }
        Ok(())
    }

    /// Says whether a bundle that has no row was deleted by a program that notes it.
    fn is_known_deleted(&mut self, bundle: Uuid) -> Result<bool> {
        let known = match self.known.take() {
            Some(known) => known,
            None => known_bundles(self.db)?,
        };
        Ok(self.known.insert(known).contains(&bundle))
    }
}
