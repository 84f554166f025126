//! The inputs learners answer with (capa reference, sections 2.3 and 2.4). Each has a template of its own.

use minijinja::Value;
use serde_json::Value as Json;

use super::python;
use super::responses::{Input, split_options};
use super::tree::{Node, markup};
use crate::template::{self, context};

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
    /// Whether the question can be answered.
    pub(super) is_answerable: bool,
    /// The id of what names the input where it has no label of its own.
    pub(super) named_by: String,
}

impl Default for InputState {
    fn default() -> Self {
        Self {
            value: Json::String(String::new()),
            status: "unsubmitted".into(),
            message: String::new(),
            answer_variable: None,
            is_answerable: true,
            named_by: String::new(),
        }
    }
}

/// Returns the style class, the name and the explanation of a status.
pub(super) fn status_texts(status: &str) -> (&str, &str, &'static str) {
    match status {
        "unsubmitted" | "unanswered" => ("unanswered", "unanswered", "Not yet answered."),
        "incomplete" => ("incorrect", "incomplete", "Not yet answered."),
        "queued" => ("processing", "processing", "This answer is being processed."),
        "correct" => ("correct", "correct", "This answer is correct."),
        "incorrect" => ("incorrect", "incorrect", "This answer is incorrect."),
        "partially-correct" => {
            ("partially-correct", "partially correct", "This answer is partially correct.")
        }
        other => (other, other, ""),
    }
}

/// Returns the mark of a status, as it stands beside inputs.
pub(super) fn status_html(id: &str, status: &str) -> String {
    let (class, name, tooltip) = status_texts(status);
    template::render("problem/status.html", context! { id, status => context! { class, name, tooltip } })
}

/// Renders an input; one whose question cannot be answered is left out.
pub(super) fn render(node: &Node, input: &Input, state: &InputState) -> String {
    if !state.is_answerable {
        return String::new();
    }
    match node.name.as_str() {
        "textline" => textline(node, input, state),
        "formulaequationinput" => formula_equation(node, input, state),
        "optioninput" => option_input(node, input, state),
        "choicegroup" | "radiogroup" | "checkboxgroup" => choice_group(node, input, state),
        _ => String::new(),
    }
}

/// Collects what every input's template needs.
fn common(input: &Input, state: &InputState, trailing_text: &str) -> Value {
    let (class, name, tooltip) = status_texts(&state.status);
    let mut described_by = Vec::new();
    if !trailing_text.is_empty() {
        described_by.push(format!("trailing_text_{}", input.id));
    }
    described_by.push(format!("status_{}", input.id));
    described_by.extend(input.label.descriptions.iter().map(|(id, _)| id.clone()));
    let descriptions: Vec<Value> =
        input.label.descriptions.iter().map(|(id, html)| context! { id, html }).collect();
    context! {
        id => input.id.as_str(),
        label => input.label.label.as_str(),
        labelled_by => if input.label.label.is_empty() { state.named_by.as_str() } else { "" },
        descriptions,
        described_by => described_by.join(" "),
        status => context! { class, name, tooltip },
        message => state.message.as_str(),
        trailing_text => markup(trailing_text),
    }
}

fn textline(node: &Node, input: &Input, state: &InputState) -> String {
    let some = |name| node.get(name).filter(|value| !value.is_empty());
    let trailing_text = node.get("trailing_text").unwrap_or_default();
    let is_math = some("math").is_some() || some("dojs").is_some();
    let preprocessor = match (node.get("preprocessorClassName"), node.get("preprocessorSrc")) {
        (Some(class), Some(src)) if is_math => Some(context! { class, src }),
        _ => None,
    };
    template::render(
        "problem/textline.html",
        context! {
            preprocessor,
            value => python::printed(&state.value),
            size => some("size"),
            hidden => some("hidden"),
            inline => some("inline").is_some(),
            math => is_math,
            ..common(input, state, trailing_text)
        },
    )
}

fn formula_equation(node: &Node, input: &Input, state: &InputState) -> String {
    let trailing_text = node.get("trailing_text").unwrap_or_default();
    template::render(
        "problem/formulaequationinput.html",
        context! {
            value => python::printed(&state.value),
            size => node.get("size").unwrap_or("20"),
            inline => node.get("inline").is_some_and(|inline| !inline.is_empty()),
            ..common(input, state, trailing_text)
        },
    )
}

fn option_input(node: &Node, input: &Input, state: &InputState) -> String {
    let value = python::printed(&state.value);
    let options: Vec<Value> = split_options(node.get("options").unwrap_or_default())
        .unwrap_or_default()
        .into_iter()
        .map(|option| {
            let selected = option == value || state.answer_variable.as_ref() == Some(&option);
            context! { text => option, selected }
        })
        .collect();
    template::render(
        "problem/optioninput.html",
        context! {
            options,
            inline => node.get("inline").is_some_and(|inline| !inline.is_empty()),
            ..common(input, state, "")
        },
    )
}

fn choice_group(node: &Node, input: &Input, state: &InputState) -> String {
    let (kind, suffix) = match node.name.as_str() {
        "choicegroup" => ("radio", ""),
        "radiogroup" => ("radio", "[]"),
        _ => ("checkbox", "[]"),
    };
    let shows_correctness = node.get("show_correctness").unwrap_or("always") != "never";
    let choices: Vec<Value> = node
        .all("choice")
        .map(|choice| {
            let name = choice.get("name").unwrap_or_default();
            context! {
                name,
                html => choice.inner_xml(),
                checked => is_chosen(&state.value, name, kind),
                marked => shows_correctness && is_contained(&state.value, name),
            }
        })
        .collect();
    let is_answered = state.status != "unsubmitted" || !is_empty(&state.value);
    template::render(
        "problem/choicegroup.html",
        context! {
            kind,
            suffix,
            choices,
            shows_correctness,
            submitted_message => markup(node.get("submitted_message").unwrap_or("Answer received.")),
            is_answered,
            ..common(input, state, "")
        },
    )
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Null => true,
        _ => false,
    }
}

fn is_chosen(value: &Json, name: &str, kind: &str) -> bool {
    match value {
        Json::String(text) => kind == "radio" && text == name || kind == "checkbox" && text.contains(name),
        Json::Array(items) => kind == "checkbox" && items.iter().any(|item| item == name),
        _ => false,
    }
}

/// Tells whether a choice is marked: a text marks every choice whose name stands in it.
fn is_contained(value: &Json, name: &str) -> bool {
    match value {
        Json::String(text) => text.contains(name),
        Json::Array(items) => items.iter().any(|item| item == name),
        _ => false,
    }
}
