//! Servers that speak MongoDB's protocol, those of `tests/services/mongodb.py`.
//!
//! One server of each kind runs for all tests of this program. Where `MODULESTORE_MONGODB` has an address like
//! `mongodb://127.0.0.1:27017/` of a server that may get new databases, that one is used instead of FerretDB. Where there
//! is none, the reason is printed, and tests that need one check nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::store::{MongoStore, MongoUrl, StoreMode};
use xblock_testkit::Fresh;

use crate::classes::registry;
use crate::fixture::clock;

/// A server that runs as long as somebody holds it.
pub(crate) struct Server {
    /// `mongodb://HOST:PORT/`
    pub(crate) address: String,
    pub(crate) process: Option<Child>,
}

impl Server {
    /// Starts a server; tells why there is none.
    pub(crate) fn start(options: &[&str]) -> Result<Self, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/services/mongodb.py");
        let mut process = Command::new("python3")
            .arg(script)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("python3 does not run: {error}"))?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        match line.trim().strip_prefix("URL ") {
            Some(address) => Ok(Self { address: address.to_owned(), process: Some(process) }),
            None => Err(line.trim().trim_start_matches("SKIPPED: ").to_owned()),
        }
    }

    /// Names a database nobody uses yet.
    pub(crate) fn new_database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn url(&self, database: &str, options: &str) -> MongoUrl {
        MongoUrl::parse(&format!("{}{database}?{options}", self.address)).expect("an address")
    }

    /// Kills the server as a power cut would, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill().expect("it is killed");
            process.wait().expect("it ends");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn say(outcome: Result<Server, String>) -> Option<Server> {
    outcome
        .map_err(|reason| {
            // Past the test harness, which would swallow it.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: tests on a MongoDB server: {reason}");
        })
        .ok()
}

static FERRETDB: LazyLock<Option<Server>> = LazyLock::new(|| {
    say(match std::env::var("MODULESTORE_MONGODB") {
        Ok(address) => Ok(Server { address, process: None }),
        Err(_) => Server::start(&[]),
    })
});

static JAVA: LazyLock<Option<Server>> = LazyLock::new(|| say(Server::start(&["--java"])));

/// The server most tests use.
pub(crate) fn server() -> Option<&'static Server> {
    FERRETDB.as_ref()
}

/// A second one, written by other people in another language.
pub(crate) fn java_server() -> Option<&'static Server> {
    JAVA.as_ref()
}

pub(crate) fn open(url: &MongoUrl) -> ModulestoreRuntime {
    let store = MongoStore::open(url, None, StoreMode::ReadWrite).expect("the store opens");
    ModulestoreRuntime::over(store, registry(), clock())
}

/// A runtime over a new database.
pub(crate) fn new_store(server: &Server) -> ModulestoreRuntime {
    open(&server.url(&server.new_database(), ""))
}

/// Stores for the suite.
pub(crate) fn fresh() -> Option<Fresh> {
    Some(Fresh::new(new_store(server()?)))
}

pub(crate) fn fresh_java() -> Option<Fresh> {
    Some(Fresh::new(new_store(java_server()?)))
}
