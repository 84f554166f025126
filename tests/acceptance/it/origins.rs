//! Exports beside the package that was imported: what nobody changed comes back byte for byte.
#![expect(clippy::print_stderr, reason = "a skipped course and the counts must be heard")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use courseware::{
    ArchiveLimits, ExportForm, ExportOptions, FormatMode, ImportOptions, OpenMode, Progress, StoreUrl,
    SystemClock,
};
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::fields::Json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Base, BlockData, Branch, Edit, EditOp, Extent, Runtime};

type Files = BTreeMap<String, Vec<u8>>;

const STORES: [&str; 3] = ["memory:", "blockstore:@store", "modulestore:@store"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

fn sample(name: &str) -> PathBuf {
    root().join("examples/courses").join(name)
}

/// A folder of `../shared`; says so where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let folder = root().join("../shared").join(name);
    if folder.exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} does not exist here", folder.display());
    None
}

fn load(folder: &Path) -> Files {
    fn add(root: &Path, folder: &Path, files: &mut Files) {
        for entry in std::fs::read_dir(folder).expect("a folder that can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with(".git") {
                add(root, &path, files);
            } else if path.is_file() {
                let name = path.strip_prefix(root).expect("a path below the root").to_string_lossy();
                files.insert(name.into_owned(), std::fs::read(&path).expect("a file that can be read"));
            }
        }
    }
    let mut files = BTreeMap::new();
    add(folder, folder, &mut files);
    files
}

/// A store with a course in it, and the files it was made of.
struct House {
    registry: Registry,
    folder: tempfile::TempDir,
    store: Arc<dyn Runtime>,
    context: ContextKey,
    files: Files,
}

impl House {
    fn new(course: &Path, store: &str, target: Option<&str>) -> Self {
        let registry = blocks::registry().expect("the registry");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let url = store.replace('@', &format!("{}/", folder.path().display()));
        let url: StoreUrl = url.parse().expect("a store URL");
        let store = url.open(OpenMode::Create, &registry, &clock).expect("a store");
        let source = courseware::open_package(course, &ArchiveLimits::default()).expect("a package");
        let target: Option<ContextKey> = target.map(|key| key.parse().expect("a key"));
        let options = ImportOptions { target: target.as_ref(), ..ImportOptions::default() };
        let context = courseware::import(&source, &store, &registry, &options).expect("an import").context;
        Self { registry, folder, store, context, files: load(course) }
    }

    fn export(&self, form: ExportForm) -> Files {
        let target = tempfile::tempdir_in(self.folder.path()).expect("a folder");
        let options = ExportOptions { form, ..ExportOptions::default() };
        let path = target.path().join("out");
        courseware::export(&*self.store, &self.context, &self.registry, &path, &options).expect("an export");
        load(&path)
    }

    fn import_again(&self, files: &Files) -> Self {
        let folder = tempfile::tempdir_in(self.folder.path()).expect("a folder");
        for (path, bytes) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, bytes).expect("a file");
        }
        Self::new(folder.path(), "memory:", None)
    }

    fn blocks(&self, branch: Branch) -> BTreeMap<UsageKey, BlockData> {
        let usages = self.store.usages(&self.context, branch).expect("the blocks");
        let read = |usage: UsageKey| {
            let mut data = (*self.store.block(&usage, branch).expect("a block").data).clone();
            // This says how a package was laid out.
            if let Some(Json::Object(attributes)) = data.settings.get_mut("xml_attributes") {
                attributes.shift_remove("filename");
                if attributes.is_empty() {
                    data.settings.shift_remove("xml_attributes");
                }
            }
            (usage, data)
        };
        usages.into_iter().map(read).collect()
    }

    #[track_caller]
    fn assert_same_blocks(&self, other: &Self) {
        assert_eq!(self.context, other.context);
        for branch in Branch::ALL {
            let (mine, theirs) = (self.blocks(branch), other.blocks(branch));
            for usage in mine.keys().chain(theirs.keys()) {
                assert_eq!(mine.get(usage), theirs.get(usage), "{branch} {usage}");
            }
        }
    }

    /// Lists the files that an export makes others, new or gone.
    fn changed(&self, out: &Files) -> Vec<String> {
        let paths: BTreeSet<_> = self.files.keys().chain(out.keys()).collect();
        paths.into_iter().filter(|path| self.files.get(*path) != out.get(*path)).cloned().collect()
    }

    fn usage(&self, block_type: &str, id: &str) -> UsageKey {
        self.context.make_usage_key(block_type, id).expect("a key")
    }

    fn commit(&self, edit: Edit) {
        self.store.commit(edit).expect("a commit");
    }

    fn edit(&self) -> Edit {
        Edit::new(self.context.clone(), Base::Any)
    }
}

