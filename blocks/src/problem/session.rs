//! One look at a problem: its settings, its questions and a learner's state put together.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value as Json, json};
use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::Value;

use super::ProblemBlock;
use super::correct_map::CorrectMap;
use super::error::LoadError;
use super::loncapa::LoncapaProblem;
use super::policy::{Policy, Score};
use super::state::{self, State};
use crate::setting::or_default;

/// A problem with a learner's state; changes stay here until they are written.
pub(super) struct Session<'b> {
    pub(super) block: &'b ProblemBlock,
    pub(super) problem: LoncapaProblem,
    pub(super) state: State,
    pub(super) policy: Policy,
    pub(super) weight: Option<f64>,
    pub(super) grading_method: String,
    anonymous_id: String,
}

impl<'b> Session<'b> {
    /// Reads everything and puts the problem together. Nothing is written.
    ///
    /// # Errors
    /// The outer error is a field that cannot be read, the inner one a problem that cannot be put together.
    pub(super) fn open(
        block: &'b ProblemBlock,
        context: &dyn BlockContext,
    ) -> Result<Result<Self, LoadError>, BlockError> {
        let mut state = State::read(block.fields())?;
        let user_id = context.user().map(|user| user.id.to_string()).unwrap_or_default();
        let rerandomize = rerandomize(block)?;
        let seed = state
            .seed
            .unwrap_or_else(|| state::seed(&rerandomize, &user_id, &context.usage().to_string(), "first"));
        state.seed = Some(seed);
        let id = context.usage().html_id();
        let data = block.data().map_err(|error| LoadError::Rule(error.to_string()));
        let problem = match data.and_then(|data| LoncapaProblem::load(&data, &id, seed, &user_id)) {
            Ok(problem) => problem,
            Err(error) => return Ok(Err(error)),
        };
        for input in problem.responses.iter().flat_map(|response| &response.inputs) {
            state.input_state.entry(input.id.clone()).or_insert_with(|| json!({}));
        }
        if state.score.is_none() {
            state.score = Some(score_of(&state.correct_map, &problem));
        }
        let policy = policy(block, context, &state, rerandomize)?;
        Ok(Ok(Self {
            block,
            problem,
            policy,
            weight: or_default(block, block.weight())?,
            grading_method: or_default(block, block.grading_method())?.to_string(),
            state,
            anonymous_id: user_id,
        }))
    }

    /// Returns the learner's score.
    pub(super) fn score(&self) -> Score {
        self.state.score.clone().unwrap_or_else(|| score_of(&self.state.correct_map, &self.problem))
    }

    /// Returns how many points the questions give together.
    pub(super) fn max_score(&self) -> f64 {
        score_of(&CorrectMap::default(), &self.problem).possible()
    }

    /// Returns the score that the verdicts at hand give, whatever counts.
    pub(super) fn score_of_map(&self) -> Score {
        score_of(&self.state.correct_map, &self.problem)
    }

    /// Returns points earned and possible as they are shown: nothing earned where that may not be shown.
    pub(super) fn display_score(&self) -> (Json, Json) {
        let score = self.score().weighted(self.weight);
        let score = score.unwrap_or_else(|| Score { earned: json!(0), possible: json!(0) });
        let earned = if self.policy.correctness_available() { score.earned } else { Json::Null };
        (earned, score.possible)
    }

    /// Makes the rules follow the state after it changed.
    pub(super) fn refresh(&mut self) {
        self.policy.attempts = self.state.attempts;
        self.policy.done = self.state.done;
        self.policy.is_correct = self.score().is_full();
    }

    /// Begins anew, with another variant where the problem has some.
    ///
    /// # Errors
    /// [`LoadError`] where the other variant cannot be put together.
    pub(super) fn reset(&mut self, context: &dyn BlockContext) -> Result<(), LoadError> {
        self.state.student_answers.clear();
        self.state.correct_map = CorrectMap::default();
        self.state.correct_map_history.clear();
        self.state.input_state.values_mut().for_each(|kept| *kept = json!({}));
        self.state.done = false;
        self.state.has_saved_answers = false;
        if matches!(self.policy.rerandomize.as_str(), "always" | "onreset") {
            let circumstance = context.now().to_rfc3339();
            let usage = context.usage().to_string();
            let seed = state::seed(&self.policy.rerandomize, &self.anonymous_id, &usage, &circumstance);
            self.state.seed = Some(seed);
            let data = self.block.data().map_err(|error| LoadError::Rule(error.to_string()))?;
            self.problem = LoncapaProblem::load(&data, &self.problem.id, seed, &self.anonymous_id)?;
        }
        self.state.score = Some(self.score_of_map());
        self.refresh();
        Ok(())
    }
}

pub(super) fn score_of(map: &CorrectMap, problem: &LoncapaProblem) -> Score {
    let is_whole =
        map.entries().all(|(_, entry)| entry.npoints.as_ref().is_none_or(|points| points.is_i64()));
    let points = map.points();
    #[expect(clippy::cast_possible_truncation, reason = "the sum of whole points is whole")]
    let earned = if is_whole { json!(points as i64) } else { json!(points) };
    Score { earned, possible: json!(problem.max_score()) }
}

/// Reads when variants are drawn; from course XML `true` and `false` come as truth values, which mean what the texts do
/// (capa reference, section 5.1).
fn rerandomize(block: &ProblemBlock) -> Result<String, BlockError> {
    Ok(match block.fields().get("rerandomize") {
        Ok(Value::Bool(true)) => "always".into(),
        Ok(Value::Bool(false)) => "per_student".into(),
        _ => or_default(block, block.rerandomize())?.to_string(),
    })
}

fn policy(
    block: &ProblemBlock,
    context: &dyn BlockContext,
    state: &State,
    rerandomize: String,
) -> Result<Policy, BlockError> {
    let grace = or_default(block, block.graceperiod())?.map_or(Duration::zero(), |grace| {
        Duration::microseconds(i64::try_from(grace.total_microseconds()).unwrap_or(i64::MAX))
    });
    let due = or_default(block, block.due())?
        .and_then(|due| due.to_utc())
        .map(|due| DateTime::<Utc>::from_naive_utc_and_offset(due.local, Utc));
    Ok(Policy {
        now: context.now(),
        close_date: due.and_then(|due| due.checked_add_signed(grace)),
        is_staff: context.user().is_some_and(|user| user.is_staff),
        max_attempts: or_default(block, block.max_attempts())?,
        attempts: state.attempts,
        attempts_before_showanswer_button: or_default(block, block.attempts_before_showanswer_button())?,
        showanswer: or_default(block, block.showanswer())?.to_string(),
        show_correctness: or_default(block, block.show_correctness())?.to_string(),
        rerandomize,
        show_reset_button: or_default(block, block.show_reset_button())?,
        force_save_button: or_default(block, block.force_save_button())?,
        done: state.done,
        is_correct: state.score.as_ref().is_some_and(Score::is_full),
    })
}
