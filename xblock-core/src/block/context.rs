//! What a block may ask of its surroundings while it renders or handles a request.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::fragment::Fragment;
use crate::keys::UsageKey;
use crate::services::{AnyService, Demand, Service, ServiceError};

use super::class::BlockClass;
use super::completion::Completion;
use super::error::BlockError;
use super::event::Event;
use super::scoring::GraderReply;

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

/// What a block does once its changes are kept. What came of it is handed to the block as a grader's reply is
/// ([`Scorable::take_grader_reply`](super::Scorable::take_grader_reply)), and the block's answer to that is the answer to
/// the request.
pub type AfterSave = Box<dyn FnOnce() -> GraderReply>;

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

    /// Tells whether authors look at their work, as in Studio's preview: faults are told in detail, and nothing is sent to
    /// anybody.
    fn is_author_mode(&self) -> bool {
        false
    }

    /// Asks for something to be done once what the handler changes is kept: once only, however often the request has to
    /// be handled because the learner's state changed meanwhile.
    ///
    /// # Errors
    /// The work itself, from surroundings that cannot wait for it; the block then does it at once.
    fn after_save(&self, work: AfterSave) -> Result<(), AfterSave> {
        Err(work)
    }

    /// Returns the address at which one of the block's handlers answers, with a query (without its question mark) and,
    /// for `third_party`, for callers that are not logged in.
    fn handler_url_with(&self, handler: &str, suffix: &str, query: &str, third_party: bool) -> String {
        let _ = third_party;
        with_query(self.handler_url(handler, suffix), query)
    }

    /// Returns the declaration of the block's class, where the surroundings know it.
    fn class(&self) -> Option<&'static BlockClass> {
        None
    }

    /// Returns how much the block's class asked for a service. Surroundings that keep no declarations give what is asked
    /// for.
    fn demand(&self, service: &str) -> Demand {
        self.class().map_or(Demand::Needed, |class| class.services.demand(service))
    }

    /// Finds a service by its name, whether it was declared or not; none by default. Blocks call
    /// [`need`](#method.need) and [`want`](#method.want) instead.
    fn find_service(&self, service: &str) -> Option<AnyService> {
        let _ = service;
        None
    }
}

impl dyn BlockContext + '_ {
    /// Returns a service the block cannot do without.
    ///
    /// ```
    /// # use xblock_core::block::{BlockContext, BlockError};
    /// use xblock_core::services::I18nService;
    ///
    /// fn greeting(context: &dyn BlockContext) -> Result<String, BlockError> {
    ///     Ok(context.need::<dyn I18nService>()?.gettext("Hello").into_owned())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ServiceError`] where the class did not declare it or the host has none.
    pub fn need<S: Service + ?Sized>(&self) -> Result<Arc<S>, ServiceError> {
        self.want::<S>()?.ok_or_else(|| ServiceError::NotAvailable {
            block_type: self.usage().block_type().to_owned(),
            service: S::NAME,
        })
    }

    /// Returns a service the block uses where there is one.
    ///
    /// # Errors
    /// [`ServiceError::NotDeclared`] where the class did not declare it, [`ServiceError::NotAvailable`] where it needs it
    /// and the host has none.
    pub fn want<S: Service + ?Sized>(&self) -> Result<Option<Arc<S>>, ServiceError> {
        let block_type = || self.usage().block_type().to_owned();
        // Every block needs its field data without saying so.
        let is_base = S::NAME == <dyn crate::fields::FieldData as Service>::NAME;
        let demand = if is_base { Demand::Needed } else { self.demand(S::NAME) };
        if demand == Demand::Undeclared {
            return Err(ServiceError::NotDeclared { block_type: block_type(), service: S::NAME });
        }
        match self.find_service(S::NAME) {
            Some(service) => match service.get::<S>() {
                Some(service) => Ok(Some(service)),
                None => Err(ServiceError::OtherType {
                    block_type: block_type(),
                    service: S::NAME,
                    expected: std::any::type_name::<S>(),
                }),
            },
            None if demand == Demand::Needed => {
                Err(ServiceError::NotAvailable { block_type: block_type(), service: S::NAME })
            }
            None => Ok(None),
        }
    }

    /// Reports how far the learner completed the block, from 0 to 1.
    ///
    /// # Errors
    /// [`CompletionError`](super::CompletionError) where blocks of the class do not report their completion themselves,
    /// or where it is not between 0 and 1.
    pub fn emit_completion(&self, completion: f64) -> Result<(), BlockError> {
        let completion = match self.class() {
            Some(class) => Completion::of_class(class, completion)?,
            None => Completion::new(completion)?,
        };
        self.publish(Event::Completion(completion));
        Ok(())
    }
}

/// Appends a query to an address.
pub(crate) fn with_query(mut url: String, query: &str) -> String {
    let query = query.trim_start_matches(['?', '&']);
    if !query.is_empty() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(query);
    }
    url
}
