//! Blocks at work: a host puts a block's fields together, renders its views and runs its handlers.
//!
//! The way of a request is straight: usage key, record from the runtime, fields (own, inherited, default, learner's),
//! block, view or handler, changed fields into the learner-state store. Rendering never saves.

mod asides;
mod context;
mod fields;
mod replace_urls;
mod urls;
mod views;
mod watched;
mod wrap;

use std::cell::RefCell;
use std::sync::Arc;

use crate::block::{
    AfterSave, BlockContext, BlockError, Event, GraderReply, HandlerRequest, HandlerResponse, Registry,
    RescoreError, User, Validation, XBlock,
};
use crate::clock::Clock;
use crate::fields::{KeyValueStore, MemoryStore, Score};
use crate::fragment::Fragment;
use crate::keys::{AsideUsageKey, KeyError, UsageKey};
use crate::runtime::{BlockRecord, Branch, Runtime};
use crate::services::{CompletionService, PublishService, Service, ServiceRequest, ServiceSet};

use context::{HostContext, Noted};
use fields::Above;
use watched::WatchedState;

pub use urls::{PathUrls, Urls};

/// Everything a block needs around it.
#[derive(Clone)]
pub struct Host {
    /// Where authored content comes from.
    pub runtime: Arc<dyn Runtime>,
    /// Which branch is shown.
    pub branch: Branch,
    /// Which block types there are.
    pub registry: Registry,
    /// Where learner state is kept.
    pub learner_state: Arc<dyn KeyValueStore>,
    /// What addresses look like.
    pub urls: Arc<dyn Urls>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What blocks are offered beside what every host has: the user, English texts, addresses, field data.
    pub services: ServiceSet,
    /// Whether authors look at their work here, as in Studio's preview ([`BlockContext::is_author_mode`]). An
    /// `author_view` is for authors on every host.
    pub is_author_mode: bool,
}

/// A block with its fields, ready to be shown to one user.
pub struct LoadedBlock {
    /// What the runtime holds of it.
    pub record: BlockRecord,
    /// Its behaviour.
    pub block: Box<dyn XBlock>,
}

/// What came of a request to a handler.
#[derive(Debug, Clone, PartialEq)]
pub struct Handled {
    /// The answer for the caller.
    pub response: HandlerResponse,
    /// What the block published, in order.
    pub events: Vec<Event>,
}

/// What came of rescoring a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescored {
    /// The score that was published.
    pub score: Score,
    /// What the block published, in order.
    pub events: Vec<Event>,
}

