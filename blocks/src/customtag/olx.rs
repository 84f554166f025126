//! Custom tags in OLX: the whole element is the block; old tags of their own become custom tags.

use xblock_core::olx::{
    BlockSource, DefinitionForm, Element, OlxConvention, OlxError, RawOlx, Reading, WriteError, WriteHost,
    XmlForm, read_course_xml, write_raw,
};
use xblock_core::runtime::BlockData;

/// How custom tags stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CustomTagOlx;

impl OlxConvention for CustomTagOlx {
    fn read(&self, mut element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        if element.name != "customtag" {
            let template = std::mem::replace(&mut element.name, "customtag".into());
            element.set("impl", template);
            let name = reading.name().to_owned();
            reading.rename("customtag", &name, element.position())?;
        }
        read_course_xml(&RawOlx, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_raw(block, host, XmlForm::INLINE, node)?;
        Ok(true)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::Attributes
    }
}
