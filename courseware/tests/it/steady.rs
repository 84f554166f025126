//! Reading a whole course while somebody writes it: one state of it, or a clear "no".

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use courseware::{
    ArchiveLimits, CompareOptions, CourseContent, CoursewareError, ExportForm, ExportOptions, ImportOptions,
    ImportOutcome, Overwrite, Progress, Step, SystemClock, compare, export, import, open_package,
};
use runtime_blockstore::BlockstoreRuntime;
use serde_json::json;
use xblock_core::runtime::{Base, Edit, Runtime};
use xblock_testkit::fixture::{block, commit, context, draft_course, edit, html, usage};

use crate::command::tides;
use crate::stores::{for_all, memory};

/// A course with two texts that both say `0`.
fn course(store: &dyn Runtime) {
    draft_course(store);
    let u2 = block(json!({ "display_name": "Two" }), &[usage("html", "h2")]);
    commit(store, edit().put(usage("vertical", "u2"), u2).put(usage("html", "h2"), html("<p>0</p>")));
    say(store, 0);
}

/// Lets both texts say the same number.
fn say(store: &dyn Runtime, number: usize) {
    let text = || html(&format!("<p>{number}</p>"));
    commit(store, edit().put(usage("html", "h1"), text()).put(usage("html", "h2"), text()).publish_all());
}

/// Somebody who writes each time the work comes to a step, up to a number of times.
struct Meddler<'a> {
    store: &'a dyn Runtime,
    step: u64,
    times: usize,
    meddled: AtomicUsize,
    /// How many steps there were.
    last: AtomicU64,
}

impl<'a> Meddler<'a> {
    fn new(store: &'a dyn Runtime, step: u64, times: usize) -> Self {
        Self { store, step, times, meddled: AtomicUsize::new(0), last: AtomicU64::new(0) }
    }

    fn meet(&self, step: Step) {
        self.last.fetch_max(step.done, Ordering::Relaxed);
        let meddled = self.meddled.load(Ordering::Relaxed);
        if step.done == self.step && meddled < self.times {
            // Counted first: the store reports nothing, but a reader that reads in its turn would.
            self.meddled.store(meddled + 1, Ordering::Relaxed);
            say(self.store, meddled + 1);
        }
    }
}

fn export_to(store: &dyn Runtime, target: &Path, meddler: &Meddler<'_>) -> Result<(), CoursewareError> {
    let report = |step: Step| meddler.meet(step);
    let options = ExportOptions {
        form: ExportForm::Canonical,
        overwrite: Overwrite::Replace,
        progress: Progress { report: Some(&report), ..Progress::default() },
    };
    export(store, &context(), &blocks::registry().unwrap(), target, &options).map(drop)
}

fn texts(target: &Path) -> Vec<String> {
    ["h1", "h2"]
        .iter()
        .map(|id| fs::read_to_string(target.join(format!("html/{id}.html"))).unwrap())
        .collect()
}

#[test]
fn an_export_is_of_one_state_wherever_somebody_writes() {
    for_all(|store| {
        course(&**store);
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("course");
        let mut step = 0;
        loop {
            step += 1;
            let meddler = Meddler::new(&**store, step, 2);
            export_to(&**store, &target, &meddler).unwrap();
            if meddler.meddled.into_inner() == 0 {
                break;
            }
            assert_eq!(texts(&target), ["<p>2</p>", "<p>2</p>"], "step {step}");
            say(&**store, 0);
        }
        assert!(step > 7, "there were steps to meddle at: {step}");
    });
}

#[test]
fn an_export_of_what_never_stands_still_leaves_its_target_alone() {
    for_all(|store| {
        course(&**store);
        let folder = tempfile::tempdir().unwrap();
        for name in ["course", "course.tar.gz"] {
            let target = folder.path().join(name);
            export_to(&**store, &target, &Meddler::new(&**store, u64::MAX, 0)).unwrap();
            let before = fs::metadata(&target).unwrap().modified().unwrap();
            let error = export_to(&**store, &target, &Meddler::new(&**store, 3, usize::MAX)).unwrap_err();
            assert!(matches!(error, CoursewareError::Unsteady { attempts: 5, .. }), "{error}");
            assert_eq!(fs::metadata(&target).unwrap().modified().unwrap(), before);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
            if target.is_dir() {
                assert_eq!(texts(&target)[0], texts(&target)[1]);
                fs::remove_dir_all(&target).unwrap();
            }
        }
    });
}

