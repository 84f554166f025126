//! The model of Open edX courseware: keys, scopes and fields, blocks, the runtime trait and OLX.
//!
//! Nothing here touches files, clock, environment or network; what is needed from outside comes through a runtime
//! or a host.
//!
//! - [`keys`]: the identities of learning contexts, usages, definitions and assets.
//! - [`fields`]: scopes, field types and their conversions, and where values live.
//! - [`block`]: what a block type declares and what a block does; the [`registry`](block::Registry) of types.
//! - [`services`]: what a host offers to blocks: who the learner is, translations, completion, a sandbox ...
//! - [`fragment`]: what a view returns.
//! - [`olx`]: courseware as XML.
//! - [`runtime`]: the trait every store implements, edits, and the runtime in memory.
//! - [`host`]: blocks at work: fields put together, views rendered, requests handled, learner state saved.

pub mod block;
pub mod clock;
pub mod fields;
pub mod fragment;
pub mod host;
pub mod keys;
pub mod olx;
mod quick_hash;
pub mod runtime;
pub mod services;
