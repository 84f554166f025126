#![no_main]

use blocks::problem::{Problem, ProblemOptions};
use serde_json::Value as Json;
use xblock_testkit::fuzz::{Answers, ProblemEngine, Seen, answers};

/// Puts a problem together as far as that goes without a place for scripts.
fn see(xml: &str, state: Option<&Json>, seed: i64, answers: Option<&Answers>) -> Option<Seen> {
    let usage = "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a key");
    let options = ProblemOptions { seed: Some(seed), state, ..ProblemOptions::new(usage) };
    let mut problem = Problem::load(xml, options.clone()).ok()?;
    let refused = answers.and_then(|answers| {
        problem.grade(&answers.clone().into_iter().collect()).err().map(|error| error.to_string())
    });
    Some(Seen {
        inputs: problem.inputs().into_iter().map(|input| input.id).collect(),
        html: problem.html(),
        state: problem.state(),
        possible: problem.max_score(),
        counted: Problem::max_score_of(xml, &options).ok(),
        refused,
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| answers(data, &ProblemEngine { see: &see }));
