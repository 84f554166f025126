//! What a problem's page asks of it: the calls of the capa reference, sections 7.7 and 7.8.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value as Json, json};
use xblock_core::block::{
    BlockContext, BlockError, Event, Grade, GraderReply, HandlerRequest, HandlerResponse, XBlock,
};

use super::error::GradeError;
use super::input_calls::{self, Data};
use super::inputs::status_html;
use super::policy::{Score, duration};
use super::python;
use super::queue::queued_at;
use super::session::Session;
use super::submission::{self, Posted};
use super::view::{self, LastResult};
use super::{ProblemBlock, loncapa::Verdicts};
use crate::escape;
use crate::setting::or_default;
use crate::words::{Words, fill, marked};

/// Why a call came to nothing. Nothing is saved then.
enum Refusal {
    /// The page is older than the state.
    Stale,
    /// The request cannot be worked with.
    Failed,
    /// Something around the problem failed.
    Block(BlockError),
}

impl From<BlockError> for Refusal {
    fn from(error: BlockError) -> Self {
        Self::Block(error)
    }
}

/// An answer, and whether the state that goes with it is to be kept.
struct Reply {
    body: Map<String, Json>,
    keeps_state: bool,
}

const STALE: &str =
    marked("The state of this problem has changed since you loaded this page. Please refresh your page.");
const FAILED: &str = marked(
    "We're sorry, there was an error with processing your request. Please try reloading your page \
     and trying again.",
);

/// Answers one call.
pub(super) fn answer(
    block: &ProblemBlock,
    dispatch: &str,
    request: &HandlerRequest,
    context: &dyn BlockContext,
) -> Result<HandlerResponse, BlockError> {
    let call: Answer = match dispatch {
        "problem_get" => get,
        "problem_check" => check,
        "problem_save" => save,
        "problem_reset" => reset,
        "problem_show" => show,
        "hint_button" => hint,
        "input_ajax" => input_ajax,
        other => return Ok(unknown(other)),
    };
    run(block, call, &submission::read(request)?, context)
}

/// Takes what an external grader says.
pub(super) fn take_grader_reply(
    block: &ProblemBlock,
    reply: &GraderReply,
    context: &dyn BlockContext,
) -> Result<HandlerResponse, BlockError> {
    let call: Answer = match reply.dispatch.as_str() {
        "score_update" => score_update,
        "ungraded_response" => ungraded_response,
        other => return Ok(unknown(other)),
    };
    let pairs = [("queuekey", &reply.key), ("xqueue_body", &reply.body)];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.clone())).to_vec();
    run(block, call, &Posted { pairs, ..Posted::default() }, context)
}

/// What answers a call.
type Answer = fn(&mut Session<'_>, &Call<'_>) -> Result<Reply, Refusal>;

/// Opens the problem, lets a call be answered, and keeps the state where it is to be kept.
fn run(
    block: &ProblemBlock,
    call: Answer,
    posted: &Posted,
    context: &dyn BlockContext,
) -> Result<HandlerResponse, BlockError> {
    let mut session = Session::open(block, context)?.map_err(|error| BlockError::BadContent {
        usage: context.usage().clone(),
        reason: error.to_string(),
    })?;
    let before = (session.problem.score().weighted(session.weight), session.problem.state.attempts);
    let call_data = Call { posted, context, usage: context.usage().to_string() };
    let mut reply = match call(&mut session, &call_data) {
        Ok(reply) => reply,
        Err(Refusal::Stale) => return Ok(refused(&session, STALE)),
        Err(Refusal::Failed) => return Ok(refused(&session, FAILED)),
        Err(Refusal::Block(error)) => return Err(error),
    };
    if reply.keeps_state {
        session.problem.state.write(block.fields())?;
    }
    let after = (session.problem.score().weighted(session.weight), session.problem.state.attempts);
    let (score, total) = session.display_score();
    reply.body.insert("progress_changed".into(), json!(before != after));
    reply.body.insert("current_score".into(), score);
    reply.body.insert("total_possible".into(), total);
    reply.body.insert("attempts_used".into(), json!(session.problem.state.attempts));
    Ok(HandlerResponse::json(&Json::Object(reply.body)))
}

fn refused(session: &Session<'_>, why: &str) -> HandlerResponse {
    HandlerResponse::json(&json!({ "success": words(session).gettext(why) }))
}

fn words(session: &Session<'_>) -> Words {
    session.problem.services().words()
}

/// Answers a call there is not, in the platform's words.
fn unknown(dispatch: &str) -> HandlerResponse {
    HandlerResponse {
        status: 200,
        content_type: "text/plain; charset=utf-8".into(),
        headers: Vec::new(),
        body: format!("Error: {dispatch} is not a known capa action").into_bytes(),
    }
}

/// What came with a call.
struct Call<'c> {
    posted: &'c Posted,
    context: &'c dyn BlockContext,
    usage: String,
}

