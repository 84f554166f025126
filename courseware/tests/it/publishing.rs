//! Publishing from one store into another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use courseware::{
    ArchiveLimits, CompareOptions, CoursewareError, ExportOptions, ImportOptions, Progress, PublishOptions,
    PublishReport, Stage, Step, compare, export, import, open_package, publish, publish_draft,
};
use serde_json::json;
use std::sync::Arc;
use xblock_core::olx::PackageSource;
use xblock_core::runtime::{Branch, Edit, EditOp, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    block, commit, context, draft_course, edit, html, put_asset, root, small_course, usage,
};

use crate::stores::{for_all, for_all_pairs, memory};

fn run(from: &Arc<dyn Runtime>, to: &Arc<dyn Runtime>) -> PublishReport {
    publish(from, to, &context(), &PublishOptions::default()).expect("publishing succeeds")
}

fn assert_same(from: &Arc<dyn Runtime>, to: &Arc<dyn Runtime>) {
    let found = compare(&**from, &**to, &context(), &CompareOptions::default()).unwrap();
    assert!(found.is_same(), "{:#?}", found.differences);
    assert!(found.blocks > 0);
}

#[test]
fn a_draft_is_published_in_both_stores() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        commit(&**from, edit().with(put_asset("a.txt", b"ebb")));
        let report = run(from, to);
        assert!(report.source_commit.is_some());
        assert!(report.target_commit.is_some());
        assert_eq!((report.blocks, report.assets), (7, 1));
        assert_eq!((report.changes.blocks_added, report.changes.assets_added), (7, 1));
        assert_same(from, to);
    });
}

#[test]
fn a_second_run_has_nothing_to_do() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        run(from, to);
        let before = (from.context(&context()).unwrap(), to.context(&context()).unwrap());
        let report = run(from, to);
        assert!(report.is_unchanged());
        assert!(report.changes.is_empty());
        assert_eq!((from.context(&context()).unwrap(), to.context(&context()).unwrap()), before);
    });
}

#[test]
fn only_what_differs_is_written() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        commit(&**from, edit().with(put_asset("a.txt", b"ebb")).with(put_asset("b.txt", b"flood")));
        run(from, to);
        let changed = edit()
            .put(usage("html", "h1"), html("<p>Flood</p>"))
            .put(usage("html", "h2"), html("<p>Slack</p>"))
            .put(usage("vertical", "u2"), block(json!({ "display_name": "Two" }), &[usage("html", "h2")]))
            .with(EditOp::DeleteBlock { usage: usage("problem", "p1") })
            .with(put_asset("a.txt", b"low water"));
        commit(&**from, changed);
        let report = run(from, to);
        let counts = report.changes;
        assert_eq!((counts.blocks_added, counts.blocks_changed, counts.blocks_deleted), (1, 2, 1));
        assert_eq!((counts.assets_added, counts.assets_changed, counts.assets_deleted), (0, 1, 0));
        assert_same(from, to);
    });
}

#[test]
fn a_run_that_was_cut_off_goes_on() {
    for_all_pairs(|from, to| {
        commit(&**from, small_course().publish_all());
        // The source is published; the target got the draft and not more.
        let mut half = small_course();
        half.message = "half".into();
        commit(&**to, half);
        let report = run(from, to);
        assert_eq!(report.source_commit, None);
        assert!(report.target_commit.is_some());
        assert!(report.changes.is_empty());
        assert_same(from, to);
    });
}

#[test]
fn drafts_of_the_target_are_replaced_and_named() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        run(from, to);
        commit(&**to, edit().put(usage("html", "h1"), html("<p>mine</p>")));
        let report = run(from, to);
        assert_eq!(report.replaced_drafts, [usage("html", "h1")]);
        assert_same(from, to);
    });
}

#[test]
fn another_root_is_a_conflict() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        let other = usage("course", "other");
        let new = Edit::new(context(), xblock_core::runtime::Base::New { root: other.clone() })
            .put(other.clone(), block(json!({}), &[]));
        commit(&**to, new);
        let error = publish(from, to, &context(), &PublishOptions::default()).unwrap_err();
        assert!(
            matches!(&error, CoursewareError::OtherRoot { present, wanted, .. } if *present == other && *wanted == root()),
            "{error}"
        );
    });
}

#[test]
fn a_course_that_does_not_exist_is_not_found() {
    let error = publish(&memory(), &memory(), &context(), &PublishOptions::default()).unwrap_err();
    assert!(matches!(error, CoursewareError::Runtime(RuntimeError::NoSuchContext { .. })), "{error}");
    assert!(error.is_not_found());
}

#[test]
fn the_stop_flag_leaves_both_stores_as_they_were() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        let stop = AtomicBool::new(true);
        let options = PublishOptions {
            progress: Progress { stop: Some(&stop), ..Progress::default() },
            ..PublishOptions::default()
        };
        let error = publish(from, to, &context(), &options).unwrap_err();
        assert!(matches!(error, CoursewareError::Interrupted));
        assert!(from.context(&context()).unwrap().head(Branch::Published).is_none());
        assert!(to.contexts().unwrap().is_empty());
    });
}

