//! What a host tells a block while it renders or handles a request.

use std::cell::{OnceCell, RefCell};
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
    /// The blocks above, nearest first; read when a child is first looked at, unless the caller knew them.
    above: OnceCell<Vec<Arc<BlockRecord>>>,
}

impl<'h> HostContext<'h> {
    pub(super) fn new(
        host: &'h Host,
        record: Arc<BlockRecord>,
        user: Option<&'h User>,
        events: &'h RefCell<Vec<Event>>,
    ) -> Self {
        Self { host, record, user, events, above: OnceCell::new() }
    }

    /// The block itself and all above it, nearest first: what its children inherit from.
    fn chain(&self) -> Result<Vec<Arc<BlockRecord>>, BlockError> {
        let above = match self.above.get() {
            Some(above) => above,
            None => {
                let read = self.host.runtime.ancestors(&self.record.usage, self.host.branch)?;
                self.above.get_or_init(|| read.into_iter().map(Arc::new).collect())
            }
        };
        Ok(std::iter::once(&self.record).chain(above).cloned().collect())
    }

    fn load_child(&self, child: &UsageKey) -> Result<LoadedBlock, BlockError> {
        let record = self.host.runtime.block(child, self.host.branch)?;
        Ok(self.host.load_record(record, self.user, Some(&self.chain()?)))
    }

    fn try_render(&self, child: &UsageKey, view: &str) -> Result<Fragment, BlockError> {
        let chain = self.chain()?;
        if chain.len() >= MAX_DEPTH {
            return Err(BlockError::BadContent { usage: child.clone(), reason: "nested too deep".into() });
        }
        if chain.iter().any(|above| above.usage == *child) {
            return Err(RuntimeError::ChildCycle { usage: child.clone() }.into());
        }
        let LoadedBlock { record, block } = self.load_child(child)?;
        if is_hidden(&*block, self.user) {
            return Ok(Fragment::default());
        }
        let above = OnceCell::from(chain);
        let (host, user, events) = (self.host, self.user, self.events);
        let context = Self { host, record: Arc::new(record), user, events, above };
        block.view(view, &context)
    }
}

/// Says whether a block is for course staff only and the user is none of them.
pub(super) fn is_hidden(block: &dyn XBlock, user: Option<&User>) -> bool {
    // A value that is none of its field hides too: what an author meant to hide must not show by mistake.
    !user.is_some_and(|user| user.is_staff) && block.fields().bool("visible_to_staff_only").unwrap_or(true)
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
                Ok(child) if is_hidden(&*child.block, self.user) => continue,
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
