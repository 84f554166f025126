//! External graders that take their time: what is sent to the queue, and what comes back (capa reference, section 3.11).

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use serde_json::{Map, Value as Json, json};
use xblock_core::keys::UsageKey;
use xblock_core::services::{ServiceError, XQueueService, XQueueSubmission};

use super::context::Context;
use super::correct_map::Entry;
use super::json_text;
use super::tree::is_markup;
use crate::words::{Words, fill, marked};

/// The queue that a problem's answers go to.
#[derive(Clone)]
pub struct GraderQueue {
    /// The host's queue.
    pub service: Arc<dyn XQueueService>,
    /// The problem that graders answer to.
    pub usage: UsageKey,
    /// The course's key of the hosted Matlab service.
    pub matlab_api_key: Option<String>,
}

impl fmt::Debug for GraderQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraderQueue").field("usage", &self.usage).finish_non_exhaustive()
    }
}

/// The queue to which plots of Matlab go.
const MATLAB_QUEUE: &str = "matlab";

/// How times are written in queues and in learner state.
const TIME: &str = "%Y%m%d%H%M%S";

/// Whose answer is sent, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender<'s> {
    pub(super) anonymous_id: &'s str,
    /// The seed of the learner's variant.
    pub(super) seed: i64,
    pub(super) now: DateTime<Utc>,
}

impl<'s> Sender<'s> {
    /// Reads from the names of a problem whose answer it is.
    pub(super) fn of(context: &'s Context, now: DateTime<Utc>) -> Self {
        Self {
            anonymous_id: context.get("anonymous_student_id").and_then(Json::as_str).unwrap_or_default(),
            seed: context.get("seed").and_then(Json::as_i64).unwrap_or_default(),
            now,
        }
    }

    fn time(&self) -> String {
        self.now.format(TIME).to_string()
    }

