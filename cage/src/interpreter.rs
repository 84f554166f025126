//! Which Python runs, and where its files are.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use serde::Deserialize;

use crate::error::CageError;
use crate::zygote::remaining;

/// What an interpreter says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Interpreter {
    /// The program, behind all scripts that stand for it.
    pub(crate) executable: PathBuf,
    /// Its version, such as `3.11.7`.
    pub(crate) version: String,
    /// Folders and files it reads its modules from.
    pub(crate) paths: Vec<PathBuf>,
}

/// Prints where the interpreter lives. Folders that only some `.pth` file names, outside of the installation, are no
/// part of it.
const QUESTION: &str = r#"
import json, os, platform, sys, sysconfig
homes = {os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)}
homes |= {os.path.realpath(p) for p in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))}
homes |= {"/usr/local/lib"} if "/usr" in homes else set()
def inside(path):
    path = os.path.realpath(path)
    return any(path == home or path.startswith(home.rstrip("/") + "/") for home in homes)
paths = [p for p in sys.path if p and os.path.exists(p) and inside(p)]
libdir = sysconfig.get_config_var("LIBDIR")
paths += [p for p in (libdir, os.path.join(sys.prefix, "pyvenv.cfg")) if p and os.path.exists(p)]
print(json.dumps({"executable": sys.executable, "version": platform.python_version(), "paths": paths}))
"#;

impl Interpreter {
    /// Asks an interpreter.
    pub(crate) fn ask(python: &Path, deadline: Instant) -> Result<Self, CageError> {
        let fail = |reason: String| CageError::Interpreter { python: python.to_path_buf(), reason };
        let mut child = Command::new(python)
            .args(["-I", "-B", "-c", QUESTION])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| fail(error.to_string()))?;
        let (said, answer) = mpsc::channel();
        let pipes = (child.stdout.take(), child.stderr.take());
        // Ends with the pipes, which end with the process.
        std::thread::Builder::new()
            .name("cage-ask".into())
            .spawn(move || said.send((read(pipes.0), read(pipes.1))))
            .map_err(CageError::io("starting a thread"))?;
        let Ok((output, errors)) = answer.recv_timeout(remaining(deadline)) else {
            // It is of no use, whatever becomes of it.
            let _ = child.kill();
            let _ = child.wait();
            return Err(fail("it does not answer".into()));
        };
        let status = child.wait().map_err(|error| fail(error.to_string()))?;
        if !status.success() {
            return Err(fail(errors.lines().last().unwrap_or("it failed").to_owned()));
        }
        let interpreter: Self = serde_json::from_str(&output)
            .map_err(|error| fail(format!("its answer cannot be read: {error}")))?;
        let mut parts = interpreter.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        if (parts.next(), parts.next()) < (Some(3), Some(9)) {
            return Err(fail(format!("version {} is too old, 3.9 is needed", interpreter.version)));
        }
        Ok(interpreter)
    }
}

/// Reads what a process prints, a megabyte at most.
fn read(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // What cannot be read is missing, which shows.
    let _ = pipe.map(|pipe| pipe.take(1 << 20).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}
