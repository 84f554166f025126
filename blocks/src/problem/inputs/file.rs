//! `filesubmission`: files (capa reference, section 2.4).

use minijinja::context;
use serde_json::Value as Json;

use super::code::wait;
use super::{InputState, Rendered, grader_message};
use crate::problem::tree::Node;
use crate::problem::{json_text, python};
use crate::words::{Words, marked};

const SUBMITTED: &str = marked(
    "Your files have been submitted. As soon as your submission is graded, this message will be \
     replaced with the grader's feedback.",
);

pub(super) fn render(node: &Node, state: &mut InputState, words: &Words) -> Rendered {
    let queue_length = wait(state, &words.gettext(SUBMITTED));
    state.message = grader_message(&state.message);
    let names = |attribute: &str| match node.get(attribute) {
        Some(names) => json_text::dumps(&names.split_whitespace().collect::<Json>()),
        None => "[]".into(),
    };
    let context = context! {
        value => python::printed(&state.value),
        queue_length,
        is_queued => state.status == "queued",
        raw_status => state.status.as_str(),
        required_files => names("required_files"),
        allowed_files => names("allowed_files"),
    };
    ("problem/filesubmission.html", context)
}
