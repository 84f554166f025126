//! `customtag`: a template of the course filled in with the element's attributes.

mod olx;

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::services::I18nService;

use self::olx::CustomTagOlx;
use crate::placeholder::placeholder_view;

/// A template of the course, filled in.
#[derive(XBlock)]
#[xblock(
    type = "customtag",
    aliases("videodev", "book", "slides", "image", "discuss"),
    olx = CustomTagOlx,
    view = placeholder_view,
    wants(dyn I18nService),
)]
#[field(data: String = "", scope = content, help = "The element as it came.")]
pub struct CustomTagBlock {
    fields: BlockFields,
}
