//! The benchmark: this project beside the Python packages that do the same, in one run.
//!
//! - `measure`: a contest of two sides, the line of the table that comes of it.
pub mod measure;

pub use measure::{Contest, Goal, Measure, Outcome, Pick, Reference, Round, Side, Unit, seconds_each};
