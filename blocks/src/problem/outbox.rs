//! What goes to external graders, held back until the learner's state says that it went (capa reference, section 3.11).
//!
//! A request may be handled several times, because the learner's state changed meanwhile, and two may come at once. What
//! is sent cannot be taken back, so it is sent when the state with its key is kept, and once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use xblock_core::block::{AfterSave, BlockContext, BlockError, GraderReply};
use xblock_core::keys::UsageKey;
use xblock_core::services::{ServiceError, XQueueService, XQueueSubmission};

use super::session::offered;

/// The queue of a host, and what waits to be sent to it.
pub(super) struct Outbox {
    queue: Arc<dyn XQueueService>,
    /// Nothing where everything is sent at once.
    held: Mutex<Option<Vec<XQueueSubmission>>>,
}

/// What a block does with the outcome of sending ([`GraderReply::dispatch`]).
pub(super) const SENT: &str = "sent";

impl Outbox {
    /// Finds the host's queue; authors who look at their work send nothing.
    pub(super) fn of(context: &dyn BlockContext, is_author: bool) -> Result<Option<Arc<Self>>, BlockError> {
        if is_author {
            return Ok(None);
        }
        let queue = offered::<dyn XQueueService>(context)?;
        Ok(queue.map(|queue| Arc::new(Self { queue, held: Mutex::default() })))
    }

    fn held(&self) -> MutexGuard<'_, Option<Vec<XQueueSubmission>>> {
        // Nothing between lock and unlock leaves the list half changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds back what is sent from now on.
    pub(super) fn hold(&self) {
        self.held().get_or_insert_default();
    }

    /// Returns the work of sending what was held back, nothing where nothing was. Its outcome is
    /// `{sent: [{key, message} or {key, error}], for: ..}`.
    pub(super) fn close(&self, purpose: impl FnOnce() -> Json) -> Option<AfterSave> {
        let held = self.held().take().filter(|held| !held.is_empty())?;
        let (queue, purpose) = (self.queue.clone(), purpose());
        Some(Box::new(move || {
            let sent: Vec<Json> = held.into_iter().map(|submission| send(&*queue, submission)).collect();
            let body = json!({ "sent": sent, "for": purpose }).to_string();
            GraderReply { dispatch: SENT.into(), key: String::new(), body }
        }))
    }
}

fn send(queue: &dyn XQueueService, submission: XQueueSubmission) -> Json {
    let key = submission.key.clone();
    match queue.send(submission) {
        Ok(message) => json!({ "key": key, "message": message }),
        Err(ServiceError::Failed { message, .. }) => json!({ "key": key, "error": message }),
        Err(error) => json!({ "key": key, "error": error.to_string() }),
    }
}

impl XQueueService for Outbox {
    fn callback_url(&self, usage: &UsageKey, dispatch: &str) -> String {
        self.queue.callback_url(usage, dispatch)
    }

    fn default_queue_name(&self) -> String {
        self.queue.default_queue_name()
    }

    fn wait_between_requests(&self) -> Duration {
        self.queue.wait_between_requests()
    }

    fn send(&self, submission: XQueueSubmission) -> Result<String, ServiceError> {
        match &mut *self.held() {
            Some(held) => {
                held.push(submission);
                Ok(String::new())
            }
            None => self.queue.send(submission),
        }
    }
}
