//! Measures OLX alone: parsing, reading courses, and the memory that parsed documents take.
//!
//! `bench_olx [COURSE] [--rounds N]`. Memory is counted by the allocator, which is why this is a program of its own: the
//! counting would slow the others.

use std::path::PathBuf;
use std::process::ExitCode;

use acceptance::bench::{Outcome, olx, run, table};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

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
    let mut measures = run(olx::contests(&course)?, None, rounds)?;
    measures.extend(olx::memory(&course, &|| ALLOCATOR.current_usage())?);
    say(table(&measures).trim_end());
    Ok(())
}