#[test]
fn an_import_into_what_is_deleted_meanwhile_is_a_conflict() {
    let registry = blocks::registry().unwrap();
    let package = open_package(&tides(), &ArchiveLimits::default()).unwrap();
    let mut step = 1;
    loop {
        step *= 2;
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock);
        let open = || BlockstoreRuntime::open(folder.path(), registry.clone(), clock.clone()).unwrap();
        let store: Arc<dyn Runtime> = Arc::new(open());
        let report = import(&package, &store, &registry, &ImportOptions::default()).unwrap();
        let root = store.context(&report.context).unwrap().root;
        let base = Base::Version(report.version.unwrap());
        let other = block(json!({ "display_name": "Other" }), &[]);
        store.commit(Edit::new(report.context.clone(), base).put(root, other)).unwrap();
        let other_program = open();
        let steps = AtomicU64::new(0);
        let delete = |_: Step| {
            if steps.fetch_add(1, Ordering::Relaxed) + 1 == step {
                let bundle = other_program.blockstore().get_bundles(None).unwrap()[0].uuid;
                other_program.blockstore().delete_bundle(bundle).unwrap();
            }
        };
        let progress = Progress { report: Some(&delete), ..Progress::default() };
        let imported =
            import(&package, &store, &registry, &ImportOptions { progress, ..ImportOptions::default() });
        if steps.into_inner() < step {
            imported.unwrap();
            break;
        }
        match imported {
            Err(CoursewareError::Deleted { context }) => assert_eq!(context, report.context),
            // Before the store was looked at, there is nothing to be in conflict with.
            Ok(made) => assert!(step < 3 && made.outcome == ImportOutcome::Written, "step {step}"),
            Err(error) => panic!("step {step}: {error}"),
        }
    }
    assert!(step > 5, "there were steps to meddle at: {step}");
}

#[test]
fn comparisons_and_differences_read_one_state() {
    for_all(|store| {
        course(&**store);
        let still: Arc<dyn Runtime> = memory();
        course(&*still);
        // After one meddling, both stores say the same again only where both texts are read anew.
        say(&*still, 1);
        for step in 0..5 {
            let meddler = Meddler::new(&**store, step, 1);
            let report = |step: Step| meddler.meet(step);
            let progress = Progress { report: Some(&report), ..Progress::default() };
            let options = CompareOptions { progress, ..CompareOptions::default() };
            let found = compare(&**store, &*still, &context(), &options).unwrap();
            assert_eq!(meddler.meddled.load(Ordering::Relaxed), 1);
            assert!(found.is_same(), "step {step}: {:?}", found.differences);
            say(&**store, 0);

            let meddler = Meddler::new(&**store, step, 1);
            let report = |step: Step| meddler.meet(step);
            let progress = Progress { report: Some(&report), ..Progress::default() };
            let read = CourseContent::read_store("store", &**store, &context(), None, &progress).unwrap();
            for (name, state) in &read.states {
                for id in ["h1", "h2"] {
                    let text = &state.blocks[&usage("html", id)].content["data"];
                    assert_eq!(text, "<p>1</p>", "step {step}: {id} of {name}");
                }
            }
            say(&**store, 0);

            let meddler = Meddler::new(&**store, step, usize::MAX);
            let report = |step: Step| meddler.meet(step);
            let progress = Progress { report: Some(&report), ..Progress::default() };
            let error =
                CourseContent::read_store("store", &**store, &context(), None, &progress).unwrap_err();
            assert!(matches!(error, CoursewareError::Unsteady { .. }), "{error}");
            say(&**store, 0);
        }
    });
}
