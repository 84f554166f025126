//! Drafts: their documents, what they lie on, and what they stage.

use uuid::Uuid;
use xblock_core::runtime::{Finding, Severity};

use super::data::Fault;
use super::{Check, Result};
use crate::document::FileRecord;
use crate::error::BlockstoreError;
use crate::maintenance::data_names::DataNames;
use crate::maintenance::marks::BundleRoots;
use crate::storage::Place;

impl Check<'_> {
    pub(super) fn draft(
        &mut self,
        bundle: &BundleRoots,
        uuid: Uuid,
        name: &str,
        proved: &mut DataNames,
    ) -> Result<()> {
        let place = format!("bundle {} ({}), draft {name}", bundle.uuid, bundle.slug);
        let document = match self.store.draft_now(self.db, uuid) {
            Ok((document, _)) => document,
            Err(error) => return self.failed("draft", place, error),
        };
        if document.bundle_uuid != bundle.uuid {
            let reason = format!("its document says it is of bundle {}", document.bundle_uuid);
            self.report.findings.add(Severity::Damage, "draft", &place, reason);
        }
        if let Some(base) = document.base_snapshot {
            match self.store.storage.snapshot(bundle.uuid, base) {
                Ok(snapshot) => self.snapshot(&format!("{place}, base"), &snapshot, proved)?,
                Err(error) => self.failed("draft_base", &place, error)?,
            }
        }
        let latest = bundle.versions.last().map(|row| row.snapshot);
        if document.base_snapshot != latest {
            let reason = "it was begun on an older version than the latest";
            self.report.findings.add(Severity::Note, "stale_draft", &place, reason);
        }
        for (path, record) in &document.files_to_overwrite {
            let Some(record) = record else { continue };
            self.report.files += 1;
            self.staged(format!("{place}, {path}"), (uuid, bundle.uuid), path, record)?;
        }
        for (name, link) in &document.links_to_overwrite {
            if let Some(link) = link {
                self.link(&format!("{place}, link {name}"), bundle.uuid, link)?;
            }
        }
        Ok(())
    }

    /// Holds a file a draft stages against its record.
    fn staged(
        &mut self,
        place: String,
        (draft, bundle): (Uuid, Uuid),
        path: &str,
        record: &FileRecord,
    ) -> Result<()> {
        let storage = &self.store.storage;
        let (target, reason) = match storage.staged_path(draft, path) {
            Ok(staged) => match self.prove(&staged, record)? {
                None => return Ok(()),
                Some(Fault { reason, is_unread: true }) => {
                    self.unread(place, reason);
                    return Ok(());
                }
                Some(Fault { reason, .. }) => (Some(staged), reason),
            },
            Err(error) => (None, error.to_string()),
        };
        // It may still wait to be put there.
        if self.prove(&storage.incoming_path(draft, path), record)?.is_none() {
            return Ok(());
        }
        let mut kept = match storage.locate(Place::Data(bundle), path, record) {
            Ok(kept) => Some(kept),
            Err(BlockstoreError::Missing { .. } | BlockstoreError::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(found) = &kept
            && self.prove(found, record)?.is_some()
        {
            kept = None;
        }
        // Among objects it waits under its digest, until whoever writes next completes the change.
        let is_under_way = !self.options.repair && self.roots.handovers.contains(&draft);
        if is_under_way && kept.is_some() {
            return Ok(());
        }
        let mut finding = Finding {
            severity: Severity::Damage,
            code: "staged",
            place,
            reason,
            repair: kept.as_ref().map(|kept| format!("the same bytes are in {}", kept.display())),
            is_repaired: false,
        };
        if let (true, Some(kept), Some(staged)) = (self.options.repair, kept, target) {
            storage.store_whole(storage.open(&kept)?, &staged)?;
            storage.sync_names_of(&staged)?;
            finding.is_repaired = true;
        }
        self.report.findings.push(finding);
        Ok(())
    }
}
