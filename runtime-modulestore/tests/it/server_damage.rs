//! Servers that cannot be talked to, lines that break, and documents on a server that are none.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use bson::{Document, doc};
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::store::{MongoStore, MongoUrl, StoreMode};
use serde_json::json;
use xblock_core::runtime::{Branch, Cursor, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    asset, block, commit, context, edit, html, published_course, put_asset, snapshot, usage,
};

use crate::classes::registry;
use crate::crash::is_sound;
use crate::fixture::clock;
use crate::mongo::opening;
use crate::server::{Server, java_server, open, server};
use crate::server_care::Database;

/// Every kind of address is understood, or refused with a word that says what is wrong, without its password.
#[test]
fn addresses_are_understood_or_refused() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let soon = "serverSelectionTimeoutMS=300&connectTimeoutMS=300&timeoutMS=3000";
    let refused = |url: &str, words: &[&str]| {
        let (text, took) = opening(url, None);
        let lower = text.to_lowercase();
        assert!(words.iter().any(|word| lower.contains(word)), "{url}: {text}");
        assert!(!text.contains("s3cret"), "{text}");
        assert!(took < Duration::from_secs(60), "{url}: {took:?}");
    };
    for options in [
        "replicaSet=rs0",
        "replicaSet=rs0&readPreference=secondaryPreferred&readPreferenceTags=dc:east",
        "tls=true&tlsAllowInvalidCertificates=true",
        "authSource=admin&authMechanism=SCRAM-SHA-256",
        "w=1&journal=true&retryWrites=false&maxPoolSize=4&appName=studio",
    ] {
        refused(&format!("mongodb://me:s3cret@{nobody},{nobody}/d?{options}&{soon}"), &["no server answers"]);
    }
    let of = |options: &str| format!("mongodb://me:s3cret@{nobody}/d?{options}&{soon}");
    refused(&of("authMechanism=NONE-SUCH"), &["none-such", "mechanism"]);
    refused(&of("tls=perhaps"), &["tls"]);
    refused(&of("tls=true&tlsCAFile=/none/such.pem"), &["/none/such.pem"]);
    refused(&of("readPreference=perhaps"), &["readpreference", "read preference"]);
    refused(&of("w=-4"), &["w"]);
    refused(&format!("mongodb://me:s3cret@{nobody}:99999999/d?{soon}"), &["port"]);
    refused(&format!("mongodb+srv://me:s3cret@one.example:27017/d?{soon}"), &["port"]);
    // Names of the domain `invalid` are never found; where no name server answers it takes as long as was allowed.
    refused(
        &format!("mongodb+srv://me:s3cret@courses.invalid.invalid/d?{soon}"),
        &["dns", "resolve", "srv", "did not answer"],
    );
}

/// A server that speaks another protocol, cuts its documents short, or closes the line.
#[test]
fn servers_that_talk_nonsense_are_told() {
    // The header of an answer, and an answer whose document says it is longer than the message.
    let header = |length: i32| {
        let words = [length, 1, 1, 2013, 0];
        words.into_iter().flat_map(i32::to_le_bytes).chain([0]).collect::<Vec<u8>>()
    };
    let short: Vec<u8> = header(40).into_iter().chain(100_i32.to_le_bytes()).chain([1; 15]).collect();
    let huge = header(i32::MAX);
    let negative = header(-5);
    for answer in [b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), short, huge, negative, Vec::new()] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for line in listener.incoming() {
                let Ok(mut line) = line else { return };
                let _ = line.read(&mut [0; 16]);
                let _ = line.write_all(&answer);
            }
        });
        let (text, took) =
            opening(&format!("mongodb://{address}/d?serverSelectionTimeoutMS=500&timeoutMS=1000"), None);
        assert!(text.contains("opening mongodb://"), "{text}");
        assert!(took < Duration::from_secs(60), "{took:?}");
    }
}

