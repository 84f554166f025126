//! External graders as the vectors' README describes them: a queue that takes everything, and recorded replies.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use xblock_core::keys::UsageKey;
use xblock_core::services::{ExternalGraderService, ServiceError, XQueueService, XQueueSubmission};

/// A queue that says of every submission that three are before it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    sent: Mutex<Vec<XQueueSubmission>>,
    refusal: Option<String>,
}

impl Queue {
    /// Makes a queue that refuses everything where there is a reason to.
    pub(super) fn refusing(reason: Option<&str>) -> Self {
        Self { refusal: reason.map(str::to_owned), ..Self::default() }
    }

    /// Returns what was sent, as it was recorded: keys and times hidden.
    pub(super) fn sent(&self) -> Vec<Json> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = sent.iter().map(|submission| {
            let mut body = submission.body.clone();
            if let Some(Ok(info)) = body["student_info"].as_str().map(serde_json::from_str::<Json>) {
                body["student_info"] = info;
                body["student_info"]["submission_time"] = json!("<YYYYmmddHHMMSS>");
            }
            json!({
                "header": {
                    "lms_callback_url": submission.callback_url,
                    "lms_key": "<md5>",
                    "queue_name": submission.queue_name,
                },
                "body": body,
            })
        });
        shown.collect()
    }
}

impl XQueueService for Queue {
    fn callback_url(&self, _: &UsageKey, dispatch: &str) -> String {
        format!("http://lms.example/callback/{dispatch}")
    }

    fn default_queue_name(&self) -> String {
        "default-q".into()
    }

    fn wait_between_requests(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn send(&self, submission: XQueueSubmission) -> Result<String, ServiceError> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(submission);
        match self.refusal.clone() {
            Some(message) => Err(ServiceError::Failed { service: "xqueue", message }),
            None => Ok("3".into()),
        }
    }
}

/// Replies to each command as recorded.
#[derive(Debug)]
pub(super) struct Replies(pub(super) Map<String, Json>);

impl ExternalGraderService for Replies {
    fn post(&self, _: &str, form: &[(&str, String)]) -> Result<String, ServiceError> {
        let command = form.iter().find(|(name, _)| *name == "edX_cmd").map_or("", |(_, value)| value);
        match self.0.get(command).and_then(Json::as_str) {
            Some(reply) => Ok(reply.to_owned()),
            None => Err(ServiceError::Failed {
                service: "external_grader",
                message: "cannot connect to server".into(),
            }),
        }
    }
}