    /// Returns the secret by which the grader's reply is known again.
    fn key(&self, input_id: &str) -> String {
        let text = format!("{}{}{}{input_id}", self.seed, self.time(), self.anonymous_id);
        hex(&Md5::digest(text.as_bytes()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An answer that waits for its grader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Queued {
    pub(super) key: String,
    pub(super) time: String,
    /// What the queue said: how many were before it.
    pub(super) message: String,
}

impl GraderQueue {
    /// Sends an answer to be graded.
    ///
    /// # Errors
    /// Why the queue did not take it.
    pub(super) fn submit(
        &self,
        sender: Sender<'_>,
        input_id: &str,
        queue_name: Option<&str>,
        payload: &Map<String, Json>,
        answer: &Json,
        files: &[(String, Vec<u8>)],
    ) -> Result<Queued, String> {
        let info = json!({
            "anonymous_student_id": sender.anonymous_id,
            "submission_time": sender.time(),
            "random_seed": sender.seed,
        });
        let mut body = payload.clone();
        body.insert("student_info".into(), json!(json_text::dumps(&info)));
        body.insert("student_response".into(), answer.clone());
        let queue_name = queue_name.map_or_else(|| self.service.default_queue_name(), str::to_owned);
        self.send(sender, input_id, queue_name, "score_update", body, files)
    }

    /// Sends a program whose plot a learner wants to see.
    ///
    /// # Errors
    /// Why the queue did not take it.
    pub(super) fn plot(
        &self,
        sender: Sender<'_>,
        input_id: &str,
        payload: &Json,
        program: &str,
    ) -> Result<Queued, String> {
        let info = json!({ "anonymous_student_id": sender.anonymous_id, "submission_time": sender.time() });
        let body = json!({
            "grader_payload": payload,
            "student_info": json_text::dumps(&info),
            "student_response": program,
            "token": self.matlab_api_key,
            "endpoint_version": "2",
            "requestor_id": sender.anonymous_id,
        });
        let body = body.as_object().cloned().unwrap_or_default();
        self.send(sender, input_id, MATLAB_QUEUE.to_owned(), "ungraded_response", body, &[])
    }

    fn send(
        &self,
        sender: Sender<'_>,
        input_id: &str,
        queue_name: String,
        dispatch: &str,
        body: Map<String, Json>,
        files: &[(String, Vec<u8>)],
    ) -> Result<Queued, String> {
        let key = sender.key(input_id);
        let submission = XQueueSubmission {
            queue_name: Some(queue_name),
            key: key.clone(),
            callback_url: self.service.callback_url(&self.usage, dispatch),
            body: Json::Object(body),
            files: files.to_vec(),
        };
        match self.service.send(submission) {
            Ok(message) => Ok(Queued { key, time: sender.time(), message }),
            Err(ServiceError::Failed { message, .. }) => Err(message),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Returns when an answer was put into the queue.
pub(super) fn queued_at(queuestate: &Json) -> Option<DateTime<Utc>> {
    let time = queuestate.get("time")?.as_str()?;
    chrono::NaiveDateTime::parse_from_str(time, TIME).ok().map(|time| time.and_utc())
}

/// Makes the verdict on an answer that the queue did not take.
pub(super) fn undelivered(reason: &str, words: &Words) -> Entry {
    let text = words.gettext(
        "Unable to deliver your submission to grader (Reason: {error_msg}). Please try again later.",
    );
    Entry { msg: Some(fill(&text, &[("error_msg", &reason)])), ..Entry::default() }
}

/// What learners read when a grader's reply cannot be used.
const INVALID: &str = marked("Invalid grader reply. Please contact the course staff.");

/// Takes a grader's reply to an answer: `{correct, score, msg}`. A reply with another key changes nothing, one that
/// cannot be used replaces what is known.
pub(super) fn take_reply(entry: &mut Entry, key: &str, reply: &str, words: &Words) {
    let Some((is_correct, score, message)) = read_reply(reply) else {
        *entry = Entry { msg: Some(words.gettext(INVALID).into_owned()), ..Entry::default() };
        return;
    };
    let is_awaited = entry.queuestate.as_ref().is_some_and(|state| state["key"] == key);
    if !is_awaited {
        return;
    }
    let score = if score.as_f64().is_some_and(|score| score > 0.0) { score } else { json!(0) };
    *entry = Entry {
        msg: Some(message.replace("&nbsp;", "&#160;")),
        ..Entry::with_points(if is_correct { "correct" } else { "incorrect" }, score)
    };
}

/// Reads a grader's reply; its message must be markup, if only by the lenient rules of HTML.
fn read_reply(reply: &str) -> Option<(bool, Json, String)> {
    let reply: Json = serde_json::from_str(reply).ok()?;
    let members = reply.as_object()?;
    let (correct, score, message) = (members.get("correct")?, members.get("score")?, members.get("msg")?);
    let is_correct = match correct {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(members) => !members.is_empty(),
    };
    let score = match score {
        Json::Bool(value) => json!(u8::from(*value)),
        Json::Number(_) => score.clone(),
        _ => return None,
    };
    let message = message.as_str()?;
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let is_shown = !message.is_empty() && (is_markup(message) || !message.contains(is_control));
    is_shown.then(|| (is_correct, score, message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> Entry {
        Entry {
            queuestate: Some(json!({ "key": "k", "time": "20260301120000" })),
            ..Entry::new("incomplete")
        }
    }

    fn after(key: &str, reply: &Json) -> Entry {
        let mut entry = waiting();
        take_reply(&mut entry, key, &reply.to_string(), &Words::default());
        entry
    }

    #[test]
    fn keys_are_those_of_the_platform() {
        let now = "2026-03-01T12:00:00Z".parse().expect("a time");
        let sender = Sender { anonymous_id: "anon-student", seed: 1, now };
        // md5 of "120260301120000anon-studentq_2_1"
        assert_eq!(sender.key("q_2_1"), hex(&Md5::digest(b"120260301120000anon-studentq_2_1")));
        assert_eq!(queued_at(&json!({ "time": sender.time() })), Some(now));
    }

    #[test]
    fn only_the_awaited_reply_counts() {
        let reply = json!({ "correct": true, "score": 2.5, "msg": "<p>a&nbsp;b</p>" });
        assert_eq!(after("other", &reply), waiting());
        let graded = after("k", &reply);
        assert_eq!((graded.correctness.as_deref(), graded.npoints), (Some("correct"), Some(json!(2.5))));
        assert_eq!((graded.msg.as_deref(), graded.queuestate), (Some("<p>a&#160;b</p>"), None));
        let negative = after("k", &json!({ "correct": 0, "score": -1, "msg": "<b>open" }));
        assert_eq!((negative.correctness.as_deref(), negative.npoints), (Some("incorrect"), Some(json!(0))));
    }

    #[test]
    fn replies_that_cannot_be_used_are_told_to_the_learner() {
        for bad in [
            json!([]),
            json!({ "correct": true, "score": 1 }),
            json!({ "correct": true, "score": 1, "msg": "" }),
            json!({ "correct": true, "score": 1, "msg": null }),
            json!({ "correct": true, "score": 1, "msg": "\u{1}" }),
            json!({ "correct": true, "score": "1", "msg": "m" }),
        ] {
            let entry = after("other", &bad);
            assert_eq!((entry.msg.as_deref(), entry.correctness), (Some(INVALID), None), "{bad}");
        }
    }
}
