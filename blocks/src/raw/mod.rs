//! `raw` and `custom_tag_template`: XML that is kept as it came.

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::olx::RawOlx;
use xblock_core::services::I18nService;

use crate::placeholder::placeholder_view;

/// XML that is kept as it came.
#[derive(XBlock)]
#[xblock(type = "raw", olx = RawOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(data: String = "", scope = content, help = "The XML.")]
pub struct RawBlock {
    fields: BlockFields,
}

/// A template that `customtag` fills in.
#[derive(XBlock)]
#[xblock(type = "custom_tag_template", detached, olx = RawOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(data: String = "", scope = content, help = "The template.")]
pub struct CustomTagTemplateBlock {
    fields: BlockFields,
}
