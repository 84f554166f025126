//! Servers that are not there, refuse, hang, break deadlocks and lose connections.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable as _;
use runtime_blockstore::{
    Access, Assets, Blockstore, BlockstoreError, CommitOptions, DatabaseError, FsckOptions, MysqlPlace,
    OnStale, Severity,
};
use uuid::Uuid;

use crate::crash::number_from;
use crate::fixture::{Now, new_bundle};
use crate::mariadb::{Place, Server, connect};
use crate::proxy::{Mode, Proxy};

/// Time-outs that a test can wait for.
const SHORT: &str = "?connect-timeout=2&read-timeout=2&lock-timeout=4";

/// Much more than any of them, so that a busy machine is not taken for a store that hangs.
const MUCH: Duration = Duration::from_secs(60);

fn at(place: &Place, port: u16, options: &str) -> MysqlPlace {
    format!("//root@127.0.0.1:{port}/{}{options}", place.mysql.database).parse().expect("an address")
}

fn open(place: &Place, mysql: &MysqlPlace, access: Access) -> Result<Blockstore, BlockstoreError> {
    Blockstore::open_mysql(mysql, &Assets::Folder(place.path().join("storage")), access, Arc::new(Now))
}

fn server_of(place: &Place) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], place.mysql.port))
}

/// Returns what a server said or did, where something failed.
fn why<T>(outcome: Result<T, BlockstoreError>) -> DatabaseError {
    match outcome {
        Err(BlockstoreError::Database { source, .. }) => source,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it went well"),
    }
}

fn damages(store: &Blockstore) -> Vec<String> {
    let report = store.fsck(FsckOptions::default()).expect("fsck runs");
    let bad = report.findings.iter().filter(|finding| finding.severity != Severity::Note);
    bad.map(|finding| format!("{}: {}: {}", finding.code, finding.place, finding.reason)).collect()
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let Some(place) = Place::new() else { return };
    let begin = Instant::now();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        match why(open(&place, &at(&place, nobody, SHORT), access)) {
            DatabaseError::Unreachable { server, .. } => assert_eq!(server, format!("127.0.0.1:{nobody}")),
            other => panic!("{other}"),
        }
    }
    // Somebody listens and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    // How long an answer may take later on is another matter.
    let options = "?connect-timeout=2&read-timeout=40";
    let error = why(open(&place, &at(&place, port, options), Access::ReadWrite));
    assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error}");
    let told = "cannot be reached: it did not answer within 2 seconds (connect-timeout)";
    assert_eq!(error.to_string(), format!("127.0.0.1:{port} {told}"));
    assert!(begin.elapsed() < MUCH);
}

#[test]
fn a_connection_that_breaks_while_a_store_is_opened_is_made_again() {
    let Some(place) = Place::new() else { return };
    let proxy = Proxy::to(server_of(&place));
    let mysql = at(&place, proxy.port, "");
    // Also where the tables are made.
    for bytes in [0, 100, 400, 1_000, 2_000, 4_000, 8_000, 12_000] {
        let cuts = proxy.cuts();
        proxy.set(Mode::CutOnceAfter(bytes));
        let store = open(&place, &mysql, Access::ReadWrite).unwrap();
        assert!(proxy.cuts() > cuts || bytes > 1_000, "nothing was cut after {bytes} bytes");
        proxy.set(Mode::CutOnceAfter(bytes));
        assert_eq!(damages(&store), Vec::<String>::new());
        proxy.set(Mode::CutOnceAfter(bytes));
        open(&place, &mysql, Access::ReadOnly).unwrap();
    }
    assert!(proxy.cuts() > 10);
}

