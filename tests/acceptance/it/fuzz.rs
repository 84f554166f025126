//! The fuzz targets' seeds, and every input that failed once, replayed.

use std::path::{Path, PathBuf};

use xblock_testkit::fuzz;

#[path = "../../../fuzz/see.rs"]
mod see;

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

#[test]
fn problems() {
    replay("problem", |data| fuzz::problem(data, &fuzz::ProblemEngine { see: &see::see }));
}

#[test]
fn answers() {
    replay("answers", |data| fuzz::answers(data, &fuzz::ProblemEngine { see: &see::see }));
}

#[test]
fn results_of_scripts() {
    replay("results", see::results);
}
