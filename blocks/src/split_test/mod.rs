//! `split_test`: a content experiment that shows each group of learners another child.

mod olx;
mod olx_write;

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::services::I18nService;

use self::olx::SplitTestOlx;
use crate::placeholder::placeholder_view;
use crate::sequential::{HasProctoringFields, HasSequenceFields, ProctoringFields, SequenceFields};

/// A content experiment.
#[derive(XBlock)]
#[xblock(type = "split_test", has_children, olx = SplitTestOlx, view = placeholder_view, wants(dyn I18nService))]
#[fields(SequenceFields, ProctoringFields)]
#[field(display_name: Option<String> = "Content Experiment", scope = settings, display_name = "Display Name",
    help = "The name of the experiment.")]
#[field(group_id_to_child: ReferenceValueDict = {}, scope = content,
    help = "Which child each group sees, by group id.")]
#[field(user_partition_id: Integer = -1, scope = content, display_name = "Group Configuration",
    help = "How learners are divided into groups; -1 while nobody chose.")]
#[field(user_partitions: UserPartitionList = [], scope = settings, help = "The ways learners are divided into groups.")]
pub struct SplitTestBlock {
    fields: BlockFields,
}
