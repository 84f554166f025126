//! Item banks and library content in OLX: settings and children.

use xblock_core::olx::{
    Body, CourseXml, Element, OlxConvention, OlxError, PointerChildren, Reading, read_course_xml,
};
use xblock_core::runtime::BlockData;

/// How itembank and library_content stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ItemBankOlx;

impl OlxConvention for ItemBankOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_course_xml(self, element, reading)
    }
}

impl CourseXml for ItemBankOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let children = reading.children(element, PointerChildren::Follow)?;
        Ok(Body { children, ..Body::default() })
    }
}
