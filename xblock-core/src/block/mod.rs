//! The block model: what a block type declares, what a block can do, and what it may ask of its surroundings.

pub mod accessors;
mod class;
mod context;
mod error;
mod event;
mod handler;
mod registry;
mod xblock;

pub use accessors::{FieldGroup, FieldValue};
pub use class::{BlockClass, CompletionMode};
pub use context::{BlockContext, ChildSummary, User};
pub use error::BlockError;
pub use event::{Completion, Event, Grade};
pub use handler::{HandlerRequest, HandlerResponse};
pub use registry::{BlockType, Registry, RegistryBuilder, RegistryError};
pub use xblock::XBlock;
/// Makes a unit struct a group of fields that several classes have; described at the derive macro
/// [`XBlock`](derive@XBlock).
pub use xblock_derive::FieldGroup;
#[doc = include_str!("derive.md")]
pub use xblock_derive::XBlock;
