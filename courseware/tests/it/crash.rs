//! Killed at any point, an import leaves the old state or the new one.

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
