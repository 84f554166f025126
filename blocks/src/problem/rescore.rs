//! Grading what a learner answered once more, after the problem changed (capa reference, section 7.10).

use serde_json::{Value as Json, json};
use xblock_core::block::{
    BlockContext, BlockError, Event, Grade, GraderReply, HandlerResponse, RescoreError, Scorable, XBlock,
};
use xblock_core::fields::{Score as FieldScore, Value};

use super::calls;
use super::error::GradeError;
use super::grading::Files;
use super::policy::{Score, by_method};
use super::session::Session;
use super::{ProblemBlock, api::Problem, loncapa::Verdicts};

impl Scorable for ProblemBlock {
    fn has_submitted_answer(&self, _: &dyn BlockContext) -> Result<bool, BlockError> {
        Ok(self.done()?)
    }

    fn score(&self, _: &dyn BlockContext) -> Result<Option<FieldScore>, BlockError> {
        Ok(Self::score(self)?)
    }

    fn set_score(&self, score: FieldScore) -> Result<(), BlockError> {
        Ok(Self::set_score(self, Some(score))?)
    }

    fn calculate_score(&self, context: &dyn BlockContext) -> Result<FieldScore, BlockError> {
        let mut session = open(self, context)?;
        let graded = Regraded::of(&mut session).map_err(|error| refusal(&error, context))?;
        Ok(field_score(&graded.score))
    }

    fn allows_rescore(&self, context: &dyn BlockContext) -> Result<bool, BlockError> {
        Ok(can_be_rescored(&open(self, context)?))
    }

    fn take_grader_reply(
        &self,
        reply: &GraderReply,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::take_grader_reply(self, reply, context)
    }

    /// Grades every attempt once more and keeps what came of it. The score the block keeps stays as it was: which of two
    /// scores counts is for those to decide who keep the grades.
    fn rescore(&self, only_if_higher: bool, context: &dyn BlockContext) -> Result<FieldScore, BlockError> {
        let mut session = open(self, context)?;
        let usage = context.usage().to_string();
        let mut event = json!({ "state": session.problem.state.for_events(), "problem_id": usage });
        let rearranged = calls::with_permutation(json!({}), &session.problem);
        let fail = |mut event: Json, failure: &str, error: BlockError| {
            event["failure"] = json!(failure);
            if let Some(permutation) = rearranged.get("permutation") {
                event["permutation"] = permutation.clone();
            }
            publish(context, "problem_rescore_fail", event);
            Err(error)
        };
        if !can_be_rescored(&session) {
            return fail(event, "unsupported", RescoreError::Unsupported { usage }.into());
        }
        if !session.problem.state.done {
            return fail(event, "unanswered", RescoreError::Unanswered { usage }.into());
        }
        let before = session.problem.score();
        event["orig_score"] = before.earned;
        event["orig_total"] = before.possible;
        let graded = match Regraded::of(&mut session) {
            Ok(graded) => graded,
            Err(error) => return fail(event, "input_error", refusal(&error, context)),
        };
        let words = session.problem.services().words();
        for verdicts in &graded.attempts {
            for (response, tag, feedback) in &verdicts.feedback {
                publish(
                    context,
                    "edx.problem.hint.feedback_displayed",
                    feedback.event(&usage, response, tag, &words),
                );
            }
        }
        session.problem.state.correct_map_history =
            graded.attempts.iter().map(|graded| graded.map.to_json()).collect();
        session.problem.state.score_history = graded.scores;
        if let Some(last) = graded.attempts.last() {
            for (id, entry) in last.map.entries() {
                session.problem.state.correct_map.set(id, entry.clone());
            }
        }
        session.problem.state.write(self.fields())?;

        let (score, map) = (graded.score, session.problem.state.correct_map.to_json());
        let grade = Grade::new(score.earned(), score.possible());
        context.publish(Event::Grade(Grade { only_if_higher: Some(only_if_higher), ..grade }));
        let is_right = session.problem.state.correct_map.entries().all(|(_, entry)| entry.is_correct());
        event["new_score"] = score.earned.clone();
        event["new_total"] = score.possible.clone();
        // The platform's event holds the map itself, which has changed meanwhile.
        event["state"]["correct_map"] = map.clone();
        event["correct_map"] = map;
        event["success"] = json!(if is_right { "correct" } else { "incorrect" });
        event["attempts"] = json!(session.problem.state.attempts);
        publish(context, "problem_rescore", calls::with_permutation(event, &session.problem));
        Ok(field_score(&score))
    }
}

/// All attempts graded once more.
struct Regraded {
    attempts: Vec<Verdicts>,
    scores: Vec<Score>,
    /// What counts of them.
    score: Score,
}

impl Regraded {
    /// Grades the answers of every attempt that was graded before. Where no attempts are kept, as in old state, the score
    /// at hand stays.
    ///
    /// Answers and verdicts are paired by their places, as the platform does, although submissions that were refused are
    /// among the answers only.
    fn of(session: &mut Session<'_>) -> Result<Self, GradeError> {
        let Problem { engine, state, .. } = &mut session.problem;
        let attempt = state.attempts.max(1);
        let mut attempts = Vec::new();
        for (answers, _) in state.student_answers_history.iter().zip(&state.correct_map_history) {
            let answers = answers.as_object().cloned().unwrap_or_default();
            attempts.push(engine.grade(&answers, attempt, &state.correct_map, &Files::new())?);
        }
        let scores: Vec<Score> =
            attempts.iter().map(|graded| session.problem.score_of(&graded.map)).collect();
        let counted = by_method(session.grading_method(), &scores, session.problem.max_score());
        Ok(Self { attempts, scores, score: counted.unwrap_or_else(|| session.problem.score()) })
    }
}

fn open<'b>(block: &'b ProblemBlock, context: &dyn BlockContext) -> Result<Session<'b>, BlockError> {
    Session::open(block, context)?
        .map_err(|error| BlockError::BadContent { usage: context.usage().clone(), reason: error.to_string() })
}

/// Answers that an external grader looked at cannot be graded once more.
fn can_be_rescored(session: &Session<'_>) -> bool {
    !session.problem.engine.responses.iter().any(|response| response.tag == "coderesponse")
}

fn refusal(error: &GradeError, context: &dyn BlockContext) -> BlockError {
    let usage = context.usage().to_string();
    match error {
        GradeError::Unsupported { .. } => RescoreError::Unsupported { usage }.into(),
        other => RescoreError::NotGraded { usage, message: other.to_string() }.into(),
    }
}

fn publish(context: &dyn BlockContext, event_type: &str, data: Json) {
    context.publish(Event::Other { event_type: event_type.to_owned(), data });
}

fn field_score(score: &Score) -> FieldScore {
    FieldScore { raw_earned: Value::from(&score.earned), raw_possible: Value::from(&score.possible) }
}
