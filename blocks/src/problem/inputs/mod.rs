//! The inputs learners answer with (capa reference, sections 2.3 and 2.4). Each has a template of its own.

mod annotation;
mod attributes;
mod choice_group;
mod choice_text;
mod code;
mod drag_and_drop;
mod file;
mod image;
mod text;

use chrono::{DateTime, Utc};
use minijinja::Value;
use serde_json::Value as Json;

use self::attributes::{attribute, or_default};
use super::labels::Label;
use super::python;
use super::responses::{Input, split_options};
use super::sanitize::sanitized;
use super::tree::{Node, is_markup, markup, plain_text};
use crate::template::{self, context};
use crate::words::{Words, marked};

pub(super) use self::attributes::check;
pub(super) use self::code::plot_payload;
pub(super) use self::image::point as image_point;

/// What an input shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InputState {
    /// The learner's answer.
    pub(super) value: Json,
    /// What grading said; `unsubmitted` before.
    pub(super) status: String,
    /// HTML for the learner.
    pub(super) message: String,
    /// The variable an option is the value of.
    pub(super) answer_variable: Option<String>,
    /// What the input itself keeps.
    pub(super) kept: Json,
    /// The id of what names the input where it has no label of its own.
    pub(super) named_by: String,
    /// The present moment.
    pub(super) now: DateTime<Utc>,
}

impl Default for InputState {
    fn default() -> Self {
        Self {
            value: Json::String(String::new()),
            status: "unsubmitted".into(),
            message: String::new(),
            answer_variable: None,
            kept: Json::Null,
            named_by: String::new(),
            now: DateTime::UNIX_EPOCH,
        }
    }
}

/// A template, and what it shows beside what all inputs show.
type Rendered = (&'static str, Value);

/// Returns the style class, the name and the explanation of a status, in English.
fn status_texts(status: &str) -> (&str, &str, &'static str) {
    match status {
        "unsubmitted" | "unanswered" => ("unanswered", marked("unanswered"), NOT_YET),
        "incomplete" => ("incorrect", marked("incomplete"), NOT_YET),
        "queued" => ("processing", marked("processing"), marked("This answer is being processed.")),
        "correct" => ("correct", marked("correct"), marked("This answer is correct.")),
        "incorrect" => ("incorrect", marked("incorrect"), marked("This answer is incorrect.")),
        "partially-correct" => {
            ("partially-correct", marked("partially correct"), marked("This answer is partially correct."))
        }
        other => (other, other, ""),
    }
}

/// Returns the mark of a status, as it stands beside inputs.
pub(super) fn status_html(id: &str, status: &str, words: &Words) -> String {
    template::render("problem/status.html", words, context! { id, status => shown_status(status, words) })
}

fn shown_status(status: &str, words: &Words) -> Value {
    let (class, name, tooltip) = status_texts(status);
    // Catalogues keep what is said of themselves under the empty text.
    let tooltip = if tooltip.is_empty() { tooltip.into() } else { words.gettext(tooltip) };
    context! { class, name => words.gettext(name), tooltip }
}

const NOT_YET: &str = marked("Not yet answered.");

/// Renders an input.
pub(super) fn render(node: &Node, input: &Input, mut state: InputState, words: &Words) -> String {
    let (name, own) = match node.name.as_str() {
        "textline" => text::textline(node),
        "formulaequationinput" => text::formula_equation(node),
        "chemicalequationinput" => ("problem/chemicalequationinput.html", context! {}),
        "optioninput" => option_input(node, &state),
        "choicegroup" | "radiogroup" | "checkboxgroup" => choice_group::render(node, &state, words),
        "radiotextgroup" | "checkboxtextgroup" => choice_text::render(node, &state, words),
        "textbox" | "codeinput" => code::render(node, &mut state, words),
        "matlabinput" => code::render_matlab(node, &mut state, words),
        "filesubmission" => file::render(node, &mut state, words),
        "imageinput" => image::render(&state),
        "annotationinput" => annotation::render(node, &state, words),
        "drag_and_drop_input" => drag_and_drop::render(node),
        // These are a field for the answer beside the place where a page's script draws.
        "schematic" => ("problem/schematic.html", context! {}),
        "jsinput" => ("problem/jsinput.html", context! { title => or_default(node, "title", words) }),
        "crystallography" => ("problem/crystallography.html", context! {}),
        "vsepr_input" => ("problem/vsepr_input.html", context! {}),
        "designprotein2dinput" => ("problem/designprotein2dinput.html", context! {}),
        "editageneinput" => ("problem/editageneinput.html", context! {}),
        _ => return String::new(),
    };
    template::render(name, words, context! { ..own, ..common(node, input, &state, words) })
}

/// Collects what every input's template needs, its attributes among it.
fn common(node: &Node, input: &Input, state: &InputState, words: &Words) -> Value {
    let Label { label, descriptions, .. } = &input.label;
    let trailing_text = node.get("trailing_text").unwrap_or_default();
    let mut described_by = Vec::new();
    if !trailing_text.is_empty() {
        described_by.push(format!("trailing_text_{}", input.id));
    }
    described_by.push(format!("status_{}", input.id));
    described_by.extend(descriptions.iter().map(|(id, _)| id.clone()));
    let descriptions: Vec<Value> = descriptions.iter().map(|(id, html)| context! { id, html }).collect();
    let status = state.status.as_str();
    let is_wrapped =
        matches!(status, "unsubmitted" | "correct" | "incorrect" | "partially-correct" | "incomplete");
    context! {
        id => input.id.as_str(),
        value => python::printed(&state.value),
        label => label.as_str(),
        plain_label => plain_text(label),
        labelled_by => if label.is_empty() { state.named_by.as_str() } else { "" },
        descriptions,
        described_by => described_by.join(" "),
        status => shown_status(status, words),
        is_wrapped,
        is_wrapped_submitted => is_wrapped || status == "submitted",
        message => state.message.as_str(),
        trailing_text => markup(trailing_text),
        ..Value::from_pairs(attributes::all(node))
    }
}

fn option_input(node: &Node, state: &InputState) -> Rendered {
    let value = python::printed(&state.value);
    let options: Vec<Value> = split_options(attribute(node, "options"))
        .unwrap_or_default()
        .into_iter()
        .map(|option| {
            let selected = option == value || state.answer_variable.as_ref() == Some(&option);
            context! { text => option, selected }
        })
        .collect();
    let context = context! { options, inline => !attribute(node, "inline").is_empty() };
    ("problem/optioninput.html", context)
}

/// Returns what an external grader says as it may stand in a page: well-formed markup as it is, anything else with what is
/// open closed.
fn grader_message(message: &str) -> String {
    if is_markup(message) { message.to_owned() } else { sanitized(message) }
}

/// Tells whether there is no answer yet.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Null => true,
        _ => false,
    }
}
