//! `library`: the root of a legacy content library; its components are its children.

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::olx::PlainOlx;
use xblock_core::services::I18nService;

use crate::name;
use crate::vertical::stack;

/// The root of a legacy content library.
#[derive(XBlock)]
#[xblock(
    type = "library",
    has_children,
    olx = PlainOlx,
    views(student_view, public_view = student_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[field(advanced_modules: List, scope = settings, display_name = "Advanced Module List", xml_node,
    help = "The block types beyond the usual ones that authors may add.")]
#[field(display_name: Option<String> = "Library", scope = settings, display_name = "Display Name",
    help = "The name of the library.")]
#[field(show_children_previews: Boolean = true, scope = user_state, display_name = "Hide children preview",
    help = "Whether the components are shown in the editor.")]
pub struct LibraryBlock {
    fields: BlockFields,
}

impl LibraryBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(stack(Some(name::shown(&self.fields, context.usage())), context, "student_view"))
    }
}
