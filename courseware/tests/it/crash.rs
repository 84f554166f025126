//! Killed at any point, an import, an export or a formatting leaves the old state or the new one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::command::{TIDES, command, courseware, import_tides, stores, tides};

/// How often an import is killed in each store and starting state.
const KILLS: u32 = 20;

/// Points in time spread over a duration without a pattern: a golden-ratio walk.
fn points(total: Duration) -> impl Iterator<Item = Duration> {
    (1..=KILLS).map(move |n| total.mul_f64((f64::from(n) * 0.618_033_988_75).fract()))
}

fn import(course: &str, store: &str) -> std::process::Child {
    command()
        .args(["import", course, "--store", store])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// How long an undisturbed import takes.
fn duration(course: &str, store: &str) -> Duration {
    let start = Instant::now();
    assert!(import(course, store).wait().unwrap().success());
    start.elapsed()
}

#[test]
fn a_first_import_killed_leaves_nothing_or_all() {
    let course = tides();
    let course = course.to_str().unwrap();
    let reference = tempdir().unwrap();
    for (at, expected) in stores(reference.path()).iter().enumerate() {
        let total = duration(course, expected);
        for point in points(total) {
            let directory = tempdir().unwrap();
            let store = &stores(directory.path())[at];
            let mut child = import(course, store);
            std::thread::sleep(point);
            child.kill().unwrap();
            child.wait().unwrap();
            let list = courseware(["list", "--store", store, "--json"]);
            match list.code {
                Some(0) if list.json().as_array().is_some_and(Vec::is_empty) => {}
                Some(0) => {
                    courseware(["compare", TIDES, store, expected]).exits(0);
                }
                // Killed before the store was made.
                Some(3) => {}
                code => panic!("{store} after {point:?}: {code:?}\n{}", list.err),
            }
            import_tides(store);
            courseware(["compare", TIDES, store, expected]).exits(0);
        }
    }
}

#[test]
fn a_second_import_killed_leaves_the_old_or_the_new() {
    let course = tides();
    let directory = tempdir().unwrap();
    let changed = directory.path().join("changed");
    crate::main_job::copy(&course, &changed);
    for name in ["two_bulges", "chart_datum", "sills_and_locks"] {
        std::fs::write(changed.join(format!("html/{name}.html")), "<p>Slack water.</p>").unwrap();
    }
    std::fs::write(changed.join("static/tide-table.txt"), "slack\n").unwrap();
    std::fs::remove_file(changed.join("about/effort.html")).unwrap();
    let (old, new) = (course.to_str().unwrap(), changed.to_str().unwrap());
    let reference = tempdir().unwrap();
    let [old_state, new_state] =
        ["old.db", "new.db"].map(|name| format!("modulestore:{}", reference.path().join(name).display()));
    courseware(["import", old, "--store", &old_state]).exits(0);
    courseware(["import", new, "--store", &new_state]).exits(0);
    for store in &stores(directory.path()) {
        courseware(["import", old, "--store", store]).exits(0);
        let total = duration(new, store);
        let mut state = &new_state;
        for point in points(total) {
            // To and fro between the two courses.
            let (next, course) = if *state == old_state { (&new_state, new) } else { (&old_state, old) };
            let mut child = import(course, store);
            std::thread::sleep(point);
            child.kill().unwrap();
            child.wait().unwrap();
            let is = |expected: &str| courseware(["compare", TIDES, store, expected]).code == Some(0);
            if is(next) {
                state = next;
            } else {
                assert!(is(state), "{store} after {point:?}: neither the old nor the new state");
            }
        }
    }
}

#[test]
fn an_interrupted_import_says_so_and_leaves_nothing_or_all() {
    let course = tides();
    let course = course.to_str().unwrap();
    let reference = tempdir().unwrap();
    let [_, expected] = &stores(reference.path());
    let total = duration(course, expected);
    for point in points(total) {
        let directory = tempdir().unwrap();
        let [_, store] = &stores(directory.path());
        let mut child = import(course, store);
        std::thread::sleep(point);
        let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let status = child.wait().unwrap();
        let list = courseware(["list", "--store", store, "--json"]);
        let is_there = list.code == Some(0) && list.json().as_array().is_some_and(|list| !list.is_empty());
        match status.code() {
            Some(0) => assert!(is_there, "{store} after {point:?}"),
            // Without a code it ended before it listened to interrupts.
            Some(130) | None => assert!(!is_there && signal.success(), "{store} after {point:?}"),
            code => panic!("{store} after {point:?}: {code:?}"),
        }
    }
}

#[test]
fn of_several_imports_at_once_one_wins_and_none_is_mixed() {
    let course = tides();
    let course = course.to_str().unwrap();
    let reference = tempdir().unwrap();
    let [_, expected] = &stores(reference.path());
    import_tides(expected);
    let directory = tempdir().unwrap();
    for store in &stores(directory.path()) {
        let imports: Vec<_> = (0..4).map(|_| import(course, store)).collect();
        let codes: Vec<_> = imports.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
        assert!(codes.contains(&Some(0)), "{store}: {codes:?}");
        assert!(codes.iter().all(|code| matches!(code, Some(0 | 5))), "{store}: {codes:?}");
        courseware(["compare", TIDES, store, expected]).exits(0);
    }
}

/// Runs the command, kills it after a time and waits until it is gone.
fn kill_after(arguments: &[&str], point: Duration) {
    let mut child = command().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(point);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn time(arguments: &[&str]) -> Duration {
    let start = Instant::now();
    courseware(arguments).exits(0);
    start.elapsed()
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Reads all files below a directory; what a killed process left under a temporary name is left out.
fn files(directory: &Path) -> Files {
    fn read(root: &Path, directory: &Path, files: &mut Files) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with(".courseware-") {
                continue;
            }
            if path.is_dir() {
                read(root, &path, files);
            } else {
                files.insert(path.strip_prefix(root).unwrap().into(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = Files::new();
    read(directory, directory, &mut found);
    found
}

#[test]
fn a_killed_export_leaves_no_target_or_a_whole_one() {
    let directory = tempdir().unwrap();
    let [store, _] = &stores(directory.path());
    import_tides(store);
    let at = |name: &str| directory.path().join(name).display().to_string();
    let export = |target: &str| -> Vec<String> {
        ["export", TIDES, "--store", store, "--canonical", "--force", "-o", target].map(str::to_owned).into()
    };
    for (name, read) in [
        ("out", (|path: &Path| files(path)) as fn(&Path) -> Files),
        ("out.tar.gz", |path| Files::from([(PathBuf::new(), fs::read(path).unwrap())])),
    ] {
        let expected = at(&format!("expected-{name}"));
        let arguments = export(&expected);
        let total = time(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let expected = read(Path::new(&expected));
        // Nothing is there before.
        for (number, point) in points(total).enumerate() {
            let target = at(&format!("{number}-{name}"));
            let arguments = export(&target);
            kill_after(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), point);
            let target = Path::new(&target);
            assert!(!target.exists() || read(target) == expected, "{name} after {point:?}");
        }
        // Another export is there before.
        let target = at(&format!("again-{name}"));
        let arguments = export(&target);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let target = Path::new(&target);
        for point in points(total) {
            let old = if name == "out" {
                let _ = fs::remove_dir_all(target);
                fs::create_dir(target).unwrap();
                fs::write(target.join("old.txt"), "old").unwrap();
                read(target)
            } else {
                fs::write(target, "old").unwrap();
                read(target)
            };
            kill_after(&arguments, point);
            let now = read(target);
            assert!(
                now == old || now == expected,
                "{name} after {point:?}: {:?}",
                now.keys().collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn a_killed_formatting_leaves_each_file_old_or_new() {
    let directory = tempdir().unwrap();
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    crate::main_job::copy(&tides(), &old);
    // Nothing is in its layout, and there is much of it.
    for (path, bytes) in files(&old) {
        if path.extension().is_some_and(|ending| ending == "xml") && !path.starts_with("static") {
            let text = String::from_utf8(bytes).unwrap();
            fs::write(old.join(path), text.replacen(' ', "  \n  ", 1)).unwrap();
        }
    }
    crate::main_job::copy(&old, &new);
    let total = time(&["fmt", new.to_str().unwrap()]);
    let (before, after) = (files(&old), files(&new));
    let changed = before.iter().filter(|(path, bytes)| after[*path] != **bytes).count();
    assert!(changed > 20, "{changed}");
    for (number, point) in points(total).enumerate() {
        let course = directory.path().join(number.to_string());
        crate::main_job::copy(&old, &course);
        let path = course.to_str().unwrap();
        kill_after(&["fmt", path], point);
        let now = files(&course);
        assert!(now.keys().eq(before.keys()), "after {point:?}");
        for (path, bytes) in &now {
            assert!(*bytes == before[path] || *bytes == after[path], "{} after {point:?}", path.display());
        }
        courseware(["fmt", path]).exits(0);
        assert_eq!(files(&course), after, "a second run does what was left");
    }
}