/// An untouched course comes back as it was, through every store, but for the files named here.
#[track_caller]
fn comes_back(course: &Path, exceptions: &[&str]) {
    for store in STORES {
        let house = House::new(course, store, None);
        let out = house.export(ExportForm::AsImported);
        let changed = house.changed(&out);
        let same = house.files.len() - changed.iter().filter(|path| house.files.contains_key(*path)).count();
        eprintln!("{same} of {} files of {} through {store}", house.files.len(), course.display());
        assert_eq!(changed, exceptions, "{} through {store}", course.display());
        house.assert_same_blocks(&house.import_again(&out));
    }
}

#[test]
fn the_sample_courses_come_back() {
    comes_back(&sample("tides"), &[]);
    comes_back(&sample("tides-library"), &[]);
}

macro_rules! real_courses {
    ($($test:ident: $course:literal, $exceptions:expr);+ $(;)?) => {
        $(
            #[test]
            fn $test() {
                if let Some(course) = shared($course) {
                    comes_back(&course, $exceptions);
                }
            }
        )+
    };
}

real_courses! {
    the_demo_course_comes_back: "courses/openedx-demo-course/course", &[];
    the_demo_library_comes_back: "courses/openedx-demo-course/library", &[];
    the_studio_course_comes_back: "courses/studio-advanced/course", &[];
    the_grading_course_comes_back: "courses/mitx-grading-library/course", &[];
    the_finnish_course_comes_back: "courses/math-percent-edx-fi/course", &[];
    the_onboarding_course_comes_back: "courses/opencraft-onboarding", &[];
}

#[test]
fn courses_of_the_platform_come_back() {
    for set in ["toy", "toy_edited", "simple_with_draft", "conditional_and_poll"] {
        for part in ["split", "migrate/before", "migrate/after"] {
            if let Some(folder) = shared(&format!("golden/split/{set}/{part}/olx")) {
                comes_back(&folder, &[]);
            }
        }
    }
    for part in ["olx.course", "olx.library"] {
        if let Some(folder) = shared(&format!("golden/split/library/{part}")) {
            comes_back(&folder, &[]);
        }
    }
}

