//! `randomize`: one of its children, chosen for each learner.

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::olx::SequenceOlx;
use xblock_core::services::I18nService;

use crate::placeholder::placeholder_view;

/// One of several blocks, chosen for each learner.
#[derive(XBlock)]
#[xblock(type = "randomize", has_children, olx = SequenceOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(choice: Option<Integer>, scope = user_state, help = "Which child the learner got, counted from 0.")]
pub struct RandomizeBlock {
    fields: BlockFields,
}
