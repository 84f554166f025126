//! Exports beside the package that was imported: what nobody changed comes back byte for byte.
#![expect(clippy::print_stderr, reason = "a skipped course and the counts must be heard")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use courseware::{ArchiveLimits, ExportForm, ExportOptions, ImportOptions, OpenMode, StoreUrl, SystemClock};
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

    /// Changes a block and publishes the change.
    fn change(&self, usage: &UsageKey, change: impl FnOnce(&mut BlockData)) {
        let mut data = (*self.store.block(usage, Branch::Draft).expect("a block").data).clone();
        change(&mut data);
        let edit = Edit::new(self.context.clone(), Base::Any).put(usage.clone(), data);
        self.commit(edit.with(EditOp::Publish(Extent::Subtree(usage.clone()))));
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
