//! Service `xqueue`: answers that an external grader looks at (capa reference; the platform's `XQueueService`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::fields::Json;
use crate::keys::UsageKey;

use super::{Service, ServiceError};

/// What goes to an external grader.
#[derive(Debug, Clone, PartialEq)]
pub struct XQueueSubmission {
    /// The queue; none is the default one.
    pub queue_name: Option<String>,
    /// The secret by which the grader's answer is known again.
    pub key: String,
    /// Where the grader's answer goes.
    pub callback_url: String,
    /// What the grader gets: the learner's answer, facts on the learner, the author's payload.
    pub body: Json,
    /// Files by name.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Sends answers to external graders.
pub trait XQueueService: Send + Sync {
    /// Returns the address at which the block takes the answer of a grader, given what it does with it:
    /// `score_update`.
    fn callback_url(&self, usage: &UsageKey, dispatch: &str) -> String;

    /// Returns the queue of submissions that name none.
    fn default_queue_name(&self) -> String;

    /// Returns how long a learner waits between submissions.
    fn wait_between_requests(&self) -> Duration;

    /// Sends a submission and returns what the queue says of it: how many are before it.
    ///
    /// # Errors
    /// [`ServiceError::Failed`] where the queue did not take it; learners read its message.
    fn send(&self, submission: XQueueSubmission) -> Result<String, ServiceError>;
}

impl Service for dyn XQueueService {
    const NAME: &'static str = "xqueue";
}

/// A queue nobody empties, which keeps what was sent.
#[derive(Debug, Default)]
pub struct MemoryXQueue {
    sent: Mutex<Vec<XQueueSubmission>>,
}

impl MemoryXQueue {
    /// Returns what was sent, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<XQueueSubmission> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl XQueueService for MemoryXQueue {
    fn callback_url(&self, usage: &UsageKey, dispatch: &str) -> String {
        format!("/xqueue/{usage}/{dispatch}")
    }

    fn default_queue_name(&self) -> String {
        "default".to_owned()
    }

    fn wait_between_requests(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn send(&self, submission: XQueueSubmission) -> Result<String, ServiceError> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(submission);
        Ok((sent.len() - 1).to_string())
    }
}
