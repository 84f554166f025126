//! `truefalseresponse`: exactly the right choices (capa reference, section 3.5).

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::multiple_choice::MultipleChoice;
use super::{Graded, Grader, Input, Permutation, as_list, only_input};
use crate::problem::context::Context;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::random::Random;
use crate::problem::tree::Node;

/// Choices of which exactly the right ones must be named; with no right choice, none.
#[derive(Debug, Clone)]
pub(super) struct TrueFalse {
    choices: MultipleChoice,
}

impl TrueFalse {
    pub(super) fn build(node: &mut Node, context: &Context) -> Result<Self, LoadError> {
        Ok(Self { choices: MultipleChoice::build(node, context)? })
    }
}

impl Grader for TrueFalse {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let chosen = grading.answers.get(&input.id).map(as_list).unwrap_or_default();
        let right: BTreeSet<&str> = self.choices.correct_names().collect();
        let is_correct = chosen.iter().copied().collect::<BTreeSet<_>>() == right;
        let feedback = chosen.first().and_then(|name| self.choices.feedback(name, input, grading));
        Ok(Graded { feedback, ..Graded::one(input, Entry::right(is_correct)) })
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        self.choices.correct_answers(inputs)
    }

    fn rearrange(&self, node: &mut Node, random: &mut Random) -> Result<Option<Permutation>, LoadError> {
        self.choices.rearrange(node, random)
    }
}
