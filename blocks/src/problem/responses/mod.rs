//! The kinds of questions: how each is set up, graded and answered (capa reference, section 3).
//!
//! [`kinds`] lists them. A kind is built from its element once the inputs have their ids, and keeps what grading needs.

mod annotation;
mod choice;
mod choice_text;
mod code;
mod custom;
mod external;
mod formula;
mod image;
mod kinds;
mod multiple_choice;
mod numerical;
mod option;
mod schematic;
mod string;
mod symbolic;
mod true_false;
mod unread;

use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use self::kinds::ResponseKind;
use super::context::Context;
use super::correct_map::Entry;
use super::error::{GradeError, LoadError};
use super::grading::Grading;
use super::hints::{ConditionalHint, Feedback};
use super::ids::NumberedInput;
use super::labels::{Group, Label, Labels};
use super::python;
use super::random::Random;
use super::script::HintFunction;
use super::services::ProblemServices;
use super::tree::Node;
use crate::escape;
use crate::words::Words;

pub(super) use kinds::{find as find_kind, is_response};
pub(super) use option::split_options;

/// The learner's answers by input id: texts, lists of texts, or mappings.
pub type Answers = serde_json::Map<String, Json>;

/// One input of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) label: Label,
    pub(super) points: i64,
}

/// A question.
#[derive(Debug, Clone)]
pub(super) struct Response {
    pub(super) tag: String,
    /// Its id: the problem's, then its number.
    pub(super) id: String,
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) inputs: Vec<Input>,
    pub(super) group: Option<Group>,
    grader: Arc<dyn Grader>,
    /// The function of the script that gives hints, which stands in for all other hints.
    hint_function: Option<HintFunction>,
    /// The answers to be shown, by input id; asked for once, when the problem is put together.
    correct_answers: Vec<(String, Json)>,
}

/// What a question can use while it is set up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup<'s> {
    /// The names of the problem, after its script.
    pub(super) context: &'s Context,
    /// What the host offers.
    pub(super) services: &'s ProblemServices,
    /// The text of the problem's scripts.
    pub(super) script_source: &'s str,
    /// The inputs of the question.
    pub(super) inputs: &'s [Input],
}

/// How questions of a kind are graded and answered.
pub(super) trait Grader: fmt::Debug + Send + Sync {
    /// Grades the answers to the question. Feedback and hints are returned, not yet put into messages.
    ///
    /// # Errors
    /// [`GradeError`]; then nothing of the submission is graded.
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError>;

    /// Returns the answers to be shown, by input id.
    ///
    /// # Errors
    /// [`LoadError`] where they cannot be had; the problem cannot be put together then.
    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError>;

    /// Returns right answers as a form would send them, by input id, where what is shown is for readers only.
    fn answers_to_give(&self, inputs: &[Input]) -> Vec<(String, Json)> {
        let _ = inputs;
        Vec::new()
    }

    /// Says what the question needs to be graded that the host does not offer, as a sentence without a full stop.
    fn needs(&self, services: &ProblemServices) -> Option<String> {
        let _ = services;
        None
    }

    /// Returns the answers that stand in the inputs before the learner wrote any.
    fn initial_answers(&self, inputs: &[Input]) -> Vec<(String, Json)> {
        let _ = inputs;
        Vec::new()
    }

    /// Returns the points the question is worth: those of its inputs.
    fn max_points(&self, inputs: &[Input]) -> i64 {
        inputs.iter().map(|input| input.points).sum()
    }

    /// Rearranges what is shown, for kinds that do.
    ///
    /// # Errors
    /// [`LoadError`] where the author's wishes contradict each other.
    fn rearrange(&self, node: &mut Node, random: &mut Random) -> Result<Option<Permutation>, LoadError> {
        let _ = (node, random);
        Ok(None)
    }
}

/// How the answers that are shown were rearranged, for the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permutation {
    /// `shuffle` or `answerpool`.
    pub(super) kind: &'static str,
    /// The names in the order in which they are shown.
    pub(super) names: Vec<String>,
    /// Which explanation belongs to the right answer that was drawn.
    pub(super) kept_explanation: Option<String>,
}

