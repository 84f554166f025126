//! `pdf`: a PDF document.

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::olx::PlainOlx;
use xblock_core::services::I18nService;

use crate::placeholder::placeholder_view;

/// A PDF document.
#[derive(XBlock)]
#[xblock(type = "pdf", olx = PlainOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(allow_download: Boolean = true, scope = content, display_name = "PDF Download Allowed",
    help = "Whether a button to download the document is shown.")]
#[field(display_name: Option<String> = "PDF", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
#[field(source_text: String = "", scope = content, display_name = "Source document button text",
    help = "What the link to the source document says.")]
#[field(source_url: String = "", scope = content, display_name = "Source document URL",
    help = "Where the source document can be downloaded.")]
#[field(url: String = "https://tutorial.math.lamar.edu/pdf/Trig_Cheat_Sheet.pdf", scope = content, display_name = "PDF URL",
    help = "Where the document is.")]
pub struct PdfBlock {
    fields: BlockFields,
}