impl Call<'_> {
    fn answers(&self) -> Result<super::responses::Answers, Refusal> {
        self.posted.answers().map_err(|_| Refusal::Failed)
    }

    fn publish(&self, event_type: &str, data: Json) {
        self.context.publish(Event::Other { event_type: event_type.to_owned(), data });
    }

    /// Publishes the grade of who is logged in; without anybody there is none to give it to.
    fn publish_grade(&self, score: &Score) {
        if self.context.user().is_none() {
            return;
        }
        self.context.publish(Event::Grade(Grade::new(score.earned(), score.possible())));
    }
}

fn reply(body: Json, keeps_state: bool) -> Reply {
    let body = if let Json::Object(body) = body { body } else { Map::new() };
    Reply { body, keeps_state }
}

fn get(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let html = view::html(session, call.context, LastResult::Shown)?;
    Ok(reply(json!({ "html": html }), false))
}

fn check(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut event = json!({ "state": session.problem.state.for_events(), "problem_id": call.usage });
    let answers = call.answers()?;
    event["answers"] = json!(answers);
    session.problem.state.student_answers_history.push(json!(answers));
    let refusal = if session.policy.is_closed() {
        Some("closed")
    } else if session.policy.needs_reset() {
        Some("unreset")
    } else {
        None
    };
    if let Some(failure) = refusal {
        event["failure"] = json!(failure);
        call.publish("problem_check_fail", event);
        return Err(Refusal::Stale);
    }
    if let Some(message) = too_early(session, call)? {
        return Ok(reply(json!({ "success": message, "html": "" }), true));
    }
    match session.problem.attempt(&answers, &call.posted.files) {
        Ok(verdicts) => graded(session, call, &verdicts, event),
        Err(GradeError::Author(_)) => Err(Refusal::Failed),
        Err(error) => Ok(reply(json!({ "success": error.said(&words(session)) }), true)),
    }
}

/// Tells a learner who submits again too early how long to wait.
fn too_early(session: &Session<'_>, call: &Call<'_>) -> Result<Option<String>, Refusal> {
    if let Some(message) = still_queued(session, call) {
        return Ok(Some(message));
    }
    let wait =
        or_default(session.block, session.block.submission_wait_seconds()).map_err(BlockError::from)?;
    let last = session
        .problem
        .state
        .last_submission_time
        .as_str()
        .and_then(|text| text.parse::<DateTime<Utc>>().ok());
    let Some(last) = last.filter(|_| wait > 0) else {
        return Ok(None);
    };
    let remaining = Duration::seconds(wait) - (call.context.now() - last);
    if remaining <= Duration::zero() {
        return Ok(None);
    }
    let remaining = remaining.num_seconds();
    let words = words(session);
    let (wait, remaining) = (duration(wait, &words), duration(remaining, &words));
    let text =
        words.gettext("You must wait at least {wait_secs} between submissions. {remaining_secs} remaining.");
    Ok(Some(fill(&text, &[("wait_secs", &wait), ("remaining_secs", &remaining)])))
}

/// Keeps learners from filling the queue of external graders.
fn still_queued(session: &Session<'_>, call: &Call<'_>) -> Option<String> {
    let wait = session.problem.services().queue.as_ref()?.service.wait_between_requests();
    let states =
        session.problem.state.correct_map.entries().filter_map(|(_, entry)| entry.queuestate.as_ref());
    let newest = states.filter_map(queued_at).max()?;
    let passed = (call.context.now() - newest).to_std().unwrap_or_default();
    (passed < wait).then(|| {
        let words = words(session);
        let text = words.gettext("You must wait at least {wait} seconds between submissions.");
        fill(&text, &[("wait", &wait.as_secs())])
    })
}

fn graded(
    session: &mut Session<'_>,
    call: &Call<'_>,
    verdicts: &Verdicts,
    mut event: Json,
) -> Result<Reply, Refusal> {
    let said = words(session);
    for (response, tag, feedback) in &verdicts.feedback {
        call.publish(
            "edx.problem.hint.feedback_displayed",
            feedback.event(&call.usage, response, tag, &said),
        );
    }
    session.refresh();
    let score = session.problem.score();
    call.publish_grade(&score);

    let is_right = session.problem.state.correct_map.entries().all(|(_, entry)| entry.is_correct());
    let success = if is_right { "correct" } else { "incorrect" };
    let variant =
        if session.policy.rerandomize == "never" { json!("") } else { json!(session.problem.state.seed) };
    let answers = session.problem.state.student_answers.clone();
    event["grade"] = score.earned.clone();
    event["max_grade"] = score.possible.clone();
    event["correct_map"] = session.problem.state.correct_map.to_json();
    event["success"] = json!(success);
    event["attempts"] = json!(session.problem.state.attempts);
    event["submission"] = submission::metadata(&session.problem, &answers, &variant);
    add_permutation(&mut event, session);
    call.publish("problem_check", event);

    let success = if session.policy.correctness_available() { success } else { "submitted" };
    let html = view::html(session, call.context, LastResult::Shown)?;
    Ok(reply(json!({ "success": success, "contents": html }), true))
}

/// Adds how answers were rearranged.
fn add_permutation(event: &mut Json, session: &Session<'_>) {
    if session.problem.engine.permutations.is_empty() {
        return;
    }
    event["permutation"] = Json::Object(session.problem.permutation());
}

