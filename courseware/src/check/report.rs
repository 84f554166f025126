//! What a check says, and which of it somebody wants to hear.

use serde::Serialize;
use xblock_core::keys::ContextKey;
use xblock_core::olx::{Diagnostic, Severity};

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// The context, absent where the package does not say what it is.
    pub context: Option<ContextKey>,
    /// How many published blocks there are.
    pub blocks: usize,
    /// How many static files there are.
    pub assets: usize,
    /// What was found, in order of files and places.
    pub diagnostics: Vec<Diagnostic>,
}

/// How much was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CheckCounts {
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings of severity note.
    pub notes: usize,
}

/// Which findings count. By default all do.
#[derive(Debug, Clone, Default)]
pub struct CheckFilter {
    /// Only findings with these codes, unless there are none here.
    pub only: Vec<String>,
    /// No findings with these codes.
    pub allow: Vec<String>,
    /// Only findings at least this bad.
    pub least: Option<Severity>,
}

impl CheckReport {
    pub(super) fn new(context: Option<ContextKey>, diagnostics: Vec<Diagnostic>) -> Self {
        Self { context, blocks: 0, assets: 0, diagnostics }.sorted()
    }

    /// Brings the findings into the order of files and places; what is said twice of a place is said once.
    pub(super) fn sorted(mut self) -> Self {
        self.diagnostics.sort_by(|a, b| {
            let key = |d: &'_ Diagnostic| (d.file.clone(), d.position, std::cmp::Reverse(d.severity), d.code);
            key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
        });
        self.diagnostics.dedup_by(|a, b| {
            a.code == b.code && a.file == b.file && a.position == b.position && a.message == b.message
        });
        self
    }

    /// Leaves only what a filter lets through.
    #[must_use]
    pub fn filtered(mut self, filter: &CheckFilter) -> Self {
        self.diagnostics.retain(|diagnostic| {
            let has = |codes: &[String]| codes.iter().any(|code| code == diagnostic.code);
            (filter.only.is_empty() || has(&filter.only))
                && !has(&filter.allow)
                && filter.least.is_none_or(|least| diagnostic.severity >= least)
        });
        self
    }

    /// Counts what was found.
    #[must_use]
    pub fn counts(&self) -> CheckCounts {
        let of = |severity| self.diagnostics.iter().filter(|d| d.severity == severity).count();
        CheckCounts {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            notes: of(Severity::Note),
        }
    }

    /// Says how bad the worst finding is, nothing where there is none.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.diagnostics.iter().map(|diagnostic| diagnostic.severity).max()
    }
}
