//! Markup in the normal form of the vectors' README, one element a line.

use std::collections::BTreeMap;

use xblock_core::olx::{Document, Element, FileName, Node, ParseOptions, Source};

/// Brings markup into its normal form: sorted attributes, white space collapsed, comments dropped; none where it is no
/// XML.
pub(super) fn normalised(markup: &str) -> Option<String> {
    let source = Source::new(FileName::from("markup"), markup.into());
    let document = Document::parse_text(source, &ParseOptions::default()).ok()?;
    let mut out = String::new();
    write(&document.root, &mut out);
    Some(out)
}

/// Brings a message into its normal form; one that is no XML only loses its blanks.
pub(super) fn message(markup: &str) -> String {
    if markup.is_empty() {
        return String::new();
    }
    normalised(&format!("<m>{markup}</m>"))
        .unwrap_or_else(|| markup.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Shows where two normal forms part.
pub(super) fn difference(what: &str, found: &str, expected: &str) -> String {
    let lines = found.lines().chain([""]).zip(expected.lines().chain([""]));
    let parting = lines.into_iter().find(|(found, expected)| found != expected).unwrap_or((found, expected));
    format!("{what}: {} for {}", parting.0, parting.1)
}

fn collapsed(text: &str) -> String {
    text.split([' ', '\t', '\r', '\n', '\u{c}', '\u{b}'])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn write(element: &Element, out: &mut String) {
    let class = element.get("class").unwrap_or_default();
    // One script of this runtime serves all inputs of a page (docs/differences.md, "places for scripts"). A place for a
    // script holds the input where the platform read unclosed markup of its own.
    if class == "script_placeholder" {
        return element.elements().for_each(|child| write(child, out));
    }
    let is_spinner = &*element.name == "img" && class == "loading";
    let is_script = &*element.name == "script" && element.get("type") == Some("text/javascript");
    if is_spinner || is_script {
        return;
    }
    let attributes: BTreeMap<&str, String> = element
        .attributes
        .iter()
        .filter(|attribute| !is_own(element, &attribute.name, &attribute.value))
        .map(|attribute| {
            let is_list = ["class", "style", "aria-describedby"].contains(&&*attribute.name);
            let value = if is_list { collapsed(&attribute.value) } else { attribute.value.to_string() };
            (attribute.name.as_str(), value)
        })
        .collect();
    out.push_str(&format!("\n<{} {attributes:?}>", element.name));
    let keeps_blanks = ["pre", "textarea", "script", "style"].contains(&&*element.name);
    let mut text = String::new();
    for child in &element.children {
        match child {
            Node::Text(chars) | Node::CData(chars) => text.push_str(&chars.value),
            Node::Element(child) => {
                flush(&mut text, keeps_blanks, out);
                write(child, out);
            }
            _ => {}
        }
    }
    flush(&mut text, keeps_blanks, out);
    out.push_str(&format!("</{}>", element.name));
}

/// Tells what this runtime writes otherwise than the platform (docs/differences.md, rows on problem HTML): names of fields
/// for screen readers, what a learner typed into choices, and the mark on pictures, which needs no file.
pub(super) fn is_own(element: &Element, name: &str, value: &str) -> bool {
    let class = element.get("class").unwrap_or_default();
    match name {
        "aria-label" => {
            let is_hidden = element.get("style").is_some_and(|style| style.contains("display:none"));
            value.is_empty() || is_hidden || ["select", "textarea"].contains(&&*element.name)
        }
        // The platform refers to labels that are not there, and gives some ids twice.
        "aria-describedby" => class == "message" || &*element.name == "targetedfeedback",
        "id" => value.starts_with("status_") && &*element.name == "div" || value.ends_with("_prompt"),
        "aria-hidden" => &*element.name == "canvas",
        // The field the label names is that of the page, not of the platform's editor.
        "for" => value.starts_with("cm-textarea-") || class.contains("problem-group-label"),
        "aria-labelledby" => {
            let is_field = ["input", "select", "fieldset", "textarea"].contains(&&*element.name);
            let is_heading =
                value.ends_with("-problem-title") || value.starts_with("multiinput-group-label-");
            is_field && is_heading || value.starts_with("forinput") || value.ends_with("_prompt")
        }
        "value" => class == "choicetextvalue" || (class == "ctinput" && element.get("type") == Some("text")),
        "src" => element.get("id").is_some_and(|id| id.starts_with("cross_")),
        _ => false,
    }
}

fn flush(text: &mut String, keeps_blanks: bool, out: &mut String) {
    let text = std::mem::take(text);
    out.push_str(&if keeps_blanks { text } else { collapsed(&text) });
}
