//! `lti`: a tool of another site, opened for the learner by LTI 1.1 or 2.0.

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::olx::EmptyRawOlx;
use xblock_core::services::I18nService;

use crate::placeholder::placeholder_view;

/// A tool of another site.
#[derive(XBlock)]
#[xblock(type = "lti", has_score, olx = EmptyRawOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(accept_grades_past_due: Boolean = true, scope = settings, display_name = "Accept grades past deadline",
    help = "Whether scores are taken after the due date.")]
#[field(ask_to_send_email: Boolean = false, scope = settings, display_name = "Request user's email",
    help = "Whether the tool gets the learner's address, once they agree.")]
#[field(ask_to_send_username: Boolean = false, scope = settings, display_name = "Request user's username",
    help = "Whether the tool gets the learner's user name, once they agree.")]
#[field(button_text: String = "", scope = settings, display_name = "Button Text",
    help = "What the button that opens the tool says.")]
#[field(custom_parameters: List = [], scope = settings, display_name = "Custom Parameters",
    help = "What else the tool is told, each as name=value.")]
#[field(data: String = "", scope = content, help = "The block's XML as it came.")]
#[field(description: String = "", scope = settings, display_name = "LTI Application Information",
    help = "What the tool is, shown before data is sent to it.")]
#[field(display_name: Option<String> = "LTI", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
#[field(has_score: Boolean = false, scope = settings, display_name = "Scored", help = "Whether the tool gives scores.")]
#[field(hide_launch: Boolean = false, scope = settings, display_name = "Hide External Tool",
    help = "Whether the tool only reports scores and is not opened from here.")]
#[field(launch_url: String = "http://www.example.com", scope = settings, display_name = "LTI URL",
    help = "Where the tool is.")]
#[field(lti_id: String = "", scope = settings, display_name = "LTI ID",
    help = "Which of the course's LTI passports opens the tool.")]
#[field(module_score: Option<Float>, scope = user_state, help = "The learner's score, from 0 to the weight.")]
#[field(open_in_a_new_page: Boolean = true, scope = settings, display_name = "Open in New Page",
    help = "Whether the tool opens on a page of its own.")]
#[field(score_comment: String = "", scope = user_state, help = "What the tool said about the score.")]
#[field(weight: Float = 1.0, scope = settings, min = 0, display_name = "Weight",
    help = "How many points the block is worth.")]
pub struct LtiBlock {
    fields: BlockFields,
}
