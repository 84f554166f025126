//! The vectors that lie in this repository.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use acceptance::vectors::{Report, Run, by_kind, run};
use xblock_testkit::Service;

#[track_caller]
fn check(kind: &str, path: &str) {
    check_but(kind, path, &[]);
}

/// Checks, where what is not proven may begin with these words.
fn check_but(kind: &str, path: &str, unproven: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(path);
    let mut report = Report::default();
    run(by_kind(kind).expect("a kind of vectors"), &[path], &mut report).expect("vectors that can be read");
    assert!(report.passed > 0);
    assert_eq!(report.failures, Vec::<String>::new());
    report.unproven.retain(|told| !unproven.iter().any(|words| told.starts_with(words)));
    assert_eq!(report.unproven, Vec::<String>::new());
}

#[test]
fn formulas_have_the_values_recorded() {
    check("calc", "calc.json");
}

#[test]
fn chemical_expressions_compare_as_recorded() {
    check("chem", "chem.json");
}

#[test]
fn fields_behave_as_recorded() {
    check("fields", "fields.json");
}

#[test]
fn keys_behave_as_recorded() {
    check("keys", "keys.json");
    check("keys", "keys-random.json");
}

#[test]
fn markdown_is_converted_as_recorded() {
    check("markdown", "markdown.json");
}

#[test]
fn olx_is_read_and_written_as_recorded() {
    check("olx", "olx");
}

#[test]
fn a_store_of_the_blockstore_app_is_read_as_it_was_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = root.ancestors().map(|above| above.join("shared/golden/blockstore")).find(|f| f.is_dir());
    match found {
        Some(folder) => check("blockstore", folder.to_str().expect("a path in UTF-8")),
        None => {
            println!("SKIPPED: the golden data is not here (shared/golden/blockstore beside the project)")
        }
    }
}

#[test]
fn what_vectors_of_a_store_do_not_have_is_told_and_not_proven() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = std::sync::Arc::new(courseware::SystemClock);
    drop(runtime_blockstore::Blockstore::open(folder.path(), runtime_blockstore::Access::ReadWrite, clock));
    let empty = r#"{"collections": [], "bundles": [], "storage_listing": []}"#;
    std::fs::write(folder.path().join("expected.json"), empty).expect("room on the disk");
    let vectors = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_vectors"));
        let ran = command.arg("blockstore").arg(folder.path()).args(more).output().expect("it runs");
        (String::from_utf8(ran.stdout).expect("UTF-8"), ran.status.code())
    };
    for name in ["digest-vectors.json", "expected-library-view.json", "operations.json"] {
        let (told, _) = vectors(&[]);
        let line = told.lines().find(|line| line.starts_with("NOT PROVEN: ") && line.contains(name));
        assert!(line.is_some(), "{name}: {told}");
    }
    let (told, code) = vectors(&[]);
    assert_eq!((code, vectors(&["--all"]).1), (Some(0), Some(1)), "{told}");
}

/// What no recorded database proves, or not each.
const NOT_RECORDED: [&str; 4] = [
    "that the same calls make the same documents",
    "what save_asset_metadata makes of what it is given",
    "which class of the platform's code served each block",
    "that the files of blocks are those of the platform's export",
];

fn golden_split() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = root.ancestors().map(|above| above.join("shared/golden/split")).find(|f| f.is_dir());
    if found.is_none() {
        // Past the test harness, which would swallow it.
        let _ = writeln!(
            std::io::stderr(),
            "\nSKIPPED: the golden data is not here (shared/golden/split beside the project)"
        );
    }
    found
}

#[test]
fn a_database_of_the_platform_is_read_and_written_as_by_the_platform() {
    if let Some(folder) = golden_split() {
        check_but("split", folder.to_str().expect("a path in UTF-8"), &NOT_RECORDED);
    }
}

#[test]
fn a_database_of_the_platform_on_a_server_is_read_and_written_as_by_the_platform() {
    // The check begins with a server of its own; here it is only seen whether one can be had.
    if let (Some(folder), Some(_)) = (golden_split(), Service::start("mongodb.py", &[])) {
        check_but("split-on-mongodb", folder.to_str().expect("a path in UTF-8"), &NOT_RECORDED);
    }
}

/// The files of recorded problems.
const PROBLEMS: [&str; 19] = [
    "annotationresponse",
    "block_rules",
    "block_sequences",
    "choiceresponse",
    "choicetextresponse",
    "coderesponse",
    "externalresponse",
    "formularesponse",
    "imageresponse",
    "index_report",
    "multiplechoiceresponse",
    "numericalresponse",
    "optionresponse",
    "random2",
    "schematicresponse",
    "seeds_and_keys",
    "stringresponse",
    "structure",
    "truefalseresponse",
];

/// The files of those whose code imports NumPy or SymPy.
const PROBLEMS_WITH_LIBRARIES: [&str; 3] = ["customresponse", "script", "symbolicresponse"];

#[test]
fn problems_behave_as_recorded() {
    let modules = match acceptance::vectors::sandbox_modules() {
        Ok(modules) => modules,
        Err(reason) => return eprintln!("SKIPPED: no code of authors runs here: {reason}"),
    };
    PROBLEMS.iter().for_each(|name| check("capa", &format!("capa/{name}.json")));
    if ["numpy", "sympy"].iter().all(|name| modules.iter().any(|one| one == name)) {
        PROBLEMS_WITH_LIBRARIES.iter().for_each(|name| check("capa", &format!("capa/{name}.json")));
    } else {
        eprintln!("SKIPPED: this Python has no NumPy or no SymPy");
    }
}

