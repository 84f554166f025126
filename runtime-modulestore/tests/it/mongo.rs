//! Stores on a MongoDB server: what they keep for others to read, concurrent writers, servers that fail.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use runtime_modulestore::store::{MongoLogin, MongoStore, MongoUrl, StoreMode};
use xblock_core::runtime::{Base, Branch, Edit, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    asset, block, commit, context, edit, html, published_course, put_asset, root, snapshot, usage,
};

use crate::classes::registry;
use crate::crash::{has_sound_heads, is_sound, last_kept, log, number_from, say, tell};
use crate::fixture::clock;
use crate::server::{Server, java_server, new_store, open, server};
use crate::store;

#[test]
fn a_server_sets_aside_and_puts_back() {
    let Some(server) = server() else { return };
    store::content_is_set_aside_and_put_back(&new_store(server));
}

#[test]
fn a_server_deletes_indexes() {
    let Some(server) = server() else { return };
    store::an_index_is_deleted_as_it_was_read(&new_store(server));
}

pub(crate) fn opening(url: &str, login: Option<MongoLogin>) -> (String, Duration) {
    let url = MongoUrl::parse(url).expect("an address");
    let start = Instant::now();
    match MongoStore::open(&url, login, StoreMode::ReadOnly) {
        Err(error @ RuntimeError::Storage { .. }) => (error.to_string(), start.elapsed()),
        Err(error) => panic!("no failure of the medium: {error:?}"),
        Ok(_) => panic!("{url} opens"),
    }
}

/// Nobody listens, somebody listens and says nothing, options nobody knows: an error with words, in the time that was set.
#[test]
fn a_server_that_does_not_serve_is_told() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let (text, took) = opening(&format!("mongodb://me:s3cret@{nobody}/d?serverSelectionTimeoutMS=300"), None);
    assert!(text.contains("no server answers") && !text.contains("s3cret"), "{text}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("its address");
    let (text, took) = opening(&format!("mongodb://{address}/d?timeoutMS=300"), None);
    assert!(text.contains("did not answer within 0.3 seconds"), "{text}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    let (text, _) = opening("mongodb://me:s3cret@h/d?unheardOf=1", None);
    assert!(text.to_lowercase().contains("unheardof") && !text.contains("s3cret"), "{text}");
}

#[test]
fn refused_credentials_are_told() {
    let Some(server) = server() else { return };
    let login = MongoLogin { user: "nobody".into(), password: "s3cret".into() };
    let (text, _) = opening(&format!("{}d?timeoutMS=5000", server.address), Some(login));
    assert!(text.contains("refused the credentials") && !text.contains("s3cret"), "{text}");
}

const CHILD: &str = "MODULESTORE_TEST_EDITING_CHILD";

/// How many blocks each process edits in turn.
const SLOTS: usize = 50;

/// How many edits each of two processes makes.
fn edits() -> usize {
    usize::try_from(number_from("MODULESTORE_EDITS", 40)).expect("a small number")
}

/// Not a test of its own: edits a course of a server when it is started by the one below.
#[test]
fn child_that_edits() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (url, name) = told.split_once(' ').expect("an address and a name");
    let count = edits();
    let runtime = open(&MongoUrl::parse(url).expect("an address"));
    let told = std::path::PathBuf::from(std::env::var_os("MODULESTORE_TOLD").expect("a file"));
    let mut log = log(&told);
    // Both begin together.
    while std::fs::read_dir(told.parent().expect("a folder")).expect("a folder").count() < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut random = name.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut took = Duration::from_millis(20);
    for number in 0..count {
        // An author thinks for a while, here for up to twice the time that an edit takes; who never does lets no other
        // writer through.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(took * u32::try_from((random >> 32) % 200).expect("a small number") / 100);
        let start = Instant::now();
        // Every second edit insists on what it read.
        let base = match number % 2 {
            0 => Base::Any,
            _ => Base::Version(runtime.context(&context()).expect("the context").draft.version),
        };
        let block = usage("html", &format!("{name}{}", number % SLOTS));
        let mut change = Edit::new(context(), base).put(block.clone(), html(&number.to_string()));
        if number % 10 == 0 {
            let file = put_asset(&format!("{name}{}.txt", number % SLOTS), number.to_string().as_bytes());
            change = change.with(file).publish_all();
        }
        let is_there = || match runtime.block(&block, Branch::Draft) {
            Ok(block) => block.data.content["data"] == *number.to_string(),
            Err(RuntimeError::NoSuchUsage { .. }) => false,
            Err(other) => panic!("{other:?}"),
        };
        let outcome = runtime.commit(change);
        took = start.elapsed();
        match outcome {
            Ok(done) => {
                assert!(is_there(), "an edit that was made is seen");
                tell(&mut log, &format!("kept {number} {}", done.draft));
            }
            Err(RuntimeError::Conflict { .. }) => {
                assert!(!is_there(), "an edit that was not made is not seen");
                tell(&mut log, &format!("conflict {number}"));
            }
            Err(other) => panic!("edit {number}: {other:?}"),
        }
    }
}