#[test]
fn a_change_meanwhile_is_a_conflict_and_is_not_overwritten() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        run(from, to);
        let readings = AtomicUsize::new(0);
        // Draft and published branch of the source, the published one again, then the draft of the target: while that is
        // read, and its version is known, somebody edits it.
        let meet = |step: Step| {
            let begins = step.stage == Stage::ReadStore && step.done == 0;
            if begins && readings.fetch_add(1, Ordering::Relaxed) == 3 {
                commit(&**to, edit().put(usage("html", "h1"), html("<p>theirs</p>")));
            }
        };
        let options = PublishOptions {
            progress: Progress { report: Some(&meet), ..Progress::default() },
            ..PublishOptions::default()
        };
        let error = publish(from, to, &context(), &options).unwrap_err();
        assert!(matches!(error, CoursewareError::Runtime(RuntimeError::Conflict { .. })), "{error}");
        let theirs = to.block(&usage("html", "h1"), Branch::Draft).unwrap();
        assert_eq!(theirs.data.content["data"], "<p>theirs</p>");
    });
}

#[test]
fn blocks_of_the_target_deleted_meanwhile_are_a_conflict_too() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        run(from, to);
        let readings = AtomicUsize::new(0);
        let meet = |step: Step| {
            let begins = step.stage == Stage::ReadStore && step.done == 0;
            if begins && readings.fetch_add(1, Ordering::Relaxed) == 3 {
                commit(&**to, without_a_text());
            }
        };
        let options = PublishOptions {
            progress: Progress { report: Some(&meet), ..Progress::default() },
            ..PublishOptions::default()
        };
        let error = publish(from, to, &context(), &options).unwrap_err();
        assert!(matches!(error, CoursewareError::Runtime(RuntimeError::Conflict { .. })), "{error}");
        assert!(to.block(&usage("html", "h1"), Branch::Draft).unwrap_err().is_not_found(), "theirs stays");
    });
}

/// Deletes the text of a course, and publishes that.
fn without_a_text() -> Edit {
    edit().with(EditOp::DeleteBlock { usage: usage("html", "h1") }).publish_all()
}

#[test]
fn an_import_over_what_others_change_meanwhile_is_a_conflict() {
    let (course, blocks) = (tempfile::tempdir().unwrap(), blocks::registry().unwrap());
    let target = course.path().join("course");
    let made = memory();
    draft_course(&*made);
    export(&*made, &context(), &blocks, &target, &ExportOptions::default()).unwrap();
    let package: Arc<dyn PackageSource> = open_package(&target, &ArchiveLimits::default()).unwrap();
    for_all(|store| {
        // Wherever somebody deletes a block that is yet to be read, or was read.
        for (branch, step) in [0, 1].into_iter().flat_map(|branch| (0..8).map(move |step| (branch, step))) {
            import(&package, store, &blocks, &ImportOptions::default()).unwrap();
            publish_draft(store, &context(), &PublishOptions::default()).unwrap();
            let readings = AtomicUsize::new(0);
            let has_met = AtomicBool::new(false);
            let meet = |now: Step| {
                if now.stage != Stage::ReadStore {
                    return;
                }
                let reading = match now.done {
                    0 => readings.fetch_add(1, Ordering::Relaxed),
                    _ => readings.load(Ordering::Relaxed) - 1,
                };
                if (reading, now.done) == (branch, step) && !has_met.swap(true, Ordering::Relaxed) {
                    commit(&**store, without_a_text());
                }
            };
            let progress = Progress { report: Some(&meet), ..Progress::default() };
            let options = ImportOptions { progress, ..ImportOptions::default() };
            let error = import(&package, store, &blocks, &options).unwrap_err();
            assert!(
                matches!(&error, CoursewareError::Runtime(RuntimeError::Conflict { .. })),
                "reading {branch}, step {step}: {error}"
            );
            assert!(
                store.block(&usage("html", "h1"), Branch::Draft).unwrap_err().is_not_found(),
                "theirs stays"
            );
        }
    });
}

#[test]
fn a_source_published_meanwhile_is_read_again() {
    for_all_pairs(|from, to| {
        draft_course(&**from);
        run(from, to);
        let readings = AtomicUsize::new(0);
        // The third reading is that of what will go into the target.
        let meet = |step: Step| {
            let begins = step.stage == Stage::ReadStore && step.done == 0;
            if begins && readings.fetch_add(1, Ordering::Relaxed) == 2 {
                commit(&**from, edit().put(usage("html", "h1"), html("<p>theirs</p>")).publish_all());
            }
        };
        let options = PublishOptions {
            progress: Progress { report: Some(&meet), ..Progress::default() },
            ..PublishOptions::default()
        };
        let report = publish(from, to, &context(), &options).unwrap();
        assert_eq!(report.source_version, from.context(&context()).unwrap().published.unwrap().version);
        assert_same(from, to);
    });
}