#[test]
fn a_server_that_refuses_is_not_told_from_us_what_the_password_was() {
    let Some(place) = Place::new() else { return };
    // MySQL takes no longer names.
    let name = format!("app{}", &Uuid::new_v4().simple().to_string()[..20]);
    let database = &place.mysql.database;
    place.server.run(&[
        &format!("CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'right'"),
        &format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO {name}@'127.0.0.1'"),
    ]);
    let with = |password: &str, database: &str| -> MysqlPlace {
        format!("//{name}:{password}@127.0.0.1:{}/{database}{SHORT}", place.mysql.port).parse().unwrap()
    };
    let error = why(open(&place, &with("wr0ng", database), Access::ReadWrite));
    assert!(matches!(error, DatabaseError::Refused { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error}");
    let error = why(open(&place, &with("right", "elsewhere"), Access::ReadWrite));
    assert!(matches!(error, DatabaseError::Refused { .. }), "{error}");
    // Who may see all databases is told that there is none of this name.
    let elsewhere = place.mysql.to_string().replace(&format!("/{database}"), "/elsewhere");
    let error = why(open(&place, &elsewhere.parse().unwrap(), Access::ReadWrite));
    assert!(matches!(error, DatabaseError::NoDatabase { .. }), "{error}");
    assert!(error.to_string().contains("has no such database: ") && error.to_string().contains("elsewhere"));
    // Somebody who may not make tables cannot begin a store, and can work with one.
    let error = why(open(&place, &with("right", database), Access::ReadWrite));
    assert!(matches!(error, DatabaseError::Refused { .. }), "{error}");
    drop(open(&place, &place.mysql, Access::ReadWrite).unwrap());
    let store = open(&place, &with("right", database), Access::ReadWrite).unwrap();
    new_bundle(&store, "tides", &[("a", "a")]);
    drop(store);
    // Without an encrypted connection, one that must be is refused.
    let secret = at(&place, place.mysql.port, &format!("{SHORT}&tls=on"));
    let error = why(open(&place, &secret, Access::ReadWrite));
    assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error}");
    place.server.run(&[&format!("DROP USER {name}@'127.0.0.1'")]);
}

#[test]
fn a_server_that_takes_no_changes_can_be_read() {
    // It is another one, because all tests of the first would suffer.
    let Some(server) = Server::start() else { return };
    let database = server.database();
    server.run(&["CREATE USER app@'127.0.0.1'", &format!("GRANT ALL ON {database}.* TO app@'127.0.0.1'")]);
    let root = server.place(&database);
    let mysql: MysqlPlace = format!("//app@127.0.0.1:{}/{database}{SHORT}", root.port).parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open =
        |access| Blockstore::open_mysql(&mysql, &Assets::Folder(folder.path().into()), access, Arc::new(Now));
    let store = open(Access::ReadWrite).unwrap();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    server.run(&["SET GLOBAL read_only = 1"]);
    let error = why(store.write_draft_file(draft, "a", Some(b"b")));
    assert!(matches!(error, DatabaseError::ReadOnlyServer { .. }), "{error}");
    assert_eq!(store.get_bundle_file_data(bundle, "a", Some("studio_draft")).unwrap(), b"a");
    assert_eq!(open(Access::ReadOnly).unwrap().get_bundle(bundle).unwrap().latest_version, 1);
    server.run(&["SET GLOBAL read_only = 0"]);
    store.write_draft_file(draft, "a", Some(b"b")).unwrap();
    assert_eq!(store.commit_draft(draft).unwrap(), 2);
}

#[test]
fn a_server_that_hangs_keeps_nobody_longer_than_it_may() {
    let Some(place) = Place::new() else { return };
    let proxy = Proxy::to(server_of(&place));
    let mysql = at(&place, proxy.port, SHORT);
    let store = open(&place, &mysql, Access::ReadWrite).unwrap();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    proxy.set(Mode::Stall);
    let begin = Instant::now();
    let error = why(store.write_draft_file(draft, "a", Some(b"b")));
    assert!(matches!(error, DatabaseError::Lost { .. } | DatabaseError::Unreachable { .. }), "{error}");
    let error = why(store.get_bundle(bundle));
    assert!(matches!(error, DatabaseError::Lost { .. } | DatabaseError::Unreachable { .. }), "{error}");
    assert!(begin.elapsed() < MUCH);
    // Whoever comes after it is not kept, either.
    proxy.set(Mode::Pass);
    store.write_draft_file(draft, "a", Some(b"b")).unwrap();
    assert_eq!(store.get_bundle_file_data(bundle, "a", Some("studio_draft")).unwrap(), b"b");
}

#[test]
fn a_lock_that_is_not_given_back_is_waited_for_so_long_and_no_longer() {
    let Some(place) = Place::new() else { return };
    let store = open(&place, &at(&place, place.mysql.port, SHORT), Access::ReadWrite).unwrap();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    let mut other = connect(&place.mysql.database);
    other.query_drop("START TRANSACTION").unwrap();
    other.query_drop("SELECT id FROM xblock_lock FOR UPDATE").unwrap();
    let begin = Instant::now();
    let error = why(store.write_draft_file(draft, "a", Some(b"b")));
    assert!(matches!(error, DatabaseError::Busy { .. }), "{error}");
    assert!(begin.elapsed() < MUCH);
    // Readers, and those who open the store to read, do not wait.
    assert_eq!(store.get_bundle_file_data(bundle, "a", Some("studio_draft")).unwrap(), b"a");
    open(&place, &place.mysql, Access::ReadOnly).unwrap().get_bundle(bundle).unwrap();
    other.query_drop("ROLLBACK").unwrap();
    store.write_draft_file(draft, "a", Some(b"b")).unwrap();
    assert_eq!(store.commit_draft(draft).unwrap(), 2);
}

#[test]
fn what_the_app_takes_from_us_is_done_again() {
    let Some(place) = Place::new() else { return };
    let store = open(&place, &place.mysql, Access::ReadWrite).unwrap();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    let deadlocks = || -> u64 {
        let mut root = connect(&place.mysql.database);
        // MariaDB tells it as its status, MySQL among its metrics.
        let status = root.query_first("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").unwrap();
        status.map(|(_, count): (String, u64)| count).unwrap_or_else(|| {
            let sql = "SELECT cast(`COUNT` AS unsigned) FROM information_schema.innodb_metrics \
                       WHERE name = 'lock_deadlocks'";
            root.query_first(sql).unwrap().unwrap_or_default()
        })
    };
    let before = deadlocks();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut versions = vec![1];
    // Whether the two meet is a matter of chance, so there are as many campaigns as it takes.
    for _ in 0..20 {
        let is_over = AtomicBool::new(false);
        let made = std::thread::scope(|scope| {
            scope.spawn(|| {
                // It takes the bundle first and what our writers take first after it; seven times, because an eighth might
                // be the last attempt of ours.
                let mut app = connect(&place.mysql.database);
                for _ in 0..7 {
                    let mut transaction = || -> mysql::Result<()> {
                        app.query_drop("START TRANSACTION")?;
                        app.query_drop("UPDATE bundles_bundle SET slug = concat(slug, '') WHERE id > 0")?;
                        app.query_drop(
                            "INSERT INTO xblock_feed_seen (version_id) VALUES (0), (0), (0), (0)",
                        )?;
                        app.query_drop("SELECT id FROM xblock_lock FOR UPDATE")?;
                        app.query_drop("ROLLBACK")
                    };
                    if transaction().is_err() {
                        let _ = app.query_drop("ROLLBACK");
                    }
                    std::thread::sleep(Duration::from_millis(random.below(100)));
                }
                is_over.store(true, Ordering::Relaxed);
            });
            let mut made = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let content = (versions.len() + made.len()).to_string();
                let work = || -> Result<u64, BlockstoreError> {
                    store.write_draft_file(draft, "a", Some(content.as_bytes()))?;
                    // The foreign key makes it wait for the bundle's row while it has the lock.
                    store.commit_draft(draft)
                };
                made.push(work());
            }
            made
        });
        versions.extend(made.into_iter().map(Result::unwrap));
        if deadlocks() > before {
            break;
        }
    }
    println!("{} deadlocks, {} versions", deadlocks() - before, versions.len());
    assert!(deadlocks() > before, "nothing came between");
    assert_eq!(versions, (1..=versions.len() as u64).collect::<Vec<_>>());
    assert_eq!(store.get_bundle(bundle).unwrap().latest_version, versions.len() as u64);
    assert_eq!(damages(&store), Vec::<String>::new());
}

