//! One look at a problem: its settings, its questions and a learner's state put together.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value as Json, json};
use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::Value;
use xblock_core::services::{
    CacheService, ExternalGraderService, I18nService, SandboxService, Service, ServiceError, UserAttribute,
    UserService,
};

use super::ProblemBlock;
use super::api::Problem;
use super::correct_map::CorrectMap;
use super::error::LoadError;
use super::options::ProblemOptions;
use super::outbox::Outbox;
use super::policy::{Policy, Score};
use super::queue::GraderQueue;
use super::services::ProblemServices;
use super::state::{self, State};
use crate::setting::or_default;

/// A problem with a learner's state and the rules that apply; changes stay here until they are written.
pub(super) struct Session<'b> {
    pub(super) block: &'b ProblemBlock,
    pub(super) problem: Problem,
    pub(super) policy: Policy,
    pub(super) weight: Option<f64>,
    /// Whom the learner's variants are drawn for.
    user_id: String,
    loader: Loader<'b>,
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
        Self::open_for(block, context, context.is_author_mode())
    }

    /// Reads everything and puts the problem together, for learners or for authors who look at their work. Nothing is
    /// written.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn open_for(
        block: &'b ProblemBlock,
        context: &dyn BlockContext,
        is_author: bool,
    ) -> Result<Result<Self, LoadError>, BlockError> {
        let mut state = State::read(block.fields())?;
        let user_id = context.user().map(|user| user.id.to_string()).unwrap_or_default();
        let anonymous_id = anonymous_id(context)?.unwrap_or_else(|| user_id.clone());
        let rerandomize = rerandomize(block)?;
        let usage = context.usage().to_string();
        let draw = || state::seed(&rerandomize, &user_id, &usage, "first");
        state.seed = Some(state.seed.unwrap_or_else(draw));
        let grading_method = or_default(block, block.grading_method())?.to_string();
        let loader = Loader {
            block,
            anonymous_id,
            grading_method,
            outbox: Outbox::of(context, is_author)?,
            is_author,
        };
        let problem = match loader.load(context, state)? {
            Ok(problem) => problem,
            Err(error) => return Ok(Err(error)),
        };
        let policy = policy(block, context, &problem.state, rerandomize)?;
        let weight = or_default(block, block.weight())?;
        Ok(Ok(Self { block, problem, policy, weight, user_id, loader }))
    }

    /// Returns how several attempts make one score.
    pub(super) fn grading_method(&self) -> &str {
        &self.loader.grading_method
    }

    /// Returns what goes to external graders.
    pub(super) fn outbox(&self) -> Option<&Arc<Outbox>> {
        self.loader.outbox.as_ref()
    }

    /// Tells whether who looks may read why something does not work.
    pub(super) fn tells_causes(&self) -> bool {
        self.loader.is_author || self.policy.is_staff
    }

    /// Tells whether authors look at their work.
    pub(super) fn is_author_mode(&self) -> bool {
        self.loader.is_author
    }

    /// Returns points earned and possible as they are shown: nothing earned where that may not be shown.
    pub(super) fn display_score(&self) -> (Json, Json) {
        let score = self.problem.score().weighted(self.weight);
        let score = score.unwrap_or_else(|| Score { earned: json!(0), possible: json!(0) });
        let earned = if self.policy.correctness_available() { score.earned } else { Json::Null };
        (earned, score.possible)
    }

    /// Makes the rules follow the state after it changed.
    pub(super) fn refresh(&mut self) {
        self.policy.attempts = self.problem.state.attempts;
        self.policy.done = self.problem.state.done;
        self.policy.is_correct = self.problem.score().is_full();
    }

    /// Begins anew, with another variant where the problem has some.
    ///
    /// # Errors
    /// The inner error is a variant that cannot be put together.
    pub(super) fn reset(&mut self, context: &dyn BlockContext) -> Result<Result<(), LoadError>, BlockError> {
        let state = &mut self.problem.state;
        state.student_answers.clear();
        state.correct_map = CorrectMap::default();
        state.correct_map_history.clear();
        state.input_state.values_mut().for_each(|kept| *kept = json!({}));
        state.done = false;
        state.has_saved_answers = false;
        state.score = None;
        if matches!(self.policy.rerandomize.as_str(), "always" | "onreset") {
            let circumstance = context.now().to_rfc3339();
            let usage = context.usage().to_string();
            state.seed = Some(state::seed(&self.policy.rerandomize, &self.user_id, &usage, &circumstance));
        }
        let state = state.clone();
        match self.loader.load(context, state)? {
            Ok(problem) => self.problem = problem,
            Err(error) => return Ok(Err(error)),
        }
        self.refresh();
        Ok(Ok(()))
    }
}

