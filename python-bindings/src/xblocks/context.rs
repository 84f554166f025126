//! The block context of a native block that lives in a Python runtime.

use std::cell::RefCell;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use pyo3::PyErr;
use xblock_core::block::{BlockContext, BlockError, ChildSummary, Event, User};
use xblock_core::fragment::Fragment;
use xblock_core::keys::{ContextKey, UsageKey, clean};
use xblock_core::runtime::{Branch, RuntimeError};
use xblock_core::services::{AnyService, SandboxService, Service};

use super::surroundings::Surroundings;
use crate::sandbox::ProcessCage;
use crate::services::{Found, adapt};

/// Passes what a block asks on to Python.
pub(crate) struct PythonContext {
    surroundings: Arc<Surroundings>,
    usage: UsageKey,
    user: Option<User>,
    now: DateTime<Utc>,
    /// Whether the runtime is that of Studio's preview.
    is_author_mode: bool,
    /// The first exception Python raised; the call fails with it at the end.
    failure: RefCell<Option<PyErr>>,
    events: RefCell<Vec<Event>>,
}

impl PythonContext {
    pub(crate) fn new(surroundings: Arc<Surroundings>, block_type: &str) -> Result<Self, PyErr> {
        let usage = usage_key(&surroundings.call::<String>("usage", &[])?, block_type);
        let user: Option<(String, bool)> = surroundings.call("user", &[])?;
        let now: f64 = surroundings.call("now", &[])?;
        let is_author_mode = surroundings.call("is_author_mode", &[])?;
        #[expect(clippy::cast_possible_truncation, reason = "a time of day in microseconds fits by far")]
        let now = DateTime::from_timestamp_micros((now * 1e6) as i64).unwrap_or(DateTime::UNIX_EPOCH);
        Ok(Self {
            surroundings,
            usage,
            user: user.map(|(id, is_staff)| User { id: id.into(), is_staff }),
            now,
            is_author_mode,
            failure: RefCell::default(),
            events: RefCell::default(),
        })
    }

    /// Returns what was published, or the first exception Python raised meanwhile.
    pub(crate) fn finish(self) -> Result<Vec<Event>, PyErr> {
        match self.failure.into_inner() {
            Some(failure) => Err(failure),
            None => Ok(self.events.into_inner()),
        }
    }

    fn or_fail<T: Default>(&self, result: Result<T, PyErr>) -> T {
        result.unwrap_or_else(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            T::default()
        })
    }
}

/// Gives a Python runtime's usage id a usage key. Runtimes outside the platform have ids that are none (`u_1`): those
/// get a key that shows the id wherever it can.
pub(super) fn usage_key(id: &str, block_type: &str) -> UsageKey {
    if let Ok(key) = id.parse() {
        return key;
    }
    let context: ContextKey = "course-v1:xblock+local+runtime".parse().expect("a course key");
    let cleaned = clean(id).replace('%', "_");
    let id = if cleaned.is_empty() { "block" } else { &cleaned };
    context.make_usage_key(block_type, id).expect("a cleaned id is allowed in a usage key")
}

impl BlockContext for PythonContext {
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
        let listed: Vec<(String, String, String)> = self.or_fail(self.surroundings.call("children", &[]));
        listed
            .into_iter()
            .map(|(usage, block_type, display_name)| ChildSummary {
                usage: usage_key(&usage, &block_type),
                block_type: block_type.into(),
                display_name,
                icon_class: "other",
            })
            .collect()
    }

    fn render_child(&self, child: &UsageKey, view: &str) -> Fragment {
        let text: String = self.or_fail(self.surroundings.call("render_child", &[&child.to_string(), view]));
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn handler_url(&self, handler: &str, suffix: &str) -> String {
        self.or_fail(self.surroundings.call("handler_url", &[handler, suffix]))
    }

    fn asset_url(&self, path: &str) -> String {
        self.or_fail(self.surroundings.call("asset_url", &[path]))
    }

    fn jump_url(&self, block_id: &str) -> String {
        self.or_fail(self.surroundings.call("jump_url", &[block_id]))
    }

    fn read_asset(&self, path: &str) -> Result<Vec<u8>, BlockError> {
        let found: Option<Vec<u8>> = self.or_fail(self.surroundings.call("read_asset", &[path]));
        let context = self.usage.context_key();
        let name = xblock_core::keys::clean_asset_name(path);
        match (found, context.make_asset_key(&name)) {
            (Some(bytes), _) => Ok(bytes),
            (None, Ok(key)) => Err(RuntimeError::NoSuchAsset { key, branch: Branch::Published }.into()),
            (None, Err(error)) => {
                Err(BlockError::BadContent { usage: self.usage.clone(), reason: error.to_string() })
            }
        }
    }

    fn find_service(&self, service: &str) -> Option<AnyService> {
        let found: Option<Found> = self.or_fail(self.surroundings.call("service", &[service]));
        match found {
            Some(found) => adapt(service, found.0),
            // Scripts run in the cage where the runtime has no place for them.
            None if service == <dyn SandboxService as Service>::NAME => {
                Some(AnyService::new::<dyn SandboxService>(ProcessCage::shared()))
            }
            None => None,
        }
    }

    fn publish(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }

    fn is_author_mode(&self) -> bool {
        self.is_author_mode
    }
}
