//! The main job on the sample course: in, across, out again, and at work, in every store.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::command::{TIDES, block, command, courseware, import_tides, stores, tides};

#[test]
fn a_course_goes_from_either_store_into_the_other_without_loss() {
    let directory = tempdir().unwrap();
    let [blockstore, modulestore] = stores(directory.path());
    for (from, to) in [(&blockstore, &modulestore), (&modulestore, &blockstore)] {
        let _ = fs::remove_dir_all(directory.path().join("bundles"));
        let _ = fs::remove_file(directory.path().join("split.db"));
        let imported = import_tides(from);
        assert_eq!(imported["outcome"], "written");
        let published = courseware(["publish", TIDES, "--from", from, "--to", to, "--json"]).exits(0).json();
        assert!(published["source_commit"].is_string(), "the drafts are published: {published}");
        assert!(published["target_commit"].is_string());
        assert_eq!(published["assets"], 11);

        let found = courseware(["compare", TIDES, from, to, "--json"]).exits(0).json();
        assert_eq!(found["differences"], json!([]));
        assert_eq!(found["assets"], 22, "both branches have the files");

        let again = courseware(["publish", TIDES, "--from", from, "--to", to]).exits(0);
        assert!(again.out.contains("nothing to do"), "{}", again.out);
        let again = courseware(["publish", TIDES, "--from", from, "--to", to, "--json"]).exits(0).json();
        assert_eq!((&again["source_commit"], &again["target_commit"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn an_import_counts_what_the_course_has() {
    for store in stores(tempdir().unwrap().path()).iter().map(String::as_str).chain(["memory:"]) {
        let report = import_tides(store);
        assert_eq!(report["context"], TIDES);
        // 44 in the tree, 3 about, 2 course_info and 1 static_tab page.
        assert_eq!(report["blocks"], 50, "{store}: {report}");
        let types = &report["blocks_by_type"];
        for (block_type, count) in
            [("problem", 11), ("html", 8), ("video", 2), ("vertical", 10), ("tide_clock", 1), ("about", 3)]
        {
            assert_eq!(types[block_type], count, "{store}: {types}");
        }
        assert_eq!(report["assets"], 11);
        assert!(report["drafts"].as_u64() >= Some(5), "{store}: {report}");
        assert!(report["version"].is_string());
    }
}

#[test]
fn both_branches_are_imported() {
    let directory = tempdir().unwrap();
    for store in &stores(directory.path()) {
        import_tides(store);
        let tree = |branch| courseware(["tree", TIDES, "--store", store, "--branch", branch]).exits(0).out;
        assert!(tree("draft").contains("vertical unit_tide_mills"), "{store}");
        assert!(!tree("published").contains("unit_tide_mills"), "{store}");
        assert!(tree("published").contains("    sequential seq_curve"), "{store}");
        assert!(tree("published").contains("outside the tree:\n"), "{store}");
    }
}

#[test]
fn importing_again_does_nothing_and_a_changed_course_only_what_changed() {
    let directory = tempdir().unwrap();
    let changed = directory.path().join("changed");
    copy(&tides(), &changed);
    fs::write(changed.join("html/two_bulges.html"), "<p>One bulge.</p>").unwrap();
    fs::write(changed.join("static/tide-table.txt"), "no tides\n").unwrap();
    fs::remove_file(changed.join("about/effort.html")).unwrap();
    let changed = changed.to_str().unwrap();
    for store in &stores(directory.path()) {
        import_tides(store);
        let versions = || courseware(["history", TIDES, "--store", store, "--json"]).exits(0).json();
        let before = versions();
        let again = import_tides(store);
        assert_eq!(again["outcome"], "unchanged", "{store}: {again}");
        assert_eq!(versions(), before, "{store}");

        let report = courseware(["import", changed, "--store", store, "--json"]).exits(0).json();
        assert_eq!(
            report["changes"],
            json!({
                "blocks_added": 0, "blocks_changed": 1, "blocks_deleted": 1,
                "assets_added": 0, "assets_changed": 1, "assets_deleted": 0, "asset_metadata": 0,
            }),
            "{store}"
        );
        let html = courseware(["render", &block("html", "two_bulges"), "--store", store]).exits(0).out;
        assert!(html.contains("One bulge."), "{store}: {html}");
    }
    let [blockstore, modulestore] = stores(directory.path());
    let fresh = format!("modulestore:{}", directory.path().join("fresh.db").display());
    courseware(["import", changed, "--store", &fresh]).exits(0);
    for store in [&blockstore, &modulestore] {
        courseware(["compare", TIDES, store, &fresh]).exits(0);
    }
}

#[test]
fn compare_lists_what_differs() {
    let directory = tempdir().unwrap();
    let [left, right] = stores(directory.path());
    import_tides(&left);
    let changed = directory.path().join("changed");
    copy(&tides(), &changed);
    fs::write(changed.join("html/two_bulges.html"), "<p>One bulge.</p>").unwrap();
    courseware(["import", changed.to_str().unwrap(), "--store", &right]).exits(0);
    let found = courseware(["compare", TIDES, &left, &right, "--branch", "published"]).exits(1);
    let lines: Vec<_> = found.out.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with(&format!("published: {}: content field data: ", block("html", "two_bulges")))
    );
    assert!(lines[1].starts_with("1 differences in "), "{lines:?}");
}

#[test]
fn an_exported_course_comes_back_equal() {
    let directory = tempdir().unwrap();
    let [blockstore, modulestore] = stores(directory.path());
    for (store, other) in [(&blockstore, &modulestore), (&modulestore, &blockstore)] {
        for name in ["out", "out.tar.gz"] {
            let place = tempdir().unwrap();
            let target = place.path().join(name).display().to_string();
            let _ = fs::remove_dir_all(directory.path().join("bundles"));
            let _ = fs::remove_file(directory.path().join("split.db"));
            import_tides(store);
            courseware(["export", TIDES, "--store", store, "-o", &target]).exits(0);
            courseware(["import", &target, "--store", other]).exits(0);
            courseware(["compare", TIDES, store, other]).exits(0);

            let taken = courseware(["export", TIDES, "--store", store, "-o", &target]).exits(5);
            assert!(taken.err.starts_with("error: ") && taken.err.contains("exists"), "{}", taken.err);
            courseware(["export", TIDES, "--store", store, "-o", &target, "--force"]).exits(0);
        }
    }
}

#[test]
fn a_course_can_be_imported_under_another_key() {
    let directory = tempdir().unwrap();
    for store in &stores(directory.path()) {
        let course = tides();
        let course = course.to_str().unwrap();
        let other = "course-v1:Elsewhere+T+1";
        courseware(["import", course, "--store", store, "--as", other]).exits(0);
        import_tides(store);
        let list = courseware(["list", "--store", store, "--json"]).exits(0).json();
        let keys: Vec<_> = list.as_array().unwrap().iter().map(|c| c["context"].as_str().unwrap()).collect();
        assert_eq!(keys, [other, TIDES], "{store}");
        let feed = courseware(["changes", "--store", store, "--json"]).exits(0).json();
        assert!(
            feed["changes"].as_array().unwrap().iter().any(|change| change["context"] == other),
            "{store}"
        );
        assert_eq!(feed["is_behind"], false, "{store}");
    }
}

#[test]
fn a_block_shows_where_its_fields_come_from() {
    let directory = tempdir().unwrap();
    for store in &stores(directory.path()) {
        import_tides(store);
        let problem = block("problem", "range_of_the_flood");
        let shown = courseware(["show", &problem, "--store", store, "--json"]).exits(0).json();
        let field = |name: &str| {
            let fields = shown["fields"].as_array().unwrap();
            fields
                .iter()
                .find(|field| field["name"] == name)
                .unwrap_or_else(|| panic!("{store}: no {name}"))
                .clone()
        };
        assert_eq!(
            (&field("weight")["value"], &field("weight")["origin"]),
            (&json!(2.0), &json!("own")),
            "{store}"
        );
        assert_eq!(field("showanswer")["origin"], "inherited", "{store}");
        assert_eq!(field("showanswer")["from"], block("course", "course"), "{store}");
        assert_eq!(field("rerandomize")["origin"], "default", "{store}");
        assert_eq!(shown["known_type"], true);
        let text = courseware(["show", &problem, "--store", store]).exits(0).out;
        assert!(text.contains("weight (settings, own) = 2.0"), "{text}");

        let clock =
            courseware(["show", &block("tide_clock", "bergen_clock"), "--store", store, "--json"]).exits(0);
        assert_eq!(clock.json()["known_type"], false, "{store}");
    }
}

#[test]
fn every_block_of_the_tree_renders() {
    let directory = tempdir().unwrap();
    for store in &stores(directory.path()) {
        import_tides(store);
        let root = block("course", "course");
        let whole = courseware(["render", &root, "--store", store, "--user", "ann", "--staff"]).exits(0).out;
        assert!(!whole.contains("xblock-unavailable"), "{store}: {whole}");
        let unit =
            courseware(["render", &block("vertical", "unit_two_bulges"), "--store", store]).exits(0).out;
        assert!(unit.contains(&format!("data-usage=\"{}\"", block("html", "two_bulges"))), "{store}: {unit}");
        let page = courseware(["render", &block("vertical", "unit_two_bulges"), "--store", store, "--page"])
            .exits(0)
            .out;
        assert!(page.starts_with("<!DOCTYPE html>"), "{store}");
        let fragment = courseware(["render", &block("video", "harbour_day"), "--store", store, "--json"])
            .exits(0)
            .json();
        assert!(fragment["content"].as_str().unwrap().contains("<video"), "{store}: {fragment}");
        assert!(
            !directory.path().join("split.db.learner-state.sqlite3").exists()
                && !directory.path().join("bundles/learner-state.sqlite3").exists(),
            "rendering keeps nothing"
        );
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let directory = tempdir().unwrap();
    let [store, _] = stores(directory.path());
    import_tides(&store);
    let mut child = command()
        .args(["show", &block("course", "course"), "--store", &store, "--json", "--defaults"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn progress_is_told_on_standard_error_when_asked_for() {
    let course = tides();
    let course = course.to_str().unwrap();
    let quiet = courseware(["import", course, "--store", "memory:", "--json"]).exits(0);
    assert!(!quiet.err.contains("reading the course"), "{}", quiet.err);
    let loud = courseware(["import", course, "--store", "memory:", "--json", "--progress"]).exits(0);
    assert!(loud.err.contains("reading the course"), "{}", loud.err);
    loud.json();
}

pub(crate) fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_schema_says_what_fields_a_type_has() {
    let schema = courseware(["schema", "problem"]).exits(0).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["max_attempts"]["x-xblock-scope"], "settings");
    assert_eq!(schema["x-xblock-has-score"], true);
    let all = courseware(["schema"]).exits(0).json();
    assert_eq!(all["problem"], schema);
    let unknown = courseware(["schema", "recommender"]).exits(3);
    assert!(unknown.err.contains("no block type recommender is known"), "{}", unknown.err);
}
