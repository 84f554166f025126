//! `conditional`: children that are shown once other blocks are in a certain state.

mod olx;
mod olx_write;

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::services::I18nService;

use self::olx::ConditionalOlx;
use crate::placeholder::placeholder_view;
use crate::sequential::{HasProctoringFields, HasSequenceFields, ProctoringFields, SequenceFields};

/// Content that depends on what a learner did elsewhere.
#[derive(XBlock)]
#[xblock(type = "conditional", has_children, olx = ConditionalOlx, view = placeholder_view, wants(dyn I18nService))]
#[fields(SequenceFields, ProctoringFields)]
#[field(conditional_attr: String = "correct", scope = content, display_name = "Conditional Attribute",
    values = ["correct", "attempted", "poll_answer", "voted", "submitted"],
    help = "What is asked of the source blocks.")]
#[field(conditional_message: String = "You must complete {link} before you can access this unit.", scope = content,
    display_name = "Blocked Content Message",
    help = "What is shown until then; {link} becomes links to the source blocks.")]
#[field(conditional_value: String = "True", scope = content, display_name = "Conditional Value",
    help = "The answer that opens the content.")]
#[field(display_name: Option<String> = "Conditional", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
#[field(show_tag_list: ReferenceList = [], scope = content, help = "Children that stand elsewhere in the course.")]
#[field(sources_list: ReferenceList = [], scope = content, display_name = "Source Components",
    help = "The blocks the content depends on.")]
pub struct ConditionalBlock {
    fields: BlockFields,
}
