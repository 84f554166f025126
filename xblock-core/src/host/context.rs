//! What a host tells a block while it renders or handles a request.

use std::cell::RefCell;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::block::{BlockContext, BlockError, ChildSummary, Event, User, XBlock};
use crate::fragment::Fragment;
use crate::keys::UsageKey;
use crate::runtime::{BlockRecord, RuntimeError, RuntimeExt};

use super::wrap::{placeholder, wrap};
use super::{Host, LoadedBlock};

/// How deep blocks may be nested before rendering stops; no platform course comes near it.
const MAX_DEPTH: usize = 64;

/// One block's surroundings while it works; a child's context knows the blocks above it.
pub(super) struct HostContext<'h> {
    host: &'h Host,
    record: Arc<BlockRecord>,
    user: Option<&'h User>,
    events: &'h RefCell<Vec<Event>>,
    /// The block itself and all above it, nearest first: what its children inherit from.
    chain: Vec<Arc<BlockRecord>>,
}

impl<'h> HostContext<'h> {
    pub(super) fn new(
        host: &'h Host,
        record: &'h BlockRecord,
        user: Option<&'h User>,
        events: &'h RefCell<Vec<Event>>,
    ) -> Self {
        let above = host
            .runtime
            .ancestors(&record.usage, host.branch)
            .map_or_else(|_| Vec::new(), |above| above.into_iter().map(Arc::new).collect());
        Self::below(host, Arc::new(record.clone()), user, events, above)
    }

    fn below(
        host: &'h Host,
        record: Arc<BlockRecord>,
        user: Option<&'h User>,
        events: &'h RefCell<Vec<Event>>,
        mut above: Vec<Arc<BlockRecord>>,
    ) -> Self {
        above.insert(0, record.clone());
        Self { host, record, user, events, chain: above }
    }

    fn load_child(&self, child: &UsageKey) -> Result<LoadedBlock, BlockError> {
        let record = self.host.runtime.block(child, self.host.branch)?;
        Ok(self.host.load_record(record, self.user, Some(&self.chain)))
    }

    fn is_hidden(&self, child: &dyn XBlock) -> bool {
        if self.user.is_some_and(|user| user.is_staff) {
            return false;
        }
        child.fields().bool("visible_to_staff_only").unwrap_or(false)
    }

    fn try_render(&self, child: &UsageKey, view: &str) -> Result<Fragment, BlockError> {
        if self.chain.len() >= MAX_DEPTH {
            return Err(BlockError::BadContent { usage: child.clone(), reason: "nested too deep".into() });
        }
        if self.chain.iter().any(|above| above.usage == *child) {
            return Err(RuntimeError::ChildCycle { usage: child.clone() }.into());
        }
        let LoadedBlock { record, block } = self.load_child(child)?;
        if self.is_hidden(&*block) {
            return Ok(Fragment::default());
        }
        let context = Self::below(self.host, Arc::new(record), self.user, self.events, self.chain.clone());
        block.view(view, &context)
    }
}

impl BlockContext for HostContext<'_> {
    fn usage(&self) -> &UsageKey {
        &self.record.usage
    }

    fn user(&self) -> Option<&User> {
        self.user
    }

    fn now(&self) -> DateTime<Utc> {
        self.host.clock.now()
    }

    fn children(&self) -> Vec<ChildSummary> {
        let mut children = Vec::with_capacity(self.record.data.children.len());
        for usage in &self.record.data.children {
            let (name, icon_class) = match self.load_child(usage) {
                Ok(child) if self.is_hidden(&*child.block) => continue,
                Ok(child) => {
                    let block_type = self.host.registry.block_type(usage.block_type());
                    (child.block.fields().str("display_name").ok(), block_type.class.icon_class)
                }
                Err(_) => (None, "other"),
            };
            children.push(ChildSummary {
                usage: usage.clone(),
                block_type: usage.block_type().into(),
                display_name: name
                    .filter(|name| !name.is_empty())
                    .map_or_else(|| usage.block_id().replace('_', " "), |name| name.to_string()),
                icon_class,
            });
        }
        children
    }

    fn render_child(&self, child: &UsageKey, view: &str) -> Fragment {
        let fragment =
            self.try_render(child, view).unwrap_or_else(|error| placeholder(child, &error.to_string()));
        wrap(fragment, child, view)
    }

    fn handler_url(&self, handler: &str, suffix: &str) -> String {
        self.host.urls.handler(&self.record.usage, handler, suffix)
    }

    fn asset_url(&self, path: &str) -> String {
        match self.record.usage.context_key().make_asset_key(&crate::keys::clean_asset_name(path)) {
            Ok(key) => self.host.urls.asset(&key),
            Err(_) => format!("/static/{path}"),
        }
    }

    fn jump_url(&self, block_id: &str) -> String {
        self.host.urls.jump(&self.record.usage.context_key(), block_id)
    }

    fn read_asset(&self, path: &str) -> Result<Vec<u8>, BlockError> {
        let name = crate::keys::clean_asset_name(path);
        let key = self.record.usage.context_key().make_asset_key(&name).map_err(|error| {
            BlockError::BadContent { usage: self.record.usage.clone(), reason: error.to_string() }
        })?;
        Ok(self.host.runtime.read_asset(&key, self.host.branch)?)
    }

    fn publish(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }
}
