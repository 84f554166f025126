//! `multiplechoiceresponse`: one choice of several (capa reference, sections 3.5, 5.3 and 5.4).

use serde_json::{Value as Json, json};

use super::{Graded, Grader, Input, Permutation, as_list, only_answer, only_input, partial_credit};
use crate::problem::context::Context;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::hints::{Feedback, Hint};
use crate::problem::number;
use crate::problem::python;
use crate::problem::random::Random;
use crate::problem::tree::Node;

/// Radio buttons.
#[derive(Debug, Clone)]
pub(in crate::problem) struct MultipleChoice {
    choices: Vec<ChoiceOf>,
    partial: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
struct ChoiceOf {
    name: String,
    is_correct: bool,
    /// Points where it is right in part.
    partial: Option<f64>,
    hint: Option<Hint>,
}

impl MultipleChoice {
    pub(super) fn build(node: &mut Node, context: &Context) -> Result<Self, LoadError> {
        let partial = partial_credit(node);
        for group in node.children.iter_mut().filter(|child| child.name == "choicegroup") {
            group.set("type", "MultipleChoice");
            let mut unnamed = 0;
            for choice in group.children.iter_mut().filter(|child| child.name == "choice") {
                let name = match choice.get("name") {
                    Some(name) => format!("choice_{name}"),
                    None => {
                        unnamed += 1;
                        format!("choice_{}", unnamed - 1)
                    }
                };
                choice.set("name", name);
            }
        }
        let choices = node
            .descendants()
            .into_iter()
            .filter(|child| child.name == "choice")
            .map(|child| choice(child, partial.is_some(), context))
            .collect::<Result<_, _>>()?;
        Ok(Self { choices, partial })
    }

    /// Lists the names of the right choices.
    pub(super) fn correct_names(&self) -> impl Iterator<Item = &str> {
        self.choices.iter().filter(|choice| choice.is_correct).map(|choice| choice.name.as_str())
    }

    /// Returns what is said to a choice; nothing to one that is not shown, as an old page may send it.
    pub(super) fn feedback(&self, name: &str, input: &Input, grading: &Grading<'_>) -> Option<Feedback> {
        let mut choices = self.choices.iter();
        let choice = choices.find(|choice| choice.name == name && grading.shows(&input.id, name))?;
        choice.hint.as_ref().map(|hint| Feedback::single(hint, choice.is_correct, &choice.name))
    }

    fn is_right(&self, node: &Node) -> bool {
        let name = node.get("name");
        self.choices.iter().any(|choice| choice.is_correct && Some(&*choice.name) == name)
    }

    /// Keeps one right choice and some wrong ones; tells whether it did.
    fn pool(&self, group: &mut Node, random: &mut Random) -> Result<bool, LoadError> {
        let text = group.get("answer-pool").unwrap_or_default();
        if text == "0" {
            return Ok(false);
        }
        let size = python::int(text)
            .ok_or_else(|| LoadError::Rule("answer-pool value should be an integer".into()))?;
        let (mut right, mut wrong): (Vec<Node>, Vec<Node>) = group
            .children
            .drain(..)
            .filter(|child| child.name == "choice")
            .partition(|node| self.is_right(node));
        if right.is_empty() || wrong.is_empty() {
            let message = "Choicegroup must include at least 1 correct and 1 incorrect choice";
            return Err(LoadError::Rule(message.into()));
        }
        let chosen = right.swap_remove(random.below(right.len()));
        random.shuffle(&mut wrong);
        let count = i64::try_from(wrong.len()).unwrap_or(i64::MAX);
        let wanted = (size - 1).min(count);
        // A negative number counts from the end, as Python's slices do.
        let kept = if wanted < 0 { count + wanted } else { wanted };
        wrong.truncate(usize::try_from(kept).unwrap_or_default());
        let mut shown = vec![chosen];
        shown.append(&mut wrong);
        random.shuffle(&mut shown);
        group.children = shown;
        Ok(true)
    }
}

impl Grader for MultipleChoice {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let answer = grading.answers.get(&input.id);
        let chosen =
            answer.and_then(Json::as_str).and_then(|name| self.choices.iter().find(|c| c.name == name));
        let is_correct = answer
            .and_then(Json::as_str)
            .is_some_and(|name| self.choices.iter().any(|choice| choice.is_correct && choice.name == name));
        let mut entry = Entry::right(is_correct);
        let words = grading.services.words();
        if let Some(schemes) = &self.partial {
            let [scheme] = schemes.as_slice() else {
                let message =
                    words.gettext("Only one type of partial credit is allowed for Multiple Choice problems.");
                return Err(GradeError::Message(message.into_owned()));
            };
            if scheme != "points" {
                let message = words.gettext("partial_credit attribute should be one of: points,false");
                return Err(GradeError::Message(message.into_owned()));
            }
            if let (false, Some(points)) = (is_correct, chosen.and_then(|choice| choice.partial)) {
                entry = Entry::with_points("partially-correct", number::write(points));
            }
        }
        let first = answer.map(as_list).unwrap_or_default().first().copied();
        let feedback = first.and_then(|name| self.feedback(name, input, grading));
        Ok(Graded { feedback, ..Graded::one(input, entry) })
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        Ok(only_answer(inputs, json!(self.correct_names().collect::<Vec<_>>())))
    }

