//! `coderesponse`: programs and files that a grader elsewhere looks at (capa reference, section 3.11).

use serde_json::{Map, Value as Json, json};

use super::{Graded, Grader, Input, missing, only_answer, only_input};
use crate::escape;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::queue::{GraderQueue, Sender, undelivered};
use crate::problem::services::ProblemServices;
use crate::problem::tree::Node;
use crate::words::Words;

/// A program.
#[derive(Debug, Clone)]
pub(in crate::problem) struct Code {
    queue_name: Option<String>,
    grader_payload: Json,
    is_matlab: bool,
    initial_display: String,
    answer_display: String,
}

impl Code {
    pub(super) fn build(node: &Node, words: &Words) -> Result<Self, LoadError> {
        let param = node.all("codeparam").next().ok_or_else(|| {
            LoadError::Rule("Unsupported old format! <coderesponse> without <codeparam>".into())
        })?;
        let text = |name: &str, default: &str| {
            param.all(name).next().map_or_else(|| default.to_owned(), |child| child.text.clone())
        };
        let grader_payload = match param.all("grader_payload").next() {
            Some(payload) if payload.text.is_empty() => Json::Null,
            Some(payload) => json!(payload.text),
            None => json!(""),
        };
        Ok(Self {
            queue_name: node.get("queuename").map(str::to_owned),
            grader_payload,
            is_matlab: node.all("matlabinput").next().is_some(),
            initial_display: text("initial_display", ""),
            answer_display: text("answer_display", &words.gettext("No answer provided.")),
        })
    }

    fn payload(&self, queue: &GraderQueue, sender: Sender<'_>) -> Map<String, Json> {
        let mut payload = Map::new();
        payload.insert("grader_payload".into(), self.grader_payload.clone());
        if let (true, Some(key)) =
            (self.is_matlab, queue.matlab_api_key.as_ref().filter(|key| !key.is_empty()))
        {
            payload.insert("token".into(), json!(key));
            payload.insert("endpoint_version".into(), json!("2"));
            payload.insert("requestor_id".into(), json!(sender.anonymous_id));
        }
        payload
    }
}

impl Grader for Code {
    /// Sends the answer to the queue. Without one, as where authors look at their work, there is no grader.
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let answer = grading.answers.get(&input.id).ok_or_else(|| missing(&input.id))?;
        let words = grading.services.words();
        let Some(queue) = &grading.services.queue else {
            let text = words.gettext("Error: No grader has been set up for this problem.");
            return Ok(Graded::one(input, Entry { msg: Some(text.into_owned()), ..Entry::default() }));
        };
        let files = grading.files.get(&input.id).map(Vec::as_slice).unwrap_or_default();
        // Files go beside the submission.
        let answer = if files.is_empty() { answer.clone() } else { json!("") };
        let sender = grading.sender();
        let payload = self.payload(queue, sender);
        let queue_name = self.queue_name.as_deref();
        let entry = match queue.submit(sender, &input.id, queue_name, &payload, &answer, files) {
            Ok(queued) => Entry {
                msg: Some(queued.message),
                queuestate: Some(json!({ "key": queued.key, "time": queued.time })),
                ..Entry::new("incomplete")
            },
            Err(reason) => undelivered(&reason, &words),
        };
        grading.context.set("submission", answer);
        Ok(Graded::one(input, entry))
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        let answer = escape::html(&self.answer_display);
        let html = format!("<span class=\"code-answer\"><pre><code>{answer}</code></pre></span>");
        Ok(only_answer(inputs, json!(html)))
    }

    fn needs(&self, services: &ProblemServices) -> Option<String> {
        let is_missing = services.queue.is_none() && !services.is_author_mode;
        is_missing.then(|| {
            let words = services.words();
            words.gettext("a question of type coderesponse needs a queue for its grader").into_owned()
        })
    }

    fn initial_answers(&self, inputs: &[Input]) -> Vec<(String, Json)> {
        only_answer(inputs, json!(self.initial_display))
    }
}
