//! Scores and rescoring (XBlock's `ScorableXBlockMixin`; xblock reference, section 15).

use crate::fields::Score;

use super::context::BlockContext;
use super::error::BlockError;
use super::event::{Event, Grade};
use super::handler::HandlerResponse;
use super::xblock::XBlock;

/// Why a block was not rescored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RescoreError {
    /// The block has no score, or none that can be computed again.
    #[error("{usage} does not support rescoring")]
    Unsupported {
        /// The block's usage.
        usage: String,
    },
    /// The learner has not answered.
    #[error("{usage} was not answered, so it cannot be rescored")]
    Unanswered {
        /// The block's usage.
        usage: String,
    },
    /// What the learner answered cannot be graded any more.
    #[error("{usage}: {message}")]
    NotGraded {
        /// The block's usage.
        usage: String,
        /// Why not, in the words a learner would see.
        message: String,
    },
}

/// What a grader elsewhere says of an answer that waited for it (the platform's queue callback).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GraderReply {
    /// What the block is to do with it, as it told the queue: `score_update`, `ungraded_response`.
    pub dispatch: String,
    /// The secret that went with the answer.
    pub key: String,
    /// What the grader says, in its own form.
    pub body: String,
}

/// A block with a score of the learner's own, which can be computed again from what the block keeps.
///
/// [`XBlock::scorable`] gives it; `#[xblock(scorable)]` says that a class implements it.
pub trait Scorable: XBlock {
    /// Tells whether the learner answered.
    ///
    /// # Errors
    /// A field that cannot be read.
    fn has_submitted_answer(&self, context: &dyn BlockContext) -> Result<bool, BlockError>;

    /// Returns the score the block keeps, without computing anything; none where it keeps none yet.
    ///
    /// # Errors
    /// A field that cannot be read.
    fn score(&self, context: &dyn BlockContext) -> Result<Option<Score>, BlockError>;

    /// Keeps a score, as whoever overrides a learner's score does.
    ///
    /// # Errors
    /// A score the field refuses.
    fn set_score(&self, score: Score) -> Result<(), BlockError>;

    /// Computes the score from what the block keeps, changing nothing.
    ///
    /// # Errors
    /// What keeps the answer from being graded.
    fn calculate_score(&self, context: &dyn BlockContext) -> Result<Score, BlockError>;

    /// Tells whether the score can be computed again.
    ///
    /// # Errors
    /// What keeps the block from being read.
    fn allows_rescore(&self, context: &dyn BlockContext) -> Result<bool, BlockError> {
        let _ = context;
        Ok(true)
    }

    /// Computes the score again and publishes it. Whether a lower score replaces a higher one is for those to decide who
    /// keep the grades; the block says what was asked for.
    ///
    /// # Errors
    /// [`RescoreError`] where the block cannot be rescored or was not answered, and what
    /// [`calculate_score`](Self::calculate_score) gives.
    fn rescore(&self, only_if_higher: bool, context: &dyn BlockContext) -> Result<Score, BlockError> {
        check_rescore(self, context)?;
        let score = self.calculate_score(context)?;
        self.publish_grade(&score, Some(only_if_higher), context);
        Ok(score)
    }

    /// Takes what a grader elsewhere says of an answer. This is no handler, so that learners cannot speak for graders: the
    /// secrets that go with answers are no random numbers.
    ///
    /// # Errors
    /// [`RescoreError::Unsupported`] for a block that waits for nobody, and what keeps it from being read.
    fn take_grader_reply(
        &self,
        reply: &GraderReply,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let _ = reply;
        Err(RescoreError::Unsupported { usage: context.usage().to_string() }.into())
    }

    /// Publishes a score as the block's grade.
    fn publish_grade(&self, score: &Score, only_if_higher: Option<bool>, context: &dyn BlockContext) {
        let grade = Grade { only_if_higher, ..Grade::new(score.earned(), score.possible()) };
        context.publish(Event::Grade(grade));
    }
}

/// Checks what must hold before a block is rescored.
///
/// # Errors
/// [`RescoreError`], and what keeps the block from being read.
pub fn check_rescore(block: &(impl Scorable + ?Sized), context: &dyn BlockContext) -> Result<(), BlockError> {
    let usage = || context.usage().to_string();
    if !block.allows_rescore(context)? {
        return Err(RescoreError::Unsupported { usage: usage() }.into());
    }
    if !block.has_submitted_answer(context)? {
        return Err(RescoreError::Unanswered { usage: usage() }.into());
    }
    Ok(())
}

/// Returns points earned and possible under a weight: where there is a weight and something can be earned, the weight is
/// what is possible (the platform's `weighted_score`).
///
/// ```
/// use xblock_core::block::weighted_score;
///
/// assert_eq!(weighted_score(1.0, 4.0, Some(2.0)), (0.5, 2.0));
/// assert_eq!(weighted_score(1.0, 4.0, None), (1.0, 4.0));
/// assert_eq!(weighted_score(0.0, 0.0, Some(2.0)), (0.0, 0.0));
/// ```
#[must_use]
pub fn weighted_score(earned: f64, possible: f64, weight: Option<f64>) -> (f64, f64) {
    match weight {
        Some(weight) if possible != 0.0 => (earned * weight / possible, weight),
        _ => (earned, possible),
    }
}
