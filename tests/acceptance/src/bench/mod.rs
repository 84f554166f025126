//! The benchmark: this project beside the Python packages that do the same, in one run.
//!
//! - `measure`: a contest of two sides, and the line of the table that comes of it.
//! - `peers`: the Python process that is the other side of most contests; `python`: how such a process is asked.
//! - `bundles`, `keys`, `fields`, `imports`, `olx`, `problems`, `split`: the contests, by subject.
//! - `formula`: our side of evaluating formulas and grading by them.
//! - `groups`: the contests by the names that `--only` takes, and what they are made of.
//! - `run`: both sides in turn, and the table.
//! - `command`: what the programs have in common.
pub mod bundles;
pub mod command;
pub mod fields;
pub mod formula;
pub mod groups;
pub mod imports;
pub mod keys;
pub mod measure;
pub mod olx;
pub mod peers;
pub mod problems;
mod python;
pub mod run;
pub mod split;

pub use command::{course, finish};
pub use groups::{Group, Inputs};
pub use measure::{Contest, Goal, Measure, Outcome, Pick, Reference, Round, Side, Unit, best, seconds_each};
pub use peers::Peers;
pub use run::{run, table};
