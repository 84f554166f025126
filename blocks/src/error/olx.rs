//! Error blocks in OLX: an `<error>` element holds the XML that could not be read and why.

use xblock_core::olx::{BlockSource, Element, OlxConvention, OlxError, Reading, WriteError, WriteHost};
use xblock_core::runtime::BlockData;

use super::olx_write;

/// How error blocks stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorOlx;

impl OlxConvention for ErrorOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        let contents = element.text().unwrap_or_default().into_owned();
        let message = element.find("error_msg").and_then(|e| e.text().map(std::borrow::Cow::into_owned));
        reading.rename("error", &Reading::content_id(&contents), element.position())?;
        let mut data = BlockData::default();
        data.content.insert("contents".into(), contents.into());
        data.content
            .insert("error_msg".into(), message.unwrap_or_else(|| "Error not available".into()).into());
        Ok(data)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        olx_write::write(block, host, node);
        Ok(true)
    }
}
