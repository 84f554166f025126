//! A store in which one block or file is damaged: what can be read is still compared, exported and replaced.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::tempdir;

use crate::command::{TIDES, block, courseware, import_tides, stores, tides};

/// A text that only the damaged block has.
const WORDS: &str = "gravity weakens with distance";

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

fn says(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Imports the sample course into both stores and damages the block `two_bulges` in each.
fn damaged(directory: &Path) -> [String; 2] {
    let stores = stores(directory);
    stores.iter().for_each(|store| drop(import_tides(store)));
    let files = files_below(&directory.join("bundles"));
    let lost: Vec<_> = files
        .iter()
        .filter(|file| file.extension().is_none_or(|end| end != "sqlite3"))
        .filter(|file| says(&fs::read(file).unwrap(), WORDS))
        .collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    fs::remove_file(lost[0]).unwrap();
    let split = Connection::open(directory.join("split.db")).unwrap();
    let changed = split
        .execute(
            "UPDATE \"modulestore.definitions\" SET document = x'00' WHERE instr(document, CAST(?1 AS BLOB)) > 0",
            [WORDS],
        )
        .unwrap();
    assert_eq!(changed, 1);
    stores
}

#[test]
fn a_damaged_block_is_a_difference_and_the_rest_is_compared() {
    let directory = tempdir().unwrap();
    let stores = damaged(directory.path());
    let whole = format!("modulestore:{}", directory.path().join("whole.db").display());
    import_tides(&whole);
    for store in &stores {
        let found = courseware(["compare", TIDES, store, &whole, "--json"]).exits(1).json();
        let differences = found["differences"].as_array().unwrap();
        assert_eq!(differences.len(), 2, "once in each branch: {found:#}");
        for difference in differences {
            assert_eq!(difference["kind"], "block_unreadable");
            assert_eq!(difference["usage"], block("html", "two_bulges"));
            assert_eq!(difference["side"], "left");
            assert!(difference["reason"].as_str().is_some_and(|reason| reason.contains("damaged")));
        }
        let text = courseware(["compare", TIDES, &whole, store]).exits(1).out;
        assert!(text.contains("unreadable on the right"), "{text}");
    }
}

#[test]
fn an_export_names_what_it_had_to_leave_out() {
    let directory = tempdir().unwrap();
    for (n, store) in damaged(directory.path()).iter().enumerate() {
        let target = directory.path().join(format!("out{n}"));
        let target = target.to_str().unwrap();
        let report = courseware(["export", TIDES, "--store", store, "-o", target, "--json"]).exits(1).json();
        let errors: Vec<&Value> =
            report["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] == "error").collect();
        assert!(!errors.is_empty(), "{report:#}");
        for error in errors {
            assert!(error["message"].as_str().unwrap().contains(&block("html", "two_bulges")), "{error}");
        }
        assert!(Path::new(target).join("html/tide_curve.html").exists());
        assert!(!Path::new(target).join("html/two_bulges.html").exists());
        let ran = courseware(["export", TIDES, "--store", store, "-o", target, "--force"]).exits(1);
        assert!(ran.err.contains("error[unreadable]"), "{}", ran.err);
    }
}

#[test]
fn importing_again_replaces_what_cannot_be_read() {
    let directory = tempdir().unwrap();
    let stores = damaged(directory.path());
    let whole = format!("modulestore:{}", directory.path().join("whole.db").display());
    import_tides(&whole);
    for store in &stores {
        let report = import_tides(store);
        assert_eq!(report["outcome"], "written", "{store}: {report}");
        assert_eq!(report["changes"]["blocks_changed"], 1, "{store}: {report}");
        courseware(["compare", TIDES, store, &whole]).exits(0);
    }
}

#[test]
fn a_draft_that_cannot_be_read_is_replaced() {
    let directory = tempdir().unwrap();
    let [store, whole] = stores(directory.path());
    import_tides(&store);
    import_tides(&whole);
    let drafts: Vec<_> = files_below(&directory.path().join("bundles"))
        .into_iter()
        .filter(|file| says(file.as_os_str().as_encoded_bytes(), "vertical/unit_tide_mills"))
        .collect();
    assert_eq!(drafts.len(), 1, "{drafts:?}");
    fs::write(&drafts[0], "<verti").unwrap();
    courseware(["compare", TIDES, &store, &whole]).exits(1);
    assert_eq!(import_tides(&store)["outcome"], "written");
    courseware(["compare", TIDES, &store, &whole]).exits(0);
}

#[test]
fn a_damaged_block_that_the_package_does_not_have_is_deleted() {
    let directory = tempdir().unwrap();
    let stores = damaged(directory.path());
    let course = directory.path().join("course");
    for file in files_below(&tides()) {
        let target = course.join(file.strip_prefix(tides()).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
    let vertical = course.join("vertical/unit_two_bulges.xml");
    let text = fs::read_to_string(&vertical).unwrap();
    let kept: String = text.lines().filter(|line| !line.contains("<html url_name=\"two_bulges\"")).collect();
    assert_ne!(kept.len(), text.len());
    fs::write(&vertical, kept).unwrap();
    let course = course.to_str().unwrap();
    let whole = format!("modulestore:{}", directory.path().join("whole.db").display());
    courseware(["import", course, "--store", &whole]).exits(0);
    for store in &stores {
        courseware(["import", course, "--store", store]).exits(0);
        courseware(["compare", TIDES, store, &whole]).exits(0);
    }
}
