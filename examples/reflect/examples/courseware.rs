//! The command `courseware` with this crate's block in it.

use std::process::ExitCode;

use reflect_xblock::ReflectBlock;

fn main() -> ExitCode {
    courseware::command::run_with(blocks::registry_builder().class(ReflectBlock::CLASS).build())
}