#[test]
fn two_processes_lose_nothing() {
    if let Some(server) = server() {
        lose_nothing(server);
    }
}

#[test]
fn two_processes_lose_nothing_on_another_server() {
    if let Some(server) = java_server() {
        lose_nothing(server);
    }
}

/// Two processes edit one course at once: every edit is there or was reported as a conflict, and the feed has each once.
fn lose_nothing(server: &Server) {
    let count = edits();
    let url = format!("{}{}", server.address, server.new_database());
    let runtime = open(&MongoUrl::parse(&url).expect("an address"));
    published_course(&runtime);
    let told = tempfile::tempdir().expect("a folder");
    let children: Vec<_> = ["left", "right"]
        .into_iter()
        .map(|name| {
            Command::new(std::env::current_exe().expect("this program"))
                .args(["--exact", "mongo::child_that_edits", "--nocapture"])
                .env(CHILD, format!("{url} {name}"))
                .env("MODULESTORE_TOLD", told.path().join(name))
                .stdout(Stdio::null())
                .stderr(Stdio::inherit())
                .spawn()
                .expect("the child starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("the child ends").success());
    }
    let drafts = runtime.history(&context(), Branch::Draft).expect("the history");
    let versions: BTreeSet<_> = drafts.iter().map(|version| version.version.to_string()).collect();
    let mut all_made = 0;
    for name in ["left", "right"] {
        let text = std::fs::read_to_string(told.path().join(name)).expect("it was told");
        assert_eq!(text.lines().count(), count, "{name}: every edit was answered");
        let mut last = BTreeMap::new();
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let number: usize = words[1].parse().expect("a number");
            if let ["kept", _, version] = words[..] {
                assert!(versions.contains(version), "{name}: edit {number} is gone");
                last.insert(number % SLOTS, number);
                all_made += 1;
            }
        }
        for (slot, number) in last {
            let block = runtime.block(&usage("html", &format!("{name}{slot}")), Branch::Draft);
            assert_eq!(block.expect("a block").data.content["data"], number.to_string(), "{name}");
        }
    }
    assert!(all_made >= count, "{all_made}: edits of any version are no conflicts");
    let feed = runtime.changes(Default::default(), usize::MAX).expect("the feed");
    let mut versions: Vec<_> = feed.iter().map(|change| &change.version).collect();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), feed.len());
    assert_eq!(feed.iter().filter(|change| change.branch == Branch::Draft).count(), drafts.len());
    for (at, change) in feed.iter().enumerate() {
        assert_eq!(change.cursor.0, at as u64 + 1);
    }
    let last = feed.iter().rev().find(|change| change.branch == Branch::Draft).expect("an entry");
    assert_eq!(last.version, runtime.context(&context()).expect("the context").draft.version);
    is_sound(&runtime);
    say(&format!("{all_made} edits kept, {} reported as conflicts", 2 * count - all_made));
}

