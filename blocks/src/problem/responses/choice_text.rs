//! `choicetextresponse`: choices with numbers typed into their sentences (capa reference, section 3.16).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{Answers, Graded, Grader, Input, Setup, only_input};
use crate::escape;
use crate::formula::{Number, value_of};
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::python;
use crate::problem::tolerance::{self, Tolerance};
use crate::problem::tree::Node;
use crate::words::{Words, fill};

/// Choices with numbers in them.
#[derive(Debug, Clone)]
pub(in crate::problem) struct ChoiceText {
    /// The right choices with the numbers that belong into them, as they are shown.
    choices: Vec<(String, String)>,
    /// The numbers that belong into right choices, by the name of their place: answer and tolerance.
    numbers: BTreeMap<String, (String, String)>,
}

impl ChoiceText {
    /// Names the choices and the places for numbers, and reads what is right.
    pub(super) fn build(node: &mut Node, setup: Setup<'_>) -> Result<Self, LoadError> {
        name_choices(node, setup.inputs.first().map(|input| input.id.as_str()).unwrap_or_default());
        let mut found = Self { choices: Vec::new(), numbers: BTreeMap::new() };
        let choices = node.descendants().into_iter().filter(|child| child.name == "choice");
        for choice in choices.filter(|choice| choice.get("correct") == Some("true")) {
            let mut answers = Vec::new();
            for place in choice.elements() {
                let answer = place
                    .get("answer")
                    .filter(|answer| !answer.is_empty())
                    .ok_or_else(|| LoadError::at(place.line, "Answer not provided for numtolerance_input"))?;
                let answer = setup.context.substitute(answer);
                let tolerance =
                    setup.context.substitute(place.get("tolerance").unwrap_or(tolerance::DEFAULT));
                let name = place.get("name").unwrap_or_default().to_owned();
                found.numbers.insert(name, (answer.clone(), tolerance));
                answers.push(answer);
            }
            let name = choice.get("name").unwrap_or_default().to_owned();
            found.choices.push((name, answers.join(", ")));
        }
        Ok(found)
    }

    /// Compares what was typed. In wrong choices it only must be a number.
    fn is_right_number(&self, name: &str, typed: &Json, words: &Words) -> Result<bool, GradeError> {
        let expected = self.numbers.get(name);
        let (answer, tolerance) = expected
            .map_or(("0", tolerance::DEFAULT), |(answer, tolerance)| (answer.as_str(), tolerance.as_str()));
        let answer = python::complex(answer).ok_or_else(|| {
            let message = words.gettext("The Staff answer could not be interpreted as a number.");
            GradeError::Message(message.into_owned())
        })?;
        let typed = typed.as_str().ok_or_else(|| {
            GradeError::Author(format!("a number is to be a text: {}", python::printed(typed)))
        })?;
        let is_near = value_of(typed)
            .and_then(|value| Tolerance::read(tolerance)?.allows(&value, &Number::Complex(answer)))
            .map_err(|_| {
                let message = words.gettext("Could not interpret '{given_answer}' as a number.");
                GradeError::Message(fill(&message, &[("given_answer", &html(typed))]))
            })?;
        Ok(is_near || expected.is_none())
    }
}

impl Grader for ChoiceText {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let none = Answers::new();
        let answer = grading.answers.get(&input.id).and_then(Json::as_object).unwrap_or(&none);
        let chosen: BTreeSet<&str> =
            answer.keys().map(String::as_str).filter(|key| key.ends_with("bc")).collect();
        let right: BTreeSet<&str> = self.choices.iter().map(|(name, _)| name.as_str()).collect();
        let words = grading.services.words();
        let mut is_correct = chosen == right;
        for (name, value) in answer {
            let choice = name.split_once("_numtolerance_input_").map_or(name.as_str(), |(choice, _)| choice);
            if chosen.contains(format!("{choice}bc").as_str()) {
                is_correct &= self.is_right_number(name, value, &words)?;
            }
        }
        Ok(Graded::one(input, Entry::right(is_correct)))
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        let names: Vec<&String> = self.choices.iter().map(|(name, _)| name).collect();
        let numbers = self.choices.iter().map(|(name, numbers)| (name.clone(), json!(numbers)));
        Ok(inputs.iter().map(|input| (input.id.clone(), json!(names))).chain(numbers).collect())
    }
}

/// Escapes as Python's `html.escape` does.
fn html(text: &str) -> String {
    escape::html(text).replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
}

fn name_choices(node: &mut Node, input_id: &str) {
    let mut index = 0;
    node.for_each_mut(&mut |choice| {
        if choice.name != "choice" {
            return;
        }
        choice.set("name", format!("{input_id}_choiceinput_{index}bc"));
        let has_numbers = choice.all("numtolerance_input").next().is_some();
        let tag = if has_numbers { "numtolerance_input" } else { "decoy_input" };
        let places = choice.children.iter_mut().filter(|child| child.name == tag);
        for (at, place) in places.enumerate() {
            place.set("name", format!("{input_id}_choiceinput_{index}_numtolerance_input_{at}"));
        }
        index += 1;
    });
}
