//! The behaviours, by what they are about. Each takes a fresh, empty runtime.

pub mod assets;
pub mod authoring;
pub mod conflicts;
pub mod history;
pub mod origins;
pub mod publishing;
pub mod reading;
pub mod walking;