/// The verdicts on a question's answers and what is said about them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Graded {
    pub(super) entries: Vec<(String, Entry)>,
    /// What is said to the answer to the first of the inputs.
    pub(super) feedback: Option<Feedback>,
    /// What the author's conditions say to the answer to the last of the inputs, in their order.
    pub(super) conditional: Vec<ConditionalHint>,
    /// What is said of the whole problem.
    pub(super) overall_message: String,
}

impl Graded {
    /// Makes the verdict on the only answer.
    pub(super) fn one(input: &Input, entry: Entry) -> Self {
        Self { entries: vec![(input.id.clone(), entry)], ..Self::default() }
    }
}

impl Response {
    /// Sets a question up.
    ///
    /// # Errors
    /// [`LoadError`] where the element breaks the rules of its kind.
    pub(super) fn build(
        node: &mut Node,
        number: usize,
        inputs: Vec<NumberedInput>,
        labels: Labels,
        setup: Setup<'_>,
    ) -> Result<Self, LoadError> {
        let tag = node.name.clone();
        let kind = kinds::find(&tag);
        check(node, &inputs, kind)?;
        let inputs = read_inputs(inputs, labels.inputs)?;
        let grader = (kind.build)(node, Setup { inputs: &inputs, ..setup })?;
        let correct_answers = grader.correct_answers(&inputs)?;
        let hint_function = HintFunction::read(node);
        let id = node.get("id").unwrap_or_default().to_owned();
        Ok(Self { tag, id, number, inputs, group: labels.group, grader, hint_function, correct_answers })
    }

    /// Sets a question up whose element cannot be read, because the problem's script was not run.
    pub(super) fn unread(
        node: &Node,
        number: usize,
        inputs: Vec<NumberedInput>,
        labels: Labels,
        words: &Words,
    ) -> Self {
        let inputs = inputs.into_iter().map(|input| NumberedInput { points: None, ..input }).collect();
        Self {
            tag: node.name.clone(),
            id: node.get("id").unwrap_or_default().to_owned(),
            number,
            inputs: read_inputs(inputs, labels.inputs).unwrap_or_default(),
            group: labels.group,
            grader: Arc::new(unread::Unread::new(&node.name, words)),
            hint_function: None,
            correct_answers: Vec::new(),
        }
    }

    /// Counts the points of a question without setting it up.
    ///
    /// # Errors
    /// [`LoadError`] where the element breaks the rules of its kind.
    pub(super) fn points_of(node: &Node, inputs: Vec<NumberedInput>) -> Result<i64, LoadError> {
        check(node, &inputs, kinds::find(&node.name))?;
        Ok(read_inputs(inputs, Vec::new())?.iter().map(|input| input.points).sum())
    }

    /// Rearranges what is shown, for kinds that do.
    ///
    /// # Errors
    /// [`LoadError`] where the author's wishes contradict each other.
    pub(super) fn rearrange(
        &self,
        node: &mut Node,
        random: &mut Random,
    ) -> Result<Option<Permutation>, LoadError> {
        self.grader.rearrange(node, random)
    }

    /// Returns the points this question is worth.
    pub(super) fn max_points(&self) -> i64 {
        self.grader.max_points(&self.inputs)
    }

    /// Grades the answers and adds what is said to them: by the script's hint function, else by the author's conditions,
    /// else by hints beside the answers (capa reference, section 4.1).
    ///
    /// # Errors
    /// [`GradeError`]; then nothing was graded.
    pub(super) fn grade(&self, grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        if let Some(needs) = self.needs(grading.services) {
            return Err(GradeError::Unsupported { needs });
        }
        let mut graded = self.grader.grade(&self.inputs, grading)?;
        if let Some(function) = &self.hint_function {
            graded.feedback = None;
            function.call(&self.inputs, &mut graded, grading)?;
            return Ok(graded);
        }
        if let (Some(feedback), Some((_, entry))) = (&graded.feedback, graded.entries.first_mut()) {
            entry.add_message(&feedback.html(&grading.services.words()));
        }
        let last = self.inputs.last();
        for hint in std::mem::take(&mut graded.conditional) {
            let entry = graded.entries.iter_mut().find(|(id, _)| last.is_some_and(|input| input.id == *id));
            if let Some((_, entry)) = entry {
                entry.hint = hint.text;
                entry.hintmode = Some(hint.mode);
            }
        }
        Ok(graded)
    }

