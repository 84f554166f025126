//! When two problems mean the same: the same markup in the same order and the same questions, whatever the blanks.

use xblock_core::olx::{Document, Element, FileName, Node, ParseOptions, Source};

/// Markup for reading. Beside a question it says what it says inside of it, before the first and after the last of its own
/// elements, which is where the editor moves it.
const READING: [&str; 30] = [
    "a",
    "article",
    "b",
    "blockquote",
    "br",
    "center",
    "code",
    "div",
    "dl",
    "em",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "iframe",
    "img",
    "ol",
    "p",
    "pre",
    "section",
    "solution",
    "span",
    "strong",
    "table",
    "ul",
];

/// Elements beside whose text blanks mean nothing.
const APART: [&str; 4] = ["choicehint", "optionhint", "correcthint", "compoundhint"];

/// A problem reduced to what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Element { name: String, attributes: Vec<(String, String)>, children: Vec<Meaning> },
    Text(String),
    Other(String),
}

/// Reads a problem.
///
/// # Errors
/// The line and the parser's words where it is no XML.
pub(super) fn parse(xml: &str) -> Result<Element, (u32, String)> {
    let source = Source::new(FileName::from("problem.xml"), xml.into());
    let parsed = Document::parse_text(source, &ParseOptions::default());
    parsed.map(|document| document.root).map_err(|error| (error.position.line, error.kind.to_string()))
}

/// Says what a problem means. Attributes of its root are settings and no part of it.
pub(super) fn of_problem(problem: &Element) -> Vec<Meaning> {
    let mut out = Vec::new();
    for child in children(problem) {
        match child {
            Meaning::Element { name, attributes, mut children }
                if super::single_response::RESPONSES.contains(&name.as_str()) =>
            {
                let is_reading = |node: &Meaning| matches!(node, Meaning::Element { name, .. } if READING.contains(&name.as_str()));
                let first = children.iter().position(|node| !is_reading(node)).unwrap_or(children.len());
                let after =
                    children.iter().rposition(|node| !is_reading(node)).map_or(first, |last| last + 1);
                let behind = children.split_off(after);
                let own = children.split_off(first);
                out.extend(children);
                out.push(Meaning::Element { name, attributes, children: own });
                out.extend(behind);
            }
            other => out.push(other),
        }
    }
    out
}

fn of(element: &Element, keeps_blanks: bool) -> Meaning {
    let keeps_blanks = keeps_blanks || matches!(&*element.name, "pre" | "script");
    let mut attributes: Vec<(String, String)> = element
        .attributes
        .iter()
        .map(|a| {
            // Correct is read whatever the case of its letters.
            let value = if &*a.name == "correct" && matches!(&*element.name, "choice" | "option") {
                a.value.to_lowercase()
            } else {
                a.value.to_string()
            };
            (a.name.to_string(), value)
        })
        .collect();
    attributes.sort();
    let children = if keeps_blanks { whole_children(element) } else { children(element) };
    Meaning::Element { name: element.name.to_string(), attributes, children }
}

fn whole_children(element: &Element) -> Vec<Meaning> {
    let mut out: Vec<Meaning> = element.children.iter().map(|node| node_of(node, true)).collect();
    // The editor puts an end of a line before a closing tag.
    if out.len() > 1 && matches!(out.last(), Some(Meaning::Text(text)) if text.trim().is_empty()) {
        out.pop();
    }
    out
}

fn children(element: &Element) -> Vec<Meaning> {
    let has_text = element.children.iter().filter_map(Node::as_text).any(|text| !text.trim().is_empty());
    let nodes: Vec<Meaning> = element.children.iter().map(|node| node_of(node, false)).collect();
    let is_apart = |node: Option<&Meaning>| match node {
        None => true,
        Some(Meaning::Element { name, .. }) => APART.contains(&name.as_str()),
        Some(_) => false,
    };
    let mut out = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let Meaning::Text(text) = node else {
            out.push(node.clone());
            continue;
        };
        let mut text = text.as_str();
        if at == 0 || is_apart(nodes.get(at - 1)) {
            text = text.trim_start();
        }
        if is_apart(nodes.get(at + 1)) {
            text = text.trim_end();
        }
        // Between elements alone blanks only lay out the file.
        if !text.is_empty() && (has_text || !text.trim().is_empty()) {
            out.push(Meaning::Text(text.to_owned()));
        }
    }
    out
}

fn node_of(node: &Node, keeps_blanks: bool) -> Meaning {
    match node {
        Node::Element(element) => of(element, keeps_blanks),
        Node::Text(chars) | Node::CData(chars) if keeps_blanks => Meaning::Text(chars.value.to_string()),
        Node::Text(chars) | Node::CData(chars) => Meaning::Text(super::from_xml::collapsed(&chars.value)),
        Node::Comment(chars) => Meaning::Other(chars.value.to_string()),
        Node::ProcessingInstruction(instruction) => Meaning::Other(instruction.target.to_string()),
    }
}
