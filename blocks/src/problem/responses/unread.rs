//! Questions whose element says nothing without the problem's script, where that was not run: they are shown only.

use serde_json::Value as Json;

use super::{Graded, Grader, Input};
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::services::ProblemServices;
use crate::words::{Words, fill};

/// A question that cannot be graded without the problem's script.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    needs: String,
}

impl Unread {
    pub(super) fn new(tag: &str, words: &Words) -> Self {
        let needs = words.gettext("a question of type {tag} needs the author's script");
        Self { needs: fill(&needs, &[("tag", &tag)]) }
    }
}

impl Grader for Unread {
    fn grade(&self, _: &[Input], _: &mut Grading<'_>) -> Result<Graded, GradeError> {
        Err(GradeError::Unsupported { needs: self.needs.clone() })
    }

    fn correct_answers(&self, _: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        Ok(Vec::new())
    }

    fn needs(&self, _: &ProblemServices) -> Option<String> {
        Some(self.needs.clone())
    }
}
