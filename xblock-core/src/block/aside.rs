//! Asides: what a host shows beside blocks, with fields of its own for each block (xblock reference, section 13).

use crate::fields::{BlockFields, FieldSpec};
use crate::fragment::Fragment;
use crate::services::DeclaredServices;

use super::context::BlockContext;
use super::error::BlockError;
use super::handler::{HandlerRequest, HandlerResponse};
use super::xblock::XBlock;

/// An aside of one block: fields with behaviour.
///
/// Its authored values are kept with the block ([`AsideData`](crate::runtime::AsideData)), its learners' values under
/// keys of the family `xblock_asides.v1`. As blocks do, asides read in views and set in handlers.
pub trait XBlockAside: Send + Sync {
    /// Returns the aside's fields.
    fn fields(&self) -> &BlockFields;

    /// Tells whether the block has this aside; by default every block has.
    fn should_apply_to_block(&self, block: &dyn XBlock, context: &dyn BlockContext) -> bool {
        let _ = (block, context);
        true
    }

    /// Renders what stands beside a view of the block, none where nothing stands beside this view.
    ///
    /// The context is the aside's: its usage is the aside's, and its handler addresses lead to the aside.
    ///
    /// # Errors
    /// The aside's own.
    fn view(
        &self,
        view: &str,
        block: &dyn XBlock,
        context: &dyn BlockContext,
    ) -> Result<Option<Fragment>, BlockError>;

    /// Answers a request to one of the aside's handlers.
    ///
    /// # Errors
    /// [`BlockError::NoSuchHandler`] for a handler it does not have, and the handler's own.
    fn handle(
        &self,
        name: &str,
        request: &HandlerRequest,
        block: &dyn XBlock,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let _ = (request, block, context);
        Err(BlockError::NoSuchHandler { handler: name.to_owned() })
    }
}

/// The declaration of an aside type.
pub struct AsideClass {
    /// The type's name: its OLX tag and its entry point in group `xblock_asides.v1`.
    pub aside_type: &'static str,
    /// Its fields, in the order in which XBlock lists them.
    pub fields: &'static [FieldSpec],
    /// The services it asks for.
    pub services: DeclaredServices,
    /// Makes an aside from its fields.
    pub create: fn(BlockFields) -> Box<dyn XBlockAside>,
}
