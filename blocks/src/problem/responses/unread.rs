//! Questions whose element says nothing without the problem's script, where that was not run: they are shown only.

use serde_json::Value as Json;

use super::{Graded, Grader, Input};
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::services::ProblemServices;

/// A question that cannot be graded without the problem's script.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    needs: String,
}

impl Unread {
    pub(super) fn new(tag: &str) -> Self {
        Self { needs: format!("a question of type {tag} needs the author's script") }
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
