//! Mixins: fields and behaviour a host adds to classes of blocks, composed instead of inherited (xblock reference,
//! section 14).

use crate::fields::{BlockFields, FieldSpec};
use crate::fragment::Fragment;
use crate::services::DeclaredServices;

use super::class::BlockClass;
use super::context::BlockContext;
use super::error::BlockError;
use super::handler::{HandlerRequest, HandlerResponse};
use super::scoring::Scorable;
use super::validation::Validation;
use super::xblock::XBlock;

/// What a host adds to the classes of its blocks.
///
/// Fields of mixins come before a class's own, and a field of the class replaces one of the same name. Behaviour is a
/// layer around the block: of several mixins the one that was added last is outermost.
#[derive(Clone, Copy)]
pub struct Mixin {
    /// Its name, for messages.
    pub name: &'static str,
    /// The fields it adds.
    pub fields: &'static [FieldSpec],
    /// Which services its behaviour asks for, beyond those of the class.
    pub services: DeclaredServices,
    /// Says to which classes it is added.
    pub applies_to: fn(&BlockClass) -> bool,
    /// What it does around blocks, if anything.
    pub behaviour: Option<&'static dyn MixinBehaviour>,
}

impl Mixin {
    /// Makes a mixin that adds fields to every class.
    #[must_use]
    pub const fn of_fields(name: &'static str, fields: &'static [FieldSpec]) -> Self {
        Self { name, fields, services: DeclaredServices::NONE, applies_to: |_| true, behaviour: None }
    }

    /// Makes a mixin that adds behaviour to every class.
    #[must_use]
    pub const fn of_behaviour(name: &'static str, behaviour: &'static dyn MixinBehaviour) -> Self {
        Self {
            name,
            fields: &[],
            services: DeclaredServices::NONE,
            applies_to: |_| true,
            behaviour: Some(behaviour),
        }
    }
}

/// What a mixin does around a block. Every method stands between whoever calls the block and the block: it may answer
/// itself, call the block's own method, or both.
pub trait MixinBehaviour: Send + Sync {
    /// Renders a view; by default the block's.
    ///
    /// # Errors
    /// As [`XBlock::view`].
    fn view(
        &self,
        block: &dyn XBlock,
        name: &str,
        context: &dyn BlockContext,
    ) -> Result<Fragment, BlockError> {
        block.view(name, context)
    }

    /// Answers a request; by default the block does.
    ///
    /// # Errors
    /// As [`XBlock::handle`].
    fn handle(
        &self,
        block: &dyn XBlock,
        name: &str,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        block.handle(name, request, context)
    }

    /// Returns what an author should hear of the block; by default what the block says.
    fn validate(&self, block: &dyn XBlock) -> Validation {
        block.validate()
    }
}

/// A block with the behaviour of a mixin around it.
pub(super) struct MixedBlock {
    pub(super) block: Box<dyn XBlock>,
    pub(super) behaviour: &'static dyn MixinBehaviour,
}

impl XBlock for MixedBlock {
    fn fields(&self) -> &BlockFields {
        self.block.fields()
    }

    fn view(&self, name: &str, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        self.behaviour.view(&*self.block, name, context)
    }

    fn handle(
        &self,
        name: &str,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        self.behaviour.handle(&*self.block, name, request, context)
    }

    fn validate(&self) -> Validation {
        self.behaviour.validate(&*self.block)
    }

    fn max_score(&self, context: &dyn BlockContext) -> Result<Option<f64>, BlockError> {
        self.block.max_score(context)
    }

    fn scorable(&self) -> Option<&dyn Scorable> {
        self.block.scorable()
    }
}
