//! What the database says of itself, rows that say nothing, and changes that wait.

use xblock_core::runtime::{Finding, Severity};

use super::{Check, Result};

impl Check<'_> {
    pub(super) fn database(&mut self) -> Result<()> {
        for (code, text) in self.store.db.check(self.db)? {
            self.report.findings.add(Severity::Damage, code, "the database", text);
        }
        Ok(())
    }

    /// Names the rows that cannot be read; what they would lead to is not checked.
    pub(super) fn rows(&mut self) {
        for row in &self.roots.bad {
            self.report.findings.add(Severity::Damage, "row", row.place(), &row.reason);
        }
    }

    pub(super) fn handovers(&mut self) -> Result<()> {
        if self.roots.handovers.is_empty() {
            return Ok(());
        }
        if self.options.repair {
            self.store.complete_handovers(self.db)?;
        }
        for draft in &self.roots.handovers {
            self.report.findings.push(Finding {
                severity: Severity::Note,
                code: "handover",
                place: format!("draft {draft}"),
                reason: "a change is true and its files have not taken their places yet".into(),
                repair: Some("whoever writes next completes it".into()),
                is_repaired: self.options.repair,
            });
        }
        Ok(())
    }
}
