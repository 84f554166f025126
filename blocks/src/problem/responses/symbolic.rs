//! `symbolicresponse`: an expression, compared with the expected one (capa reference, sections 3.9 and 9.4).

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::custom::{answers_of, expected, needs_sandbox, no_answer, shown_answers, submission};
use super::{Graded, Grader, Input, Setup, only_input};
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::message;
use crate::problem::script::{Caching, ScriptError};
use crate::problem::services::ProblemServices;
use crate::problem::tree::Node;

/// Compares inside the sandbox, where the algebra is.
const CHECK: &str = "from symbolic import check\nverdict = check(expect, ans, options, dynamath)\n";

/// An expression.
#[derive(Debug, Clone)]
pub(super) struct Symbolic {
    expect: Option<String>,
    options: Option<String>,
    tells_empty: bool,
    shown: Vec<Option<String>>,
}

impl Symbolic {
    pub(super) fn build(node: &mut Node, setup: Setup<'_>) -> Result<Arc<dyn Grader>, LoadError> {
        Ok(Arc::new(Self {
            expect: expected(node, setup.context),
            options: node.get("options").map(str::to_owned),
            tells_empty: node.get("empty_answer_err").is_some_and(|text| !text.is_empty()),
            shown: shown_answers(node, setup),
        }))
    }
}

impl Grader for Symbolic {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let answer = submission(&[&input.id], grading)?.remove(0);
        if answer == "" || answer.is_null() {
            let mut entry = Entry::right(false);
            if self.tells_empty {
                entry.add_message(&no_answer(&grading.services.words()));
            }
            return Ok(Graded::one(input, entry));
        }
        let dynamath = grading.answers.get(&format!("{}_dynamath", input.id)).cloned().unwrap_or_default();
        let globals = Map::from_iter([
            ("expect".to_owned(), json!(self.expect)),
            ("ans".to_owned(), answer),
            ("options".to_owned(), json!(self.options)),
            ("dynamath".to_owned(), json!([dynamath])),
        ]);
        let run = grading.script.run(CHECK, globals, grading.context, Caching::Kept, grading.services);
        let names = run.map_err(|error| match error {
            ScriptError::NotRun(needs) => GradeError::Unsupported { needs },
            ScriptError::Failed { message, last_line, .. } => GradeError::Author(format!(
                "An error occurred with SymbolicResponse. The error was: {}",
                last_line.unwrap_or(message)
            )),
        })?;
        let verdict = names.get("verdict").unwrap_or(&Json::Null);
        let is_right = verdict["ok"] == true;
        let mut entry = Entry::with_points(
            if is_right { "correct" } else { "incorrect" },
            json!(if is_right { input.points } else { 0 }),
        );
        entry.msg = Some(message::clean(verdict["msg"].as_str().unwrap_or_default()));
        Ok(Graded::one(input, entry))
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        if let ([input], Some(expect)) = (inputs, self.expect.as_ref().filter(|text| !text.is_empty())) {
            return Ok(vec![(input.id.clone(), json!(expect))]);
        }
        Ok(answers_of(inputs, &self.shown))
    }

    fn needs(&self, services: &ProblemServices) -> Option<String> {
        needs_sandbox("symbolicresponse", services)
    }
}
