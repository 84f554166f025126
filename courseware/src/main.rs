//! The command `courseware`: what the library does, from a shell.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// A course is many small texts, read on several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    courseware::command::run()
}
