//! Writes a poll: the question as text, an element for each answer.

use xblock_core::fields::Json;
use xblock_core::olx::{BlockSource, Element, Node, WriteError, WriteHost, XmlForm, write_xml};

/// Writes a poll.
///
/// # Errors
/// [`WriteError::File`].
pub(crate) fn write(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> Result<(), WriteError> {
    let mut xml = Element::new("poll_question");
    if let Some(question) = block.text("question").filter(|question| !question.is_empty()) {
        xml.children.push(Node::text(&*question));
    }
    for answer in block.own("answers").and_then(Json::as_array).into_iter().flatten() {
        let (Some(id), Some(text)) = (answer["id"].as_str(), answer["text"].as_str()) else {
            host.warn("inexact-value", block.usage, "an answer without id or text is left out");
            continue;
        };
        let mut element = Element::new("answer");
        element.set("id", id);
        element.children.push(Node::text(text));
        xml.children.push(Node::from(element));
    }
    if xml.elements().next().is_none() {
        host.warn("inexact-value", block.usage, "it has no answers, without which it is read as an error");
    }
    write_xml(block, host, xml, XmlForm::with_content(&["question", "answers"]), node)
}