impl Host {
    /// Makes a host with learner state in memory, addresses below the root of the server and no services but those every
    /// host has. Its members are public, so that others can be put in their places.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>, branch: Branch, registry: Registry, clock: Arc<dyn Clock>) -> Self {
        Self {
            runtime,
            branch,
            registry,
            learner_state: Arc::new(MemoryStore::new()),
            urls: Arc::new(PathUrls::default()),
            clock,
            services: ServiceSet::default(),
            is_author_mode: false,
        }
    }

    /// Loads a block for a user: its record and the field stack over it.
    ///
    /// # Errors
    /// [`BlockError::Runtime`] where the block cannot be read.
    pub fn load(&self, usage: &UsageKey, user: Option<&User>) -> Result<LoadedBlock, BlockError> {
        let record = self.runtime.block(usage, self.branch)?;
        Ok(self.load_record(record, user, None))
    }

    /// Loads a block for a user as [`load`](Self::load) does, below blocks the caller knows, nearest first: what is
    /// inherited comes from these, and the runtime is not asked.
    ///
    /// # Errors
    /// [`BlockError::Runtime`] where the block cannot be read.
    pub fn load_below(
        &self,
        above: Arc<[Arc<BlockRecord>]>,
        usage: &UsageKey,
        user: Option<&User>,
    ) -> Result<LoadedBlock, BlockError> {
        let record = self.runtime.block(usage, self.branch)?;
        Ok(self.load_record(record, user, Some(above)))
    }

    fn load_record(&self, record: BlockRecord, user: Option<&User>, above: Option<Above>) -> LoadedBlock {
        let block_type = self.registry.block_type(record.usage.block_type());
        let fields = fields::assemble(self, &record, &block_type, user, above);
        LoadedBlock { block: block_type.create(fields), record }
    }

    fn open(
        &self,
        usage: &UsageKey,
        user: Option<&User>,
    ) -> Result<(Arc<BlockRecord>, Box<dyn XBlock>), BlockError> {
        let LoadedBlock { record, block } = self.load(usage, user)?;
        if context::is_hidden(&*block, user) {
            return Err(BlockError::StaffOnly { usage: usage.clone() });
        }
        Ok((Arc::new(record), block))
    }

    /// Renders a view of a block, and through it of its children, each with its asides behind it. Nothing is saved.
    ///
    /// A block without an `author_view` shows authors its `student_view`; one without a `public_view` tells visitors that
    /// it is for learners.
    ///
    /// # Errors
    /// [`BlockError`] where the block itself cannot be read or rendered, lacks a service it needs
    /// ([`BlockError::Service`], before the view runs), or is for staff only and the user is none of them; a child or an
    /// aside that fails is a placeholder inside.
    pub fn render(&self, usage: &UsageKey, view: &str, user: Option<&User>) -> Result<Fragment, BlockError> {
        let (record, block) = self.open(usage, user)?;
        let noted = Noted::default();
        let context = HostContext::new(self, record, user, &noted);
        let context = if view == "author_view" { context.for_authors() } else { context };
        context.render(&*block, view)
    }

    /// Lets a caller look at a block in its surroundings, as tests and tools do. Nothing is saved; what the block published
    /// comes back beside what the caller found.
    ///
    /// # Errors
    /// [`BlockError::Runtime`] where the block cannot be read, [`BlockError::Service`] where it lacks a service it needs.
    pub fn look<T>(
        &self,
        usage: &UsageKey,
        user: Option<&User>,
        look: impl FnOnce(&dyn XBlock, &dyn BlockContext) -> T,
    ) -> Result<(T, Vec<Event>), BlockError> {
        let LoadedBlock { record, block } = self.load(usage, user)?;
        let noted = Noted::default();
        let context = HostContext::new(self, Arc::new(record), user, &noted);
        context.check_services()?;
        let found = look(&*block, &context);
        Ok((found, noted.take()))
    }

    /// Returns what the author of a block should hear of it.
    ///
    /// # Errors
    /// [`BlockError::Runtime`] where the block cannot be read.
    pub fn validate(&self, usage: &UsageKey) -> Result<Validation, BlockError> {
        Ok(self.load(usage, None)?.block.validate())
    }

    /// Computes a learner's score on a block again from what is kept of the answers, saves what changed and publishes the
    /// grade. Whether a lower score replaces a higher one is for whoever keeps the grades, who is told what was asked
    /// for.
    ///
    /// # Errors
    /// [`BlockError::Rescore`] where the block has no score or was not answered, and what keeps it from being graded;
    /// then nothing was saved.
    pub fn rescore(
        &self,
        usage: &UsageKey,
        user: &User,
        only_if_higher: bool,
    ) -> Result<Rescored, BlockError> {
        let rescored = self.save_on_what_is_there(|host| {
            let LoadedBlock { record, block } = host.load(usage, Some(user))?;
            let noted = Noted::default();
            let context = HostContext::new(host, Arc::new(record), Some(user), &noted);
            context.check_services()?;
            let unsupported = || RescoreError::Unsupported { usage: usage.to_string() };
            let score = block.scorable().ok_or_else(unsupported)?.rescore(only_if_higher, &context)?;
            block.fields().save()?;
            Ok(Rescored { score, events: noted.take() })
        })?;
        self.announce(usage, Some(user), &rescored.events);
        Ok(rescored)
    }

    /// Hands a block what a grader elsewhere says of a learner's answer, and saves what came of it: what a host does when
    /// the queue calls back.
    ///
    /// # Errors
    /// [`BlockError`]; then nothing was saved.
    pub fn take_grader_reply(
        &self,
        usage: &UsageKey,
        user: &User,
        reply: &GraderReply,
    ) -> Result<Handled, BlockError> {
        let handled = self.save_on_what_is_there(|host| host.take_reply_once(usage, Some(user), reply))?;
        self.announce(usage, Some(user), &handled.events);
        Ok(handled)
    }

    fn take_reply_once(
        &self,
        usage: &UsageKey,
        user: Option<&User>,
        reply: &GraderReply,
    ) -> Result<Handled, BlockError> {
        let LoadedBlock { record, block } = self.load(usage, user)?;
        let noted = Noted::default();
        let context = HostContext::new(self, Arc::new(record), user, &noted);
        context.check_services()?;
        let unsupported = || RescoreError::Unsupported { usage: usage.to_string() };
        let response = block.scorable().ok_or_else(unsupported)?.take_grader_reply(reply, &context)?;
        block.fields().save()?;
        Ok(Handled { response, events: noted.take() })
    }

    /// Hands a request to a handler of a block, or of an aside by its own usage, and saves what it changed, all fields at
    /// once. Then what was published goes to the service `publish`, and completions before that to the service
    /// `completion`, where there are such; that one of them fails is no reason to refuse what was saved.
    ///
    /// Only user-scoped fields can be saved; authored ones are read-only here. Where another request, in this process or
    /// another, changed the learner's state meanwhile, the request is handled again on what is there now: of two
    /// answers at once none is forgotten. What the block asked for with [`BlockContext::after_save`] is done once, after
    /// its changes were saved; what came of it is saved in turn.
    ///
    /// # Errors
    /// [`BlockError`]; then nothing was saved. A bad request is an answer of the block's, not an error.
    pub fn handle(
        &self,
        usage: &UsageKey,
        handler: &str,
        request: &HandlerRequest,
        user: Option<&User>,
    ) -> Result<Handled, BlockError> {
        let (mut handled, work) = self.save_on_what_is_there(|host| match usage {
            UsageKey::Aside(key) => Ok((host.handle_aside(key, handler, request, user)?, None)),
            usage => host.handle_once(usage, handler, request, user),
        })?;
        if let Some(work) = work {
            let reply = work();
            let last = self.save_on_what_is_there(|host| host.take_reply_once(usage, user, &reply))?;
            handled.response = last.response;
            handled.events.extend(last.events);
        }
        self.announce(usage, user, &handled.events);
        Ok(handled)
    }

    /// Does something that saves learner state, again and again until nobody changed meanwhile what it read.
    fn save_on_what_is_there<T>(
        &self,
        act: impl Fn(&Self) -> Result<T, BlockError>,
    ) -> Result<T, BlockError> {
        let mut tries = 0;
        loop {
            let state = Arc::new(WatchedState::new(self.learner_state.clone()));
            let host = Self { learner_state: state.clone(), ..self.clone() };
            let outcome = act(&host);
            tries += 1;
            if outcome.is_ok() || !state.was_changed() || tries == MAX_TRIES {
                return outcome;
            }
        }
    }

    fn announce(&self, usage: &UsageKey, user: Option<&User>, events: &[Event]) {
        let request = ServiceRequest { usage, user };
        let completions = || {
            events.iter().filter_map(|event| match event {
                Event::Completion(completion) => Some(completion.completion),
                _ => None,
            })
        };
        // Nobody's completion is kept for visitors.
        if user.is_some()
            && completions().next().is_some()
            && let Some(found) = self.services.find(<dyn CompletionService as Service>::NAME, &request)
            && let Some(service) = found.get::<dyn CompletionService>().filter(|service| service.is_enabled())
        {
            for completion in completions() {
                // The caller has the event, too.
                let _ = service.submit_completion(usage, completion);
            }
        }
        let found = self.services.find(<dyn PublishService as Service>::NAME, &request);
        if let Some(publish) = found.and_then(|found| found.get::<dyn PublishService>()) {
            for event in events {
                publish.publish(usage, user.map(|user| &*user.id), event);
            }
        }
    }

    fn handle_once(
        &self,
        usage: &UsageKey,
        handler: &str,
        request: &HandlerRequest,
        user: Option<&User>,
    ) -> Result<(Handled, Option<AfterSave>), BlockError> {
        let (record, block) = self.open(usage, user)?;
        let (noted, waiting) = (Noted::default(), RefCell::default());
        let context = HostContext::new(self, record, user, &noted).that_waits(&waiting);
        context.check_services()?;
        let outcome = block.handle(handler, request, &context);
        // What a refused request asked for is not done.
        let is_done = outcome.is_ok();
        let handled = answered(outcome, &noted, || Ok(block.fields().save().map(drop)?))?;
        Ok((handled, waiting.take().filter(|_| is_done)))
    }

    fn handle_aside(
        &self,
        key: &AsideUsageKey,
        handler: &str,
        request: &HandlerRequest,
        user: Option<&User>,
    ) -> Result<Handled, BlockError> {
        let class = asides::class_of(self, key)?;
        let (record, block) = self.open(key.usage_key(), user)?;
        let invalid = |error: KeyError| BlockError::BadContent {
            usage: key.usage_key().clone(),
            reason: error.to_string(),
        };
        let loaded = asides::load(self, &record, class, user).map_err(invalid)?;
        let noted = Noted::default();
        let context = HostContext::new(self, record, user, &noted).of_aside(loaded.usage, class);
        let aside = loaded.aside;
        if !aside.should_apply_to_block(&*block, &context) {
            return Err(BlockError::NoSuchAside { aside_type: class.aside_type.to_owned() });
        }
        context.check_services()?;
        let outcome = aside.handle(handler, request, &*block, &context);
        answered(outcome, &noted, || Ok(aside.fields().save().map(drop)?))
    }
}

/// Saves what a handler changed, unless it refused the request.
fn answered(
    outcome: Result<HandlerResponse, BlockError>,
    noted: &Noted,
    save: impl FnOnce() -> Result<(), BlockError>,
) -> Result<Handled, BlockError> {
    match outcome {
        Ok(response) => {
            save()?;
            Ok(Handled { response, events: noted.take() })
        }
        Err(BlockError::BadRequest { status, message }) => {
            Ok(Handled { response: HandlerResponse::error(status, &message), events: Vec::new() })
        }
        Err(error) => Err(error),
    }
}

/// How often a request is handled before it is given up. Each try that fails means that another request was saved.
const MAX_TRIES: usize = 256;
