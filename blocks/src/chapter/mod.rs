//! `chapter`: a section of a course; its sequentials are its children.

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::olx::SequenceOlx;
use xblock_core::services::I18nService;

use crate::outline::outline;
use crate::sequential::{HasProctoringFields, HasSequenceFields, ProctoringFields, SequenceFields};

/// A section of a course.
#[derive(XBlock)]
#[xblock(
    type = "chapter",
    has_children,
    completion = aggregator,
    olx = SequenceOlx,
    views(student_view, public_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[fields(SequenceFields, ProctoringFields)]
#[field(highlights: List, scope = settings, display_name = "Highlights",
    help = "What the section is about, for the mails that announce it.")]
pub struct ChapterBlock {
    fields: BlockFields,
}

impl ChapterBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(outline(self, context, "student_view"))
    }

    fn public_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(outline(self, context, "public_view"))
    }
}
