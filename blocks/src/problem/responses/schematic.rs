//! `schematicresponse`: a circuit that the author's code grades (capa reference, section 3.13).

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::custom::{answers_of, needs_sandbox, run_code, shown_answers, submission};
use super::{Graded, Grader, Input, Setup};
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::script::ScriptError;
use crate::problem::services::ProblemServices;
use crate::problem::tree::Node;

/// A circuit.
#[derive(Debug, Clone)]
pub(super) struct Schematic {
    code: String,
    shown: Vec<Option<String>>,
}

impl Schematic {
    pub(super) fn build(node: &mut Node, setup: Setup<'_>) -> Result<Arc<dyn Grader>, LoadError> {
        let nodes = node.descendants();
        let answer = nodes.iter().find(|child| child.name == "answer").ok_or_else(|| {
            LoadError::at(node.line, "a schematicresponse has no answer with the code that grades it")
        })?;
        Ok(Arc::new(Self { code: answer.text.clone(), shown: shown_answers(node, setup) }))
    }
}

impl Grader for Schematic {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        // The order is that of the ids as texts, so the tenth input comes before the second.
        let mut ids: Vec<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
        ids.sort_unstable();
        let circuits = submission(&ids, grading)?.into_iter().map(|answer| {
            let text = answer.as_str().unwrap_or_default();
            serde_json::from_str(text)
                .map_err(|error| GradeError::Author(format!("the answer is no JSON: {error}")))
        });
        let circuits: Vec<Json> = circuits.collect::<Result<_, _>>()?;
        grading.context.set("submission", json!(circuits));
        run_code(&self.code, grading).map_err(|error| match error {
            ScriptError::NotRun(needs) => GradeError::Unsupported { needs },
            ScriptError::Failed { message, .. } => GradeError::Code {
                message: format!("Error in evaluating SchematicResponse. The error was: {message}"),
                line: None,
            },
        })?;
        let marks: Vec<Json> = match grading.context.get("correct") {
            Some(Json::Array(marks)) => marks.clone(),
            Some(Json::String(text)) => text.chars().map(|mark| json!(mark.to_string())).collect(),
            _ => return Err(GradeError::Author("'correct'".into())),
        };
        let entries = ids.into_iter().zip(marks).map(|(id, mark)| {
            let entry = match mark {
                Json::String(correctness) => Entry::new(&correctness),
                Json::Null => Entry::default(),
                // What is no text is stored as it is, and is no verdict that gives points.
                other => Entry {
                    rest: [("correctness".to_owned(), other)].into_iter().collect(),
                    ..Entry::default()
                },
            };
            (id.to_owned(), entry)
        });
        Ok(Graded { entries: entries.collect(), ..Graded::default() })
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        Ok(answers_of(inputs, &self.shown))
    }

    fn needs(&self, services: &ProblemServices) -> Option<String> {
        needs_sandbox("schematicresponse", services)
    }
}
