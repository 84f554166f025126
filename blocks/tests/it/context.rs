//! Surroundings for blocks under test: fields in memory, children and static files as given.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use xblock_core::block::{BlockContext, BlockError, ChildSummary, Event, HandlerRequest, User, XBlock};
use xblock_core::fields::{BlockFields, DictFieldData, Json, ScopeIds};
use xblock_core::fragment::Fragment;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Branch, RuntimeError};
use xblock_core::services::{AnyService, I18nService, ServiceRequest, ServiceSet};

/// Everything a block asks of its surroundings.
pub(crate) struct World {
    pub(crate) usage: UsageKey,
    pub(crate) user: Option<User>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) assets: BTreeMap<String, Vec<u8>>,
    pub(crate) children: Vec<(ChildSummary, String)>,
    pub(crate) events: RefCell<Vec<Event>>,
    pub(crate) i18n: Option<Arc<dyn I18nService>>,
    pub(crate) is_author_mode: bool,
}

impl World {
    pub(crate) fn of(block_type: &str) -> Self {
        let usage = format!("block-v1:Org+C1+R1+type@{block_type}+block@q");
        Self {
            usage: usage.parse().expect("the key is one"),
            user: Some(User { id: "42".into(), is_staff: false }),
            now: "2026-03-01T12:00:00Z".parse().expect("the time is one"),
            assets: BTreeMap::new(),
            children: Vec::new(),
            events: RefCell::default(),
            i18n: None,
            is_author_mode: false,
        }
    }

    pub(crate) fn with_asset(mut self, path: &str, content: &str) -> Self {
        self.assets.insert(path.to_owned(), content.as_bytes().to_vec());
        self
    }

    pub(crate) fn with_child(mut self, block_type: &str, id: &str, name: &str, html: &str) -> Self {
        let usage: UsageKey =
            format!("block-v1:Org+C1+R1+type@{block_type}+block@{id}").parse().expect("the key is one");
        let summary = ChildSummary {
            usage,
            block_type: block_type.into(),
            display_name: name.to_owned(),
            icon_class: "other",
        };
        self.children.push((summary, html.to_owned()));
        self
    }

    /// Makes the block this world is for, with these stored values.
    pub(crate) fn block(&self, values: &Json) -> Box<dyn XBlock> {
        self.block_on(Arc::new(data(values)))
    }

    /// Makes the block this world is for over fields that outlive it.
    pub(crate) fn block_on(&self, data: Arc<DictFieldData>) -> Box<dyn XBlock> {
        let registry = blocks::registry().expect("no type is declared twice");
        let block_type = registry.block_type(self.usage.block_type());
        let ids = ScopeIds::new(self.usage.block_type(), "definition", "usage").with_user("42");
        block_type.create(BlockFields::of(block_type.table().clone(), data, ids))
    }
}

/// Makes stored values.
pub(crate) fn data(values: &Json) -> DictFieldData {
    DictFieldData::new(values.as_object().expect("the values have names").clone())
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
        self.children.iter().map(|(summary, _)| summary.clone()).collect()
    }

    fn render_child(&self, child: &UsageKey, view: &str) -> Fragment {
        let (_, html) =
            self.children.iter().find(|(summary, _)| summary.usage == *child).expect("it is a child");
        let mut fragment = Fragment::new(format!("<div data-view=\"{view}\">{html}</div>"));
        fragment.add_css("child {}");
        fragment
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
        self.assets.get(path).cloned().ok_or_else(|| {
            let key = format!("asset-v1:Org+C1+R1+type@asset+block@{path}").parse().expect("the key is one");
            RuntimeError::NoSuchAsset { key, branch: Branch::Published }.into()
        })
    }

    fn find_service(&self, service: &str) -> Option<AnyService> {
        let mut services = ServiceSet::default();
        if let Some(i18n) = self.i18n.clone() {
            services = services.with::<dyn I18nService>(i18n);
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

/// Makes a GET request.
pub(crate) fn get(suffix: &str, query: &[(&str, &str)]) -> HandlerRequest {
    HandlerRequest {
        method: "GET".into(),
        suffix: suffix.into(),
        query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..HandlerRequest::default()
    }
}

/// Makes a POST request with form data.
pub(crate) fn post(suffix: &str, form: &str) -> HandlerRequest {
    HandlerRequest {
        method: "POST".into(),
        suffix: suffix.into(),
        content_type: "application/x-www-form-urlencoded".into(),
        body: form.as_bytes().to_vec(),
        ..HandlerRequest::default()
    }
}

/// Reads the JSON of an answer.
pub(crate) fn json(body: &[u8]) -> Json {
    serde_json::from_slice(body).expect("the answer is JSON")
}
