//! `annotationinput`: a remark on a passage and a tag for it (capa reference, section 2.4).

use minijinja::{Value, context};
use serde_json::Value as Json;

use super::{InputState, Rendered, status_texts};
use crate::problem::python;
use crate::problem::tree::{Node, markup};
use crate::words::Words;

pub(super) fn render(node: &Node, state: &InputState, words: &Words) -> Rendered {
    let text = |name: &str, default: &str| match node.all(name).next() {
        Some(child) => markup(&child.text),
        None => markup(default),
    };
    let value = match &state.value {
        Json::String(text) if text.is_empty() => "null".to_owned(),
        other => python::printed(other),
    };
    // What is no JSON, as anybody may post, is no annotation; the platform then cannot show the problem any more.
    let annotation: Json = serde_json::from_str(&value).unwrap_or_default();
    let comment = annotation.get("comment").and_then(Json::as_str).unwrap_or_default();
    let selected = annotation.get("options").and_then(Json::as_array).cloned().unwrap_or_default();
    let is_plain_status = status_texts(&state.status).0 == state.status;
    let options: Vec<Value> = node
        .all("options")
        .flat_map(|options| options.all("option"))
        .enumerate()
        .map(|(index, option)| {
            let is_verdict = !selected.is_empty()
                && is_plain_status
                && option.get("choice").is_some_and(|choice| choice == state.status);
            let is_selected = selected.iter().any(|item| python::index(item) == Some(index));
            context! { index, is_verdict, is_selected, description => markup(&option.text) }
        })
        .collect();
    let context = context! {
        value,
        options,
        title => text("title", &words.gettext("Annotation Exercise")),
        text => text("text", "None"),
        comment => text("comment", "None"),
        comment_prompt => text("comment_prompt", &words.gettext("Type a commentary below:")),
        tag_prompt => text("tag_prompt", &words.gettext("Select one tag:")),
        comment_value => comment,
    };
    ("problem/annotationinput.html", context)
}
