//! A block's surroundings that let a test look at the block itself while it works.

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use xblock_core::block::{BlockContext, BlockError, ChildSummary, Event, User};
use xblock_core::fragment::Fragment;
use xblock_core::host::Host;
use xblock_core::keys::{AssetKey, UsageKey};

use super::Workbench;

/// Surroundings like a host's. Unlike a host it saves nothing and keeps the events, so that a test can look at both.
pub struct Stage<'w> {
    bench: &'w Workbench,
    host: Host,
    events: RefCell<Vec<Event>>,
}

impl<'w> Stage<'w> {
    /// Sets the stage for the block on a bench.
    #[must_use]
    pub fn new(bench: &'w Workbench) -> Self {
        Self { bench, host: bench.host(), events: RefCell::default() }
    }

    /// Returns what was published so far, in order.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events.borrow().clone()
    }

    fn asset_key(&self, path: &str) -> Result<AssetKey, BlockError> {
        let usage = self.bench.usage();
        let name = xblock_core::keys::clean_asset_name(path);
        usage
            .context_key()
            .make_asset_key(&name)
            .map_err(|error| BlockError::BadContent { usage: usage.clone(), reason: error.to_string() })
    }
}

impl BlockContext for Stage<'_> {
    fn usage(&self) -> &UsageKey {
        self.bench.usage()
    }

    fn user(&self) -> Option<&User> {
        self.bench.user()
    }

    fn now(&self) -> DateTime<Utc> {
        self.host.clock.now()
    }

    fn children(&self) -> Vec<ChildSummary> {
        let summary = |usage: &UsageKey| {
            let name = self.host.load(usage, self.bench.user()).ok();
            let name = name.and_then(|child| child.block.fields().str("display_name").ok());
            ChildSummary {
                usage: usage.clone(),
                block_type: usage.block_type().into(),
                display_name: name
                    .filter(|name| !name.is_empty())
                    .map_or_else(|| usage.block_id().replace('_', " "), |name| name.to_string()),
                icon_class: self.host.registry.block_type(usage.block_type()).class.icon_class,
            }
        };
        self.bench.data().children.iter().map(summary).collect()
    }

    fn render_child(&self, child: &UsageKey, view: &str) -> Fragment {
        self.host.render(child, view, self.bench.user()).unwrap_or_default()
    }

    fn handler_url(&self, handler: &str, suffix: &str) -> String {
        self.host.urls.handler(self.bench.usage(), handler, suffix)
    }

    fn asset_url(&self, path: &str) -> String {
        self.asset_key(path).map_or_else(|_| format!("/static/{path}"), |key| self.host.urls.asset(&key))
    }

    fn jump_url(&self, block_id: &str) -> String {
        self.host.urls.jump(&self.bench.usage().context_key(), block_id)
    }

    fn read_asset(&self, path: &str) -> Result<Vec<u8>, BlockError> {
        Ok(self.host.runtime.read_asset(&self.asset_key(path)?, self.host.branch)?)
    }

    fn publish(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }
}
