//! `library_content`: a selection from a legacy library, copied into the course as children.

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::olx::SequenceOlx;
use xblock_core::services::I18nService;

use crate::itembank::{HasSelectionFields, SelectionFields};
use crate::vertical::stack;

/// A selection from a legacy library.
#[derive(XBlock)]
#[xblock(
    type = "library_content",
    has_children,
    completion = aggregator,
    olx = SequenceOlx,
    views(student_view, public_view = student_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[fields(SelectionFields)]
#[field(capa_type: String = "any", scope = settings, display_name = "Problem Type",
    help = "The kind of problems to choose from: a response tag, or any.")]
#[field(display_name: Option<String> = "Randomized Content Block", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
#[field(is_migrated_to_v2: Boolean = false, scope = settings, hidden,
    help = "Whether the library it chooses from was replaced by one of the new kind.")]
#[field(manual: Boolean = false, scope = settings, hidden,
    help = "Whether the children were chosen by hand; kept for content of the versions that had it.")]
#[field(source_library_id: Option<String>, scope = settings, display_name = "Library",
    help = "The key of the library.")]
#[field(source_library_version: Option<String>, scope = settings, display_name = "Library Version",
    help = "The version of the library the children were copied from.")]
pub struct LibraryContentBlock {
    fields: BlockFields,
}

impl LibraryContentBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(stack(None, context, "student_view"))
    }
}
