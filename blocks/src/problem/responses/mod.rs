//! The kinds of questions: how each is set up, graded and answered (capa reference, section 3).
//!
//! A kind is built from its element once the inputs have their ids, and keeps what grading needs. Kinds that need more
//! than this crate may do (author scripts, graders elsewhere) are [`Kind::Unsupported`]: shown with a notice, not
//! graded.

mod choice;
mod multiple_choice;
mod numerical;
mod option;
mod string;

use serde_json::Value as Json;

use super::context::Context;
use super::correct_map::Entry;
use super::error::{GradeError, LoadError};
use super::hints::Feedback;
use super::ids::NumberedInput;
use super::labels::{Group, Label, Labels};
use super::python;
use super::random::Random;
use super::tree::Node;

pub(super) use option::split_options;

/// The learner's answers by input id: texts, lists of texts, or mappings.
pub(super) type Answers = serde_json::Map<String, Json>;

/// The tags of questions.
pub(super) const RESPONSE_TAGS: [&str; 15] = [
    "choiceresponse",
    "multiplechoiceresponse",
    "truefalseresponse",
    "optionresponse",
    "numericalresponse",
    "stringresponse",
    "customresponse",
    "symbolicresponse",
    "coderesponse",
    "externalresponse",
    "formularesponse",
    "schematicresponse",
    "imageresponse",
    "annotationresponse",
    "choicetextresponse",
];

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
    pub(super) kind: Kind,
}

/// What kind of question it is, with what grading needs.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Choice(choice::Choice),
    MultipleChoice(multiple_choice::MultipleChoice),
    Numerical(numerical::Numerical),
    Option(option::Options),
    String(string::StringMatch),
    /// Not graded natively.
    Unsupported,
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
    pub(super) feedback: Option<Feedback>,
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
        context: &Context,
    ) -> Result<Self, LoadError> {
        let tag = node.name.clone();
        let rules = rules(&tag);
        if let Some(rules) = &rules {
            check(node, &inputs, rules)?;
        }
        let inputs =
            inputs.into_iter().zip(labels.inputs.into_iter().chain(std::iter::repeat(Label::default())));
        let inputs = inputs
            .map(|(input, label)| {
                let points = match &input.points {
                    None => 1,
                    Some(text) => python::int(text).ok_or_else(|| {
                        LoadError::at(input.line, format!("invalid literal for int() with base 10: '{text}'"))
                    })?,
                };
                Ok(Input { id: input.id, tag: input.tag, label, points })
            })
            .collect::<Result<Vec<_>, LoadError>>()?;
        let kind = match tag.as_str() {
            "choiceresponse" => Kind::Choice(choice::Choice::build(node, context)?),
            "multiplechoiceresponse" => {
                Kind::MultipleChoice(multiple_choice::MultipleChoice::build(node, context)?)
            }
            "numericalresponse" => Kind::Numerical(numerical::Numerical::build(node, context)?),
            "optionresponse" => Kind::Option(option::Options::build(node, context)),
            "stringresponse" => Kind::String(string::StringMatch::build(node, context)?),
            _ => Kind::Unsupported,
        };
        let id = node.get("id").unwrap_or_default().to_owned();
        Ok(Self { tag, id, number, inputs, group: labels.group, kind })
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
        match &self.kind {
            Kind::MultipleChoice(choices) => choices.rearrange(node, random),
            _ => Ok(None),
        }
    }

    /// Returns the points this question is worth.
    pub(super) fn max_points(&self) -> i64 {
        self.inputs.iter().map(|input| input.points).sum()
    }

    /// Grades the answers.
    ///
    /// # Errors
    /// [`GradeError`]; then nothing was graded.
    pub(super) fn grade(&self, answers: &Answers, context: &Context) -> Result<Graded, GradeError> {
        match &self.kind {
            Kind::Choice(choice) => choice.grade(self.only_input()?, answers),
            Kind::MultipleChoice(choices) => choices.grade(self.only_input()?, answers),
            Kind::Numerical(numerical) => numerical.grade(self.only_input()?, answers),
            Kind::Option(options) => Ok(options.grade(&self.inputs, answers, context)),
            Kind::String(matcher) => matcher.grade(self.only_input()?, answers),
            Kind::Unsupported => Err(GradeError::Unsupported { needs: self.needs().unwrap_or_default() }),
        }
    }

    /// Says what this question needs to be graded, nothing where it is graded natively.
    pub(super) fn needs(&self) -> Option<String> {
        let what = match (&self.kind, self.tag.as_str()) {
            (Kind::Unsupported, "customresponse" | "schematicresponse" | "symbolicresponse") => {
                "its author's code in the Python sandbox"
            }
            (Kind::Unsupported, "coderesponse" | "externalresponse") => "a grader on another server",
            (Kind::Unsupported, _) => "a grader that is not part of this runtime yet",
            _ => return None,
        };
        Some(format!("a question of type {} needs {what}", self.tag))
    }

    /// Returns the answers to be shown, by input id.
    pub(super) fn correct_answers(&self) -> Vec<(String, Json)> {
        let only =
            |answer: Json| self.inputs.first().map(|input| (input.id.clone(), answer)).into_iter().collect();
        match &self.kind {
            Kind::Choice(choice) => only(choice.correct_answer()),
            Kind::MultipleChoice(choices) => only(choices.correct_answer()),
            Kind::Numerical(numerical) => only(numerical.correct_answer()),
            Kind::Option(options) => options.correct_answers(&self.inputs),
            Kind::String(matcher) => only(matcher.correct_answer()),
            Kind::Unsupported => Vec::new(),
        }
    }

    fn only_input(&self) -> Result<&Input, GradeError> {
        self.inputs.first().ok_or_else(|| GradeError::Author("list index out of range".into()))
    }
}

/// What a kind of question allows.
struct Rules {
    inputs: &'static [&'static str],
    /// Whether one input is all it has.
    is_single: bool,
    attributes: &'static [&'static str],
}

/// Returns the rules of the kinds that are graded natively.
fn rules(tag: &str) -> Option<Rules> {
    let rules = |inputs, is_single, attributes| Some(Rules { inputs, is_single, attributes });
    match tag {
        "choiceresponse" => rules(&["checkboxgroup", "radiogroup"], true, &[]),
        "multiplechoiceresponse" => rules(&["choicegroup"], true, &[]),
        "optionresponse" => rules(&["optioninput"], false, &[]),
        "numericalresponse" => rules(&["textline", "formulaequationinput"], true, &["answer"]),
        "stringresponse" => rules(&["textline"], true, &["answer"]),
        _ => None,
    }
}

fn check(node: &Node, inputs: &[NumberedInput], rules: &Rules) -> Result<(), LoadError> {
    let tag = &node.name;
    for input in inputs {
        if !rules.inputs.contains(&input.tag.as_str()) {
            let message = format!("LoncapaProblem Response {tag}: cannot have input field {}", input.tag);
            return Err(LoadError::at(node.line, message));
        }
    }
    if rules.is_single && inputs.len() > 1 {
        let message = format!("LoncapaProblem Response {tag}: cannot have more than 1 input fields");
        return Err(LoadError::at(node.line, message));
    }
    if rules.is_single && inputs.is_empty() {
        return Err(LoadError::at(node.line, format!("LoncapaProblem Response {tag}: has no input field")));
    }
    for attribute in rules.attributes {
        if node.get(attribute).is_none_or(str::is_empty) {
            let message = format!(
                "Error in problem specification: LoncapaProblem Response {tag} missing required attribute {attribute}"
            );
            return Err(LoadError::at(node.line, message));
        }
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