#[test]
fn every_deadlock_is_survived() {
    let Some(place) = Place::new() else { return };
    let store = open(&place, &place.mysql, Access::ReadWrite).unwrap();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    let database = &place.mysql.database;
    let mut watcher = connect(database);
    let waits = format!(
        "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
         ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = '{database}'"
    );
    let mut app = connect(database);
    let rounds = number_from("BLOCKSTORE_CUT_ROUNDS", 10);
    let mut refused = 0;
    for round in 0..rounds {
        let content = round.to_string();
        store.write_draft_file(draft, "a", Some(content.as_bytes())).unwrap();
        // The app has the bundle's row and more changes than we: of two in a deadlock the server breaks off the other.
        app.query_drop("START TRANSACTION").unwrap();
        app.query_drop("UPDATE bundles_bundle SET description = concat(description, 'x')").unwrap();
        app.query_drop("INSERT INTO xblock_feed_seen (version_id) VALUES (0), (0), (0), (0), (0), (0)")
            .unwrap();
        let made = std::thread::scope(|scope| {
            let ours = scope.spawn(|| store.commit_draft(draft));
            // Ours holds the line of writers and waits for the row.
            let begin = Instant::now();
            while watcher.query_first::<u64, _>(&waits).unwrap().unwrap_or(0) == 0 {
                assert!(begin.elapsed() < MUCH, "nobody waits");
                // On a busy machine it may be seen too late, when ours has given up.
                if ours.is_finished() {
                    break;
                }
                // Whoever looks more often is shown what the server saw at the first look.
                std::thread::sleep(Duration::from_millis(150));
            }
            app.query_drop("SELECT id FROM xblock_lock FOR UPDATE")
                .expect("the app is not the one broken off");
            app.query_drop("ROLLBACK").unwrap();
            ours.join().unwrap()
        });
        let made = match made {
            // It may lose more often than it tries again; then nothing of it was kept, and it can be done once more.
            Err(BlockstoreError::Database { source: DatabaseError::Busy { .. }, .. }) => {
                refused += 1;
                assert_eq!(store.get_bundle(bundle).unwrap().latest_version, round + 1);
                store.commit_draft(draft)
            }
            made => made,
        };
        assert_eq!(made.unwrap(), round + 2);
        assert_eq!(store.get_bundle_file_data(bundle, "a", None).unwrap(), content.as_bytes());
    }
    println!("{rounds} deadlocks, {refused} commits refused");
    assert!(refused * 10 <= rounds, "{refused} of {rounds}");
    assert_eq!(store.get_bundle_history(bundle).unwrap().len() as u64, rounds + 1);
    assert_eq!(store.get_changes(0, 1000).unwrap().len() as u64, rounds + 1);
    assert_eq!(damages(&store), Vec::<String>::new());
}

