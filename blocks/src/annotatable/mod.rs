//! `annotatable`: a text with annotated passages.

mod olx;

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::services::I18nService;

use crate::placeholder::placeholder_view;

use olx::AnnotatableOlx;

/// A text with annotated passages.
#[derive(XBlock)]
#[xblock(type = "annotatable", olx = AnnotatableOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(data: XmlString = "<annotatable><instructions><p>Read the passage and open the annotations.</p></instructions><p>A passage with an <annotation title=\"Example\" body=\"What the annotation says.\" highlight=\"yellow\">annotated phrase</annotation> in it.</p></annotatable>",
    scope = content, display_name = "XML Annotation", help = "The text with its annotations, as XML.")]
#[field(display_name: Option<String> = "Annotation", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
pub struct AnnotatableBlock {
    fields: BlockFields,
}
