//! `course`: the root of a course; its chapters are its children.

mod fields;
mod olx;
mod olx_write;

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::services::I18nService;

use self::olx::CourseOlx;
use crate::outline::outline;
use crate::sequential::{HasProctoringFields, HasSequenceFields, ProctoringFields, SequenceFields};

pub use fields::{CourseFields, HasCourseFields};

/// The root of a course.
#[derive(XBlock)]
#[xblock(
    type = "course",
    has_children,
    completion = aggregator,
    olx = CourseOlx,
    views(student_view, public_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[fields(SequenceFields, ProctoringFields, CourseFields)]
pub struct CourseBlock {
    fields: BlockFields,
}

impl CourseBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(outline(self, context, "student_view"))
    }

    fn public_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(outline(self, context, "public_view"))
    }
}
