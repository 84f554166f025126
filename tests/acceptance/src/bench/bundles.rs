//! Bundles beside the Blockstore app on the same SQLite and files, and beside plain files on the same disk.
//!
//! `large` has bundles of many files, and stores of many bundles.

mod large;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;

use courseware::SystemClock;
use runtime_blockstore::{Access, Blockstore};
use tempfile::TempDir;
use uuid::Uuid;

use super::groups::folder as programs;
use super::python::Python;
use super::{Contest, Goal, Outcome, Pick, Round, Side, Unit, seconds_each};

pub use large::contests as large_contests;

/// Files of the bundle that is written and read as a whole.
const FILES: usize = 500;

/// As `blockstore_app.py` has it.
fn content(at: usize) -> String {
    format!("<html>{at} {}</html>", "tide ".repeat(60))
}

fn path(at: usize) -> String {
    format!("html/b{at}/definition.xml")
}

/// A store in a temporary folder beside the build, so that the work meets a real disk.
struct Store {
    store: Blockstore,
    collection: Uuid,
    folder: TempDir,
}

impl Store {
    fn new() -> Outcome<Self> {
        let folder = tempfile::tempdir_in("target")?;
        let store = Blockstore::open(folder.path(), Access::ReadWrite, Arc::new(SystemClock))?;
        let collection = store.create_collection("Benchmark")?.uuid;
        Ok(Self { store, collection, folder })
    }

    /// Makes a bundle and its draft.
    fn bundle(&self) -> Outcome<(Uuid, Uuid)> {
        let bundle = self.store.create_bundle(self.collection, "b", "b", "")?.uuid;
        Ok((bundle, self.store.get_or_create_bundle_draft(bundle, "studio_draft")?.uuid))
    }

    /// Makes a bundle of so many files, and returns it with its draft.
    fn filled(&self, files: usize) -> Outcome<(Uuid, Uuid)> {
        let (bundle, draft) = self.bundle()?;
        self.write(draft, files)?;
        Ok((bundle, draft))
    }

    fn write(&self, draft: Uuid, files: usize) -> Outcome<()> {
        let texts: Vec<_> = (0..files).map(|at| (path(at), content(at))).collect();
        let files: BTreeMap<_, _> =
            texts.iter().map(|(path, text)| (path.as_str(), Some(text.as_bytes()))).collect();
        self.store.write_draft_files(draft, &files)?;
        self.store.commit_draft(draft)?;
        Ok(())
    }
}

/// What is made once, when the first round needs it.
struct Once<T> {
    made: OnceCell<T>,
    make: Box<dyn Fn() -> Outcome<T>>,
}

impl<T> Once<T> {
    fn new(make: impl Fn() -> Outcome<T> + 'static) -> Rc<Self> {
        Rc::new(Self { made: OnceCell::new(), make: Box::new(make) })
    }

    fn get(&self) -> Outcome<&T> {
        if self.made.get().is_none() {
            // Nobody else can have made it meanwhile.
            let _ = self.made.set((self.make)()?);
        }
        self.made.get().ok_or_else(|| "it was made just now".into())
    }
}

/// The process that is the app's side.
struct App {
    python: Python,
    _folder: TempDir,
}

impl App {
    fn start(python: &Path) -> Outcome<Self> {
        let folder = tempfile::tempdir_in("target")?;
        let mut command = Command::new(python);
        let mut python = Python::start(command.arg(programs().join("blockstore_app.py")).arg(folder.path()))?;
        python.line()?;
        Ok(Self { python, _folder: folder })
    }

    fn measure(&mut self, round: &str) -> Outcome<f64> {
        Ok(self.python.ask(round)?.trim().parse()?)
    }
}

