//! What a block may ask of its surroundings while it renders or handles a request.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::fragment::Fragment;
use crate::keys::UsageKey;

use super::error::BlockError;
use super::event::Event;

/// The person a block is shown to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id under which learner state is kept.
    pub id: Arc<str>,
    /// Whether the user may see what only course staff may.
    pub is_staff: bool,
}

/// What a container shows of a child without rendering it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildSummary {
    /// The child.
    pub usage: UsageKey,
    /// Its type.
    pub block_type: Arc<str>,
    /// Its name, or its id with blanks for underscores where it has none.
    pub display_name: String,
    /// Name of its icon.
    pub icon_class: &'static str,
}

/// A block's surroundings. A host implements it; blocks hold it only while they work.
pub trait BlockContext {
    /// Returns the block's usage.
    fn usage(&self) -> &UsageKey;

    /// Returns the user, none where nobody is logged in.
    fn user(&self) -> Option<&User>;

    /// Returns the present moment.
    fn now(&self) -> DateTime<Utc>;

    /// Lists the block's children that this user may see, in order; a child that cannot be read is listed too.
    fn children(&self) -> Vec<ChildSummary>;

    /// Renders a child. A child that fails is rendered as a placeholder that says so.
    fn render_child(&self, child: &UsageKey, view: &str) -> Fragment;

    /// Returns the address at which one of the block's handlers answers.
    fn handler_url(&self, handler: &str, suffix: &str) -> String;

    /// Returns the address of a static file of the learning context, given its path below `static/`.
    fn asset_url(&self, path: &str) -> String;

    /// Returns the address of a page that shows another block.
    fn jump_url(&self, block_id: &str) -> String;

    /// Reads a static file of the learning context.
    ///
    /// # Errors
    /// [`BlockError::Runtime`] where it does not exist or cannot be read.
    fn read_asset(&self, path: &str) -> Result<Vec<u8>, BlockError>;

    /// Publishes an event.
    fn publish(&self, event: Event);
}
