//! `error`: stands for a block that could not be read, and keeps what there was of it.

mod olx;
mod olx_write;

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::services::I18nService;

use self::olx::ErrorOlx;
use crate::name;
use crate::template::{self, context};
use crate::words::Words;

/// A block that could not be read.
#[derive(XBlock)]
#[xblock(
    type = "error",
    olx = ErrorOlx,
    views(student_view, public_view = student_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[field(contents: Option<String>, scope = content, help = "What there was of the block.")]
#[field(display_name: Option<String>, scope = settings, display_name = "Display Name", help = "The name of the block.")]
#[field(error_msg: Option<String>, scope = content, help = "Why it could not be read.")]
pub struct ErrorBlock {
    fields: BlockFields,
}

impl ErrorBlock {
    /// Tells staff what is wrong, and learners that something is.
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let is_staff = context.user().is_some_and(|user| user.is_staff);
        let words = Words::of(context);
        let error = self.error_msg()?.map(|text| text.to_string());
        let error = error.unwrap_or_else(|| words.gettext("Error not available").into_owned());
        let html = template::render(
            "error.html",
            &words,
            context! {
                name => name::shown(self.fields(), context.usage()),
                is_staff,
                error,
                contents => self.contents()?.as_deref().unwrap_or_default(),
            },
        );
        let mut fragment = Fragment::new(html);
        fragment.add_css(include_str!("../placeholder/placeholder.css"));
        Ok(fragment)
    }
}
