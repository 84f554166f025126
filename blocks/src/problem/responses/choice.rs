//! `choiceresponse`: checkboxes, of which the right ones must be chosen (capa reference, section 3.4).

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Graded, Grader, Input, as_list, only_answer, only_input, partial_credit};
use crate::problem::context::Context;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::hints::{Feedback, Hint};
use crate::problem::tree::Node;
use crate::words::Words;

/// Checkboxes.
#[derive(Debug, Clone)]
pub(in crate::problem) struct Choice {
    choices: Vec<ChoiceOf>,
    compounds: Vec<Compound>,
    partial: Option<Vec<String>>,
    is_checkboxes: bool,
}

#[derive(Debug, Clone)]
struct ChoiceOf {
    name: String,
    id: String,
    /// Whether it belongs to the right ones; nothing where the author said neither.
    is_correct: Option<bool>,
    hints: Vec<SelectionHint>,
}

#[derive(Debug, Clone)]
struct SelectionHint {
    when_selected: bool,
    label: Option<String>,
    html: String,
}

/// A hint for one combination of choices.
#[derive(Debug, Clone)]
struct Compound {
    ids: BTreeSet<String>,
    hint: Hint,
}

impl Choice {
    pub(super) fn build(node: &mut Node, context: &Context) -> Result<Self, LoadError> {
        let partial = partial_credit(node);
        let mut is_checkboxes = false;
        let mut choices = Vec::new();
        let mut compounds = Vec::new();
        let mut result = Ok(());
        node.for_each_mut(&mut |node| match node.name.as_str() {
            "checkboxgroup" => is_checkboxes = true,
            "choice" => match choice(node, choices.len(), context) {
                Ok(choice) => choices.push(choice),
                Err(error) => result = Err(error),
            },
            "compoundhint" => {
                let ids =
                    node.get("value").unwrap_or_default().split_whitespace().map(str::to_uppercase).collect();
                let label = node.get("label").map(str::to_owned);
                let hint = Hint { label, html: node.text.trim().to_owned() };
                compounds.push(Compound { ids, hint });
            }
            _ => {}
        });
        result.map(|()| Self { choices, compounds, partial, is_checkboxes })
    }

    fn names(&self, is_correct: Option<bool>) -> BTreeSet<&str> {
        self.choices
            .iter()
            .filter(|choice| choice.is_correct == is_correct)
            .map(|choice| &*choice.name)
            .collect()
    }

    fn partial_entry(
        &self,
        schemes: &[String],
        selected: &BTreeSet<&str>,
        points: i64,
        words: &Words,
    ) -> Result<Entry, GradeError> {
        let [scheme] = schemes else {
            let message = words.gettext("Only one type of partial credit is allowed for Checkbox problems.");
            return Err(GradeError::Message(message.into_owned()));
        };
        match scheme.as_str() {
            "edc" => Ok(self.every_decision_counts(selected, points)),
            "halves" => Ok(self.halves(selected, points)),
            _ => {
                let message = words.gettext("partial_credit attribute should be one of: edc,halves,false");
                Err(GradeError::Message(message.into_owned()))
            }
        }
    }

    fn every_decision_counts(&self, selected: &BTreeSet<&str>, points: i64) -> Entry {
        let decided = self.choices.iter().filter_map(|choice| Some((choice, choice.is_correct?)));
        let (mut hits, mut count) = (0_u32, 0_u32);
        for (choice, is_correct) in decided {
            count += 1;
            hits += u32::from(selected.contains(&*choice.name) == is_correct);
        }
        if hits == count {
            return Entry::right(true);
        }
        if hits == 0 {
            return Entry::with_points("incorrect", json!(0));
        }
        let part = f64::from(hits) / f64::from(count);
        Entry::with_points("partially-correct", json!(round2(float(points) * part)))
    }

    fn halves(&self, selected: &BTreeSet<&str>, points: i64) -> Entry {
        let (right, wrong) = (self.names(Some(true)), self.names(Some(false)));
        let errors = selected.intersection(&wrong).count() + right.difference(selected).count();
        let count = right.len() + wrong.len();
        match errors {
            0 => Entry::with_points("correct", json!(points)),
            1 if count > 2 => Entry::with_points("partially-correct", json!(round2(float(points) * 0.5))),
            2 if count > 4 => Entry::with_points("partially-correct", json!(round2(float(points) * 0.25))),
            _ => Entry::right(false),
        }
    }

