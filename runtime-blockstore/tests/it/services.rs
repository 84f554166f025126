//! Servers for tests, started by the scripts in `tests/services` and stopped when this process ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// A server that runs as long as this process holds its script's standard input.
pub(crate) struct Service {
    pub(crate) url: String,
    _script: Child,
    _hold: ChildStdin,
}

/// Starts a server; where it cannot be had says so, past what catches the output of tests.
pub(crate) fn start(script: &str, arguments: &[&str]) -> Option<Service> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/services").join(script);
    let mut child = Command::new("python3")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    match line.trim().strip_prefix("URL ") {
        Some(url) => {
            let hold = child.stdin.take().expect("a pipe");
            Some(Service { url: url.to_owned(), _script: child, _hold: hold })
        }
        None => {
            let _ = writeln!(std::io::stderr(), "{}", line.trim());
            None
        }
    }
}

/// The server of the S3 protocol that the tests of this process share.
pub(crate) fn s3() -> Option<&'static Service> {
    static S3: OnceLock<Option<Service>> = OnceLock::new();
    S3.get_or_init(|| {
        let named = std::env::var("BLOCKSTORE_S3_SERVER").ok();
        start("s3.py", named.as_deref().as_slice())
    })
    .as_ref()
}
