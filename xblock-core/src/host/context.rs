//! What a host tells a block while it renders or handles a request.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::block::{
    AfterSave, AsideClass, BlockClass, BlockContext, BlockError, BlockType, ChildSummary, Event, User,
    XBlock, with_query,
};
use crate::fields::FieldData;
use crate::fragment::Fragment;
use crate::keys::UsageKey;
use crate::runtime::{BlockRecord, RuntimeError, RuntimeExt};
use crate::services::{
    AnyService, Demand, I18nService, NullI18n, ReplaceUrlsService, Service, ServiceError, ServiceRequest,
    UserService, current_user,
};

use super::fields::Above;
use super::replace_urls::{HostUrls, OwnFiles};
use super::wrap::{placeholder, wrap};
use super::{Host, LoadedBlock, asides, views};

/// How deep blocks may be nested before rendering stops; no platform course comes near it.
const MAX_DEPTH: usize = 64;

/// How many blocks one page may show, each counted as often as it stands on it; no platform page comes near it.
const MOST_SHOWN: usize = 20_000;

/// What is noted while a block and those in it work.
#[derive(Debug, Default)]
pub(super) struct Noted {
    events: RefCell<Vec<Event>>,
    /// How many blocks were shown so far.
    shown: Cell<usize>,
}

impl Noted {
    /// Takes the events that were published.
    pub(super) fn take(&self) -> Vec<Event> {
        self.events.take()
    }
}

/// One block's surroundings while it works; a child's context knows the blocks above it.
pub(super) struct HostContext<'h> {
    host: &'h Host,
    record: Arc<BlockRecord>,
    block_type: BlockType,
    /// The aside of the block that works, where it is not the block itself.
    aside: Option<(UsageKey, &'static AsideClass)>,
    user: Option<&'h User>,
    noted: &'h Noted,
    /// Where a handler puts what is to be done once its changes are saved.
    waiting: Option<&'h RefCell<Option<AfterSave>>>,
    is_for_authors: bool,
    /// The blocks above; read when a child is first looked at, unless the caller knew them.
    above: OnceCell<Above>,
    /// The block itself and all above it: what its children inherit from.
    chain: OnceCell<Above>,
    own_files: OnceCell<OwnFiles>,
}

impl<'h> HostContext<'h> {
    pub(super) fn new(
        host: &'h Host,
        record: Arc<BlockRecord>,
        user: Option<&'h User>,
        noted: &'h Noted,
    ) -> Self {
        let block_type = host.registry.block_type(record.usage.block_type());
        let (above, chain) = (OnceCell::new(), OnceCell::new());
        let is_for_authors = host.is_author_mode;
        Self {
            host,
            record,
            block_type,
            aside: None,
            user,
            noted,
            waiting: None,
            is_for_authors,
            above,
            chain,
            own_files: OnceCell::new(),
        }
    }

    /// Takes what a handler wants done once its changes are saved.
    pub(super) fn that_waits(self, waiting: &'h RefCell<Option<AfterSave>>) -> Self {
        Self { waiting: Some(waiting), ..self }
    }

    /// Shows the block, and those in it, to authors.
    pub(super) fn for_authors(self) -> Self {
        Self { is_for_authors: true, ..self }
    }

    /// Returns the surroundings of an aside of the block.
    pub(super) fn of_aside(&self, usage: UsageKey, class: &'static AsideClass) -> Self {
        Self {
            host: self.host,
            record: self.record.clone(),
            block_type: self.block_type.clone(),
            aside: Some((usage, class)),
            user: self.user,
            noted: self.noted,
            waiting: None,
            is_for_authors: self.is_for_authors,
            above: self.above.clone(),
            chain: self.chain.clone(),
            own_files: OnceCell::new(),
        }
    }

    pub(super) const fn host(&self) -> &'h Host {
        self.host
    }

    pub(super) fn record(&self) -> &BlockRecord {
        &self.record
    }

    pub(super) const fn user_of(&self) -> Option<&'h User> {
        self.user
    }

    /// Checks that every service is there without which the block, or the aside, does not work.
    pub(super) fn check_services(&self) -> Result<(), BlockError> {
        let missing = match &self.aside {
            Some((_, class)) => self.first_missing(class.services.needs.iter().copied()),
            None => self.first_missing(self.block_type.needed_services()),
        };
        match missing {
            Some(service) => {
                let block_type = self.usage().block_type().to_owned();
                Err(ServiceError::NotAvailable { block_type, service }.into())
            }
            None => Ok(()),
        }
    }

    fn first_missing(&self, mut names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
        names.find(|name| self.find_service(name).is_none())
    }

    /// Loads the block itself once more, for what hangs on its fields.
    fn load_self(&self) -> LoadedBlock {
        self.host.load_record((*self.record).clone(), self.user, self.above.get().cloned())
    }

    /// Returns the block itself and all above it, nearest first.
    fn chain(&self) -> Result<&Above, BlockError> {
        if let Some(chain) = self.chain.get() {
            return Ok(chain);
        }
        let above = match self.above.get() {
            Some(above) => above,
            None => {
                let read = self.host.runtime.ancestors(&self.record.usage, self.host.branch)?;
                self.above.get_or_init(|| read.into_iter().map(Arc::new).collect())
            }
        };
        Ok(self.chain.get_or_init(|| std::iter::once(&self.record).chain(above.iter()).cloned().collect()))
    }

    fn load_child(&self, child: &UsageKey) -> Result<LoadedBlock, BlockError> {
        self.host.load_below(self.chain()?.clone(), child, self.user)
    }

    fn try_render(&self, child: &UsageKey, view: &str) -> Result<Fragment, BlockError> {
        let chain = self.chain()?;
        if chain.len() >= MAX_DEPTH {
            return Err(BlockError::BadContent { usage: child.clone(), reason: "nested too deep".into() });
        }
        if chain.iter().any(|above| above.usage == *child) {
            return Err(RuntimeError::ChildCycle { usage: child.clone() }.into());
        }
        // A few blocks that each hold the next one twice stand in more places than any page has.
        let shown = self.noted.shown.get();
        if shown >= MOST_SHOWN {
            let context = child.context_key();
            return Err(RuntimeError::TooManyPlaces { context, limit: MOST_SHOWN }.into());
        }
        self.noted.shown.set(shown + 1);
        let LoadedBlock { record, block } = self.load_child(child)?;
        if is_hidden(&*block, self.user) {
            return Ok(wrap(Fragment::default(), child, None, view));
        }
        let context = Self {
            above: OnceCell::from(chain.clone()),
            is_for_authors: self.is_for_authors,
            ..Self::new(self.host, Arc::new(record), self.user, self.noted)
        };
        context.render(&*block, view)
    }

    /// Renders a view of the block with its wrapper element and the asides behind it.
    pub(super) fn render(&self, block: &dyn XBlock, view: &str) -> Result<Fragment, BlockError> {
        let name = block.fields().str("name").ok();
        let fragment = wrap(views::render(block, view, self)?, &self.record.usage, name.as_deref(), view);
        Ok(asides::render(self, block, view, fragment))
    }
}