    /// Shuffles the choices, or shows only some of them.
    fn rearrange(&self, node: &mut Node, random: &mut Random) -> Result<Option<Permutation>, LoadError> {
        let pooled = node
            .children
            .iter()
            .position(|child| child.name == "choicegroup" && child.get("answer-pool").is_some());
        let shuffled = node
            .children
            .iter()
            .position(|child| child.name == "choicegroup" && child.get("shuffle") == Some("true"));
        let permutation = match (shuffled, pooled) {
            (Some(at), _) if node.children[at].get("answer-pool").is_some() => {
                return Err(LoadError::Rule("Do not use shuffle and answer-pool at the same time".into()));
            }
            (Some(at), _) => {
                shuffle(&mut node.children[at], random);
                ("shuffle", at)
            }
            (None, Some(at)) => {
                if !self.pool(&mut node.children[at], random)? {
                    return Ok(None);
                }
                ("answerpool", at)
            }
            (None, None) => return Ok(None),
        };
        let (kind, at) = permutation;
        let names =
            node.children[at].all("choice").filter_map(|choice| choice.get("name").map(str::to_owned));
        let right = node.children[at].all("choice").find(|choice| self.is_right(choice));
        let kept_explanation = right.and_then(|choice| choice.get("explanation-id")).map(str::to_owned);
        Ok(Some(Permutation { kind, names: names.collect(), kept_explanation }))
    }
}

fn choice(node: &Node, has_partial_credit: bool, context: &Context) -> Result<ChoiceOf, LoadError> {
    let correct =
        node.get("correct").ok_or_else(|| LoadError::at(node.line, "a choice has no attribute correct"))?;
    let correct = context.substitute(correct).to_uppercase();
    let partial = if has_partial_credit && correct == "PARTIAL" {
        let points = node.get("point_value").unwrap_or("0.5");
        let value = python::float(points).ok_or_else(|| {
            LoadError::at(node.line, format!("could not convert string to float: '{points}'"))
        })?;
        Some(value)
    } else {
        None
    };
    Ok(ChoiceOf {
        name: node.get("name").unwrap_or_default().to_owned(),
        is_correct: correct == "TRUE",
        partial,
        hint: node.all("choicehint").next().and_then(Hint::read),
    })
}

/// Shuffles what is not fixed: fixed choices at the beginning stay there, all others that are fixed go to the end.
fn shuffle(group: &mut Node, random: &mut Random) {
    let is_fixed = |node: &Node| node.get("fixed") == Some("true");
    let mut rest: Vec<Node> = group.children.drain(..).filter(Node::is_element).collect();
    let head_length = rest.iter().position(|node| !is_fixed(node)).unwrap_or(rest.len());
    let mut shown: Vec<Node> = rest.drain(..head_length).collect();
    let (tail, mut middle): (Vec<Node>, Vec<Node>) = rest.into_iter().partition(is_fixed);
    random.shuffle(&mut middle);
    shown.append(&mut middle);
    shown.extend(tail);
    group.children = shown;
}
