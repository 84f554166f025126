//! The block model: what a block type declares, what a block can do, and what it may ask of its surroundings.

mod class;
mod context;
mod error;
mod event;
mod handler;
mod registry;
mod xblock;

pub use class::{BlockClass, CompletionMode};
pub use context::{BlockContext, ChildSummary, User};
pub use error::BlockError;
pub use event::{Completion, Event, Grade};
pub use handler::{HandlerRequest, HandlerResponse};
pub use registry::{BlockType, Registry, RegistryBuilder, RegistryError};
pub use xblock::XBlock;
