//! Stores whose database is MariaDB.
//!
//! One server runs for all tests of this program: that of `tests/services/mariadb.py`, or, where `BLOCKSTORE_MYSQL` has an
//! address like `mysql://root@127.0.0.1:3306/` of somebody who may make databases and users, that one. Where there is
//! none, each test says that it is skipped.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use mysql::prelude::Queryable as _;
use runtime_blockstore::MysqlPlace;
use tempfile::TempDir;
use xblock_testkit::Fresh;

use crate::fixture::{open, put_on_server};

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

/// Connects to a database of the server as its administrator.
pub(crate) fn connect(database: &str) -> mysql::Conn {
    let server = server().expect("whoever has a database has a server");
    mysql::Conn::new(&*format!("{}{database}", server.url)).expect("a connection")
}

/// A folder whose database is on the server, which forgets it in the end.
pub(crate) struct Place {
    pub(crate) mysql: MysqlPlace,
    pub(crate) folder: TempDir,
    pub(crate) server: &'static Server,
}

impl Place {
    pub(crate) fn new() -> Option<Self> {
        let server = server()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mysql = server.place(&server.database());
        put_on_server(folder.path(), &mysql.to_string());
        Some(Self { mysql, folder, server })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
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
    Some(Fresh::with_guard(open(place.path()), place))
}

/// Tells columns, keys and references of the app's tables, a line each.
fn tables_of(database: &str) -> Vec<String> {
    let queries = [
        "SELECT concat_ws(' ', table_name, column_name, column_type, is_nullable, coalesce(collation_name, ''), extra) \
         FROM information_schema.columns WHERE table_schema = database() AND table_name LIKE 'bundles%' \
         ORDER BY table_name, ordinal_position",
        "SELECT concat_ws(' ', table_name, index_name, non_unique, group_concat(column_name ORDER BY seq_in_index)) \
         FROM information_schema.statistics WHERE table_schema = database() AND table_name LIKE 'bundles%' \
         GROUP BY table_name, index_name, non_unique ORDER BY table_name, index_name",
        "SELECT concat_ws(' ', table_name, constraint_name, referenced_table_name, update_rule, delete_rule) \
         FROM information_schema.referential_constraints WHERE constraint_schema = database() \
         ORDER BY table_name, constraint_name",
        "SELECT concat_ws(' ', table_name, check_clause) FROM information_schema.check_constraints \
         WHERE constraint_schema = database() AND table_name LIKE 'bundles%' ORDER BY table_name",
    ];
    let mut db = connect(database);
    queries
        .iter()
        .flat_map(|query| db.query::<String, _>(query).expect("the server knows its tables"))
        .collect()
}

#[test]
fn our_tables_are_those_the_app_makes() {
    let Some(place) = Place::new() else { return };
    open(place.path());
    let ours = tables_of(&place.mysql.database);
    let by_app = Place::new().expect("it was there before");
    if crate::python_app::python(by_app.path(), "migrate").is_some() {
        let theirs = tables_of(&by_app.mysql.database);
        if std::env::var_os("BLOCKSTORE_RECORD").is_some() {
            std::fs::write("tests/mariadb_tables.txt", theirs.join("\n") + "\n").expect("the record");
        }
        assert_eq!(theirs, ours);
    }
    let recorded = include_str!("../mariadb_tables.txt");
    assert_eq!(ours, recorded.lines().collect::<Vec<_>>());
}
