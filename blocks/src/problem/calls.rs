//! What a problem's page asks of it: the calls of the capa reference, sections 7.7 and 7.8.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value as Json, json};
use xblock_core::block::{
    BlockContext, BlockError, Event, Grade, GraderReply, HandlerRequest, HandlerResponse, XBlock,
};

use super::api::Problem;
use super::error::GradeError;
use super::input_calls::{self, Data};
use super::inputs::status_html;
use super::outbox;
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
    /// How far the learner had come before, where this answer ends a request that changed the state already.
    before: Option<Json>,
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
        outbox::SENT => sent,
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
    let before = progress(&session);
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
    let is_changed = reply.before.take().unwrap_or(before) != progress(&session);
    let (score, total) = session.display_score();
    reply.body.insert("progress_changed".into(), json!(is_changed));
    reply.body.insert("current_score".into(), score);
    reply.body.insert("total_possible".into(), total);
    reply.body.insert("attempts_used".into(), json!(session.problem.state.attempts));
    Ok(HandlerResponse::json(&Json::Object(reply.body)))
}

/// Returns how far the learner has come.
fn progress(session: &Session<'_>) -> Json {
    let score = session.problem.score().weighted(session.weight);
    json!([score.map(|score| [score.earned(), score.possible()]), session.problem.state.attempts])
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

    /// Publishes what happened to the problem, with how its answers were rearranged.
    fn publish_of(&self, session: &Session<'_>, event_type: &str, data: Json) {
        self.publish(event_type, with_permutation(data, &session.problem));
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
    Reply { body, keeps_state, before: None }
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
        call.publish_of(session, "problem_check_fail", event);
        return Err(Refusal::Stale);
    }
    if let Some(message) = too_early(session, call)? {
        return Ok(reply(json!({ "success": message, "html": "" }), true));
    }
    let before = progress(session);
    if let Some(outbox) = session.outbox() {
        outbox.hold();
    }
    match session.problem.attempt(&answers, &call.posted.files) {
        Ok(verdicts) => graded(session, call, &verdicts, event, &before),
        Err(error) => not_graded(session, &error),
    }
}

/// Says why answers were not graded: to learners in their words, to course staff and authors with all there is to know.
fn not_graded(session: &Session<'_>, error: &GradeError) -> Result<Reply, Refusal> {
    let words = words(session);
    let text = match error {
        GradeError::Author(_) if session.is_author_mode() => {
            fill(&words.gettext("Error checking problem: {error}"), &[("error", error)])
        }
        GradeError::Author(_) => return Err(Refusal::Failed),
        error if session.policy.is_staff => error.said_to_staff(&words),
        GradeError::Unsupported { .. } if session.is_author_mode() => error.said_to_staff(&words),
        error => error.said(&words),
    };
    Ok(reply(json!({ "success": text }), true))
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
    event: Json,
    before: &Json,
) -> Result<Reply, Refusal> {
    let said = words(session);
    for (response, tag, feedback) in &verdicts.feedback {
        call.publish(
            "edx.problem.hint.feedback_displayed",
            feedback.event(&call.usage, response, tag, &said),
        );
    }
    let Some(work) = session.outbox().cloned().and_then(|outbox| {
        // The page that follows can refer to what graders put among the names.
        let names = session.problem.engine.context.to_globals();
        let overall = &session.problem.state.correct_map.overall_message;
        outbox
            .close(|| json!({ "event": event, "before": before, "names": names, "overall_message": overall }))
    }) else {
        return report(session, call, event);
    };
    match call.context.after_save(work) {
        // The answer is that to what came of sending.
        Ok(()) => Ok(reply(json!({}), true)),
        Err(work) => {
            note_sent(session, &read_json(&work().body)["sent"]);
            report(session, call, event)
        }
    }
}

fn read_json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_default()
}

