//! Servers that speak MongoDB's protocol, those of `tests/services/mongodb.py`.
//!
//! One server of each kind runs for all tests of this program. Where `MODULESTORE_MONGODB` has an address like
//! `mongodb://127.0.0.1:27017/` of a server that may get new databases, that one is used instead of FerretDB. Where there
//! is none, the reason is printed, and tests that need one check nothing.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::store::{MongoStore, MongoUrl, StoreMode};
use xblock_testkit::{Fresh, Service};

use crate::classes::registry;
use crate::fixture::clock;

/// A server that speaks MongoDB's protocol.
pub(crate) struct Server {
    /// `mongodb://HOST:PORT/`
    pub(crate) address: String,
    service: Option<Service>,
}

impl Server {
    /// Starts a server; where there is none to be had, that was said.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        Self::start_script("mongodb.py", options)
    }

    /// Starts what a script of `tests/services` runs; where there is none to be had, that was said.
    fn start_script(script: &str, options: &[&str]) -> Option<Self> {
        let service = Service::start(script, options)?;
        Some(Self { address: service.url.clone(), service: Some(service) })
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
        if let Some(service) = &mut self.service {
            service.kill();
        }
    }
}

static FERRETDB: LazyLock<Option<Server>> = LazyLock::new(|| match std::env::var("MODULESTORE_MONGODB") {
    Ok(address) => Some(Server { address, service: None }),
    Err(_) => Server::start(&[]),
});

static JAVA: LazyLock<Option<Server>> = LazyLock::new(|| Server::start(&["--java"]));

static MARIADB: LazyLock<Option<Server>> = LazyLock::new(|| match std::env::var("MODULESTORE_MYSQL") {
    Ok(address) => Some(Server { address, service: None }),
    Err(_) => Server::start_script("mariadb.py", &[]),
});

/// The server most tests use.
pub(crate) fn server() -> Option<&'static Server> {
    FERRETDB.as_ref()
}

/// A second one, written by other people in another language.
pub(crate) fn java_server() -> Option<&'static Server> {
    JAVA.as_ref()
}

/// A server of MySQL's protocol: that of `tests/services/mariadb.py`, or where `MODULESTORE_MYSQL` has an address like
/// `mysql://root@127.0.0.1:3306/` of somebody who may make databases and users, that one.
pub(crate) fn mysql_server() -> Option<&'static Server> {
    MARIADB.as_ref()
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