/// Says whether a block is for course staff only and the user is none of them.
pub(super) fn is_hidden(block: &dyn XBlock, user: Option<&User>) -> bool {
    // A value that is none of its field hides too: what an author meant to hide must not show by mistake.
    !user.is_some_and(|user| user.is_staff) && block.fields().bool("visible_to_staff_only").unwrap_or(true)
}

impl BlockContext for HostContext<'_> {
    fn usage(&self) -> &UsageKey {
        self.aside.as_ref().map_or(&self.record.usage, |(usage, _)| usage)
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
        self.try_render(child, view)
            .unwrap_or_else(|error| wrap(placeholder(child, &error.to_string()), child, None, view))
    }

    fn handler_url(&self, handler: &str, suffix: &str) -> String {
        self.host.urls.handler(self.usage(), handler, suffix)
    }

    fn handler_url_with(&self, handler: &str, suffix: &str, query: &str, third_party: bool) -> String {
        let urls = &self.host.urls;
        let url = if third_party {
            urls.third_party_handler(self.usage(), handler, suffix)
        } else {
            urls.handler(self.usage(), handler, suffix)
        };
        with_query(url, query)
    }

    fn class(&self) -> Option<&'static BlockClass> {
        self.aside.is_none().then_some(self.block_type.class)
    }

    fn demand(&self, service: &str) -> Demand {
        match &self.aside {
            Some((_, class)) => class.services.demand(service),
            None => self.block_type.demand(service),
        }
    }

    /// Finds what the host offers, else what every host has: the user, English texts, the addresses of the host and the
    /// block's field data.
    fn find_service(&self, service: &str) -> Option<AnyService> {
        let request = ServiceRequest { usage: self.usage(), user: self.user };
        if let Some(found) = self.host.services.find(service, &request) {
            return Some(found);
        }
        if service == <dyn UserService as Service>::NAME {
            Some(AnyService::new(current_user(self.user)))
        } else if service == <dyn I18nService as Service>::NAME {
            Some(AnyService::new::<dyn I18nService>(Arc::new(NullI18n)))
        } else if service == <dyn ReplaceUrlsService as Service>::NAME {
            let urls = HostUrls::new(self.host, &self.record.usage, self.load_self().block.fields());
            Some(AnyService::new::<dyn ReplaceUrlsService>(Arc::new(urls)))
        } else if service == <dyn FieldData as Service>::NAME {
            match &self.aside {
                Some((_, class)) => {
                    let loaded = asides::load(self.host, &self.record, class, self.user).ok()?;
                    Some(AnyService::new(loaded.aside.fields().data().clone()))
                }
                None => Some(AnyService::new(self.load_self().block.fields().data().clone())),
            }
        } else {
            None
        }
    }

    fn asset_url(&self, path: &str) -> String {
        let own = self.own_files.get_or_init(|| OwnFiles::new(self.host, &self.record.usage));
        if let Some(url) = own.url(&*self.host.urls, path) {
            return url;
        }
        match self.record.usage.context_key().make_asset_key(&crate::keys::clean_asset_name(path)) {
            Ok(key) => self.host.urls.asset(&key),
            Err(_) => format!("/static/{path}"),
        }
    }

    fn jump_url(&self, block_id: &str) -> String {
        self.host.urls.jump(&self.record.usage.context_key(), block_id)
    }

    fn read_asset(&self, path: &str) -> Result<Vec<u8>, BlockError> {
        match self.host.runtime.read_block_asset(&self.record.usage, path, self.host.branch) {
            Err(RuntimeError::NoSuchBlockAsset { .. }) => {}
            outcome => return Ok(outcome?),
        }
        let name = crate::keys::clean_asset_name(path);
        let key = self.record.usage.context_key().make_asset_key(&name).map_err(|error| {
            BlockError::BadContent { usage: self.record.usage.clone(), reason: error.to_string() }
        })?;
        Ok(self.host.runtime.read_asset(&key, self.host.branch)?)
    }

    fn publish(&self, event: Event) {
        self.noted.events.borrow_mut().push(event);
    }

    fn is_author_mode(&self) -> bool {
        self.is_for_authors
    }

    fn after_save(&self, work: AfterSave) -> Result<(), AfterSave> {
        match self.waiting {
            Some(waiting) => {
                waiting.replace(Some(work));
                Ok(())
            }
            None => Err(work),
        }
    }
}
