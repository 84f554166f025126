//! Measures the memory that parsed documents take.
//!
//! `bench_memory [COURSE]`. Memory is counted by the allocator, which is why this is a program of its own: the counting
//! would slow the others.

use std::path::PathBuf;
use std::process::ExitCode;

use acceptance::bench::{Outcome, olx, table};
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
    let mut course = PathBuf::from("../shared/courses/openedx-demo-course/course");
    if !course.exists() {
        course = "examples/courses/tides".into();
    }
    if let Some(other) = std::env::args().nth(1) {
        course = other.into();
    }
    let measures = olx::memory(&course, &|| ALLOCATOR.current_usage())?;
    say(table(&measures).trim_end());
    Ok(())
}
