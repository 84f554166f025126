//! Blocks at work: a host puts a block's fields together, renders its views and runs its handlers.
//!
//! The way of a request is straight: usage key, record from the runtime, fields (own, inherited, default, learner's),
//! block, view or handler, changed fields into the learner-state store. Rendering never saves.

mod context;
mod fields;
mod urls;
mod watched;
mod wrap;

use std::cell::RefCell;
use std::sync::Arc;

use crate::block::{BlockError, Event, HandlerRequest, HandlerResponse, Registry, User, XBlock};
use crate::clock::Clock;
use crate::fields::KeyValueStore;
use crate::fragment::Fragment;
use crate::keys::UsageKey;
use crate::runtime::{BlockRecord, Branch, Runtime};

use context::HostContext;
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

impl Host {
    /// Loads a block for a user: its record and the field stack over it.
    ///
    /// # Errors
    /// [`BlockError::Runtime`] where the block cannot be read.
    pub fn load(&self, usage: &UsageKey, user: Option<&User>) -> Result<LoadedBlock, BlockError> {
        let record = self.runtime.block(usage, self.branch)?;
        Ok(self.load_record(record, user, None))
    }

    fn load_record(
        &self,
        record: BlockRecord,
        user: Option<&User>,
        above: Option<&[Arc<BlockRecord>]>,
    ) -> LoadedBlock {
        let block_type = self.registry.block_type(record.usage.block_type());
        let fields = fields::assemble(self, &record, &block_type, user, above);
        LoadedBlock { block: (block_type.class.create)(fields), record }
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

    /// Renders a view of a block, and through it of its children. Nothing is saved.
    ///
    /// # Errors
    /// [`BlockError`] where the block itself cannot be read or rendered, or is for staff only and the user is none of
    /// them; a child that fails is a placeholder inside.
    pub fn render(&self, usage: &UsageKey, view: &str, user: Option<&User>) -> Result<Fragment, BlockError> {
        let (record, block) = self.open(usage, user)?;
        let events = RefCell::default();
        let fragment = block.view(view, &HostContext::new(self, record, user, &events))?;
        Ok(wrap::wrap(fragment, usage, view))
    }

    /// Hands a request to a block's handler and saves what it changed, all fields at once.
    ///
    /// Only user-scoped fields can be saved; authored ones are read-only here. Where another request, in this process or
    /// another, changed the learner's state meanwhile, the request is handled again on what is there now: of two
    /// answers at once none is forgotten.
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
        let mut tries = 0;
        loop {
            let state = Arc::new(WatchedState::new(self.learner_state.clone()));
            let host = Self { learner_state: state.clone(), ..self.clone() };
            let outcome = host.handle_once(usage, handler, request, user);
            tries += 1;
            if outcome.is_ok() || !state.was_changed() || tries == MAX_TRIES {
                return outcome;
            }
        }
    }

    fn handle_once(
        &self,
        usage: &UsageKey,
        handler: &str,
        request: &HandlerRequest,
        user: Option<&User>,
    ) -> Result<Handled, BlockError> {
        let (record, block) = self.open(usage, user)?;
        let events = RefCell::default();
        let response = match block.handle(handler, request, &HostContext::new(self, record, user, &events)) {
            Ok(response) => response,
            Err(BlockError::BadRequest { status, message }) => {
                let response = HandlerResponse::error(status, &message);
                return Ok(Handled { response, events: Vec::new() });
            }
            Err(error) => return Err(error),
        };
        block.fields().save()?;
        Ok(Handled { response, events: events.into_inner() })
    }
}

/// How often a request is handled before it is given up. Each try that fails means that another request was saved.
const MAX_TRIES: usize = 256;
