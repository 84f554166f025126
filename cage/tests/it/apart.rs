//! Tests that need a process of their own: what is left after many runs, and other users, namespaces and kernels.
//!
//! A test here starts this binary again for one test that is otherwise ignored, alone or by way of another program.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cage::{Cage, CageError, Outcome, Run, RunLimits};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::running::{cage, options, skip};

/// Runs ignored tests of this binary in a process of its own, begun by a program where one is given.
fn apart(by: &[&str], tests: &[&str]) -> Option<String> {
    let this = std::env::current_exe().expect("this program");
    let mut words: Vec<_> = by.iter().map(Into::into).collect();
    words.push(this.into_os_string());
    let output = Command::new(&words[0])
        .args(&words[1..])
        .args(["--exact", "--include-ignored", "--nocapture", "--test-threads=1"])
        .args(tests)
        .current_dir("/")
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            skip(&format!("{}: {error}", by.join(" ")));
            return None;
        }
    };
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if !said.contains("running ") {
        skip(&format!("{} does not start here: {}", by.join(" "), said.trim()));
        return None;
    }
    assert!(output.status.success(), "{}: {said}", by.join(" "));
    assert!(said.contains(&format!("{} passed", tests.len())), "all were run: {said}");
    Some(said)
}

/// A process and what it has.
#[derive(Debug)]
struct Process {
    descriptors: usize,
    resident: u64,
    children: Vec<u32>,
}