/// A line to a server that lets so many bytes through, and then breaks or falls silent.
struct Line {
    address: String,
    left: Arc<AtomicI64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Breaks,
    Silence,
}

impl Line {
    fn to(server: &Server, end: End) -> Self {
        let target = server.address.trim_start_matches("mongodb://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let budget = left.clone();
        thread::spawn(move || {
            for near in listener.incoming() {
                let Ok(near) = near else { return };
                let Ok(far) = TcpStream::connect(&target) else { continue };
                for (mut from, mut to) in [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))]
                    .map(|(from, to)| (from.expect("a line"), to.expect("a line")))
                {
                    let budget = budget.clone();
                    thread::spawn(move || pass_on(&mut from, &mut to, &budget, end));
                }
            }
        });
        Self { address, left }
    }
}

fn pass_on(from: &mut TcpStream, to: &mut TcpStream, budget: &AtomicI64, end: End) {
    let mut bytes = [0; 512];
    while let Ok(count) = from.read(&mut bytes) {
        if count == 0 {
            break;
        }
        let before = budget.fetch_sub(count as i64, Ordering::SeqCst);
        if before < count as i64 {
            if end == End::Silence {
                thread::sleep(Duration::from_secs(30));
            }
            let _ = to.write_all(&bytes[..usize::try_from(before.max(0)).unwrap_or(0)]);
            break;
        }
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn number_of(runtime: &ModulestoreRuntime, branch: Branch) -> u32 {
    let text = runtime.block(&usage("html", "h1"), branch).expect("the text");
    text.data.content["data"].as_str().expect("a text").parse().expect("a number")
}

/// A line that is lost in the middle of a commit leaves the state before it or after it; what was acknowledged is there.
fn lines_are_lost(server: &Server, end: End, rounds: u32) {
    let line = Line::to(server, end);
    let database = server.new_database();
    let direct = open(&server.url(&database, ""));
    published_course(&direct);
    let write = |runtime: &ModulestoreRuntime, number: u32| {
        let text = number.to_string();
        let change = edit()
            .put(usage("html", "h1"), html(&text))
            .with(put_asset("a.txt", text.as_bytes()))
            .publish_all();
        runtime.commit(change)
    };
    write(&direct, 0).expect("it is kept");
    let address = format!(
        "mongodb://{}/{database}?timeoutMS=1000&serverSelectionTimeoutMS=1000&retryWrites=false",
        line.address
    );
    let url = MongoUrl::parse(&address).expect("an address");
    // How many bytes a commit takes, both ways.
    let counted = {
        let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
        let runtime = ModulestoreRuntime::over(store, registry(), clock());
        line.left.store(i64::MAX, Ordering::SeqCst);
        write(&runtime, 0).expect("it is kept");
        i64::MAX - line.left.load(Ordering::SeqCst)
    };
    let (mut failed, mut after_all) = (0, 0);
    for round in 1..=rounds {
        line.left.store(i64::MAX, Ordering::SeqCst);
        let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
        let runtime = ModulestoreRuntime::over(store, registry(), clock());
        let before = number_of(&direct, Branch::Draft);
        line.left.store(i64::from(round) * counted / i64::from(rounds), Ordering::SeqCst);
        let outcome = write(&runtime, round);
        line.left.store(i64::MAX, Ordering::SeqCst);
        let now = number_of(&direct, Branch::Draft);
        match outcome {
            Ok(_) => assert_eq!(now, round, "what was acknowledged is there"),
            Err(RuntimeError::Storage { .. }) => {
                assert!(now == before || now == round, "{now} in round {round}");
                failed += 1;
                after_all += u32::from(now == round);
            }
            Err(other) => panic!("the line is lost, not {other:?}"),
        }
        assert_eq!(number_of(&direct, Branch::Published), now);
        let bytes = direct.read_asset(&asset("a.txt"), Branch::Published).expect("the file");
        assert_eq!(bytes, now.to_string().into_bytes());
        let feed = direct.changes(Cursor(0), usize::MAX).expect("the feed");
        let head = direct.context(&context()).expect("the context").draft.version;
        assert_eq!(feed.last().expect("an entry").version, head);
    }
    assert!(failed > 1, "no line was lost in time");
    commit(&direct, edit().put(usage("html", "h1"), html("1000")).publish_all());
    is_sound(&direct);
    let _ = std::io::stderr().write_all(
        format!("{failed} of {rounds} commits lost their line; {after_all} were made all the same\n")
            .as_bytes(),
    );
}

#[test]
fn lines_that_break_in_a_commit_lose_nothing() {
    for server in [server(), java_server()].into_iter().flatten() {
        lines_are_lost(server, End::Breaks, 12);
    }
}

#[test]
fn lines_that_fall_silent_are_given_up_in_time() {
    if let Some(server) = server() {
        lines_are_lost(server, End::Silence, 5);
    }
}

/// A structure or definition beyond a document's size is refused by name, and nothing of the edit stays.
#[test]
fn too_large_documents_are_refused_on_a_server() {
    let Some(server) = server() else { return };
    let runtime = open(&server.url(&server.new_database(), ""));
    published_course(&runtime);
    let before = snapshot(&runtime, &context(), Branch::Draft);
    let large = "x".repeat(17 * 1024 * 1024);
    for (change, words) in [
        (
            edit().put(usage("vertical", "u1"), block(json!({ "display_name": large }), &[])),
            "the structure of",
        ),
        (edit().put(usage("html", "h1"), html(&large)), "the definition of"),
    ] {
        match runtime.commit(change) {
            Err(RuntimeError::Unstorable { place, reason }) => {
                assert!(place.contains(words) && reason.contains("16777216"), "{place}: {reason}");
            }
            other => panic!("too large, not {other:?}"),
        }
    }
    assert_eq!(snapshot(&runtime, &context(), Branch::Draft), before);
    is_sound(&runtime);
}

/// Documents of wrong types, or that are not there, are damage with a place; what is around them is read.
#[test]
fn wrong_documents_on_a_server_are_named() {
    let Some(server) = server() else { return };
    type Spoil = fn(&mut Document);
    let structures = "modulestore.structures";
    let cases: [(&str, Option<Spoil>, &str); 8] = [
        ("modulestore.active_versions", Some(|index| drop(index.insert("versions", 7))), "versions"),
        ("modulestore.active_versions", Some(|index| drop(index.insert("org", 7))), "org"),
        (structures, Some(|one| drop(one.insert("blocks", "none"))), "blocks"),
        (structures, Some(|one| drop(one.insert("root", doc! {}))), "root"),
        (structures, None, "missing"),
        ("modulestore.definitions", Some(|one| drop(one.insert("fields", 3))), "fields"),
        ("modulestore.definitions", None, "missing"),
        ("modulestore.definitions", Some(|one| drop(one.remove("block_type"))), ""),
    ];
    for (collection, spoil, words) in cases {
        let url = server.url(&server.new_database(), "");
        published_course(&open(&url));
        Database::open(&url).replace_all(collection, spoil);
        let runtime = open(&url);
        match runtime.block(&usage("html", "h1"), Branch::Draft) {
            Err(RuntimeError::Corrupt { place, reason }) => {
                let text = format!("{place}: {reason}");
                assert!(text.contains(words), "{collection}: {text}");
            }
            Err(RuntimeError::NoSuchContext { .. }) if words == "org" => {}
            Ok(_) if words.is_empty() => {}
            other => panic!("{collection}, {words}: damage, not {other:?}"),
        }
        let report = runtime.fsck(Default::default());
        match report {
            Ok(report) if words.is_empty() => drop(report),
            Ok(report) => assert!(!report.findings.is_sound(), "{collection}, {words}: {report:?}"),
            Err(error) => panic!("{collection}, {words}: {error:?}"),
        }
    }
}
