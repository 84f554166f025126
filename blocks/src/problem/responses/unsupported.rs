//! Questions this runtime cannot grade: they are shown with a notice.

use serde_json::Value as Json;

use super::{Graded, Grader, Input};
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::services::ProblemServices;

/// A question that is not graded.
#[derive(Debug, Clone)]
pub(super) struct Unsupported {
    needs: String,
}

impl Unsupported {
    pub(super) fn new(tag: &str) -> Self {
        let what = match tag {
            "coderesponse" | "externalresponse" => "a grader on another server",
            _ => "a grader that is not part of this runtime yet",
        };
        Self { needs: format!("a question of type {tag} needs {what}") }
    }
}

impl Grader for Unsupported {
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
