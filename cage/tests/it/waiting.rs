//! Who waits, for what, and how long.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cage::{Cage, CageError, CageOptions, CageSandbox, Outcome, Run, RunLimits};
use serde_json::json;
use xblock_core::clock::FixedClock;
use xblock_core::keys::CourseKey;
use xblock_core::runtime::{Branch, MemoryRuntime};
use xblock_core::services::{SandboxError, SandboxJob, SandboxService};

use crate::running::{cage, options};

fn run(cage: &Cage, code: &str) -> Result<Outcome, CageError> {
    cage.run(&Run { code, seed: Some(1), ..Run::default() }, &RunLimits::default())
}

fn program(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a file of ours");
}

#[test]
fn nobody_waits_for_ever_for_a_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let python = folder.path().join("python3");
    program(&python, "#!/bin/sh\nexec sleep 1000\n");
    let wait_time = Duration::from_millis(200);
    let start_time = Duration::from_secs(2);
    let cage = Cage::when_needed(CageOptions { python, wait_time, start_time, ..CageOptions::default() });
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let error = run(&cage, "a = 1").expect_err("it never starts");
                assert!(matches!(error, CageError::Starting { .. }), "{error}");
                let said = error.to_string();
                assert!(said.contains("still being started after 0.2 seconds; try again"), "{said}");
            });
        }
    });
    // In the end the start is given up, and who comes then is told why.
    loop {
        match run(&cage, "a = 1").expect_err("it never starts") {
            CageError::Starting { .. } => {}
            CageError::Interpreter { reason, .. } => break assert_eq!(reason, "it does not answer"),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_start_that_failed_is_tried_again_when_it_is_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let python = folder.path().join("python3");
    for (retry_time, is_tried_again) in [(Duration::from_secs(1000), false), (Duration::ZERO, true)] {
        let _ = std::fs::remove_file(&python);
        let cage =
            Cage::when_needed(CageOptions { python: python.clone(), retry_time, ..CageOptions::default() });
        let missing = run(&cage, "a = 1").expect_err("there is no such Python").to_string();
        program(&python, "#!/bin/sh\necho no program\n");
        let next = run(&cage, "a = 1").expect_err("this is none either").to_string();
        assert_eq!(next != missing, is_tried_again, "{missing}, {next}");
    }
}

#[test]
fn what_waits_for_one_process_is_not_in_the_way_of_another() {
    if cage().is_none() {
        return;
    }
    // A module that takes the large process long to load, or for ever.
    let options = CageOptions {
        preload: Vec::new(),
        preload_large: vec!["calc".to_owned(), "sympy".to_owned()],
        parallel: 1,
        wait_time: Duration::from_millis(1),
        ..options()
    };
    let cage = Cage::start(options).expect("a cage");
    let large = run(&cage, "import sympy");
    assert!(matches!(large, Err(CageError::Starting { .. })), "{large:?}");
    // The only place is still free, and the small process runs: no wait is needed.
    while !matches!(run(&cage, "a = 1"), Ok(Outcome::Done { .. })) {}
    cage.start_large().expect("it starts in the end");
}

#[test]
fn sixty_four_learners_submit_at_once_and_all_are_answered() {
    if cage().is_none() {
        return;
    }
    let cage = Cage::start(CageOptions { parallel: 2, spares: 1, ..options() }).expect("a cage");
    let store = Arc::new(MemoryRuntime::new(Arc::new(FixedClock(Default::default()))));
    let sandbox = CageSandbox::new(Arc::new(cage), store, Branch::Published);
    let course = "course-v1:Org+C1+R1".parse::<CourseKey>().expect("a course").into();
    std::thread::scope(|scope| {
        for learner in 0..64 {
            let (sandbox, course) = (&sandbox, &course);
            scope.spawn(move || {
                let code = format!("a = {learner} + 1");
                let job = SandboxJob { code, random_seed: Some(learner), ..SandboxJob::default() };
                assert_eq!(sandbox.run(&job, course).expect("an answer")["a"], json!(learner + 1));
            });
        }
    });
}

#[test]
fn who_comes_when_too_much_is_done_already_is_told_so() {
    if cage().is_none() {
        return;
    }
    let options = CageOptions { parallel: 1, wait_time: Duration::from_millis(300), ..options() };
    let cage = Arc::new(Cage::start(options).expect("a cage"));
    let store = Arc::new(MemoryRuntime::new(Arc::new(FixedClock(Default::default()))));
    let sandbox = CageSandbox::new(cage, store, Branch::Published);
    let course = "course-v1:Org+C1+R1".parse::<CourseKey>().expect("a course").into();
    let job = SandboxJob { code: "import time; time.sleep(2); a = 1".into(), ..SandboxJob::default() };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let learners: Vec<_> = (0..16).map(|_| scope.spawn(|| sandbox.run(&job, &course))).collect();
        learners.into_iter().map(|learner| learner.join().expect("no panic")).collect()
    });
    let (answered, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert!(!answered.is_empty() && !refused.is_empty(), "{answered:?} {refused:?}");
    for error in refused {
        // Not the author's fault, and nothing to be kept.
        let Err(SandboxError::Engine { message }) = error else { panic!("{error:?}") };
        assert!(message.starts_with("too many scripts run at once: no place was free for 0."), "{message}");
    }
}
