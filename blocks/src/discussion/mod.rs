//! `discussion`: a topic of the course's forum, shown where it belongs.

mod olx;

use xblock_core::block::XBlock;
use xblock_core::fields::BlockFields;
use xblock_core::services::I18nService;

use self::olx::DiscussionOlx;
use crate::placeholder::placeholder_view;

/// A topic of the forum.
#[derive(XBlock)]
#[xblock(type = "discussion", completion = excluded, olx = DiscussionOlx, view = placeholder_view, wants(dyn I18nService))]
#[field(discussion_category: String = "Week 1", scope = settings, display_name = "Category",
    help = "The category the topic is listed under.")]
#[field(discussion_id: Option<String> = unique_id, scope = settings, display_name = "Discussion Id", force_export,
    help = "The id of the topic in the forum.")]
#[field(discussion_target: String = "Topic-Level Student-Visible Label", scope = settings, display_name = "Subcategory",
    help = "The name of the topic in its category.")]
#[field(display_name: Option<String> = "Discussion", scope = settings, display_name = "Display Name",
    help = "The name of the block.")]
#[field(sort_key: Option<String> = null, scope = settings, help = "Where the topic stands among those of its category.")]
pub struct DiscussionBlock {
    fields: BlockFields,
}
