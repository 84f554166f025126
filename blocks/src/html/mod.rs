//! `html` and its relatives `about`, `static_tab` and `course_info`: HTML as its author wrote it.

mod keywords;
mod olx;
mod olx_write;

use xblock_core::block::{BlockContext, BlockError, FieldGroup, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;

use self::olx::HtmlOlx;
pub(crate) use self::olx::inner_markup;
use crate::rewrite;

/// The fields of the HTML family (blocks reference, section 7.1).
#[derive(FieldGroup)]
#[field(data: String = "", scope = content, display_name = "Text", help = "The HTML.")]
#[field(display_name: Option<String> = "Text", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
#[field(editor: String = "visual", scope = settings, display_name = "Editor",
    values = {"Visual": "visual", "Raw": "raw"}, help = "Which editor authors use for the text.")]
#[field(source_code: Option<String>, scope = settings, display_name = "LaTeX source", hidden,
    help = "The LaTeX source the text was made from.")]
#[field(upstream_data: Option<String> = null, scope = content, enforce_type, hidden,
    help = "The text of the library block this one was copied from.")]
#[field(use_latex_compiler: Boolean = false, scope = settings, display_name = "Enable LaTeX Compiler",
    help = "Whether the editor offers the LaTeX compiler.")]
#[derive(Debug, Clone, Copy)]
pub struct HtmlFields;

/// A text.
#[derive(XBlock)]
#[xblock(type = "html", olx = HtmlOlx, views(student_view, public_view = student_view, author_view = student_view))]
#[fields(HtmlFields)]
pub struct HtmlBlock {
    fields: BlockFields,
}

impl HtmlBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        text(self, context)
    }
}

/// A text about a course, shown outside it.
#[derive(XBlock)]
#[xblock(
    type = "about",
    detached,
    olx = HtmlOlx,
    views(student_view, public_view = student_view, author_view = student_view),
)]
#[fields(HtmlFields)]
#[field(display_name: Option<String> = "overview", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
pub struct AboutBlock {
    fields: BlockFields,
}

impl AboutBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        text(self, context)
    }
}

/// A page of a course outside its sequence.
#[derive(XBlock)]
#[xblock(
    type = "static_tab",
    detached,
    olx = HtmlOlx,
    views(student_view, public_view = student_view, author_view = student_view),
)]
#[fields(HtmlFields)]
#[field(course_staff_only: Boolean = false, scope = settings, display_name = "Hide Page From Learners",
    help = "Whether only staff see the page.")]
#[field(data: String = "<p>Add the content you want students to see on this page.</p>\n", scope = content,
    display_name = "Text", help = "The HTML.")]
#[field(display_name: Option<String> = "Empty", scope = settings, display_name = "Display Name",
    help = "The name of the page.")]
pub struct StaticTabBlock {
    fields: BlockFields,
}

impl StaticTabBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        text(self, context)
    }
}

/// The updates or handouts of a course.
#[derive(XBlock)]
#[xblock(
    type = "course_info",
    detached,
    olx = HtmlOlx,
    views(student_view, public_view = student_view, author_view = student_view),
)]
#[fields(HtmlFields)]
#[field(data: String = "<ol></ol>", scope = content, display_name = "Text", help = "The HTML.")]
#[field(items: List = [], scope = content, help = "The updates, each with id, date, content and status.")]
pub struct CourseInfoBlock {
    fields: BlockFields,
}

impl CourseInfoBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        text(self, context)
    }
}

/// Renders a block's `data`: keywords put in, addresses made real, everything else as its author wrote it.
fn text(block: &dyn XBlock, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
    let data = block.fields().str("data")?;
    let html = keywords::substitute(&data, context);
    Ok(Fragment::new(rewrite::addresses(&html, block.fields(), context)?))
}
