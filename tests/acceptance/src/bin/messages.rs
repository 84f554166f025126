//! Writes the catalogue that translators begin with.

use std::path::Path;
use std::process::ExitCode;

use acceptance::catalogue;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]
fn main() -> ExitCode {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = workspace.join(catalogue::PATH);
    let written = catalogue::template(&workspace).and_then(|text| {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(&path, &text)?;
        Ok(text.matches("\nmsgid ").count() - 1)
    });
    match written {
        Ok(count) => println!("{}: {count} texts", catalogue::PATH),
        Err(error) => {
            eprintln!("{}: {error}", catalogue::PATH);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
