//! The streams of random numbers that scripts draw.

use serde_json::{Map, Value as Json, json};
use xblock_core::keys::ContextKey;
use xblock_core::services::SandboxJob;

use super::super::Report;
use super::sandbox;

/// Draws every stream inside and says which numbers differ.
const CODE: &str = include_str!("../../../../../cage/tests/it/check_random.py");

pub(super) fn check(streams: &Json, report: &mut Report) {
    for stream in streams.as_array().into_iter().flatten() {
        let id = format!("seed {}", stream["seed"]);
        report.case(&id, draw(stream));
    }
}

fn draw(stream: &Json) -> Result<(), String> {
    let globals = Map::from_iter([("streams".to_owned(), json!([stream]))]);
    let job = SandboxJob { code: CODE.into(), globals, ..SandboxJob::default() };
    let course: ContextKey = "course-v1:Org+C1+R1".parse().expect("a course key");
    let names = sandbox::sandbox()?.run(&job, &course).map_err(|error| error.to_string())?;
    match names["different"].as_array().map(Vec::as_slice) {
        Some([]) if names["compared"].as_u64() > Some(0) => Ok(()),
        different => Err(format!("different: {different:?}")),
    }
}
