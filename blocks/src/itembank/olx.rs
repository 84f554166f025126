//! Item banks and library content in OLX: settings and children.

use xblock_core::olx::{
    BlockSource, Body, CourseXml, Element, OlxConvention, OlxError, PointerChildren, Reading, WriteError,
    WriteHost, read_course_xml, write_sequence,
};
use xblock_core::runtime::BlockData;

/// How itembank and library_content stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ItemBankOlx;

impl OlxConvention for ItemBankOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_course_xml(self, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_sequence(block, host, node)?;
        Ok(true)
    }
}

impl CourseXml for ItemBankOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let children = reading.children(element, PointerChildren::Follow)?;
        Ok(Body { children, ..Body::default() })
    }
}