/// A server that dies between the writes leaves the state before a commit or after it, and nothing acknowledged is lost.
#[test]
fn a_killed_server_leaves_old_or_new() {
    if server().is_none() || std::env::var_os("MODULESTORE_MONGODB").is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let directory = format!("--directory={}", folder.path().display());
    let mut acknowledged = 0;
    let mut seen = 0;
    let rounds = number_from("MODULESTORE_SERVER_ROUNDS", 8);
    for round in 0..rounds {
        let mut server = Server::start(&[&directory]).expect("it was started before");
        let runtime = open(&server.url("edxapp", "timeoutMS=3000&serverSelectionTimeoutMS=1000"));
        if round == 0 {
            published_course(&runtime);
        }
        if round > 0 {
            let text = runtime.block(&usage("html", "h1"), Branch::Published).expect("the text");
            let found: u32 = text.data.content["data"].as_str().expect("a text").parse().expect("a number");
            assert!(found == acknowledged || found == acknowledged + 1, "{found} after {acknowledged}");
            let draft = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the text");
            assert_eq!(draft.data.content, text.data.content);
            let bytes = runtime.read_asset(&asset("a.txt"), Branch::Published).expect("the file");
            assert_eq!(bytes, found.to_string().into_bytes());
            let last = runtime.changes(Default::default(), usize::MAX).expect("the feed").pop();
            let head = runtime.context(&context()).expect("the context").draft.version;
            assert_eq!(last.expect("an entry").version, head);
            if round + 1 == rounds {
                is_sound(&runtime);
            } else {
                has_sound_heads(&runtime);
            }
            seen += usize::from(found > acknowledged);
            acknowledged = found;
        }
        let writer = std::thread::spawn(move || {
            let mut number = acknowledged;
            loop {
                let text = (number + 1).to_string();
                let change = edit()
                    .put(usage("html", "h1"), html(&text))
                    .with(put_asset("a.txt", text.as_bytes()))
                    .publish_all();
                match runtime.commit(change) {
                    Ok(_) => number += 1,
                    Err(RuntimeError::Storage { .. }) => break number,
                    Err(other) => panic!("the server is gone, not {other:?}"),
                }
            }
        });
        std::thread::sleep(Duration::from_millis(600 + round * 97 % 800));
        server.kill();
        acknowledged = writer.join().expect("the writer ends");
    }
    say(&format!(
        "{rounds} kills of the server; {acknowledged} edits kept, {seen} of them were not acknowledged"
    ));
    assert!(acknowledged > 2, "nothing was written: {acknowledged}, {seen} came after all");
}

const KILLED: &str = "MODULESTORE_TEST_KILLED_CHILD_OF_SERVER";
const TOLD: &str = "MODULESTORE_TEST_TOLD_CHILD_OF_SERVER";
const BLOCKS: usize = 40;

fn generation(number: u32) -> Edit {
    let children: Vec<_> = (0..BLOCKS).map(|n| usage("html", &format!("b{n}"))).collect();
    let name = serde_json::json!({ "display_name": number.to_string() });
    let mut change = edit().put(root(), block(name, &children));
    for child in children {
        change = change.put(child, html(&number.to_string()));
    }
    change.with(put_asset("a.bin", &number.to_le_bytes().repeat(100_000))).publish_all()
}

/// Not a test of its own: writes without end when it is started by the one below.
#[test]
fn child_that_writes() {
    let Ok(url) = std::env::var(KILLED) else { return };
    let runtime = open(&MongoUrl::parse(&url).expect("an address"));
    let folder = std::env::var_os(TOLD).map(std::path::PathBuf::from).expect("a folder");
    let mut log = log(&folder.join("kept.log"));
    for number in written(&runtime) + 1.. {
        commit(&runtime, generation(number));
        tell(&mut log, &number.to_string());
    }
}

/// The generation that the root of the draft is of.
fn written(runtime: &runtime_modulestore::ModulestoreRuntime) -> u32 {
    let name = &runtime.block(&root(), Branch::Draft).expect("the root").data.settings["display_name"];
    name.as_str().expect("a text").parse().expect("a number")
}

/// What a committer that was killed after the index was changed did not do is done by the next reader and writer.
#[test]
fn a_killed_writer_leaves_old_or_new() {
    let Some(server) = server() else { return };
    let url = format!("{}{}", server.address, server.new_database());
    let parsed = MongoUrl::parse(&url).expect("an address");
    let runtime = open(&parsed);
    published_course(&runtime);
    commit(&runtime, generation(1));
    drop(runtime);
    let folder = tempfile::tempdir().expect("a folder");
    let rounds = number_from("MODULESTORE_SERVER_ROUNDS", 8);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut between = 0;
    for round in 0..rounds {
        let before = last_kept(folder.path());
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "mongo::child_that_writes", "--nocapture"])
            // What it leaves half done is taken over when its operations would have timed out.
            .env(KILLED, format!("{url}?timeoutMS=1000"))
            .env(TOLD, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        // At least one commit goes through; then it ends in the middle of something.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        while last_kept(folder.path()) <= before {
            // On a busy machine an operation may take longer than it may, which ends the child; the next one goes on.
            if child.try_wait().expect("it runs").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros((random >> 32) % 200_000));
        let _ = child.kill();
        child.wait().expect("the child ended");

        let kept = last_kept(folder.path());
        let runtime = open(&parsed);
        let number = u64::from(written(&runtime));
        // One commit more may be there that nobody was told of any more.
        assert!(number == kept || number == kept + 1, "round {round}: {kept} was kept, {number} is there");
        between += u64::from(number > kept);
        // What is there counts as kept from here on.
        tell(&mut log(&folder.path().join("kept.log")), &number.to_string());
        for branch in Branch::ALL {
            for n in 0..BLOCKS {
                let text = runtime.block(&usage("html", &format!("b{n}")), branch).expect("a block");
                assert_eq!(text.data.content["data"], number.to_string(), "round {round}, {branch}");
            }
            let bytes = runtime.read_asset(&asset("a.bin"), branch).expect("the file");
            let number = u32::try_from(number).expect("a small number");
            assert_eq!(bytes, number.to_le_bytes().repeat(100_000), "round {round}, {branch}");
        }
        let last = runtime.changes(Default::default(), usize::MAX).expect("the feed").pop();
        let head = runtime.context(&context()).expect("the context").draft.version;
        assert_eq!(last.expect("an entry").version, head);
        has_sound_heads(&runtime);
    }
    is_sound(&open(&parsed));
    say(&format!("{rounds} kills; {between} after the commit and before the process was told"));
    assert!(last_kept(folder.path()) > 2, "the children wrote nothing");
}

