//! What graders work with.

use std::collections::BTreeMap;

use super::context::Context;
use super::correct_map::CorrectMap;
use super::queue::Sender;
use super::responses::{Answers, Permutation};
use super::script::Script;
use super::services::ProblemServices;

/// One submission while it is graded, question by question.
pub(super) struct Grading<'g> {
    /// All answers of the submission.
    pub(super) answers: &'g Answers,
    /// The names of the problem. Graders put some there for each other, and the page that follows can refer to them.
    pub(super) context: &'g mut Context,
    /// The problem's script, which check and hint functions come from; it also runs the code of questions.
    pub(super) script: &'g Script,
    /// What the host offers.
    pub(super) services: &'g ProblemServices,
    /// The verdicts before this submission.
    pub(super) old_map: &'g CorrectMap,
    /// The files among the answers, by input id.
    pub(super) files: &'g Files,
    /// How answers were rearranged, by input id.
    pub(super) permutations: &'g [(String, Permutation)],
}

/// Files that learners hand in, with their names, by input id.
pub(super) type Files = BTreeMap<String, Vec<(String, Vec<u8>)>>;

impl Grading<'_> {
    /// Tells whether a choice is among those that are shown: a pool draws some of them.
    pub(super) fn shows(&self, input_id: &str, choice: &str) -> bool {
        let drawn = self.permutations.iter().find(|(id, _)| id == input_id);
        drawn.is_none_or(|(_, permutation)| permutation.names.iter().any(|name| name == choice))
    }

    /// Says to external graders whose answer it is.
    pub(super) fn sender(&self) -> Sender<'_> {
        Sender::of(self.context, self.services.now)
    }
}
