//! Polls in OLX: the question as markup, the answers as elements in it.

use serde_json::json;
use xblock_core::olx::{
    BlockSource, Body, CourseXml, Element, Fidelity, OlxConvention, OlxError, Reading, Severity, WriteError,
    WriteHost, read_course_xml,
};
use xblock_core::runtime::BlockData;

use super::olx_write;

use crate::html::inner_markup;

/// How polls stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PollQuestionOlx;

impl OlxConvention for PollQuestionOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_course_xml(self, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        olx_write::write(block, host, node)?;
        Ok(true)
    }
}

impl CourseXml for PollQuestionOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let mut question = element.clone();
        question.children.clear();
        let mut answers = Vec::new();
        let mut has_answers = false;
        let is_strict = reading.fidelity() == Fidelity::Platform;
        let mut nodes = element.children.iter().peekable();
        while let Some(node) = nodes.next() {
            let Some(answer) = node.as_element().filter(|e| e.name == "answer") else {
                question.children.push(node.clone());
                continue;
            };
            has_answers = true;
            if let Some(id) = answer.get("id").filter(|id| !id.is_empty()) {
                answers.push(json!({ "id": id, "text": inner_markup(answer) }));
            } else if !is_strict {
                let message = "an <answer> without an id is left out";
                reading.report("invalid-value", Severity::Warning, answer, message);
            }
            // The text behind an answer goes with it.
            while nodes.next_if(|node| node.as_text().is_some()).is_some() {}
        }
        // A poll that lost all its answers could not be read again.
        if !has_answers || answers.is_empty() && !is_strict {
            return Err(reading.refuse(element.position(), "a poll_question needs at least one <answer>"));
        }
        let mut body = Body::default();
        body.set("question", inner_markup(&question));
        body.set("answers", answers);
        Ok(body)
    }
}
