//! Stores whose database is MariaDB.
//!
//! One server runs for all tests of this program: that of `tests/services/mariadb.py`, or, where `BLOCKSTORE_MYSQL` has an
//! address like `mysql://root@127.0.0.1:3306/` of somebody who may make databases and users, that one. Where there is
//! none, each test says that it is skipped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use mysql::prelude::Queryable as _;
use runtime_blockstore::{Access, Blockstore, BlockstoreRuntime, MysqlPlace};
use tempfile::TempDir;
use xblock_core::clock::Clock;
use xblock_testkit::Fresh;

use crate::fixture::{clock, registry};

/// A server that runs as long as somebody holds it.
pub(crate) struct Server {
    /// `mysql://USER@HOST:PORT/`
    pub(crate) url: String,
    _process: Option<Child>,
}

impl Server {
    /// Starts a server; tells why there is none.
    pub(crate) fn start(options: &[&str]) -> Result<Self, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/services/mariadb.py");
        let mut process = Command::new("python3")
            .arg(script)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("python3 does not run: {error}"))?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        match line.trim().strip_prefix("URL ") {
            Some(url) => Ok(Self { url: url.to_owned(), _process: Some(process) }),
            None => Err(line.trim().trim_start_matches("SKIPPED: ").to_owned()),
        }
    }

    /// Runs statements as somebody who may do everything.
    pub(crate) fn run(&self, statements: &[&str]) {
        let mut root = mysql::Conn::new(&*self.url).expect("the server takes its administrator");
        for statement in statements {
            root.query_drop(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// Makes an empty database.
    pub(crate) fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        self.run(&[&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")]);
        name
    }

    /// Names a database as stores are told of it.
    pub(crate) fn place(&self, database: &str) -> MysqlPlace {
        let rest = self.url.strip_prefix("mysql:").expect("a server's address");
        format!("{rest}{database}").parse().expect("the address of a database")
    }
}

static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(|| match std::env::var("BLOCKSTORE_MYSQL") {
    Ok(url) => Ok(Server { url, _process: None }),
    Err(_) => Server::start(&[]),
});

/// Returns the server, or says that a test is skipped.
pub(crate) fn server() -> Option<&'static Server> {
    match &*SERVER {
        Ok(server) => Some(server),
        Err(reason) => {
            println!("SKIPPED: {reason}");
            None
        }
    }
}

/// A store on the server, and a folder with its files.
pub(crate) struct Place {
    pub(crate) mysql: MysqlPlace,
    pub(crate) folder: TempDir,
    server: &'static Server,
}

impl Place {
    pub(crate) fn new() -> Option<Self> {
        let server = server()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        Some(Self { mysql: server.place(&server.database()), folder, server })
    }

    pub(crate) fn assets(&self) -> PathBuf {
        self.folder.path().join("assets")
    }

    pub(crate) fn store(&self, access: Access, clock: Arc<dyn Clock>) -> Blockstore {
        Blockstore::open_mysql(&self.mysql, &self.assets(), access, clock).expect("the store opens")
    }

    pub(crate) fn runtime(&self, access: Access) -> BlockstoreRuntime {
        BlockstoreRuntime::over(self.store(access, clock()), registry()).expect("the runtime opens")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.run(&[&format!("DROP DATABASE IF EXISTS {}", self.mysql.database)]);
    }
}

/// A store for the suite.
pub(crate) fn fresh() -> Option<Fresh> {
    let place = Place::new()?;
    Some(Fresh::with_guard(place.runtime(Access::ReadWrite), place))
}
