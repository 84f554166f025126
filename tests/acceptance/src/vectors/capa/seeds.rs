//! The seeds of learners' variants and the keys under which results of code are kept.

use blocks::problem::student_seed;
use serde_json::Value as Json;
use xblock_core::services::SandboxJob;

use super::super::Report;

pub(super) fn check(vectors: &Json, report: &mut Report) {
    for case in vectors["randomization_bin"].as_array().into_iter().flatten() {
        let (user, usage) = (&case["user_id"], case["usage_key"].as_str().unwrap_or_default());
        let found = usage.parse().map(|usage| student_seed(&user.to_string(), &usage));
        let outcome = match found {
            Ok(seed) if case["seed"] == seed => Ok(()),
            found => Err(format!("{found:?} for {}", case["seed"])),
        };
        report.case(&format!("seed of user {user} in {usage}"), outcome);
    }
    for case in vectors["cache_keys"].as_array().into_iter().flatten() {
        let job = SandboxJob {
            code: case["code"].as_str().unwrap_or_default().into(),
            globals: case["globals"].as_object().cloned().unwrap_or_default(),
            random_seed: case["random_seed"].as_i64(),
            ..SandboxJob::default()
        };
        let key = job.cache_key();
        let is_same = case["key"] == key.as_str();
        let outcome = if is_same { Ok(()) } else { Err(format!("{key} for {}", case["key"])) };
        report.case(&format!("key of {}", case["code"]), outcome);
    }
}
