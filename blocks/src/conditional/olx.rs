//! Conditionals in OLX: attributes name the sources and what is asked of them, `<show>` names children elsewhere.

use xblock_core::fields::Json;
use xblock_core::olx::{
    BlockSource, Body, CourseXml, Element, Node, OlxConvention, OlxError, PointerChildren, Reading,
    WriteError, WriteHost, read_course_xml,
};
use xblock_core::runtime::BlockData;

use super::olx_write;

/// The attributes that can name the condition; the last one present counts.
const CONDITIONS: [&str; 5] = ["poll_answer", "submitted", "attempted", "correct", "voted"];

/// How conditionals stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConditionalOlx;

impl OlxConvention for ConditionalOlx {
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

impl CourseXml for ConditionalOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let mut body = Body::default();
        let mut shown = Vec::new();
        let mut children = Vec::new();
        let mut rest = element.clone();
        rest.children.clear();
        for node in &element.children {
            let Some(show) = node.as_element().filter(|e| e.name == "show") else {
                rest.children.push(node.clone());
                continue;
            };
            // What stands before it comes before it.
            self.read_children(&mut rest, reading, &mut children)?;
            for text in listed(show.get("sources").unwrap_or_default()) {
                let Some(usage) = reading.reference(text) else {
                    return Err(reading.refuse(show.position(), format!("{text:?} is no usage key")));
                };
                shown.push(Json::from(usage.to_string()));
                children.push(usage);
            }
        }
        self.read_children(&mut rest, reading, &mut children)?;
        body.set("show_tag_list", shown);
        for condition in CONDITIONS {
            if let Some(value) = element.get(condition) {
                body.set("conditional_attr", condition);
                body.set("conditional_value", value);
            }
        }
        body.set("conditional_message", element.get("message").unwrap_or_default());
        if let Some(sources) = element.get("sources") {
            body.set("sources_list", listed(sources).collect::<Vec<_>>());
            // They keep their old form: blocks of other courses may be meant.
            reading.keep_references("sources_list");
        }
        body.children = children;
        Ok(body)
    }
}

impl ConditionalOlx {
    fn read_children(
        self,
        rest: &mut Element,
        reading: &mut Reading<'_, '_>,
        children: &mut Vec<xblock_core::keys::UsageKey>,
    ) -> Result<(), OlxError> {
        children.extend(reading.children(rest, PointerChildren::Follow)?);
        rest.children.retain(|_: &Node| false);
        Ok(())
    }
}

/// Takes a list of keys apart.
pub(super) fn listed(sources: &str) -> impl Iterator<Item = &str> {
    sources.split(';').map(str::trim).filter(|text| !text.is_empty())
}
