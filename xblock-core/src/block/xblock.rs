//! What a block does.

use crate::fields::BlockFields;
use crate::fragment::Fragment;

use super::context::BlockContext;
use super::error::BlockError;
use super::handler::{HandlerRequest, HandlerResponse};
use super::scoring::Scorable;
use super::validation::Validation;

/// An instance of a block: fields with behaviour.
///
/// A block keeps nothing but its fields. Views only read them; handlers may set them, and whoever called the handler
/// saves what changed.
pub trait XBlock: Send + Sync {
    /// Returns the block's fields.
    fn fields(&self) -> &BlockFields;

    /// Renders a view: `student_view`, `public_view`, `author_view` ...
    ///
    /// # Errors
    /// [`BlockError::NoSuchView`] for a view it does not have, and the view's own.
    fn view(&self, name: &str, context: &dyn BlockContext) -> Result<Fragment, BlockError>;

    /// Answers a request to one of the block's handlers.
    ///
    /// # Errors
    /// [`BlockError::NoSuchHandler`] for a handler it does not have, and the handler's own.
    fn handle(
        &self,
        name: &str,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let _ = (request, context);
        Err(BlockError::NoSuchHandler { handler: name.to_owned() })
    }

    /// Returns what an author should hear of, nothing by default.
    fn validate(&self) -> Validation {
        Validation::of(self.fields())
    }

    /// Returns how many points the block's questions give together before any weight, none for a block without a score.
    ///
    /// # Errors
    /// What keeps the block from being read.
    fn max_score(&self, context: &dyn BlockContext) -> Result<Option<f64>, BlockError> {
        let _ = context;
        Ok(None)
    }

    /// Returns the block as one with a score that can be computed again, none where it is not such a block.
    fn scorable(&self) -> Option<&dyn Scorable> {
        None
    }
}
