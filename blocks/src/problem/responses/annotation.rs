//! `annotationresponse`: a tag for a passage (capa reference, section 3.15).

use serde_json::{Value as Json, json};

use super::{Graded, Grader, Input, missing, only_input};
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::python;
use crate::problem::tree::Node;

/// What a right tag is worth.
const POINTS: i64 = 2;

/// Tags.
#[derive(Debug, Clone)]
pub(in crate::problem) struct Annotation {
    /// What each tag is (`correct`, `partially-correct`, `incorrect`) and its text.
    options: Vec<(String, String)>,
}

impl Annotation {
    pub(super) fn build(node: &Node) -> Self {
        let inputs = node.descendants().into_iter().filter(|child| child.name == "annotationinput");
        let options = inputs.flat_map(|input| input.all("options")).flat_map(|options| options.all("option"));
        let options =
            options.map(|option| (option.get("choice").unwrap_or_default().to_owned(), option.text.clone()));
        Self { options: options.collect() }
    }
}

impl Grader for Annotation {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let answer = grading.answers.get(&input.id).ok_or_else(|| missing(&input.id))?;
        let answer: Json = serde_json::from_str(answer.as_str().unwrap_or_default())
            .map_err(|error| GradeError::Author(format!("the annotation is no JSON: {error}")))?;
        let selected = answer.get("options").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let chosen = match selected {
            [index] => python::index(index).and_then(|index| self.options.get(index)),
            _ => None,
        };
        let entry = match chosen {
            None => Entry::right(false),
            Some((choice, _)) => {
                let points = match choice.as_str() {
                    "correct" => POINTS,
                    "partially-correct" => 1,
                    _ => 0,
                };
                Entry::with_points(choice, json!(points))
            }
        };
        Ok(Graded::one(input, entry))
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        let correct = self.options.iter().find(|(choice, _)| choice == "correct");
        Ok(inputs.iter().zip(correct).map(|(input, (_, text))| (input.id.clone(), json!(text))).collect())
    }

    fn answers_to_give(&self, inputs: &[Input]) -> Vec<(String, Json)> {
        let correct = self.options.iter().position(|(choice, _)| choice == "correct");
        let answer = |index| json!(json!({ "options": [index], "comment": "" }).to_string());
        inputs.iter().zip(correct).map(|(input, index)| (input.id.clone(), answer(index))).collect()
    }

    /// Returns what a right tag is worth, whatever its author says.
    fn max_points(&self, inputs: &[Input]) -> i64 {
        inputs.iter().map(|_| POINTS).sum()
    }
}