    /// Says what this question needs to be graded, nothing where it can be.
    pub(super) fn needs(&self, services: &ProblemServices) -> Option<String> {
        self.grader.needs(services)
    }

    /// Returns the answers to be shown, by input id.
    pub(super) fn correct_answers(&self) -> &[(String, Json)] {
        &self.correct_answers
    }

    /// Returns right answers as a form would send them, by input id, where what is shown is for readers only.
    pub(super) fn answers_to_give(&self) -> Vec<(String, Json)> {
        self.grader.answers_to_give(&self.inputs)
    }

    /// Returns the answers that stand in the inputs before the learner wrote any.
    pub(super) fn initial_answers(&self) -> Vec<(String, Json)> {
        self.grader.initial_answers(&self.inputs)
    }
}

/// Returns what stands between answers of which each is right.
fn or_between(words: &Words) -> String {
    format!(" <b>{}</b> ", escape::html(&words.gettext("or")))
}

/// Returns the only input of a question of a kind that has one.
fn only_input(inputs: &[Input]) -> Result<&Input, GradeError> {
    inputs.first().ok_or_else(|| GradeError::Author("list index out of range".into()))
}

/// Reports an answer that was not even posted; the platform says its id as Python writes it.
fn missing(id: &str) -> GradeError {
    GradeError::Author(format!("'{id}'"))
}

/// Returns what is shown as the answer to the only input.
fn only_answer(inputs: &[Input], answer: Json) -> Vec<(String, Json)> {
    inputs.first().map(|input| (input.id.clone(), answer)).into_iter().collect()
}

fn read_inputs(inputs: Vec<NumberedInput>, labels: Vec<Label>) -> Result<Vec<Input>, LoadError> {
    let inputs = inputs.into_iter().zip(labels.into_iter().chain(std::iter::repeat(Label::default())));
    inputs
        .map(|(input, label)| {
            let points = match &input.points {
                None => 1,
                Some(text) => python::int(text).ok_or_else(|| {
                    LoadError::at(input.line, format!("invalid literal for int() with base 10: '{text}'"))
                })?,
            };
            Ok(Input { id: input.id, tag: input.tag, label, points })
        })
        .collect()
}

fn check(node: &Node, inputs: &[NumberedInput], kind: &ResponseKind) -> Result<(), LoadError> {
    let tag = &node.name;
    for input in inputs {
        if !kind.inputs.contains(&input.tag.as_str()) {
            let message = format!("LoncapaProblem Response {tag}: cannot have input field {}", input.tag);
            return Err(LoadError::at(node.line, message));
        }
    }
    if kind.is_single && inputs.len() > 1 {
        let message = format!("LoncapaProblem Response {tag}: cannot have more than 1 input fields");
        return Err(LoadError::at(node.line, message));
    }
    for attribute in kind.attributes {
        if node.get(attribute).is_none_or(str::is_empty) {
            let message = format!(
                "Error in problem specification: LoncapaProblem Response {tag} missing required attribute {attribute}"
            );
            return Err(LoadError::at(node.line, message));
        }
    }
    if kind.is_single && inputs.is_empty() {
        return Err(LoadError::at(node.line, format!("LoncapaProblem Response {tag}: has no input field")));
    }
    Ok(())
}

/// Returns the schemes of partial credit, nothing where there is none (capa reference, section 3.1).
fn partial_credit(node: &Node) -> Option<Vec<String>> {
    let text = node.get("partial_credit")?;
    if text.trim().to_lowercase() == "false" {
        return None;
    }
    Some(text.split(',').map(|scheme| scheme.trim().to_lowercase()).collect())
}

/// Returns the texts of an answer that may be a list.
fn as_list(answer: &Json) -> Vec<&str> {
    match answer {
        Json::Array(items) => items.iter().filter_map(Json::as_str).collect(),
        Json::String(text) => vec![text],
        _ => Vec::new(),
    }
}
