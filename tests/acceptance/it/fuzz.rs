//! The fuzz targets' seeds, and every input that failed once, replayed.

use std::path::{Path, PathBuf};

use blocks::problem::{Problem, ProblemOptions};
use serde_json::Value as Json;
use xblock_testkit::fuzz::{self, Answers, Seen};

/// Calls a target with the files of its seeds and of its regressions.
fn replay(target: &str, run: impl Fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut count = 0;
    for folder in [root.join("fuzz/seeds").join(target), root.join("tests/resources/fuzz").join(target)] {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        for file in files {
            let bytes = std::fs::read(&file).expect("a file that can be read");
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&bytes)));
            assert!(outcome.is_ok(), "{} breaks {target}", file.display());
            count += 1;
        }
    }
    assert!(count > 0, "{target} has no seeds");
}

#[test]
fn keys() {
    replay("keys", fuzz::keys);
}

#[test]
fn field_text() {
    replay("field_text", fuzz::field_text);
}

#[test]
fn olx_document() {
    replay("olx_document", fuzz::olx_document);
}

#[test]
fn olx_round_trip() {
    let registry = blocks::registry().expect("no type twice");
    replay("olx_round_trip", |data| fuzz::olx_round_trip(data, &registry));
}

#[test]
fn formula() {
    use blocks::chemistry::{chemical_equations_equal, render_to_html};
    let engine = fuzz::FormulaEngine {
        value: &|text| blocks::formula::value_of(text).ok()?.complex().ok().map(|value| (value.re, value.im)),
        latex: &|text| blocks::formula::latex(text).ok(),
        chemistry: &render_to_html,
        equal: &|one, other| chemical_equations_equal(one, other, false),
    };
    replay("formula", |data| fuzz::formula(data, &engine));
}

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

#[test]
fn problems() {
    replay("problem", |data| fuzz::problem(data, &fuzz::ProblemEngine { see: &see }));
}

#[test]
fn answers() {
    replay("answers", |data| fuzz::answers(data, &fuzz::ProblemEngine { see: &see }));
}