/// Counts the points of a problem's questions; its script does not run. A problem that cannot be put together has none.
pub(super) fn max_score(block: &ProblemBlock, context: &dyn BlockContext) -> Result<f64, BlockError> {
    let read = |path: &str| context.read_asset(path).ok();
    let options = ProblemOptions { files: Some(&read), ..ProblemOptions::new(context.usage().clone()) };
    let points = block.data().map(|data| Problem::max_score_of(&data, &options));
    #[expect(clippy::cast_precision_loss, reason = "points are small")]
    Ok(points.ok().and_then(Result::ok).map_or(0.0, |points| points as f64))
}

/// What a block's problem is put together with beside the learner's state.
struct Loader<'b> {
    block: &'b ProblemBlock,
    anonymous_id: String,
    grading_method: String,
    outbox: Option<Arc<Outbox>>,
    is_author: bool,
}

impl Loader<'_> {
    /// Puts the block's problem together with a state.
    fn load(
        &self,
        context: &dyn BlockContext,
        state: State,
    ) -> Result<Result<Problem, LoadError>, BlockError> {
        let data = match self.block.data() {
            Ok(data) => data,
            Err(error) => return Ok(Err(LoadError::Rule(error.to_string()))),
        };
        let read = |path: &str| context.read_asset(path).ok();
        let options = ProblemOptions {
            anonymous_id: &self.anonymous_id,
            grading_method: &self.grading_method,
            services: ProblemServices {
                sandbox: offered::<dyn SandboxService>(context)?,
                cache: offered::<dyn CacheService>(context)?,
                queue: self.queue(context)?,
                external_grader: offered::<dyn ExternalGraderService>(context)?,
                i18n: offered::<dyn I18nService>(context).ok().flatten(),
                now: context.now(),
                is_author_mode: self.is_author,
                ..ProblemServices::default()
            },
            files: Some(&read),
            ..ProblemOptions::new(context.usage().clone())
        };
        Ok(Problem::with_state(&data, state, &options))
    }

    /// Returns the queue of external graders, where the host has one.
    fn queue(&self, context: &dyn BlockContext) -> Result<Option<GraderQueue>, BlockError> {
        let Some(outbox) = &self.outbox else {
            return Ok(None);
        };
        let matlab_api_key = or_default(self.block, self.block.matlab_api_key())?.map(|key| key.to_string());
        Ok(Some(GraderQueue { service: outbox.clone(), usage: context.usage().clone(), matlab_api_key }))
    }
}

/// Returns a service where the host offers it; surroundings that know no declarations take every wish for a need.
pub(super) fn offered<S: Service + ?Sized>(context: &dyn BlockContext) -> Result<Option<Arc<S>>, BlockError> {
    match context.want::<S>() {
        Err(ServiceError::NotAvailable { .. }) => Ok(None),
        found => Ok(found?),
    }
}

/// Returns what scripts know the learner by, where the host says.
fn anonymous_id(context: &dyn BlockContext) -> Result<Option<String>, BlockError> {
    let users = offered::<dyn UserService>(context)?;
    let id = users.and_then(|users| {
        let user = users.current_user();
        user.attribute(UserAttribute::DeprecatedAnonymousUserId).and_then(Json::as_str).map(str::to_owned)
    });
    Ok(id)
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
