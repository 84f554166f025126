//! The block model: what a block type declares, what a block can do, and what it may ask of its surroundings.

pub mod accessors;
mod aside;
mod class;
mod completion;
mod context;
mod correctness;
mod error;
mod event;
mod handler;
mod mixin;
mod registry;
mod schema;
mod scoring;
mod validation;
mod xblock;

pub use accessors::{FieldGroup, FieldValue};
pub use aside::{AsideClass, XBlockAside};
pub use class::{BlockClass, CompletionMode};
pub use completion::{Completion, CompletionError};
pub(crate) use context::with_query;
pub use context::{AfterSave, BlockContext, ChildSummary, User};
pub use correctness::correctness_available;
pub use error::BlockError;
pub use event::{Event, Grade};
pub use handler::{HandlerRequest, HandlerResponse};
pub use mixin::{Mixin, MixinBehaviour};
pub use registry::{BlockType, Registry, RegistryBuilder, RegistryError};
pub use scoring::{GraderReply, RescoreError, Scorable, check_rescore, weighted_score};
pub use validation::{Validation, ValidationAction, ValidationMessage, ValidationMessageType};
pub use xblock::XBlock;
/// Makes a unit struct a group of fields that several classes have; described at the derive macro
/// [`XBlock`](derive@XBlock).
pub use xblock_derive::FieldGroup;
#[doc = include_str!("derive.md")]
pub use xblock_derive::XBlock;
#[doc = include_str!("derive_aside.md")]
pub use xblock_derive::XBlockAside;
