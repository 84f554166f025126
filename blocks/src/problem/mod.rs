//! `problem`: questions with answers that are graded (CAPA).
//!
//! [`Problem`] is the engine: it is put together from XML with [`ProblemOptions`], shown, graded, and gives back the
//! learner's state. The block ([`ProblemBlock`]), the command and the wheel all work through it. What a problem uses of
//! its host stands in [`ProblemServices`]; without a sandbox, a queue ... a problem is shown all the same, and grading it
//! says what is missing ([`GradeError::Unsupported`]).

mod api;
mod author_tests;
mod calls;
mod check;
mod code_files;
mod compat;
mod context;
mod correct_map;
mod error;
mod explanations;
mod grading;
mod hints;
mod ids;
mod include;
mod index;
mod input_calls;
mod inputs;
mod json_text;
mod labels;
mod loncapa;
pub mod markdown;
mod message;
mod number;
mod olx;
mod options;
mod outbox;
mod policy;
mod python;
mod queue;
mod random;
mod regexp;
mod render;
mod report;
mod rescore;
mod responses;
mod sanitize;
mod script;
mod services;
mod session;
mod state;
mod submission;
mod tolerance;
mod tree;
mod view;

pub use self::api::{Outcome, Problem, ProblemInput};
pub use self::author_tests::{AuthorTest, AuthorTests, OwnAnswers, TestFault, author_tests, own_answers};
pub use self::check::{PROBLEM_CODES, check_problem};
pub use self::error::{GradeError, LoadError};
pub use self::index::{ProblemIndex, index_problem};
pub use self::options::{ProblemOptions, ReadFile};
pub use self::policy::Score;
pub use self::queue::GraderQueue;
pub use self::report::ReportRow;
pub use self::responses::Answers;
pub use self::services::ProblemServices;
pub use self::state::{StateError, student_seed};

use xblock_core::block::{BlockContext, BlockError, HandlerRequest, HandlerResponse, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::services::{
    CacheService, ExternalGraderService, I18nService, SandboxService, UserService, XQueueService,
};

use self::olx::ProblemOlx;

/// Questions that are graded (capa reference, section 7).
#[derive(XBlock)]
#[xblock(
    type = "problem",
    scorable,
    icon = "problem",
    olx = ProblemOlx,
    views(student_view, public_view = student_view, author_view),
    handlers(
        problem_check,
        problem_get,
        problem_show,
        problem_save,
        problem_reset,
        hint_button,
        input_ajax,
        xmodule_handler,
    ),
    max_score = max_score,
    wants(
        dyn UserService,
        dyn I18nService,
        dyn SandboxService,
        dyn CacheService,
        dyn XQueueService,
        dyn ExternalGraderService,
    ),
)]
#[field(attempts: Integer = 0, scope = user_state, help = "How often the learner's answers were graded.")]
#[field(attempts_before_showanswer_button: Integer = 0, scope = settings, min = 0, display_name = "Show Answer: Number of Attempts",
    help = "How many attempts open the answer, where it is shown after some.")]
#[field(correct_map: Dict = {}, scope = user_state, help = "What grading said of each answer.")]
#[field(correct_map_history: List = [], scope = user_state, help = "What grading said at each attempt since the last reset.")]
#[field(data: XmlString = "<problem></problem>", scope = content, enforce_type, help = "The problem as XML.")]
#[field(display_name: Option<String> = "Blank Problem", scope = settings, display_name = "Display Name",
    help = "The name of the problem.")]
#[field(done: Boolean = false, scope = user_state, help = "Whether the learner's answers were graded.")]
#[field(due: Option<Date>, scope = settings, help = "When the work is due.")]
#[field(force_save_button: Boolean = false, scope = settings, help = "Whether the save button is always shown.")]
#[field(graceperiod: Option<Timedelta>, scope = settings, help = "How long after the due date answers are still taken.")]
#[field(grading_method: String = "last_score", scope = settings, display_name = "Grading Method",
    values = {"Last Score": "last_score", "First Score": "first_score", "Highest Score": "highest_score", "Average Score": "average_score"},
    help = "Which of several attempts counts.")]