#[test]
fn a_version_the_app_makes_meanwhile_is_a_conflict_and_not_a_failure() {
    let Some(place) = Place::new() else { return };
    let store = open(&place, &place.mysql, Access::ReadWrite).unwrap();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    store.write_draft_file(draft, "a", Some(b"b")).unwrap();
    let first = store.get_bundle_version(bundle, Some(1)).unwrap().unwrap().snapshot_digest;
    let mut app = connect(&place.mysql.database);
    // The app's version is the same state again; its row is not there for others until it commits.
    app.query_drop("START TRANSACTION").unwrap();
    app.query_drop(format!(
        "INSERT INTO bundles_bundleversion (bundle_id, version_num, snapshot_digest, change_description) \
         SELECT id, 2, '{}', 'by the app' FROM bundles_bundle",
        "0".repeat(40)
    ))
    .unwrap();
    app.query_drop(format!(
        "UPDATE bundles_bundleversion SET snapshot_digest = '{first}' WHERE version_num = 2"
    ))
    .unwrap();
    let outcome = std::thread::scope(|scope| {
        let ours = scope.spawn(|| store.commit_draft(draft));
        std::thread::sleep(Duration::from_millis(300));
        app.query_drop("COMMIT").unwrap();
        ours.join().unwrap()
    });
    // The draft lies on the very snapshot that is latest again, so nothing of the app's is undone by it.
    assert_eq!(outcome.unwrap(), 3);
    let history = store.get_bundle_history(bundle).unwrap();
    assert_eq!(history.iter().map(|version| version.version).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(store.get_changes(0, 10).unwrap().len(), 3);
}

#[test]
fn a_version_that_comes_late_is_told_all_the_same() {
    let Some(place) = Place::new() else { return };
    let store = open(&place, &place.mysql, Access::ReadWrite).unwrap();
    let (slow, _) = new_bundle(&store, "slow", &[("a", "a")]);
    let (_, quick) = new_bundle(&store, "quick", &[("a", "a")]);
    let first = store.get_bundle_version(slow, Some(1)).unwrap().unwrap().snapshot_digest;
    let mut app = connect(&place.mysql.database);
    app.query_drop("START TRANSACTION").unwrap();
    app.query_drop(format!(
        "INSERT INTO bundles_bundleversion (bundle_id, version_num, snapshot_digest, change_description) \
         SELECT id, 2, '{first}', 'by the app' FROM bundles_bundle WHERE slug = 'slow'"
    ))
    .unwrap();
    store.write_draft_file(quick, "a", Some(b"b")).unwrap();
    store.commit_draft(quick).unwrap();
    assert_eq!(store.get_changes(0, 10).unwrap().len(), 3);
    app.query_drop("COMMIT").unwrap();
    let feed = store.get_changes(0, 10).unwrap();
    assert_eq!(feed.len(), 4);
    assert_eq!((feed[3].bundle_uuid, feed[3].version), (slow, Some(2)));
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_out_about() {
    let Some(place) = Place::new() else { return };
    let proxy = Proxy::to(server_of(&place));
    let store = open(&place, &at(&place, proxy.port, ""), Access::ReadWrite).unwrap();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    let rounds = number_from("BLOCKSTORE_CUT_ROUNDS", 10);
    for round in 0..rounds {
        let mode = if round % 2 == 0 { Mode::LoseAnswer } else { Mode::LoseCommit };
        store.write_draft_file(draft, "a", Some(round.to_string().as_bytes())).unwrap();
        let cuts = proxy.cuts();
        proxy.set(mode);
        // Staging is begun anew as well.
        store.write_draft_file(draft, "b", Some(round.to_string().as_bytes())).unwrap();
        assert_eq!(proxy.cuts(), cuts + 1, "{mode:?}");
        let cuts = proxy.cuts();
        proxy.set(mode);
        // Made once, whether the server heard of it or has to be told again.
        assert_eq!(store.commit_draft(draft).unwrap(), round + 2, "{mode:?}");
        assert_eq!(proxy.cuts(), cuts + 1, "{mode:?}");
        proxy.set(Mode::Pass);
        let read = store.get_bundle_file_data(bundle, "a", None).unwrap();
        assert_eq!(read, round.to_string().as_bytes());
    }
    // What cannot be done twice is not, and the caller is told that it was not done.
    proxy.set(Mode::LoseCommit);
    let error = why(store.write_draft_file_from(draft, "film", &b"film"[..]).map(drop));
    assert!(matches!(error, DatabaseError::Lost { .. }), "{error}");
    assert!(!store.get_draft(draft).unwrap().files.contains_key("film"));
    proxy.set(Mode::LoseAnswer);
    store.write_draft_file_from(draft, "film", &b"film"[..]).unwrap();
    proxy.set(Mode::Pass);
    assert_eq!(store.get_bundle_file_data(bundle, "film", Some("studio_draft")).unwrap(), b"film");
    assert_eq!(store.get_bundle(bundle).unwrap().latest_version, rounds + 1);
    assert_eq!(damages(&store), Vec::<String>::new());
}

/// Numbers that look random and are the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn connections_that_are_lost_anywhere_lose_no_version() {
    let Some(place) = Place::new() else { return };
    let proxy = Proxy::to(server_of(&place));
    let direct = open(&place, &place.mysql, Access::ReadWrite).unwrap();
    let (bundle, _) = new_bundle(&direct, "tides", &[("a", "-"), ("b", "-")]);
    let store = open(
        &place,
        &at(&place, proxy.port, "?connect-timeout=5&read-timeout=10&lock-timeout=20"),
        Access::ReadWrite,
    )
    .unwrap();
    let draft = store.get_or_create_bundle_draft(bundle, "mine").unwrap().uuid;
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut acknowledged, mut failures) = (BTreeMap::new(), 0);
    let rounds = number_from("BLOCKSTORE_CUT_ROUNDS", 60);
    for round in 0..rounds {
        proxy.set(Mode::CutAfter(i64::try_from(random.below(20_000)).unwrap()));
        let content = round.to_string();
        let files = BTreeMap::from([("a", Some(content.as_bytes())), ("b", Some(content.as_bytes()))]);
        let work = || -> Result<u64, BlockstoreError> {
            store.write_draft_files(draft, &files)?;
            let keep = CommitOptions { on_stale: OnStale::KeepOurs, ..CommitOptions::default() };
            store.commit_draft_with(draft, &keep).map(|report| report.version)
        };
        match work() {
            Ok(version) => {
                assert_eq!(acknowledged.insert(version, content), None, "a number is given once");
            }
            Err(BlockstoreError::Database { source, .. }) => {
                assert!(
                    matches!(
                        source,
                        DatabaseError::Lost { .. }
                            | DatabaseError::Unreachable { .. }
                            | DatabaseError::Unresolved { .. }
                    ),
                    "{source}"
                );
                failures += 1;
            }
            // It was committed, and the answer never came.
            Err(BlockstoreError::DraftHasNoChangesToCommit { .. }) => failures += 1,
            Err(error) => panic!("{error}"),
        }
        // Whoever reads beside it sees a version whole.
        let read = |path| direct.get_bundle_file_data(bundle, path, None).unwrap();
        assert_eq!(read("a"), read("b"));
    }
    proxy.set(Mode::Pass);
    let history = direct.get_bundle_history(bundle).unwrap();
    let numbers: Vec<u64> = history.iter().rev().map(|version| version.version).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let mut contents = Vec::new();
    for number in numbers {
        let read = |path| direct.get_bundle_version_file_data(bundle, number, path).unwrap();
        assert_eq!(read("a"), read("b"), "version {number} is a mix");
        if let Some(content) = acknowledged.get(&number) {
            assert_eq!(read("a"), content.as_bytes(), "version {number}");
        }
        contents.push(read("a"));
    }
    let made = contents.len();
    contents.dedup();
    assert_eq!(contents.len(), made, "a commit was made twice");
    println!(
        "{} cuts, {} versions acknowledged, {failures} failures, {made} versions",
        proxy.cuts(),
        acknowledged.len()
    );
    assert!(proxy.cuts() > 10 && !acknowledged.is_empty());
    // The one that was cut off so often goes on as if nothing had been.
    store.write_draft_file(draft, "a", Some(b"last")).unwrap();
    store.write_draft_file(draft, "b", Some(b"last")).unwrap();
    assert!(
        store
            .commit_draft_with(
                draft,
                &CommitOptions { on_stale: OnStale::KeepOurs, ..CommitOptions::default() }
            )
            .is_ok()
    );
    assert_eq!(damages(&direct), Vec::<String>::new());
}
