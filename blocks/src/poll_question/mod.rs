//! `poll_question`: a question whose answers are counted over all learners.

mod olx;
mod olx_write;

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::services::I18nService;

use self::olx::PollQuestionOlx;
use crate::placeholder::placeholder_view;

/// A poll.
#[derive(XBlock)]
#[xblock(type = "poll_question", olx = PollQuestionOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(answers: List = [], scope = content, help = "The answers to choose from, each with id and text.")]
#[field(display_name: Option<String> = "poll_question", scope = settings, display_name = "Display Name",
    help = "The name of the poll.")]
#[field(poll_answer: String = "", scope = user_state, help = "The id of the learner's answer.")]
#[field(poll_answers: Dict = {}, scope = user_state_summary, help = "How often each answer was given.")]
#[field(question: String = "", scope = content, help = "What is asked.")]
#[field(voted: Boolean = false, scope = user_state, help = "Whether the learner answered.")]
pub struct PollQuestionBlock {
    fields: BlockFields,
}
