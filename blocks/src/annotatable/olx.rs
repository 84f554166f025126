//! Annotatable texts in OLX: the whole element is the text.

use xblock_core::olx::{
    BlockSource, DefinitionForm, Element, EmptyRawOlx, OlxConvention, OlxError, Reading, WriteError,
    WriteHost,
};
use xblock_core::runtime::BlockData;

/// How annotatable texts stand in OLX: as other types that keep their element, but in definition files whole too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnnotatableOlx;

impl OlxConvention for AnnotatableOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        EmptyRawOlx.read(element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        EmptyRawOlx.write(block, host, node)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::WholeElement
    }
}
