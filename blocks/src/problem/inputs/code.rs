//! `textbox`, `codeinput` and `matlabinput`: programs (capa reference, section 2.4).

use minijinja::context;
use serde_json::Value as Json;

use super::{InputState, Rendered, grader_message};
use crate::problem::python;
use crate::problem::sanitize::sanitized;
use crate::problem::tree::Node;
use crate::words::{Words, marked};

/// What learners read while an external grader works.
const SUBMITTED: &str = marked(
    "Your answer has been submitted. As soon as your submission is graded, this message will be \
     replaced with the grader's feedback.",
);

/// The same for Matlab.
const SUBMITTED_MATLAB: &str =
    marked("Submitted. As soon as a response is returned, this message will be replaced by that feedback.");

/// How many seconds a plot is waited for.
const PLOT_TIMEOUT: f64 = 35.0;

/// Returns the answer; without one, what the author put into the input.
fn value(node: &Node, state: &InputState) -> String {
    let value = python::printed(&state.value);
    let value = if value.is_empty() { node.text.trim().to_owned() } else { value };
    // Browsers drop the first line break of such a text.
    if value.starts_with('\n') { format!("\n{value}") } else { value }
}

/// Shows an answer that waits for its grader as queued; returns how long the queue was.
pub(super) fn wait(state: &mut InputState, submitted: &str) -> String {
    if state.status != "incomplete" {
        return "0".into();
    }
    state.status = "queued".into();
    std::mem::replace(&mut state.message, submitted.to_owned())
}

pub(super) fn render(node: &Node, state: &mut InputState, words: &Words) -> Rendered {
    let queue_length = wait(state, &words.gettext(SUBMITTED));
    state.message = grader_message(&state.message);
    let context = context! {
        value => value(node, state),
        queue_length,
        is_queued => state.status == "queued",
    };
    ("problem/textbox.html", context)
}

pub(super) fn render_matlab(node: &Node, state: &mut InputState, words: &Words) -> Rendered {
    let mut queue_length = wait(state, &words.gettext(SUBMITTED_MATLAB));
    let kept = |name: &str| state.kept.get(name).cloned().unwrap_or_default();
    let mut queue_message = String::new();
    if matches!(state.status.as_str(), "queued" | "incomplete" | "unsubmitted") {
        queue_message = sanitized(kept("queue_msg").as_str().unwrap_or_default());
    }
    if kept("queuestate") == "queued" {
        #[expect(clippy::cast_precision_loss, reason = "the times of this age are exact")]
        let now = state.now.timestamp_millis() as f64 / 1000.0;
        let is_late = kept("queuetime").as_f64().is_none_or(|since| now - since > PLOT_TIMEOUT);
        if is_late {
            state.status = "unsubmitted".into();
            state.message = words.gettext("No response from Xqueue within 35 seconds. Aborted.").into_owned();
            queue_length = "0".into();
        } else {
            state.status = "queued".into();
            state.message = words.gettext(SUBMITTED_MATLAB).into_owned();
            queue_length = "1".into();
        }
    }
    state.message = sanitized(&state.message);
    let context = context! {
        value => value(node, state),
        queue_length,
        queue_message,
        is_queued => state.status == "queued",
        can_plot => !matches!(state.status.as_str(), "correct" | "incorrect" | "partially-correct"),
    };
    ("problem/matlabinput.html", context)
}

/// Returns what the author adds to a plot for its grader.
pub(in crate::problem) fn plot_payload(node: &Node) -> Json {
    node.all("plot_payload").next().map_or(Json::Null, |payload| Json::from(payload.text.as_str()))
}
