//! Courses in OLX: chapters, with the wiki and the textbooks among them.

use serde_json::json;
use xblock_core::fields::Json;
use xblock_core::olx::{
    BlockSource, Body, CourseXml, Element, OlxConvention, OlxError, PointerChildren, Reading, WriteError,
    WriteHost, read_course_xml,
};
use xblock_core::runtime::BlockData;

use super::olx_write;

/// How courses stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CourseOlx;

impl OlxConvention for CourseOlx {
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

impl CourseXml for CourseOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let mut body = Body::default();
        let textbooks: Vec<Json> = element
            .elements()
            .filter(|e| e.name == "textbook")
            .map(|book| json!([book.get("title"), book.get("book_url")]))
            .collect();
        let wiki_slug = element.find("wiki").and_then(|wiki| wiki.get("slug"));
        body.set("textbooks", textbooks);
        body.set("wiki_slug", wiki_slug);
        if let Some(license) = element.get("license").filter(|license| !license.is_empty()) {
            body.set("license", license);
        }
        let is_block = |child: &Element| child.name != "textbook" && child.name != "wiki";
        body.children = reading.children_where(element, PointerChildren::Follow, is_block)?;
        Ok(body)
    }
}
