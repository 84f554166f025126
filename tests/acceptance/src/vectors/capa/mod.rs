//! Problems as the Python implementation loads, shows and grades them (`tests/vectors/capa/README.md`).
//!
//! Every file is told by its shape; problems all go one way: load, render, submit, compare.

mod graders;
mod html;
mod problems;
mod random;
mod sandbox;
mod seeds;

pub use sandbox::{sandbox, sandbox_modules};

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
        // What the block makes of calls, and of its rules and reports, the tests of `blocks` check.
        Json::Array(cases) if cases.iter().all(|case| case.get("steps").is_some()) => {}
        Json::Object(members) if ["closed", "report"].iter().any(|name| members.contains_key(*name)) => {}
        _ => report.case("file", Err("no check for vectors of this shape".into())),
    }
}