#[field(has_saved_answers: Boolean = false, scope = user_state, help = "Whether the answers were saved and not graded yet.")]
#[field(input_state: Dict = {}, scope = user_state, help = "What inputs keep beside the answers.")]
#[field(last_submission_time: Option<Date>, scope = user_state, help = "When the learner last submitted.")]
#[field(markdown: Option<String> = null, scope = settings, help = "The source of the simple editor.")]
#[field(markdown_edited: Boolean = false, scope = settings, help = "Whether the source of the simple editor was edited.")]
#[field(matlab_api_key: Option<String>, scope = settings, display_name = "Matlab API key",
    help = "The key of the hosted Matlab service.")]
#[field(max_attempts: Option<Integer>, scope = settings, min = 0, display_name = "Maximum Attempts",
    help = "How often a learner may answer; without a number as often as they like.")]
#[field(rerandomize: Randomization = "never", scope = settings, display_name = "Randomization",
    values = {"Always": "always", "On Reset": "onreset", "Never": "never", "Per Student": "per_student"},
    help = "When the numbers of the problem are drawn anew.")]
#[field(score: Option<Score>, scope = user_state, help = "The learner's score.")]
#[field(score_history: ListScore = [], scope = user_state, help = "The scores of all attempts.")]
#[field(seed: Option<Integer>, scope = user_state, help = "The number the problem's variants come from.")]
#[field(show_correctness: String = "always", scope = settings, display_name = "Show Results",
    values = {"Always": "always", "Never": "never", "Past Due": "past_due"},
    help = "When learners see whether their answers are right.")]
#[field(show_reset_button: Boolean = false, scope = settings, display_name = "Show Reset Button",
    help = "Whether learners can clear their answers.")]
#[field(showanswer: String = "finished", scope = settings, display_name = "Show Answer",
    values = {
        "Always": "always", "Answered": "answered", "Attempted or Past Due": "attempted", "Closed": "closed",
        "Finished": "finished", "Correct or Past Due": "correct_or_past_due", "Past Due": "past_due", "Never": "never",
        "After Some Number of Attempts": "after_attempts", "After All Attempts": "after_all_attempts",
        "After All Attempts or Correct": "after_all_attempts_or_correct", "Attempted": "attempted_no_past_due"
    },
    help = "When learners can see the answer.")]
#[field(source_code: Option<String>, scope = settings, hidden, help = "The LaTeX source the problem was made from.")]
#[field(student_answers: Dict = {}, scope = user_state, help = "The learner's answers by input.")]
#[field(student_answers_history: List = [], scope = user_state, help = "The answers of every submission.")]
#[field(submission_wait_seconds: Integer = 0, scope = settings, display_name = "Timer Between Attempts",
    help = "How many seconds a learner must wait between submissions.")]
#[field(use_latex_compiler: Boolean = false, scope = settings, help = "Whether the editor offers the LaTeX compiler.")]
#[field(weight: Option<Float>, scope = settings, min = 0, step = 0.1, display_name = "Problem Weight",
    help = "How many points the problem is worth; without a number, one for each answer.")]
pub struct ProblemBlock {
    fields: BlockFields,
}

impl ProblemBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        view::student_view(self, context)
    }

    /// Shows authors what learners see, and what of it does not work and why.
    fn author_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        view::author_view(self, context)
    }

    /// Counts the points of all questions without running the script; a problem that cannot be put together has none.
    fn max_score(&self, context: &dyn BlockContext) -> Result<f64, BlockError> {
        session::max_score(self, context)
    }

    /// Grades answers: `{success, contents}`.
    fn problem_check(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::answer(self, "problem_check", request, context)
    }

    /// Returns the problem as it stands: `{html}`.
    fn problem_get(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::answer(self, "problem_get", request, context)
    }

    /// Returns the right answers, where they may be shown: `{answers, correct_status_html}`.
    fn problem_show(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::answer(self, "problem_show", request, context)
    }

    /// Keeps answers without grading them: `{success, msg, html}`.
    fn problem_save(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::answer(self, "problem_save", request, context)
    }

    /// Clears answers: `{success, html}`.
    fn problem_reset(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::answer(self, "problem_reset", request, context)
    }

    /// Returns hints up to the one asked for: `{hint_index, msg, ..}`.
    fn hint_button(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::answer(self, "hint_button", request, context)
    }

    /// Answers an input's own call, such as the preview of a formula.
    fn input_ajax(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::answer(self, "input_ajax", request, context)
    }

    /// Answers the platform's own form of these calls, with the call's name in the path.
    fn xmodule_handler(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        calls::answer(self, request.suffix.trim_matches('/'), request, context)
    }
}
