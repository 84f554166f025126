//! What stands where a block cannot be shown natively: its name, its type, and that its content is kept.

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::olx::UnknownOlx;
use xblock_core::services::I18nService;

use crate::name;
use crate::template::{self, context};
use crate::words::Words;

/// A block of a type nobody registered. Its content is stored and exported as it came.
#[derive(XBlock)]
#[xblock(type = "unknown", olx = UnknownOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(data: String = "", scope = content, help = "The block's XML as it came.")]
pub struct UnknownBlock {
    fields: BlockFields,
}

/// Renders the placeholder view: an honest note with the block's name and type.
///
/// Types without a native view and types nobody registered are shown like this, in every view that shows a block to
/// somebody.
///
/// # Errors
/// [`BlockError::NoSuchView`] for views other than `student_view`, `public_view` and `author_view`.
pub fn placeholder_view(
    block: &dyn XBlock,
    view: &str,
    context: &dyn BlockContext,
) -> Result<Fragment, BlockError> {
    if !matches!(view, "student_view" | "public_view" | "author_view") {
        return Err(BlockError::NoSuchView { view: view.to_owned() });
    }
    let html = template::render(
        "placeholder.html",
        &Words::of(context),
        context! {
            name => name::shown(block.fields(), context.usage()),
            block_type => context.usage().block_type(),
        },
    );
    let mut fragment = Fragment::new(html);
    fragment.add_css(include_str!("placeholder.css"));
    Ok(fragment)
}
