//! `word_cloud`: words from all learners, the frequent ones larger.

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::olx::EmptyRawOlx;
use xblock_core::services::I18nService;

use crate::placeholder::placeholder_view;

/// A cloud of the words learners entered.
#[derive(XBlock)]
#[xblock(type = "word_cloud", olx = EmptyRawOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(all_words: Dict = {}, scope = user_state_summary, help = "How often each word was entered.")]
#[field(data: String = "", scope = content, help = "The block's XML as it came.")]
#[field(display_name: Option<String> = "Word cloud", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
#[field(display_student_percents: Boolean = true, scope = settings, display_name = "Show Percents",
    help = "Whether learners see how often a word was entered.")]
#[field(instructions: Option<String> = null, scope = settings, display_name = "Instructions",
    help = "What learners are asked to enter.")]
#[field(num_inputs: Integer = 5, scope = settings, min = 1, display_name = "Inputs",
    help = "How many words each learner can enter.")]
#[field(num_top_words: Integer = 250, scope = settings, min = 1, display_name = "Maximum Words",
    help = "How many words the cloud shows.")]
#[field(student_words: List = [], scope = user_state, help = "The learner's words.")]
#[field(submitted: Boolean = false, scope = user_state, help = "Whether the learner entered words.")]
#[field(top_words: Dict = {}, scope = user_state_summary, help = "How often the most frequent words were entered.")]
pub struct WordCloudBlock {
    fields: BlockFields,
}
