//! Measures OLX alone: parsing and reading courses.
//!
//! `bench_olx [COURSE] [--rounds N]`. What memory it takes is for `bench_memory` to say.

use std::path::PathBuf;
use std::process::ExitCode;

use acceptance::bench::{Outcome, olx, run, table};
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
    let mut course = PathBuf::from("../shared/courses/openedx-demo-course/course");
    if !course.exists() {
        course = "examples/courses/tides".into();
    }
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?,
            _ => course = argument.into(),
        }
    }
    let measures = run(olx::contests(&course)?, None, rounds)?;
    say(table(&measures).trim_end());
    Ok(())
}
