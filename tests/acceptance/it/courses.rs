//! Whole courses through both backends: the sample course always, real ones where `../shared/courses` exists.
#![expect(clippy::print_stderr, reason = "a skipped course and the counts must be heard")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use courseware::{
    ArchiveLimits, CompareOptions, CourseContent, ExportOptions, ImportOptions, ImportReport, OpenMode,
    Progress, PublishOptions, StoreUrl, SystemClock, check_problems, diff,
};
use regex::Regex;
use xblock_core::block::{Registry, User};
use xblock_core::clock::Clock;
use xblock_core::fields::MemoryStore;
use xblock_core::host::{Host, PathUrls};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};
use xblock_core::services::ServiceSet;

struct House {
    registry: Registry,
    clock: Arc<dyn Clock>,
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let registry = blocks::registry().expect("the registry");
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { registry, clock: Arc::new(SystemClock), folder }
    }

    fn open(&self, url: &str) -> Arc<dyn Runtime> {
        let url = url.replace('@', &format!("{}/", self.folder.path().display()));
        let url: StoreUrl = url.parse().expect("a store URL");
        url.open(OpenMode::Create, &self.registry, &self.clock)
            .unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    fn import(&self, course: &Path, store: &Arc<dyn Runtime>) -> ImportReport {
        let source = courseware::open_package(course, &ArchiveLimits::default()).expect("a package");
        courseware::import(&source, store, &self.registry, &ImportOptions::default())
            .unwrap_or_else(|error| panic!("{}: {error}", course.display()))
    }

    fn host(&self, runtime: &Arc<dyn Runtime>, branch: Branch) -> Host {
        Host {
            runtime: runtime.clone(),
            branch,
            registry: self.registry.clone(),
            learner_state: Arc::new(MemoryStore::new()),
            urls: Arc::new(PathUrls::default()),
            clock: self.clock.clone(),
            services: ServiceSet::default(),
            is_author_mode: false,
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

pub(crate) fn sample(name: &str) -> PathBuf {
    root().join("examples/courses").join(name)
}

/// A course of `../shared/courses`; says so where there is none.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    shared_folder(&format!("courses/{name}"))
}

/// A folder of `../shared`; says so where there is none.
pub(crate) fn shared_folder(name: &str) -> Option<PathBuf> {
    let folder = root().join("../shared").join(name);
    if folder.exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} does not exist here", folder.display());
    None
}

fn counts(store: &dyn Runtime, context: &ContextKey, branch: Branch) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for usage in store.usages(context, branch).expect("the blocks") {
        *counts.entry(usage.block_type().to_owned()).or_default() += 1;
    }
    counts
}

fn differences(left: &dyn Runtime, right: &dyn Runtime, context: &ContextKey) -> Vec<String> {
    let compared =
        courseware::compare(left, right, context, &CompareOptions::default()).expect("a comparison");
    assert!(compared.blocks > 0);
    compared.differences.iter().map(ToString::to_string).collect()
}

/// The main job: import into Blockstore, publish into Modulestore, compare, render everything.
fn main_job(course: &Path) -> BTreeMap<String, usize> {
    let house = House::new();
    let (blockstore, modulestore) =
        (house.open("blockstore:@blockstore"), house.open("modulestore:@modulestore"));
    let report = house.import(course, &blockstore);
    let context = report.context.clone();
    let published = courseware::publish(&blockstore, &modulestore, &context, &PublishOptions::default())
        .expect("a publish");
    assert!(!published.is_unchanged());
    assert_eq!(differences(&*blockstore, &*modulestore, &context), Vec::<String>::new());
    let again = courseware::publish(&blockstore, &modulestore, &context, &PublishOptions::default())
        .expect("a publish");
    assert!(again.is_unchanged(), "publishing twice changes nothing");

    let counted = counts(&*modulestore, &context, Branch::Published);
    assert_eq!(counts(&*blockstore, &context, Branch::Published), counted);
    for line in counted.iter().map(|(name, count)| format!("{count:>6} {name}")) {
        eprintln!("{line}");
    }
    renders_everything(&house, &modulestore, &context);
    counted
}