/// Takes what came of sending, once the state that goes with it is kept, and answers the learner's request.
fn sent(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let body = Data(&call.posted.pairs).get("xqueue_body").map(read_json).unwrap_or_default();
    let purpose = &body["for"];
    if let Some(input) = purpose["plot"].as_str() {
        let answer = input_calls::plot_sent(&mut session.problem, input, &body["sent"][0]);
        return answer.map(|answer| reply(answer, true)).ok_or(Refusal::Failed);
    }
    note_sent(session, &body["sent"]);
    session.problem.engine.context.update(purpose["names"].as_object().cloned().unwrap_or_default());
    let overall = purpose["overall_message"].as_str().unwrap_or_default();
    session.problem.state.correct_map.overall_message = overall.to_owned();
    let reply = report(session, call, purpose["event"].clone())?;
    Ok(Reply { before: Some(purpose["before"].clone()), ..reply })
}

/// Writes what came of sending to the answers that wait, each by the key that went with it.
fn note_sent(session: &mut Session<'_>, sent: &Json) {
    let words = words(session);
    for outcome in sent.as_array().into_iter().flatten() {
        session.problem.state.note_sent(outcome, &words);
    }
}

/// Tells everybody of what was graded.
fn report(session: &mut Session<'_>, call: &Call<'_>, mut event: Json) -> Result<Reply, Refusal> {
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
    call.publish_of(session, "problem_check", event);

    let success = if session.policy.correctness_available() { success } else { "submitted" };
    let html = view::html(session, call.context, LastResult::Shown)?;
    Ok(reply(json!({ "success": success, "contents": html }), true))
}

/// Adds to an event how answers were rearranged.
pub(super) fn with_permutation(mut event: Json, problem: &Problem) -> Json {
    if !problem.engine.permutations.is_empty() {
        event["permutation"] = Json::Object(problem.permutation());
    }
    event
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
        call.publish_of(session, "save_problem_fail", event);
        return Ok(reply(json!({ "success": false, "msg": words(session).gettext(message) }), false));
    }
    session.problem.save(&answers);
    session.refresh();
    call.publish_of(session, "save_problem_success", event);
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
        call.publish_of(session, "reset_problem_fail", event);
        return Ok(reply(json!({ "success": false, "msg": words(session).gettext(message) }), false));
    }
    session.reset(call.context)?.map_err(|_| Refusal::Failed)?;
    call.publish_grade(&session.problem.score());
    event["new_state"] = session.problem.state.for_events();
    call.publish_of(session, "reset_problem", event);
    let html = view::html(session, call.context, LastResult::Hidden)?;
    Ok(reply(json!({ "success": true, "html": html }), true))
}

fn show(session: &mut Session<'_>, call: &Call<'_>) -> Result<Reply, Refusal> {
    let event = json!({ "problem_id": call.usage });
    call.publish_of(session, "showanswer", event);
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
    // Names of the script stay as they are written here: hints to be asked for are not part of what is substituted.
    call.publish(
        "edx.problem.hint.demandhint_displayed",
        json!({ "module_id": call.usage, "hint_index": index, "hint_len": count, "hint_text": hints[index] }),
    );
    let message = Json::String(format!("<ol>{items}</ol>"));
    let message = view::with_addresses(message, session.block, call.context)?;
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
    if let Some(outbox) = session.outbox() {
        outbox.hold();
    }
    let data = Data(&call.posted.pairs);
    let mut body = input_calls::input_ajax(&mut session.problem, &data).ok_or(Refusal::Failed)?;
    let input = data.get("input_id").unwrap_or_default();
    let work = session.outbox().and_then(|outbox| outbox.close(|| json!({ "plot": input })));
    // The answer of one that waits is that to what came of sending.
    if let Some(Err(work)) = work.map(|work| call.context.after_save(work)) {
        let sent = read_json(&work().body);
        body =
            input_calls::plot_sent(&mut session.problem, input, &sent["sent"][0]).ok_or(Refusal::Failed)?;
        if body["success"] == false {
            session.problem.state.input_state.clone_from(&before);
        }
    }
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
