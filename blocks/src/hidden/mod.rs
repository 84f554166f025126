//! `hidden`: content of a type nobody knows, kept from learners.

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::olx::RawOlx;
use xblock_core::services::I18nService;

use crate::placeholder::placeholder_view;

/// Content that learners do not see.
#[derive(XBlock)]
#[xblock(
    type = "hidden",
    completion = excluded,
    olx = RawOlx,
    views(student_view, public_view = student_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[field(data: String = "", scope = content, help = "The block's XML as it came.")]
pub struct HiddenBlock {
    fields: BlockFields,
}

impl HiddenBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        if context.user().is_some_and(|user| user.is_staff) {
            return placeholder_view(self, "student_view", context);
        }
        Ok(Fragment::default())
    }
}
