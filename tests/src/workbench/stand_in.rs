//! What stands in for blocks of other types beside the one under test.

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::olx::UnknownOlx;

/// A block of any type: its `data` is HTML, and its children stand below it.
#[derive(XBlock)]
#[xblock(type = "stand_in", has_children, olx = UnknownOlx, view = show)]
#[field(data: String = "", scope = content, display_name = "HTML", help = "What the block shows.")]
pub struct StandIn {
    fields: BlockFields,
}

fn show(block: &dyn XBlock, view: &str, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
    if !matches!(view, "student_view" | "public_view" | "author_view") {
        return Err(BlockError::NoSuchView { view: view.to_owned() });
    }
    let mut fragment = Fragment::new(block.fields().str("data")?.to_string());
    // A parent that shows the block has to carry this along.
    fragment.add_css(".stand-in { display: block; }");
    for child in context.children() {
        let rendered = context.render_child(&child.usage, view);
        fragment.add_resources_of(&rendered);
        fragment.add_content(&rendered.content);
    }
    Ok(fragment)
}