/// Sets the names of some blocks of every type, and the texts and the order of children where there are any; each change
/// shows in one file, or in as many as are named here.
#[track_caller]
fn changes_stay_where_they_are(course: &Path, more: &[(&str, usize)]) {
    let house = House::new(course, "memory:", None);
    let mut by_type: BTreeMap<String, Vec<UsageKey>> = BTreeMap::new();
    for usage in house.store.usages(&house.context, Branch::Published).expect("the blocks") {
        by_type.entry(usage.block_type().to_owned()).or_default().push(usage);
    }
    let mut seen = Vec::new();
    for (block_type, usages) in &by_type {
        for usage in [usages.first(), usages.get(usages.len() / 2)].into_iter().flatten() {
            for change in ["name", "data", "order", "delete"] {
                let before = house.store.block(usage, Branch::Draft).expect("a block").data;
                let mut after = (*before).clone();
                match change {
                    "name" if !matches!(block_type.as_str(), "about" | "course_info" | "static_tab") => {
                        after.settings.insert("display_name".into(), Json::from("Another \"name\" & more"));
                    }
                    "data" => match after.content.get_mut("data") {
                        Some(Json::String(text))
                            if matches!(&**block_type, "html" | "about" | "course_info") =>
                        {
                            text.push_str("<p>One more.</p>");
                        }
                        Some(Json::String(text))
                            if block_type == "problem" && text.contains("</problem>") =>
                        {
                            *text = text.replacen("</problem>", "  <p>One more.</p>\n</problem>", 1);
                        }
                        _ => continue,
                    },
                    "order" if after.children.len() > 1 => after.children.rotate_left(1),
                    "delete" if !after.children.is_empty() => drop(after.children.remove(0)),
                    _ => continue,
                }
                if after == *before {
                    continue;
                }
                let edit = house.edit();
                let gone: Vec<_> =
                    before.children.iter().filter(|child| !after.children.contains(child)).collect();
                let edit = match gone.first() {
                    Some(gone) => edit.with(EditOp::DeleteBlock { usage: (*gone).clone() }),
                    None => edit.put(usage.clone(), after),
                };
                house.commit(edit.with(EditOp::Publish(Extent::Subtree(usage.clone()))));
                let out = house.export(ExportForm::AsImported);
                let changed = house.changed(&out);
                let present: Vec<_> = changed.iter().filter(|path| out.contains_key(*path)).collect();
                seen.push((format!("{change} {block_type} {}", usage.block_id()), present.len()));
                eprintln!("{change} {usage}: {present:?}");
                house.assert_same_blocks(&house.import_again(&out));
                // Back to what it was, which brings the bytes back.
                let source = courseware::open_package(course, &ArchiveLimits::default()).expect("a package");
                courseware::import(&source, &house.store, &house.registry, &ImportOptions::default())
                    .expect("an import");
            }
        }
    }
    let many: Vec<_> =
        seen.iter().filter(|(_, count)| *count != 1).map(|(what, n)| (what.as_str(), *n)).collect();
    assert_eq!(many, more, "{}", course.display());
}

/// The name of a course stands in its file and in the policy. It is changed twice, for want of another course.
const COURSE_NAMES: [(&str, usize); 2] = [("name course course", 2), ("name course course", 2)];

