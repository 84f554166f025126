//! Native XBlocks: html, video, problem and the containers.
//!
//! Each folder is one block type with its fields, views, templates and OLX form; [`registry`] has them all.

mod annotatable;
mod chapter;
pub mod chemistry;
mod conditional;
mod course;
mod customtag;
mod discussion;
mod error;
mod escape;
mod form;
pub mod formula;
mod hidden;
mod html;
mod itembank;
mod library;
mod library_content;
mod lti;
mod name;
mod outline;
mod pdf;
mod placeholder;
mod poll_question;
pub mod problem;
mod randomize;
mod raw;
mod registry;
mod rewrite;
mod sequential;
mod setting;
mod split_test;
mod template;
mod vertical;
mod video;
mod word_cloud;
pub mod words;

pub use annotatable::AnnotatableBlock;
pub use chapter::ChapterBlock;
pub use conditional::ConditionalBlock;
pub use course::{CourseBlock, CourseFields, HasCourseFields};
pub use customtag::CustomTagBlock;
pub use discussion::DiscussionBlock;
pub use error::ErrorBlock;
pub use hidden::HiddenBlock;
pub use html::{AboutBlock, CourseInfoBlock, HasHtmlFields, HtmlBlock, HtmlFields, StaticTabBlock};
pub use itembank::{HasSelectionFields, ItemBankBlock, SelectionFields};
pub use library::LibraryBlock;
pub use library_content::LibraryContentBlock;
pub use lti::LtiBlock;
pub use pdf::PdfBlock;
pub use placeholder::{UnknownBlock, placeholder_view};
pub use poll_question::PollQuestionBlock;
pub use problem::{PROBLEM_CODES, ProblemBlock, check_problem};
pub use randomize::RandomizeBlock;
pub use raw::{CustomTagTemplateBlock, RawBlock};
pub use registry::{registry, registry_builder};
pub use sequential::{
    HasProctoringFields, HasSequenceFields, ProctoringFields, SequenceFields, SequentialBlock,
};
pub use split_test::SplitTestBlock;
pub use vertical::{VerticalBlock, WrapperBlock};
pub use video::VideoBlock;
pub use word_cloud::WordCloudBlock;
