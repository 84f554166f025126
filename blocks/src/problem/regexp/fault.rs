//! What is wrong with a pattern, in the words of Python 3.11's `re`, which learners and authors of the platform know.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::BadPattern;
use crate::problem::python;

/// Why a pattern is none, with the byte of the pattern where that is, if Python names a place.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) reason: String,
    at: Option<usize>,
}

impl Fault {
    /// Reports what Python names no place for.
    pub(super) fn somewhere(reason: &str) -> Self {
        Self { reason: reason.to_owned(), at: None }
    }

    /// Says it as Python does: with the number of the character, and line and column in patterns of several lines.
    pub(super) fn said(self, pattern: &str) -> BadPattern {
        let Some(before) = self.at.and_then(|at| pattern.get(..at)) else {
            return BadPattern(self.reason);
        };
        let mut text = format!("{} at position {}", self.reason, before.chars().count());
        if pattern.contains('\n') {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            // Writing to a string does not fail.
            let _ = write!(text, " (line {line}, column {column})");
        }
        BadPattern(text)
    }
}

/// What is said of a backslash with nothing behind it.
pub(super) const BACKSLASH_AT_END: &str = "bad escape (end of pattern)";

/// What is said of a `)` without its `(`, which Python looks for before it reads on.
pub(super) const UNBALANCED: &str = "unbalanced parenthesis";

/// Reports what stands at a byte of the pattern.
pub(super) fn fault(reason: impl Into<String>, at: usize) -> Fault {
    Fault { reason: reason.into(), at: Some(at) }
}

/// Reports what is no name of a group.
pub(super) fn bad_name(name: &str, at: usize) -> Fault {
    fault(format!("bad character in group name {}", quoted(name)), at)
}

/// Writes a text as Python's `repr` does.
pub(super) fn quoted(text: &str) -> String {
    python::repr(&Json::from(text))
}