#[test]
fn changes_of_the_sample_course_stay_where_they_are() {
    // Drafts would go with the publish of the course.
    let folder = tempfile::tempdir().expect("a folder");
    for (path, bytes) in load(&sample("tides")).iter().filter(|(path, _)| !path.starts_with("drafts/")) {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
    changes_stay_where_they_are(folder.path(), &COURSE_NAMES);
}

macro_rules! changed_courses {
    ($($test:ident: $course:literal, $more:expr);+ $(;)?) => {
        $(
            #[test]
            fn $test() {
                if let Some(course) = shared($course) {
                    changes_stay_where_they_are(&course, $more);
                }
            }
        )+
    };
}

changed_courses! {
    changes_of_the_demo_library: "courses/openedx-demo-course/library", &[];
    changes_of_the_grading_course: "courses/mitx-grading-library/course", &[];
    changes_of_the_onboarding_course: "courses/opencraft-onboarding", &COURSE_NAMES;
}

#[test]
fn blocks_come_and_move_in_the_places_concerned() {
    let house = House::new(&sample("tides"), "memory:", None);
    let (from, to) = (house.usage("vertical", "unit_springs_neaps"), house.usage("vertical", "unit_welcome"));
    let moved = house.store.block(&from, Branch::Draft).expect("a unit").data.children[0].clone();
    let new = house.usage("html", "new_one");
    let mut data = BlockData::default();
    data.content.insert("data".into(), Json::from("<p>New.</p>"));
    let mut parent = (*house.store.block(&to, Branch::Draft).expect("a unit").data).clone();
    parent.children.insert(0, new.clone());
    let edit = house.edit().put(new, data).put(to.clone(), parent).with(EditOp::MoveBlock {
        usage: moved,
        parent: to.clone(),
        position: 9,
    });
    let publish = |usage: &UsageKey| EditOp::Publish(Extent::Subtree(usage.clone()));
    house.commit(edit.with(publish(&from)).with(publish(&to)));
    let out = house.export(ExportForm::AsImported);
    let changed = [
        "html/new_one.html",
        "html/new_one.xml",
        "vertical/unit_springs_neaps.xml",
        "vertical/unit_welcome.xml",
    ];
    assert_eq!(house.changed(&out), changed);
    house.assert_same_blocks(&house.import_again(&out));
}

#[test]
fn drafts_stay_until_they_are_published() {
    let house = House::new(&sample("tides"), "memory:", None);
    let text = house.usage("html", "tide_mills");
    let mut data = (*house.store.block(&text, Branch::Draft).expect("a text").data).clone();
    data.content.insert("data".into(), Json::from("<p>Other.</p>"));
    house.commit(house.edit().put(text, data));
    let out = house.export(ExportForm::AsImported);
    assert_eq!(house.changed(&out), ["drafts/html/tide_mills.html"]);
    house.assert_same_blocks(&house.import_again(&out));
    let unit = house.usage("vertical", "unit_twelfths");
    house.commit(house.edit().with(EditOp::Publish(Extent::Subtree(unit))));
    let out = house.export(ExportForm::AsImported);
    let gone = out.keys().filter(|path| path.contains("twelfths") && path.starts_with("drafts/"));
    assert_eq!(gone.count(), 0, "what was published is no draft any more");
    assert!(out.contains_key("drafts/vertical/unit_tide_mills.xml"), "the other one is");
    house.assert_same_blocks(&house.import_again(&out));
}

#[test]
fn a_copy_under_another_name_keeps_what_does_not_name_the_course() {
    let course = sample("tides");
    let house = House::new(&course, "memory:", Some("course-v1:Other+TIDES9+R2"));
    let out = house.export(ExportForm::AsImported);
    let changed = house.changed(&out);
    assert!(changed.len() < 12 && changed.contains(&"course.xml".to_owned()), "{changed:?}");
    house.assert_same_blocks(&house.import_again(&out));
}

#[test]
fn files_nobody_reads_come_back_and_the_canonical_form_has_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = load(&sample("tides"));
    files.insert("README.md".into(), b"# Tides\n".to_vec());
    files.insert("notes/of mine.txt".into(), b"\xff\0".to_vec());
    files.insert("html/unused.html".into(), b"<p>".to_vec());
    for (path, bytes) in &files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
    comes_back(folder.path(), &[]);
    let house = House::new(folder.path(), "memory:", None);
    let canonical = house.export(ExportForm::Canonical);
    assert!(!canonical.contains_key("README.md"));
    let again = house.import_again(&canonical);
    house.assert_same_blocks(&again);
    assert_eq!(again.export(ExportForm::Canonical), canonical);
    assert_eq!(again.export(ExportForm::AsImported), canonical);
}

#[test]
fn the_canonical_form_needs_no_formatting() {
    let mut courses = vec![sample("tides"), sample("tides-library")];
    courses.extend(shared("courses/openedx-demo-course/library"));
    courses.extend(shared("courses/mitx-grading-library/course"));
    courses.extend(shared("courses/opencraft-onboarding"));
    for course in courses {
        let house = House::new(&course, "memory:", None);
        let target = house.folder.path().join("canonical");
        let options = ExportOptions { form: ExportForm::Canonical, ..ExportOptions::default() };
        courseware::export(&*house.store, &house.context, &house.registry, &target, &options)
            .expect("an export");
        let report = courseware::format(&target, &house.registry, FormatMode::Check, &Progress::default())
            .expect("a check");
        assert_eq!(report.changed, Vec::<String>::new(), "{}", course.display());
    }
}