fn process(pid: u32) -> Option<Process> {
    let folder = Path::new("/proc").join(pid.to_string());
    let mut children = Vec::new();
    for task in std::fs::read_dir(folder.join("task")).ok()?.flatten() {
        let listed = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.extend(listed.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    let statm = std::fs::read_to_string(folder.join("statm")).ok()?;
    Some(Process {
        descriptors: std::fs::read_dir(folder.join("fd")).ok()?.count(),
        resident: statm.split(' ').nth(1)?.parse().ok()?,
        children,
    })
}

/// The processes below this one, once nothing has changed for a while.
fn settled() -> BTreeMap<u32, Process> {
    let this = std::process::id();
    let deadline = Instant::now() + Duration::from_secs(30);
    let (mut last, mut since) = (Vec::new(), Instant::now());
    loop {
        let below: BTreeMap<u32, Process> = process(this)
            .expect("this process")
            .children
            .into_iter()
            .filter_map(|pid| Some((pid, process(pid)?)))
            .collect();
        let now: Vec<_> =
            below.iter().map(|(pid, one)| (*pid, one.children.clone(), one.descriptors)).collect();
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > Duration::from_millis(500) {
            return below;
        }
        assert!(Instant::now() < deadline, "it never settles: {below:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn run(cage: &Cage, code: &str) -> Outcome {
    let limits = RunLimits { real_time: Duration::from_secs(20), ..RunLimits::default() };
    cage.run(&Run { code, seed: Some(1), ..Run::default() }, &limits).expect("the cage works")
}

#[test]
fn nothing_is_left_after_hundreds_of_runs() {
    if cage().is_some() {
        apart(&[], &["apart::alone_nothing_is_left"]);
    }
}

#[test]
#[ignore = "has a process of its own"]
fn alone_nothing_is_left() {
    let cage = Cage::start(options()).expect("a cage");
    run(&cage, "a = 1");
    let (before, ours) = (settled(), process(std::process::id()).expect("this process"));
    let spares = options().spares;
    assert_eq!(before.values().map(|one| one.children.len()).collect::<Vec<_>>(), [spares]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let cage = &cage;
            scope.spawn(move || {
                for round in 0..60 {
                    let (code, is_good) = match round % 12 {
                        9 => ("1 / 0", false),
                        10 => ("import os; os._exit(7)", false),
                        11 if thread == 0 && round == 11 => ("while True: pass", false),
                        // Goes on after its answer.
                        8 => ("import os, time; os._exit = lambda code: time.sleep(1000)", true),
                        _ => ("a = 1", true),
                    };
                    assert_eq!(matches!(run(cage, code), Outcome::Done { .. }), is_good, "{code}");
                }
            });
        }
    });
    let (after, ours_after) = (settled(), process(std::process::id()).expect("this process"));
    assert_eq!(ours_after.descriptors, ours.descriptors);
    assert!(after.keys().eq(before.keys()), "the same process: {before:?} {after:?}");
    for (pid, zygote) in &after {
        assert_eq!(zygote.children.len(), spares, "{zygote:?}");
        assert_eq!(zygote.descriptors, before[pid].descriptors);
        let grown = zygote.resident.saturating_sub(before[pid].resident) * 4096;
        assert!(grown < 8 << 20, "grown by {grown} bytes");
    }
    drop(cage);
    let spares: Vec<u32> = after.values().flat_map(|one| one.children.clone()).collect();
    let deadline = Instant::now() + Duration::from_secs(10);
    while spares.iter().any(|pid| process(*pid).is_some_and(|one| one.resident > 0)) {
        assert!(Instant::now() < deadline, "they live on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(settled().is_empty());
}

#[test]
fn a_killed_process_is_started_again() {
    if cage().is_some() {
        apart(&[], &["apart::alone_it_is_started_again"]);
    }
}

#[test]
#[ignore = "has a process of its own"]
fn alone_it_is_started_again() {
    let cage = Cage::start(options()).expect("a cage");
    for _ in 0..3 {
        let zygote = *settled().keys().next().expect("a caged process");
        let slow = std::thread::scope(|scope| {
            let slow = scope.spawn(|| run(&cage, "import time; time.sleep(1); a = 1"));
            std::thread::sleep(Duration::from_millis(300));
            let killed = Command::new("kill").args(["-9", &zygote.to_string()]).status();
            assert!(killed.expect("a program `kill`").success());
            slow.join().expect("no panic")
        });
        // What was running is run again.
        assert!(matches!(slow, Outcome::Done { .. }), "{slow:?}");
        assert!(matches!(run(&cage, "a = 1"), Outcome::Done { .. }));
        let now = settled();
        assert!(now.len() == 1 && !now.contains_key(&zygote), "{now:?}");
    }
}

/// What another user or namespace must be able to do and unable to do.
const EVERYWHERE: &[&str] = &[
    "running::code_gives_its_names_back",
    "running::an_error_names_its_line",
    "escapes::every_attempt_to_get_out_fails",
    "more_escapes::every_further_attempt_to_get_out_fails",
];

fn everywhere(by: &[&str]) {
    if cage().is_none() {
        return;
    }
    if let Some(said) = apart(by, EVERYWHERE) {
        assert!(!said.contains("SKIPPED"), "{}: {said}", by.join(" "));
    }
}

const NOBODY: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];

#[test]
fn works_as_nobody() {
    // A Python in somebody's home is not everybody's.
    let pythons = [options().python, "/usr/bin/python3".into(), "/usr/local/bin/python3".into()];
    let usable = pythons.iter().find(|python| {
        // The first program after `setpriv` is still found with the rights of before.
        let mut tried = Command::new(NOBODY[0]);
        tried.args(&NOBODY[1..]).arg("env").arg(python).args(["-c", "pass"]);
        tried.current_dir("/").status().is_ok_and(|status| status.success())
    });
    let Some(python) = usable.and_then(|python| python.to_str()) else {
        return skip("there is no Python that everybody may run");
    };
    let python = format!("CAGE_PYTHON={python}");
    everywhere(&[NOBODY, &["env", &python]].concat());
}

#[test]
fn works_as_a_user_without_capabilities() {
    everywhere(&["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]);
}

#[test]
fn works_in_a_user_namespace_with_a_root_that_cannot_be_written() {
    const READ_ONLY: &str = "mount -o remount,bind,ro / && exec \"$@\"";
    everywhere(&[
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "--pid",
        "--fork",
        "--net",
        "--ipc",
        "sh",
        "-c",
        READ_ONLY,
        "sh",
    ]);
}

#[test]
fn works_without_proc() {
    // As in containers that hide it.
    const NO_PROC: &str = "mount -t tmpfs none /proc && exec \"$@\"";
    if cage().is_some() {
        let said = apart(
            &["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", NO_PROC, "sh"],
            &["running::code_gives_its_names_back"],
        );
        assert!(said.is_none_or(|said| !said.contains("SKIPPED")));
    }
}

/// Starts a cage on a thread whose kernel answers calls with an error.
fn start_without(calls: &[(i64, Option<u64>)], error: i32) -> Result<Cage, CageError> {
    let rules = calls
        .iter()
        .map(|(call, first)| {
            let rule = first.map(|value| {
                let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
                SeccompRule::new(vec![condition.expect("a condition")]).expect("a rule")
            });
            (*call, rule.into_iter().collect())
        })
        .collect();
    let fail = SeccompAction::Errno(error.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into().expect("a known processor");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, fail, arch).expect("a filter");
    let program: seccompiler::BpfProgram = filter.try_into().expect("a filter");
    std::thread::spawn(move || {
        seccompiler::apply_filter(&program).expect("filters of system calls");
        Cage::start(options())
    })
    .join()
    .expect("no panic")
}

#[test]
fn what_the_kernel_lacks_is_named_and_nothing_is_run() {
    if cage().is_none() {
        return;
    }
    for (what, calls) in [
        ("Landlock", vec![(libc::SYS_landlock_create_ruleset, None)]),
        ("Landlock", vec![(libc::SYS_landlock_restrict_self, None)]),
        ("Landlock", vec![(libc::SYS_landlock_add_rule, None)]),
        ("system call filters", vec![(libc::SYS_seccomp, None)]),
        ("system call filters for runs", vec![(libc::SYS_prctl, Some(22))]),
        ("pidfd_open", vec![(libc::SYS_pidfd_open, None)]),
        ("prlimit64", vec![(libc::SYS_prlimit64, None)]),
    ] {
        for error in [libc::ENOSYS, libc::EPERM] {
            match start_without(&calls, error) {
                Err(CageError::Missing { feature }) => {
                    assert!(feature.contains(what), "without {what}: {feature}");
                }
                other => panic!("without {what}: {other:?}"),
            }
        }
    }
}
