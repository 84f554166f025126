//! Measures OLX alone: parsing and reading courses.
//!
//! `bench_olx [COURSE] [--rounds N] [--python PROGRAM]`, the last as `make bench` has it. Its rounds are short, so that there
//! can be many where other processes leave few moments in which nothing is disturbed. What memory it takes is for `bench_memory` to say.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use acceptance::bench::{Outcome, Peers, olx, run, table};
use mimalloc::MiMalloc;

/// As the command `courseware` has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn say(line: &str) {
    println!("{line}");
}

fn bench() -> Outcome<()> {
    let mut rounds = 15;
    let mut python = None;
    let mut course = PathBuf::from("../shared/courses/openedx-demo-course/course");
    if !course.exists() {
        course = "examples/courses/tides".into();
    }
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?,
            "--python" => python = Some(PathBuf::from(arguments.next().ok_or("--python needs a program")?)),
            _ => course = argument.into(),
        }
    }
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench");
    let (list, questions) = (inputs.join("keys.txt"), inputs.join("problems.json"));
    let peers = match &python {
        Some(python) => Some(Peers::start(python, &inputs.join("peers.py"), &list, &course, &questions)?),
        None => None,
    };
    let measures = run(olx::contests(&course)?, peers, rounds)?;
    say(table(&measures).trim_end());
    Ok(())
}
