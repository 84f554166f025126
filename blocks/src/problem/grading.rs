//! What graders work with.

use super::context::Context;
use super::correct_map::CorrectMap;
use super::responses::Answers;
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
}
