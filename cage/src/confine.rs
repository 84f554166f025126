//! Starts a process that is confined from its first instruction on.
//!
//! Landlock and system call filters hold for a thread and all it starts. So a thread of its own confines itself,
//! starts the process, and ends; the rest of this process stays as it was. No step needs root.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};

use crate::error::CageError;
use crate::filter::Filters;
use crate::interpreter::Interpreter;

/// Where programs find shared libraries, read by the loader.
const LIBRARIES: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
];

/// Harmless files some modules read.
const EXTRAS: &[&str] = &["/dev/null", "/dev/urandom", "/usr/share/zoneinfo"];

/// Starts a command so that it and everything it starts may only read Python's own files and use few system calls.
///
/// # Errors
/// [`CageError::Missing`] where the kernel cannot confine processes, [`CageError::Io`] where the command cannot be
/// started.
pub(crate) fn spawn(
    mut command: Command,
    interpreter: &Interpreter,
    filters: &Filters,
) -> Result<Child, CageError> {
    let readable: Vec<PathBuf> = interpreter.paths.clone();
    let executable = interpreter.executable.clone();
    let filters = filters.clone();
    let thread = std::thread::Builder::new().name("cage-start".into()).spawn(move || {
        restrict_files(&executable, &readable)?;
        seccompiler::apply_filter(&filters.no_clone3).map_err(CageError::filter)?;
        seccompiler::apply_filter(&filters.zygote).map_err(CageError::filter)?;
        command.spawn().map_err(CageError::io("starting Python"))
    });
    let thread = thread.map_err(CageError::io("starting a thread"))?;
    thread.join().unwrap_or_else(|_| Err(CageError::Start { reason: "the starting thread failed".into() }))
}

/// Takes all rights on files and ports from this thread but to read Python's own files.
fn restrict_files(executable: &Path, readable: &[PathBuf]) -> Result<(), CageError> {
    let missing = |error: &dyn std::fmt::Display| CageError::missing(format!("usable Landlock: {error}"));
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let ruleset = Ruleset::default()
        // Without rights on files there is no cage; ports and signals are closed to system calls too.
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .map_err(|error| missing(&error))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(ABI::V4)))
        .map_err(|error| missing(&error))?
        .scope(Scope::from_all(ABI::V6))
        .map_err(|error| missing(&error))?;
    let mut ruleset = ruleset.create().map_err(|error| missing(&error))?;
    let libraries = LIBRARIES.iter().map(|path| (Path::new(*path), read | AccessFs::Execute));
    let extras = EXTRAS.iter().map(|path| (Path::new(*path), read));
    let python = readable.iter().map(|path| (path.as_path(), read));
    let program = std::iter::once((executable, AccessFs::ReadFile | AccessFs::Execute));
    for (path, mut rights) in program.chain(libraries).chain(extras).chain(python) {
        let opened = match PathFd::new(path) {
            Ok(opened) => opened,
            Err(_) if !path.exists() => continue,
            Err(error) => return Err(missing(&error)),
        };
        if path == Path::new("/dev/null") {
            rights |= AccessFs::WriteFile;
        }
        if !path.is_dir() {
            rights &= AccessFs::from_file(ABI::V5);
        }
        ruleset = ruleset.add_rule(PathBeneath::new(opened, rights)).map_err(|error| missing(&error))?;
    }
    let status = ruleset.restrict_self().map_err(|error| missing(&error))?;
    if status.ruleset == RulesetStatus::NotEnforced || !status.no_new_privs {
        return Err(CageError::missing("Landlock"));
    }
    Ok(())
}

/// Turns an error of the system calls crate into a standard one.
pub(crate) fn os_error(error: rustix::io::Errno) -> io::Error {
    error.into()
}
