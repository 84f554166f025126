//! What must hold of every input, whoever made it up: the bodies of the fuzz targets.
//!
//! Each function takes bytes and panics where a promise is broken. The crate in `fuzz/` calls them with inputs that libFuzzer
//! makes; a test calls them with the seeds and with every input that failed once.

mod field_text;
mod formula;
mod keys;
mod olx_document;
mod olx_round_trip;
mod problem;

pub use field_text::field_text;
pub use formula::{FormulaEngine, formula};
pub use keys::keys;
pub use olx_document::olx_document;
pub use olx_round_trip::olx_round_trip;
pub use problem::{Answers, ProblemEngine, See, Seen, answers, problem};
