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
    // Inputs without a label are named by the question or the problem here; the platform leaves them without a name
    // (docs/differences.md, "inputs without a label").
    let is_own_name = |name: &str, value: &str| {
        name == "aria-labelledby"
            && (value.ends_with("-problem-title") || value.starts_with("multiinput-group-label-"))
            && !value.is_empty()
            && &*element.name != "div"
    };
    let attributes: BTreeMap<&str, String> = element
        .attributes
        .iter()
        .filter(|attribute| !is_own_name(&attribute.name, &attribute.value))
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

fn flush(text: &mut String, keeps_blanks: bool, out: &mut String) {
    let text = std::mem::take(text);
    out.push_str(&if keeps_blanks { text } else { collapsed(&text) });
}
