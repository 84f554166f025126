//! The command `courseware`: what the library does, from a shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    courseware::command::run()
}
