//! What a check of a store is asked for, and what it finds, the same for every kind of store.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::Serialize;

/// How a store is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FsckOptions {
    /// Whether the check leaves out what takes long: the bytes of files are not read, and of documents the newest versions
    /// only.
    pub is_quick: bool,
    /// Whether what can be repaired is.
    pub repair: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is wrong; something is left to do or to know.
    Note,
    /// What stands there can be read, but should not be so.
    Warning,
    /// Something cannot be read, is missing, or is not what its digest says.
    Damage,
}

impl Severity {
    /// Returns the word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Damage => "damage",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding it is, a word that does not change.
    pub code: &'static str,
    /// The context, version, draft, document, block or file.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
    /// What would repair it; none where nothing in the store does.
    pub repair: Option<String>,
    /// Whether that was done.
    pub is_repaired: bool,
}

impl Finding {
    /// Says whether something is damaged still.
    #[must_use]
    pub fn is_damage_left(&self) -> bool {
        self.severity == Severity::Damage && !self.is_repaired
    }
}

/// Everything a check found, in the order in which it looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding that nothing in the store repairs.
    pub fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: impl fmt::Display,
        reason: impl fmt::Display,
    ) {
        let (place, reason) = (place.to_string(), reason.to_string());
        self.0.push(Finding { severity, code, place, reason, repair: None, is_repaired: false });
    }

    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Says whether nothing is damaged, or no longer.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.0.iter().any(Finding::is_damage_left)
    }
}

impl Deref for Findings {
    type Target = [Finding];

    fn deref(&self) -> &[Finding] {
        &self.0
    }
}

impl DerefMut for Findings {
    fn deref_mut(&mut self) -> &mut [Finding] {
        &mut self.0
    }
}

impl PartialEq<Vec<Finding>> for Findings {
    fn eq(&self, other: &Vec<Finding>) -> bool {
        &self.0 == other
    }
}

impl<const N: usize> PartialEq<[Finding; N]> for Findings {
    fn eq(&self, other: &[Finding; N]) -> bool {
        self.0 == *other
    }
}
