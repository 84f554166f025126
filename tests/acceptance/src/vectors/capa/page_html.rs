//! The normal form of what the block's calls send to pages.

use std::collections::BTreeMap;

use xblock_core::olx::{Document, Element, FileName, Node, ParseOptions, Source};

use super::html::is_own;

/// Normalises markup as the vectors' README says; the inline script and the formula preview are left out.
pub(super) fn normalised(markup: &str) -> String {
    let markup = match markup.strip_prefix("<root>") {
        Some(_) => markup.to_owned(),
        None => format!("<root>{markup}</root>"),
    };
    let source = Source::new(FileName::from("markup"), markup.as_str().into());
    let document = match Document::parse_text(source, &ParseOptions::default()) {
        Ok(document) => document,
        Err(error) => return format!("not XML: {error:?}: {markup}"),
    };
    let mut out = String::new();
    write(&document.root, &mut out);
    out
}

/// Normalises a recorded page; without what it says of a submission where there was none.
pub(super) fn normalised_page(markup: &str, is_unanswered: bool) -> String {
    let page = normalised(markup);
    if !is_unanswered {
        return page;
    }
    let said = "\n<div {\"class\": \"notification general notification-submit\"";
    let next = "\n<div {\"class\": \"notification ";
    let Some(start) = page.find(said) else {
        return page;
    };
    let end = page[start + 1..].find(next).map_or(page.len(), |length| start + 1 + length);
    format!("{}{}", &page[..start], &page[end..])
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write(element: &Element, out: &mut String) {
    let class = element.get("class").unwrap_or_default();
    // The progress text is written by the platform's script, the preview of formulas is not part of these pages.
    let is_left_out = element.name == "script"
        || class == "script_placeholder"
        || (class == "equation" && element.get("id").is_some_and(|id| id.ends_with("_preview")));
    if is_left_out {
        return;
    }
    let attributes: BTreeMap<&str, String> = element
        .attributes
        .iter()
        .filter(|a| !is_own(element, &a.name, &a.value))
        .map(|a| (a.name.as_str(), collapsed(&a.value)))
        .collect();
    out.push_str(&format!("\n<{} {attributes:?}>", element.name));
    if class != "problem-progress" {
        let mut text = String::new();
        for child in element.children.iter().chain([&Node::text("")]) {
            match child {
                Node::Text(chars) | Node::CData(chars) => text.push_str(&chars.value),
                Node::Element(child) => {
                    out.push_str(&collapsed(&std::mem::take(&mut text)));
                    write(child, out);
                }
                _ => {}
            }
        }
        let text = collapsed(&text);
        // Where nothing was saved the platform writes Python's word for nothing into a hidden message.
        out.push_str(if text == "None" { "" } else { &text });
    }
    out.push_str(&format!("</{}>", element.name));
}

/// Shows where two normal forms part.
pub(super) fn parting(found: &str, expected: &str) -> Option<String> {
    let mut lines = found.lines().chain([""]).zip(expected.lines().chain([""]));
    lines
        .find(|(found, expected)| found != expected)
        .map(|(found, expected)| format!("{found}\n  expected {expected}"))
}