fn contest(
    name: &'static str,
    ours: Round,
    theirs: Option<(&'static str, Round)>,
    goal: Option<Goal>,
) -> Contest {
    Contest {
        name,
        unit: Unit::Seconds,
        pick: Pick::Median,
        ours: Side::Rust(ours),
        theirs: theirs.map(|(name, round)| (name, Side::Rust(round))),
        goal,
    }
}

/// Returns the contests with plain files, and with the app where there is a Python that has it.
///
/// # Errors
/// When the app's process does not start.
pub fn contests(app: Option<&Path>) -> Outcome<Vec<Contest>> {
    let filled = filled(FILES);
    let mut contests = vec![
        contest(
            "bundle: write 500 files and commit",
            write_bundle(),
            Some(("plain files, one fsync each", write_plain())),
            Some(Goal::TimesMore(2.0)),
        ),
        contest(
            "bundle: read all 500 files of a version",
            read_bundle(&filled),
            Some(("plain files", read_plain())),
            Some(Goal::TimesMore(3.0)),
        ),
        contest(
            "bundle: change one file of 500 and commit",
            commit_one(&filled),
            Some(("plain file, one fsync", rewrite_plain())),
            None,
        ),
    ];
    if let Some(python) = app {
        let app = Rc::new(std::cell::RefCell::new(App::start(python)?));
        for (name, ours, theirs, goal) in [
            ("bundle: write 500 files and commit", write_bundle(), "write", Some(10.0)),
            ("bundle: read all 500 files of a version", read_bundle(&filled), "read", Some(50.0)),
            // One who waits for the medium beside one who does not.
            ("bundle: change one file of 500 and commit", commit_one(&filled), "commit_one", None),
        ] {
            let app = app.clone();
            let theirs: Round = Box::new(move || app.borrow_mut().measure(theirs));
            let goal = goal.map(Goal::TimesLess);
            contests.push(contest(name, ours, Some(("the Blockstore app", theirs)), goal));
        }
    }
    Ok(contests)
}

/// A store with one bundle, and its draft.
type Filled = Rc<Once<(Store, Uuid, Uuid)>>;

fn filled(files: usize) -> Filled {
    Once::new(move || {
        let store = Store::new()?;
        let (bundle, draft) = store.filled(files)?;
        Ok((store, bundle, draft))
    })
}

fn write_bundle() -> Round {
    let store = Once::new(Store::new);
    Box::new(move || {
        let store = store.get()?;
        seconds_each(1, || {
            let (_, draft) = store.bundle()?;
            store.write(draft, FILES)
        })
    })
}

fn read_bundle(filled: &Filled) -> Round {
    let filled = filled.clone();
    Box::new(move || {
        let (store, bundle, _) = filled.get()?;
        seconds_each(1, || {
            let mut bytes = 0;
            for (_, content) in store.store.read_bundle_version(*bundle, 1)? {
                bytes += content?.len();
            }
            Ok(bytes)
        })
    })
}

fn plain_folder() -> Outcome<TempDir> {
    Ok(tempfile::tempdir_in("target")?)
}

fn plain_path(folder: &Path, at: usize) -> PathBuf {
    folder.join(path(at))
}

fn write_all(folder: &Path) -> Outcome<()> {
    for at in 0..FILES {
        let place = plain_path(folder, at);
        fs::create_dir_all(place.parent().unwrap_or(folder))?;
        let mut file = File::create(place)?;
        file.write_all(content(at).as_bytes())?;
        file.sync_all()?;
    }
    Ok(())
}

fn write_plain() -> Round {
    // Removed at the end: a file system without a journal passes over places that were freed lately, which would make every
    // side's next files slower.
    let mut folders = Vec::new();
    Box::new(move || {
        let folder = plain_folder()?;
        let taken = seconds_each(1, || write_all(folder.path()));
        folders.push(folder);
        taken
    })
}

fn read_plain() -> Round {
    let made = Once::new(|| {
        let folder = plain_folder()?;
        write_all(folder.path())?;
        Ok(folder)
    });
    Box::new(move || {
        let folder = made.get()?;
        seconds_each(1, || {
            let mut bytes = 0;
            for at in 0..FILES {
                bytes += fs::read(plain_path(folder.path(), at))?.len();
            }
            Ok(bytes)
        })
    })
}

fn rewrite_plain() -> Round {
    let made = Once::new(plain_folder);
    Box::new(move || {
        let place = made.get()?.path().join("one");
        seconds_each(1, || {
            let mut file = File::create(&place)?;
            file.write_all(content(0).as_bytes())?;
            file.sync_all()?;
            Ok(())
        })
    })
}

fn commit_one(filled: &Filled) -> Round {
    let filled = filled.clone();
    Box::new(move || {
        let (store, _, draft) = filled.get()?;
        let text = format!("<html>{}</html>", Uuid::new_v4());
        seconds_each(1, || {
            store.store.write_draft_file(*draft, &path(0), Some(text.as_bytes()))?;
            store.store.commit_draft(*draft)?;
            Ok(())
        })
    })
}