/// Renders every block by itself; html and video must come out as themselves, nothing may fail.
fn renders_everything(house: &House, store: &Arc<dyn Runtime>, context: &ContextKey) {
    let host = house.host(store, Branch::Published);
    let staff = User { id: "staff".into(), is_staff: true };
    for usage in store.usages(context, Branch::Published).expect("the blocks") {
        let fragment = host.render(&usage, "student_view", Some(&staff));
        let fragment = fragment.unwrap_or_else(|error| panic!("{usage} does not render: {error}"));
        if matches!(usage.block_type(), "html" | "video") {
            assert!(!fragment.content.contains("xblock-unavailable"), "{usage}: {}", fragment.content);
        }
    }
    let checked = check_problems(&host, context).expect("the problems");
    let gradable = checked.iter().filter(|problem| problem.gradable).count();
    eprintln!("{gradable} of {} problems take their own answers", checked.len());
}

/// Counts the blocks the files of a course speak of, by reading nothing but tags: every element with a `url_name`.
fn counts_of_files(course: &Path) -> BTreeMap<String, usize> {
    let element = Regex::new(r#"<([a-zA-Z][\w.-]*)\b[^<>]*?\surl_name="([^"]+)""#).expect("a pattern");
    let mut seen = BTreeSet::new();
    let mut folders = vec![course.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("drafts") && !path.ends_with("static") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "xml") {
                let text = std::fs::read_to_string(&path).expect("a text");
                seen.extend(
                    element.captures_iter(&text).map(|found| (found[1].to_owned(), found[2].to_owned())),
                );
            }
        }
    }
    let mut counts = BTreeMap::new();
    for (block_type, _) in seen {
        *counts.entry(block_type).or_default() += 1;
    }
    counts
}

#[test]
fn the_sample_course_goes_through_both_backends() {
    let counted = main_job(&sample("tides"));
    // Everything is published by the publish: 44 published blocks, a new unit with its text, and 6 pages.
    assert_eq!(counted.values().sum::<usize>(), 52);
    assert_eq!(counted["tide_clock"], 1, "a type nobody knows is kept");
}

#[test]
fn every_problem_of_the_sample_course_takes_its_own_answer() {
    let house = House::new();
    let store = house.open("memory:");
    let context = house.import(&sample("tides"), &store).context;
    let checked = check_problems(&house.host(&store, Branch::Published), &context).expect("the problems");
    let refused: Vec<_> = checked.iter().filter(|problem| !problem.gradable).collect();
    assert!(refused.is_empty() && checked.len() == 11, "{refused:#?}");
}

#[test]
fn the_sample_library_goes_through_both_backends() {
    let counted = main_job(&sample("tides-library"));
    assert_eq!(counted, BTreeMap::from([("library".to_owned(), 1), ("problem".to_owned(), 4)]));
}

#[test]
fn the_demo_course_goes_through_both_backends_with_every_block() {
    let Some(course) = shared("openedx-demo-course/course") else { return };
    let counted = main_job(&course);
    let in_files = counts_of_files(&course);
    for (block_type, count) in &in_files {
        assert_eq!(counted.get(block_type), Some(count), "blocks of type {block_type}: store and files");
    }
    let detached = ["about", "course_info", "static_tab"];
    let in_tree: usize =
        counted.iter().filter(|(name, _)| !detached.contains(&name.as_str())).map(|(_, n)| n).sum();
    assert_eq!(in_tree, in_files.values().sum::<usize>());
    eprintln!("{in_tree} blocks in the tree");
    assert!(in_tree >= 400, "{in_tree}");
}

macro_rules! real_courses {
    ($($test:ident: $course:literal),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                if let Some(course) = shared($course) {
                    main_job(&course);
                }
            }
        )+
    };
}

