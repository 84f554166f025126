//! Content experiments in OLX: children, and attributes that say which group sees which.

use xblock_core::fields::Json;
use xblock_core::olx::{
    BlockSource, Body, CourseXml, Element, Fidelity, OlxConvention, OlxError, PointerChildren, Reading,
    WriteError, WriteHost, read_course_xml,
};
use xblock_core::runtime::BlockData;

use super::olx_write;

/// How content experiments stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SplitTestOlx;

impl OlxConvention for SplitTestOlx {
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

impl CourseXml for SplitTestOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let Some(groups) = element.attribute("group_id_to_child") else {
            return Err(
                reading.refuse(element.position(), "a split_test needs the attribute group_id_to_child")
            );
        };
        let Ok(map @ Json::Object(_)) = serde_json::from_str(&groups.value) else {
            let reason = "group_id_to_child must be a JSON object of group ids and usage keys";
            return Err(reading.refuse(groups.position(), reason));
        };
        let mut body = Body::default();
        body.set("group_id_to_child", map);
        if let Some(attribute) = element.attribute("user_partition_id") {
            // What is no number was written as JSON.
            let value = match serde_json::from_str(&attribute.value) {
                Ok(value @ (Json::Null | Json::String(_))) => value,
                _ => Json::from(attribute.value.as_str()),
            };
            let value = match reading.block_type().field("user_partition_id").copied() {
                Some(spec) => reading.stored(&spec, value, attribute.position()),
                None => value,
            };
            body.set("user_partition_id", value);
        } else if reading.fidelity() == Fidelity::LoseNothing
            && let Some(spec) = reading.block_type().field("user_partition_id")
            && let Ok(value) = spec.default_json()
        {
            // It is always written, for the platform takes a missing one for a number.
            body.set("user_partition_id", value);
        }
        body.children = reading.children(element, PointerChildren::Follow)?;
        Ok(body)
    }
}
