//! `vertical` and `wrapper`: blocks one below the other.

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::olx::VerticalOlx;
use xblock_core::services::I18nService;

use crate::name;
use crate::sequential::{HasSequenceFields, SequenceFields};
use crate::template::{self, context};
use crate::words::Words;

/// A unit of a course.
#[derive(XBlock)]
#[xblock(
    type = "vertical",
    aliases("unit"),
    has_children,
    completion = aggregator,
    olx = VerticalOlx,
    views(student_view, public_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[fields(SequenceFields)]
#[field(discussion_enabled: Boolean = true, scope = settings, display_name = "Enable in-context discussions for the Unit",
    help = "Whether the unit has a discussion beside it.")]
pub struct VerticalBlock {
    fields: BlockFields,
}

impl VerticalBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(unit(self, context, "student_view"))
    }

    fn public_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(unit(self, context, "public_view"))
    }
}

/// A vertical under its oldest name.
#[derive(XBlock)]
#[xblock(
    type = "wrapper",
    has_children,
    completion = aggregator,
    olx = VerticalOlx,
    views(student_view, public_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[fields(SequenceFields)]
#[field(discussion_enabled: Boolean = true, scope = settings, display_name = "Enable in-context discussions for the Unit",
    help = "Whether the unit has a discussion beside it.")]
pub struct WrapperBlock {
    fields: BlockFields,
}

impl WrapperBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(unit(self, context, "student_view"))
    }

    fn public_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(unit(self, context, "public_view"))
    }
}

/// Renders a block's children one below the other, under its name.
fn unit(block: &dyn XBlock, context: &dyn BlockContext, view: &str) -> Fragment {
    stack(Some(name::shown(block.fields(), context.usage())), context, view)
}

/// Renders a block's children one below the other, under a heading where one is given.
pub(crate) fn stack(heading: Option<String>, context: &dyn BlockContext, view: &str) -> Fragment {
    let mut fragment = Fragment::default();
    let mut items = Vec::new();
    for child in context.children() {
        let rendered = context.render_child(&child.usage, view);
        fragment.add_resources_of(&rendered);
        items.push(context! { id => child.usage.to_string(), content => rendered.content });
    }
    fragment.content =
        template::render("vertical.html", &Words::of(context), context! { name => heading, items });
    fragment.add_css(include_str!("vertical.css"));
    fragment
}
