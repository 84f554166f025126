//! The model of Open edX courseware: keys, scopes and fields, blocks, the runtime trait and OLX.
//!
//! Nothing here touches files, clock, environment or network; what is needed from outside comes through a runtime.
pub mod fields;
pub mod keys;