#[test]
fn a_wrong_expectation_of_a_problem_fails() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/capa/stringresponse.json");
    let cases: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("the vectors")).expect("JSON");
    let failures = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut case = cases[0].clone();
        change(&mut case);
        counts_of("capa", &serde_json::json!([case])).1
    };
    assert_eq!(failures(&|_| {}), 0);
    assert_eq!(failures(&|case| case["max_score"] = 7.into()), 1);
    assert_eq!(failures(&|case| case["total"] = 7.into()), 1);
    assert_eq!(failures(&|case| case["question_answers"]["q_2_1"] = "x".into()), 1);
    assert_eq!(failures(&|case| case["html_before"] = "<div></div>".into()), 1);
    assert_eq!(failures(&|case| case["context"]["x"] = 1.into()), 1);
    assert_eq!(failures(&|case| case["submissions"][0]["correct_map"]["q_2_1"]["msg"] = "x".into()), 1);
    assert_eq!(failures(&|case| case["submissions"][0]["success"] = "x".into()), 1);
    assert_eq!(failures(&|case| case["submissions"][0]["score"]["earned"] = 9.into()), 1);
    assert_eq!(failures(&|case| case["submissions"][0]["hint_events"] = serde_json::json!([1])), 1);
    assert_eq!(failures(&|case| case["submissions"][0]["html_after"] = "<div></div>".into()), 1);
    assert_eq!(failures(&|case| case["submissions"][0]["student_message"] = "x".into()), 1);
}

/// Checks one file given as JSON and returns how many cases passed and failed.
fn counts(json: &serde_json::Value) -> (usize, usize) {
    counts_of("keys", json)
}

fn counts_of(kind: &str, json: &serde_json::Value) -> (usize, usize) {
    let mut report = Report::default();
    let Some(Run::File(check)) = by_kind(kind) else { panic!("{kind} have a check") };
    check(json, &mut report);
    (report.passed, report.failed)
}

#[test]
fn a_wrong_or_unknown_expectation_of_a_key_fails() {
    let case = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut case = serde_json::json!({
            "id": "a", "kind": "course_key", "input": "o/c/r", "valid": true, "type": "CourseLocator",
            "deprecated": true,
            "fields": {"org": "o", "course": "c", "run": "r", "branch": null, "version_guid": null},
            "canonical": "o/c/r", "reparse": "equal", "input_is_canonical": true,
            "properties": {"is_course": true}, "conversions": [{"op": "html_id", "result": "o/c/r"}],
        });
        change(&mut case);
        counts(&serde_json::json!({ "cases": [case] }))
    };
    assert_eq!(case(&|_| {}), (1, 0));
    assert_eq!(case(&|case| case["canonical"] = "o/c/x".into()), (0, 1));
    assert_eq!(case(&|case| case["fields"]["run"] = "x".into()), (0, 1));
    assert_eq!(case(&|case| case["properties"]["is_course"] = false.into()), (0, 1));
    assert_eq!(case(&|case| case["properties"]["nonsense"] = true.into()), (0, 1));
    assert_eq!(case(&|case| case["conversions"][0]["result"] = "x".into()), (0, 1));
    assert_eq!(case(&|case| case["conversions"][0]["op"] = "nonsense".into()), (0, 1));
    assert_eq!(case(&|case| case["surprise"] = true.into()), (0, 1));
    assert_eq!(counts(&serde_json::json!({ "strange_cases": [] })), (0, 1));
    assert_eq!(counts(&serde_json::json!({ "meta": {} })), (0, 1));
}

#[test]
fn a_wrong_expectation_of_a_call_a_rule_or_a_report_fails() {
    let read = |name: &str| -> serde_json::Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/capa").join(name);
        serde_json::from_slice(&std::fs::read(path).expect("the vectors")).expect("JSON")
    };
    let mut rules = read("block_rules.json");
    assert_eq!(counts_of("capa", &rules).1, 0);
    rules["max_score_and_types"]["rows"][0][1] = 7.into();
    rules["stored_score_loading"]["rows"][1][1] = serde_json::json!({ "raises": "ValueError" });
    rules["stored_correct_map_loading"]["rows"][0][2][1] = 7.into();
    rules["surprise"] = serde_json::json!({ "rows": [] });
    assert_eq!(counts_of("capa", &rules).1, 4);
    let mut reports = read("index_report.json");
    reports["index"][1]["index_dictionary"]["content"]["capa_content"] = "x".into();
    reports["report"][0]["rows"][0][1]["Answer"] = "x".into();
    assert_eq!(counts_of("capa", &reports).1, 2);
    let sequences = read("block_sequences.json");
    let native = sequences.as_array().expect("a list").iter().find(|scenario| {
        let step = &scenario["steps"][0];
        let is_graded = step["op"] == "problem_check" && step["response"]["success"] == "correct";
        is_graded && !scenario["xml"].to_string().contains("<script")
    });
    let native = native.expect("a scenario without a script");
    let failures = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut scenario = native.clone();
        change(&mut scenario["steps"][0]);
        counts_of("capa", &serde_json::json!([scenario])).1
    };
    assert_eq!(failures(&|_| {}), 0);
    assert_eq!(failures(&|step| step["response"]["success"] = "x".into()), 1);
    assert_eq!(failures(&|step| step["events"] = serde_json::json!([])), 1);
    assert_eq!(failures(&|step| step["state"]["attempts"] = 9.into()), 1);
}

/// What edx-platform wrote into Split and Old Mongo reads, comes back and is exported as it recorded.
#[test]
fn dumps_of_the_platform_behave_as_recorded() {
    let Some(folder) = crate::courses::shared_folder("golden/split") else { return };
    let mut report = Report::default();
    run(by_kind("split").expect("a kind of vectors"), &[folder], &mut report)
        .expect("vectors that can be read");
    assert!(report.passed > 2000, "only {} cases", report.passed);
    assert_eq!(report.failures, Vec::<String>::new());
}