#[test]
fn a_store_that_is_read_only_refuses_writes() {
    let Some(server) = server() else { return };
    let url = server.url(&server.new_database(), "");
    published_course(&open(&url));
    let store = MongoStore::open(&url, None, StoreMode::ReadOnly).expect("the store opens");
    let runtime = runtime_modulestore::ModulestoreRuntime::over(store, registry(), clock());
    assert!(snapshot(&runtime, &context(), Branch::Published).len() > 5);
    assert!(matches!(runtime.commit(edit()), Err(RuntimeError::ReadOnly)));
}

/// Another driver in another language reads what was written.
#[test]
fn pymongo_reads_what_was_written() {
    let Some(server) = server() else { return };
    let Some(python) = pymongo() else { return };
    let url = server.url(&server.new_database(), "");
    let runtime = open(&url);
    let head = {
        published_course(&runtime);
        commit(&runtime, edit().with(put_asset("a.txt", &b"tide".repeat(100_000))).publish_all())
    };
    let script = r#"
import sys, pymongo, gridfs
database = pymongo.MongoClient(sys.argv[1]).get_default_database()
index = database["modulestore.active_versions"].find_one({"org": "Harbour"})
for branch, version in index["versions"].items():
    structure = database["modulestore.structures"].find_one({"_id": version})
    blocks = {(block["block_type"], block["block_id"]): block for block in structure["blocks"]}
    assert tuple(structure["root"]) in blocks
    for block in blocks.values():
        definition = database["modulestore.definitions"].find_one({"_id": block["definition"]})
        assert definition["block_type"] == block["block_type"]
        for child in block["fields"].get("children", []):
            assert tuple(child) in blocks
name = database["fs.files"].find_one({"content_son.name": "a.txt"})["_id"]
assert gridfs.GridFS(database).get(name).read() == b"tide" * 100000
assert database["fs.chunks"].count_documents({"xblock_runtime": {"$exists": True}}) == 0
unique = [index for index in database["modulestore.active_versions"].index_information().values() if index.get("unique")]
assert [part for part, _ in unique[0]["key"]] == ["org", "course", "run"], unique
print(index["versions"]["draft-branch"])
"#;
    let output = Command::new(python).args(["-c", script, &url.to_string()]).output().expect("Python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), &*head.draft.0);
}

/// Finds a Python with pymongo: `PYMONGO_PYTHON`, or one in the cache of services.
fn pymongo() -> Option<std::path::PathBuf> {
    if let Some(named) = std::env::var_os("PYMONGO_PYTHON") {
        return Some(named.into());
    }
    let target = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services");
    let folder = std::env::var_os("XBLOCK_SERVICES").map_or(target, Into::into).join("pymongo");
    let python = folder.join("bin/python");
    let make = || -> Option<()> {
        let run = |command: &mut Command| {
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?.success().then_some(())
        };
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "pymongo==4.15.4"]))
    };
    let works = |python: &std::path::Path| {
        let probe = Command::new(python).args(["-c", "import gridfs"]).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    };
    if !works(&python) {
        let _ = make();
    }
    if works(&python) {
        return Some(python);
    }
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: reading with pymongo: it cannot be installed");
    None
}
