//! The surroundings of a problem block that the vectors' README describes.

use std::cell::RefCell;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use xblock_core::block::{BlockContext, BlockError, ChildSummary, Event, User, XBlock};
use xblock_core::fields::{BlockFields, DictFieldData, ScopeIds};
use xblock_core::fragment::Fragment;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Branch, RuntimeError};
use xblock_core::services::{AnyService, SandboxService, ServiceRequest, ServiceSet, XQueueService};

use super::graders::Queue;
use super::sandbox;

/// The usage key of recorded blocks.
pub(super) fn usage() -> UsageKey {
    "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a usage key")
}

/// Everything a problem block asks of its surroundings.
pub(super) struct World {
    usage: UsageKey,
    user: Option<User>,
    queue: Arc<Queue>,
    pub(super) now: DateTime<Utc>,
    pub(super) events: RefCell<Vec<Event>>,
    /// Whether authors look at their work.
    pub(super) is_author_mode: bool,
}

impl World {
    /// Makes surroundings for a learner, whose queue may refuse everything for a reason.
    pub(super) fn new(is_staff: bool, refusal: Option<&str>) -> Self {
        Self {
            usage: usage(),
            user: Some(User { id: "42".into(), is_staff }),
            queue: Arc::new(Queue::refusing(refusal)),
            now: sandbox::now(),
            events: RefCell::default(),
            is_author_mode: false,
        }
    }

    /// Makes the block over fields that outlive it.
    pub(super) fn block_on(&self, data: &Arc<DictFieldData>) -> Box<dyn XBlock> {
        let registry = blocks::registry().expect("no type is declared twice");
        let block_type = registry.block_type(self.usage.block_type());
        let ids = ScopeIds::new(self.usage.block_type(), "definition", "usage").with_user("42");
        block_type.create(BlockFields::of(block_type.table().clone(), data.clone(), ids))
    }
}

/// Makes stored values.
pub(super) fn fields(values: &Json) -> Arc<DictFieldData> {
    Arc::new(DictFieldData::new(values.as_object().cloned().unwrap_or_default()))
}

impl BlockContext for World {
    fn usage(&self) -> &UsageKey {
        &self.usage
    }

    fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    fn now(&self) -> DateTime<Utc> {
        self.now
    }

    fn children(&self) -> Vec<ChildSummary> {
        Vec::new()
    }

    fn render_child(&self, _: &UsageKey, _: &str) -> Fragment {
        Fragment::default()
    }

    fn handler_url(&self, handler: &str, suffix: &str) -> String {
        format!("/handler/{handler}/{suffix}")
    }

    fn asset_url(&self, path: &str) -> String {
        format!("/asset/{path}")
    }

    fn jump_url(&self, block_id: &str) -> String {
        format!("/jump/{block_id}")
    }

    fn read_asset(&self, path: &str) -> Result<Vec<u8>, BlockError> {
        let key = format!("asset-v1:Org+C1+R1+type@asset+block@{path}").parse().expect("the key of an asset");
        Err(RuntimeError::NoSuchAsset { key, branch: Branch::Published }.into())
    }

    fn find_service(&self, service: &str) -> Option<AnyService> {
        let mut services = ServiceSet::default().with::<dyn XQueueService>(self.queue.clone());
        if let Ok(sandbox) = sandbox::sandbox() {
            services = services.with::<dyn SandboxService>(sandbox);
        }
        services.find(service, &ServiceRequest { usage: &self.usage, user: None })
    }

    fn publish(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }

    fn is_author_mode(&self) -> bool {
        self.is_author_mode
    }
}