fn save(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut event = json!({ "state": session.problem.state.for_events(), "problem_id": call.usage });
    let answers = call.answers()?;
    event["answers"] = json!(answers);
    let is_survey = session.policy.max_attempts == Some(0);
    let refusal = if session.policy.is_closed() && !is_survey {
        Some(("closed", marked("Problem is closed.")))
    } else if session.policy.needs_reset() {
        Some(("done", marked("Problem needs to be reset prior to save.")))
    } else {
        None
    };
    if let Some((failure, message)) = refusal {
        event["failure"] = json!(failure);
        call.publish("save_problem_fail", event);
        return Ok(reply(json!({ "success": false, "msg": words(session).gettext(message) }), false));
    }
    session.problem.save(&answers);
    session.refresh();
    add_permutation(&mut event, session);
    call.publish("save_problem_success", event);
    let message = if is_survey {
        marked("Your answers have been saved.")
    } else {
        marked("Your answers have been saved but not graded. Click 'Submit' to grade them.")
    };
    let html = view::html(session, call.context, LastResult::Hidden)?;
    Ok(reply(json!({ "success": true, "msg": words(session).gettext(message), "html": html }), true))
}

fn reset(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut event = json!({ "old_state": session.problem.state.for_events(), "problem_id": call.usage });
    let refusal = if session.policy.is_closed() {
        Some(("closed", marked("You cannot select Reset for a problem that is closed.")))
    } else if !session.problem.state.done {
        Some(("not_done", marked("You must submit an answer before you can select Reset.")))
    } else {
        None
    };
    if let Some((failure, message)) = refusal {
        event["failure"] = json!(failure);
        call.publish("reset_problem_fail", event);
        return Ok(reply(json!({ "success": false, "msg": words(session).gettext(message) }), false));
    }
    session.reset(call.context)?.map_err(|_| Refusal::Failed)?;
    call.publish_grade(&session.problem.score());
    event["new_state"] = session.problem.state.for_events();
    add_permutation(&mut event, session);
    call.publish("reset_problem", event);
    let html = view::html(session, call.context, LastResult::Hidden)?;
    Ok(reply(json!({ "success": true, "html": html }), true))
}

fn show(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut event = json!({ "problem_id": call.usage });
    add_permutation(&mut event, session);
    call.publish("showanswer", event);
    if !session.policy.answer_available() {
        return Err(Refusal::Stale);
    }
    let mut answers = Map::new();
    for (id, answer) in session.problem.question_answers() {
        answers.insert(id, view::with_addresses(answer, session.block, call.context)?);
    }
    let body =
        json!({ "answers": answers, "correct_status_html": status_html("", "correct", &words(session)) });
    Ok(reply(body, false))
}

fn hint(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let hints = session.problem.engine.demand_hints();
    let asked = call.posted.pairs.iter().rev().find(|(name, _)| name == "hint_index");
    let asked = asked.and_then(|(_, value)| python::int(value)).ok_or(Refusal::Failed)?;
    let count = i64::try_from(hints.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Err(Refusal::Failed);
    }
    let index = usize::try_from(asked.rem_euclid(count)).unwrap_or_default();
    let said = words(session);
    let items: String = hints
        .iter()
        .take(index + 1)
        .enumerate()
        .map(|(at, hint)| {
            let label = said.gettext("Hint ({hint_num} of {hints_count}): ");
            let label = escape::html(&fill(&label, &[("hint_num", &(at + 1)), ("hints_count", &count)]));
            format!("<li class=\"hint-index-{at}\" tabindex=\"-1\"><strong>{label}</strong>{hint}</li>")
        })
        .collect();
    let text = session.problem.engine.context.substitute(&hints[index]);
    call.publish(
        "edx.problem.hint.demandhint_displayed",
        json!({ "module_id": call.usage, "hint_index": index, "hint_len": count, "hint_text": text }),
    );
    let message = session.problem.engine.context.substitute(&format!("<ol>{items}</ol>"));
    let message = view::with_addresses(Json::String(message), session.block, call.context)?;
    let body = json!({
        "success": true,
        "hint_index": index,
        "should_enable_next_hint": index + 1 < hints.len(),
        "msg": message,
    });
    Ok(reply(body, false))
}

fn input_ajax(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let before = session.problem.state.input_state.clone();
    let body =
        input_calls::input_ajax(&mut session.problem, &Data(&call.posted.pairs)).ok_or(Refusal::Failed)?;
    let keeps_state = session.problem.state.input_state != before;
    Ok(reply(body, keeps_state))
}

fn score_update(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let data = Data(&call.posted.pairs);
    let body = input_calls::score_update(&mut session.problem, &data).ok_or(Refusal::Failed)?;
    session.refresh();
    let score = session.problem.score();
    let grade = Grade { grader_response: true, ..Grade::new(score.earned(), score.possible()) };
    call.context.publish(Event::Grade(grade));
    Ok(reply(body, true))
}

fn ungraded_response(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let data = Data(&call.posted.pairs);
    let body = input_calls::ungraded_response(&mut session.problem, &data).ok_or(Refusal::Failed)?;
    Ok(reply(body, true))
}
