//! The vectors that lie in this repository.

use std::path::Path;

use acceptance::vectors::{Report, by_kind, run};

#[track_caller]
fn check(kind: &str, path: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(path);
    let mut report = Report::default();
    run(by_kind(kind).expect("a kind of vectors"), &[path], &mut report).expect("vectors that can be read");
    assert!(report.passed > 0);
    assert_eq!(report.failures, Vec::<String>::new());
}

#[test]
fn fields_behave_as_recorded() {
    check("fields", "fields.json");
}

#[test]
fn keys_behave_as_recorded() {
    check("keys", "keys.json");
}

#[test]
fn olx_is_read_and_written_as_recorded() {
    check("olx", "olx");
}