    fn feedback(
        &self,
        answer: Option<&Json>,
        selected: &BTreeSet<&str>,
        is_correct: bool,
    ) -> Result<Option<Feedback>, GradeError> {
        let listed: Vec<&str> = answer.map(as_list).unwrap_or_default();
        let feedback = |label, texts, is_compound| Feedback {
            label,
            texts,
            is_correct,
            is_compound,
            is_list: !is_compound,
            student_answer: json!(listed),
            choice_all: Some(self.choices.iter().map(|choice| choice.name.clone()).collect()),
        };
        if answer.is_some() {
            let ids: BTreeSet<String> = self
                .choices
                .iter()
                .filter(|choice| selected.contains(&*choice.name))
                .map(|choice| choice.id.to_uppercase())
                .collect();
            if let Some(compound) = self.compounds.iter().find(|compound| compound.ids == ids) {
                if compound.hint.html.is_empty() {
                    return Err(GradeError::Author("a compoundhint has no text".into()));
                }
                let trigger = listed.iter().map(|name| ((*name).to_owned(), true));
                let trigger = trigger
                    .filter(|(name, _)| self.choices.iter().any(|choice| choice.name == *name))
                    .collect();
                let texts = vec![(compound.hint.html.clone(), Some(trigger))];
                return Ok(Some(feedback(compound.hint.label.clone(), texts, true)));
            }
        }
        let mut texts = Vec::new();
        let mut labels = Vec::new();
        for choice in &self.choices {
            let is_selected = selected.contains(&*choice.name);
            for hint in choice.hints.iter().filter(|hint| hint.when_selected == is_selected) {
                texts.push((hint.html.clone(), Some(vec![(choice.name.clone(), is_selected)])));
                labels.extend(hint.label.clone());
            }
        }
        if texts.is_empty() {
            return Ok(None);
        }
        let label = if labels.len() == 1 { labels.pop() } else { None };
        Ok(Some(feedback(label, texts, false)))
    }
}

impl Grader for Choice {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let answer = grading.answers.get(&input.id);
        let selected: BTreeSet<&str> = answer.map(as_list).unwrap_or_default().into_iter().collect();
        let entry = if selected.is_empty() {
            Entry::right(false)
        } else {
            match &self.partial {
                None => Entry::right(selected == self.names(Some(true))),
                Some(schemes) => {
                    self.partial_entry(schemes, &selected, input.points, &grading.services.words())?
                }
            }
        };
        let is_correct = entry.correctness.as_deref() == Some("correct");
        let feedback = if self.is_checkboxes { self.feedback(answer, &selected, is_correct)? } else { None };
        Ok(Graded { feedback, ..Graded::one(input, entry) })
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        Ok(only_answer(inputs, json!(self.names(Some(true)))))
    }
}

fn choice(node: &mut Node, index: usize, context: &Context) -> Result<ChoiceOf, LoadError> {
    let correct =
        node.get("correct").ok_or_else(|| LoadError::at(node.line, "a choice has no attribute correct"))?;
    let is_correct = match context.substitute(correct).to_uppercase().as_str() {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    };
    let name = format!("choice_{index}");
    node.set("name", &*name);
    if node.get("id").is_none() {
        let letter = u32::try_from(index).ok().and_then(|index| char::from_u32(65 + index)).unwrap_or('?');
        node.set("id", letter);
    }
    let hints = node
        .all("choicehint")
        .filter_map(|hint| {
            let when_selected = match hint.get("selected")?.to_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => return None,
            };
            let label = hint.get("label").map(str::to_owned);
            Some(SelectionHint { when_selected, label, html: hint.inner_xml().trim().to_owned() })
        })
        .collect();
    let id = node.get("id").unwrap_or_default().to_owned();
    Ok(ChoiceOf { name, id, is_correct, hints })
}

#[expect(clippy::cast_precision_loss, reason = "points are small")]
fn float(points: i64) -> f64 {
    points as f64
}

/// Rounds to two digits, halves away from zero as they are written in decimal.
fn round2(value: f64) -> f64 {
    let text = format!("{:.2}", value + value.signum() * 1e-9);
    text.parse().unwrap_or(value)
}
