//! The outline of a course or of one of its chapters: what is in it, each chapter with its own contents.

use xblock_core::block::{BlockContext, XBlock};
use xblock_core::fragment::Fragment;

use crate::name;
use crate::template::{self, context};
use crate::words::Words;

/// Renders the block's name and a list of its children: chapters with their own outline, anything else as a link.
pub(crate) fn outline(block: &dyn XBlock, context: &dyn BlockContext, view: &str) -> Fragment {
    let mut fragment = Fragment::default();
    let mut items = Vec::new();
    for child in context.children() {
        if &*child.block_type == "chapter" {
            let rendered = context.render_child(&child.usage, view);
            fragment.add_resources_of(&rendered);
            items.push(context! { content => rendered.content });
        } else {
            items.push(context! {
                name => child.display_name,
                url => context.jump_url(child.usage.block_id()),
                icon => child.icon_class,
            });
        }
    }
    fragment.content = template::render(
        "outline.html",
        &Words::of(context),
        context! {
            name => name::shown(block.fields(), context.usage()),
            block_type => context.usage().block_type(),
            items,
        },
    );
    fragment.add_css(include_str!("outline.css"));
    fragment
}
