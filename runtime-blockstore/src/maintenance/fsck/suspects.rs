//! What seems to be damaged while others write, looked at again before it is called so.

use std::time::Duration;

use uuid::Uuid;
use xblock_core::runtime::{Findings, FsckOptions};

use super::{Check, Result};
use crate::maintenance::data_names::DataNames;
use crate::store::Blockstore;

/// What seems to be damaged while others write: a file may be gone because the draft changed between the look at its row and
/// the look at the file.
pub(super) struct Suspect {
    /// How many findings were there before those about it.
    pub(super) at: usize,
    bundle: Uuid,
    /// The draft; none for the bundle's versions.
    draft: Option<Uuid>,
    /// The data files that were proved before.
    proved: DataNames,
    pub(super) found: Findings,
}

/// How often what seems to be damaged is looked at again, and how long to wait before the first time; each later time that
/// much longer.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(50);

impl Blockstore {
    /// Looks again at what seems to be damaged, by rows and files as they are then, a few times.
    pub(super) fn look_again(
        &self,
        mut suspects: Vec<Suspect>,
        options: FsckOptions,
    ) -> Result<Vec<Suspect>> {
        for look in 1..=LOOKS {
            if suspects.iter().all(|suspect| suspect.found.is_sound()) {
                break;
            }
            std::thread::sleep(PAUSE * look);
            let found = self.db.read(|db| {
                let mut check = Check::new(self, db, options)?;
                suspects.iter().map(|suspect| check.again(suspect)).collect::<Result<Vec<_>>>()
            })?;
            for (suspect, found) in suspects.iter_mut().zip(found) {
                suspect.found = found;
            }
        }
        Ok(suspects)
    }
}

impl Check<'_> {
    /// Returns what is found of a suspect now.
    fn again(&mut self, suspect: &Suspect) -> Result<Findings> {
        if suspect.found.is_sound() {
            return Ok(suspect.found.clone());
        }
        let Some(bundle) = self.roots.bundles.get(&suspect.bundle).cloned() else {
            // It was deleted, and with it what its files were for.
            return Ok(Findings::default());
        };
        // Versions do not change.
        let Some(draft) = suspect.draft else { return Ok(suspect.found.clone()) };
        let Some((_, name)) = bundle.drafts.iter().find(|(uuid, _)| *uuid == draft) else {
            return Ok(Findings::default());
        };
        self.report.findings = Findings::default();
        self.draft(&bundle, draft, name, &mut suspect.proved.anew())?;
        Ok(std::mem::take(&mut self.report.findings))
    }

    /// Takes what a step finds for suspect where damage is among it.
    pub(super) fn suspecting(
        &mut self,
        (bundle, draft): (Uuid, Option<Uuid>),
        proved: &mut DataNames,
        step: impl FnOnce(&mut Self, &mut DataNames) -> Result<()>,
    ) -> Result<()> {
        let before = std::mem::take(&mut self.report.findings);
        let proved_before = proved.anew();
        step(self, proved)?;
        let found = std::mem::replace(&mut self.report.findings, before);
        if found.is_sound() {
            found.iter().for_each(|finding| self.report.findings.push(finding.clone()));
        } else {
            let at = self.report.findings.len();
            self.suspects.push(Suspect { at, bundle, draft, proved: proved_before, found });
        }
        Ok(())
    }
}
