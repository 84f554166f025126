//! Problems as the Python implementation loads, shows and grades them (`tests/vectors/capa/README.md`).
//!
//! Every file is told by its shape; problems all go one way: load, render, submit, compare.

mod graders;
mod html;
mod page_html;
mod problems;
mod random;
mod reports;
mod rules;
mod sandbox;
mod seeds;
mod sequences;
mod world;

pub use sandbox::{sandbox, sandbox_modules, sandbox_python};

use serde_json::Value as Json;

use super::Report;

/// Checks one file.
pub(super) fn run(vectors: &Json, report: &mut Report) {
    match vectors {
        Json::Array(cases)
            if cases.iter().all(|case| case.get("xml").is_some() && case.get("steps").is_none()) =>
        {
            for case in cases {
                problems::check(case, report);
            }
        }
        Json::Object(members) if members.contains_key("streams") => {
            random::check(&members["streams"], report)
        }
        Json::Object(members) if members.contains_key("cache_keys") => seeds::check(vectors, report),
        Json::Object(members) if members.contains_key("report") => reports::check(vectors, report),
        Json::Object(members) if members.contains_key("closed") => rules::check(members, report),
        Json::Array(cases) if cases.iter().all(|case| case.get("steps").is_some()) => {
            for case in cases {
                sequences::check(case, report);
            }
        }
        _ => report.case("file", Err("no check for vectors of this shape".into())),
    }
}
