//! The command `courseware`: what the library does, from a shell.

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run()
}