real_courses! {
    the_studio_course_goes_through_both_backends: "studio-advanced/course",
    the_finnish_course_goes_through_both_backends: "math-percent-edx-fi/course",
    the_grading_course_goes_through_both_backends: "mitx-grading-library/course",
    the_onboarding_course_goes_through_both_backends: "opencraft-onboarding",
    the_demo_library_goes_through_both_backends: "openedx-demo-course/library",
}

/// Any store to any store: OLX in, out, into the other, equal.
#[test]
fn what_one_store_exports_another_imports_equal() {
    let mut courses = vec![sample("tides"), sample("tides-library")];
    courses.extend(shared("studio-advanced/course"));
    let house = House::new();
    let mut made = 0;
    let mut fresh = |kind: &str| {
        made += 1;
        let url = if kind == "memory:" { kind.to_owned() } else { format!("{kind}:@store-{made}") };
        house.open(&url)
    };
    for (n, course) in courses.iter().enumerate() {
        for from in STORES {
            let source = fresh(from);
            let context = house.import(course, &source).context;
            let target =
                house.folder.path().join(format!("export-{n}-{}.tar.gz", from.trim_end_matches(':')));
            courseware::export(&*source, &context, &house.registry, &target, &ExportOptions::default())
                .unwrap_or_else(|error| panic!("{from}: {error}"));
            for to in STORES {
                let copy = fresh(to);
                house.import(&target, &copy);
                let found = differences(&*source, &*copy, &context);
                assert_eq!(found, Vec::<String>::new(), "{} from {from} to {to}", course.display());
            }
        }
    }
}

/// What a store holds of a real course is written and read again: equal, and written again with the same bytes.
fn comes_back_from_every_store(course: &Path) {
    let house = House::new();
    for (n, kind) in STORES.iter().enumerate() {
        let url = if kind.contains(':') { (*kind).to_owned() } else { format!("{kind}:@store-{n}") };
        let source = house.open(&url);
        let context = house.import(course, &source).context;
        let export = |store: &Arc<dyn Runtime>, name: &str| {
            let target = house.folder.path().join(format!("{name}-{n}.tar.gz"));
            courseware::export(&**store, &context, &house.registry, &target, &ExportOptions::default())
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            target
        };
        let first = export(&source, "first");
        let copy = house.open("memory:");
        let report = house.import(&first, &copy);
        assert_eq!(report.context, context);
        // The names of the files that blocks came from are another matter.
        let [before, after] = [&source, &copy].map(|store| {
            CourseContent::read_store(kind, &**store, &context, None, &Progress::default()).expect("a course")
        });
        let found = diff(&before, &after, &house.registry, &Progress::default()).expect("a difference");
        assert!(found.is_same(), "{kind}: {:?}", found.blocks.first());
        let second = export(&copy, "second");
        let bytes = |path| std::fs::read(path).expect("an archive");
        assert!(bytes(first) == bytes(second), "{kind}: the second export has other bytes");
    }
}

macro_rules! round_trips {
    ($($test:ident: $course:literal),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                if let Some(course) = shared($course) {
                    comes_back_from_every_store(&course);
                }
            }
        )+
    };
}

#[test]
fn the_sample_course_comes_back_from_every_store() {
    comes_back_from_every_store(&sample("tides"));
    comes_back_from_every_store(&sample("tides-library"));
}

round_trips! {
    the_demo_course_comes_back_from_every_store: "openedx-demo-course/course",
    the_demo_library_comes_back_from_every_store: "openedx-demo-course/library",
    the_studio_course_comes_back_from_every_store: "studio-advanced/course",
    the_finnish_course_comes_back_from_every_store: "math-percent-edx-fi/course",
    the_grading_course_comes_back_from_every_store: "mitx-grading-library/course",
    the_onboarding_course_comes_back_from_every_store: "opencraft-onboarding",
}

const STORES: [&str; 3] = ["memory:", "blockstore", "modulestore"];
