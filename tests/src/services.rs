//! Servers that tests of stores stand on, run by the scripts in `tests/services`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A server that runs as long as somebody holds it, and no longer than this process.
#[derive(Debug)]
pub struct Service {
    /// Where it takes connections, as its script says.
    pub url: String,
    script: Child,
    hold: Option<ChildStdin>,
}

impl Service {
    /// Starts a server by the name of its script; where it cannot be had, says so past what catches the output of tests.
    ///
    /// # Panics
    /// Where the script says nothing.
    #[must_use]
    pub fn start(script: &str, arguments: &[&str]) -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("services").join(script);
        let command = Command::new("python3")
            .arg(path)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut script = match command {
            Ok(script) => script,
            Err(error) => return skipped(&format!("SKIPPED: no {script}: python3 does not run: {error}")),
        };
        let hold = script.stdin.take();
        let mut line = String::new();
        BufReader::new(script.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        match line.trim().strip_prefix("URL ") {
            Some(url) => Some(Self { url: url.to_owned(), script, hold }),
            None => {
                let _ = script.wait();
                skipped(line.trim())
            }
        }
    }

    /// Kills a server as a power cut would, and waits until it is gone; for those that take their script's place.
    ///
    /// # Panics
    /// Where it ended before.
    pub fn kill(&mut self) {
        self.script.kill().expect("it is killed");
        self.script.wait().expect("it ends");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.hold = None;
        let _ = self.script.wait();
    }
}

fn skipped(why: &str) -> Option<Service> {
    let _ = writeln!(std::io::stderr(), "\n{why}");
    None
}
