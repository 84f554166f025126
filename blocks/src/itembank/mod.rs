//! `itembank`: a bank of problems from which each learner gets some.

use xblock_core::block::{BlockContext, BlockError, FieldGroup, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::olx::SequenceOlx;
use xblock_core::services::I18nService;

use crate::vertical::stack;

/// The fields of blocks that give each learner some of their children (blocks reference, section 9.6).
#[derive(FieldGroup)]
#[field(allow_resetting_children: Boolean = false, scope = settings, display_name = "Show Reset Button",
    help = "Whether learners can reset the problems and get others.")]
#[field(max_count: Integer = 1, scope = settings, display_name = "Count",
    help = "How many components each learner gets; -1 for all.")]
#[field(selected: List = [], scope = user_state,
    help = "What the learner got: pairs of block type and id, in order.")]
#[derive(Debug, Clone, Copy)]
pub struct SelectionFields;

/// A bank of problems.
#[derive(XBlock)]
#[xblock(
    type = "itembank",
    has_children,
    completion = aggregator,
    olx = SequenceOlx,
    views(student_view, public_view = student_view, author_view = student_view),
    wants(dyn I18nService),
)]
#[fields(SelectionFields)]
#[field(display_name: Option<String> = "Problem Bank", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
pub struct ItemBankBlock {
    fields: BlockFields,
}

impl ItemBankBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(stack(None, context, "student_view"))
    }
}
