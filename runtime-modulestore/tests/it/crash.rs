//! Processes that are killed while they write, and processes that write at once.
//!
//! Each process keeps a log of what it was told is kept; whatever stands there must be in the store.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use runtime_modulestore::operations::BulkOptions;
use runtime_modulestore::{FsckOptions, ModulestoreRuntime, Severity};
use serde_json::json;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Base, BlockPatch, Branch, Cursor, Edit, EditOp, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    asset, attributes, block, commit, context, edit, html, published_course, root, usage,
};

use crate::fixture::{new_store, open};

const FOLDER: &str = "MODULESTORE_TEST_FOLDER";
const BLOCKS: usize = 40;

/// Reads a number from the environment: the full length is in `make test-modulestore`.
pub(crate) fn number_from(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Runs an ignored test in a process of its own.
fn spawn(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args([test, "--exact", "--ignored", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the process starts")
}

fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

fn child(number: usize) -> UsageKey {
    usage("html", &format!("b{number}"))
}

/// One edit that changes every block and a file, publishes, and goes on in the draft.
fn generation(number: u64) -> Edit {
    let children: Vec<_> = (0..BLOCKS).map(child).collect();
    let mut change = edit().put(root(), block(json!({ "display_name": number.to_string() }), &children));
    for child in children {
        change = change.put(child, html(&number.to_string()));
    }
    let bytes = number.to_le_bytes().repeat(50_000);
    let file = EditOp::PutAsset { key: asset("a.bin"), data: attributes("a.bin"), content: Arc::new(bytes) };
    change.with(file).publish_all().put(child(0), html(&format!("{number}, later")))
}

fn generation_of(runtime: &ModulestoreRuntime) -> u64 {
    let root = runtime.block(&root(), Branch::Draft).expect("the root");
    root.data.settings["display_name"].as_str().expect("a text").parse().expect("a number")
}

pub(crate) fn log(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("the log opens")
}

/// Says how a test went, past the test harness.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Adds a line in one piece, so that a process that is killed leaves all of it or nothing.
pub(crate) fn tell(log: &mut File, line: &str) {
    log.write_all(format!("{line}\n").as_bytes()).expect("the log is written");
}

#[test]
#[ignore = "runs as another process, for the test below"]
fn writes_until_killed() {
    let Some(folder) = folder() else { return };
    let runtime = open(&folder);
    let mut log = log(&folder.join("kept.log"));
    for number in generation_of(&runtime) + 1.. {
        commit(&runtime, generation(number));
        tell(&mut log, &number.to_string());
    }
}

/// Returns the last generation of which a process was told that it is kept.
pub(crate) fn last_kept(folder: &Path) -> u64 {
    let mut text = String::new();
    if let Ok(mut file) = File::open(folder.join("kept.log")) {
        file.read_to_string(&mut text).expect("the log is read");
    }
    // The last line may be cut.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().last().map_or(1, |line| line.parse().expect("a number"))
}

/// A process that is killed at any moment leaves the state before a commit or after it; what it was told is kept is.
#[test]
fn a_killed_writer_leaves_old_or_new() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, generation(1));
    drop(runtime);
    let rounds = number_from("MODULESTORE_CRASH_ROUNDS", 8);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut between = 0;
    for round in 0..rounds {
        let before = last_kept(folder.path());
        let mut process = spawn("crash::writes_until_killed", folder.path());
        // At least one commit goes through; then it ends in the middle of something.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wanted = before + 1 + (random >> 60) % 4;
        while last_kept(folder.path()) < wanted {
            assert!(process.try_wait().expect("it runs").is_none(), "round {round}: it ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros((random >> 32) % 20_000));
        process.kill().expect("the process is killed");
        process.wait().expect("the process ended");

        let kept = last_kept(folder.path());
        let runtime = open(folder.path());
        let number = generation_of(&runtime);
        // One commit more may be there that nobody was told of any more.
        assert!(number == kept || number == kept + 1, "round {round}: {kept} was kept, {number} is there");
        between += u64::from(number > kept);
        for branch in Branch::ALL {
            for n in 0..BLOCKS {
                let text = runtime.block(&child(n), branch).expect("a block").data.content["data"].clone();
                let later = if n == 0 && branch == Branch::Draft { ", later" } else { "" };
                assert_eq!(text, format!("{number}{later}"), "round {round}, {branch}");
            }
            let bytes = runtime.read_asset(&asset("a.bin"), branch).expect("the file");
            assert_eq!(bytes, number.to_le_bytes().repeat(50_000), "round {round}, {branch}");
        }
        let feed = runtime.changes(Cursor(0), usize::MAX).expect("the feed");
        let last = feed.last().expect("an entry");
        assert_eq!(last.version, runtime.context(&context()).expect("the context").draft.version);
        is_sound(&runtime);
    }
    say(&format!("{rounds} kills; {between} after the commit and before the process was told"));
}

pub(crate) fn is_sound(runtime: &ModulestoreRuntime) {
    nothing_is_wrong(runtime, FsckOptions::default());
}

/// As [`is_sound`], without older versions and the bytes of files, of which there are ever more.
pub(crate) fn has_sound_heads(runtime: &ModulestoreRuntime) {
    nothing_is_wrong(runtime, FsckOptions { is_quick: true, ..FsckOptions::default() });
}

fn nothing_is_wrong(runtime: &ModulestoreRuntime, options: FsckOptions) {
    let report = runtime.fsck(options).expect("the check");
    let bad: Vec<_> = report.findings.iter().filter(|finding| finding.severity > Severity::Note).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

fn of_process(name: &str, number: u64) -> UsageKey {
    usage("html", &format!("{name}{number}"))
}

fn unit(name: &str) -> UsageKey {
    usage("vertical", if name == "edit" { "u1" } else { "u2" })
}

/// Makes blocks by edits on the version it read; another writer in between is a conflict, and no more is tried.
#[test]
#[ignore = "runs as another process, for the test below"]
fn edits_on_a_version() {
    let Some(folder) = folder() else { return };
    let runtime = open(&folder);
    let mut log = log(&folder.join("edit.log"));
    for number in 0..number_from("MODULESTORE_EDITS", 25) {
        let base = runtime.context(&context()).expect("the context").draft.version;
        let mut children =
            runtime.block(&unit("edit"), Branch::Draft).expect("the unit").data.children.clone();
        let new = of_process("edit", number);
        children.push(new.clone());
        let patch = BlockPatch { children: Some(children), ..BlockPatch::default() };
        let edit = Edit::new(context(), Base::Version(base))
            .put(new, html("x"))
            .with(EditOp::PatchBlock { usage: unit("edit"), patch });
        let word = match runtime.commit(edit) {
            Ok(_) => "kept",
            Err(RuntimeError::Conflict { .. }) => "conflict",
            Err(error) => panic!("{error}"),
        };
        tell(&mut log, &format!("{word} {number}"));
    }
}

/// Makes blocks by calls that take the draft as it is: they wait for each other, and none is a conflict.
#[test]
#[ignore = "runs as another process, for the test below"]
fn calls_on_any_version() {
    let Some(folder) = folder() else { return };
    let runtime = open(&folder);
    let mut log = log(&folder.join("call.log"));
    for number in 0..number_from("MODULESTORE_EDITS", 25) {
        let act = |bulk: &mut runtime_modulestore::operations::Bulk<'_>| {
            bulk.create_child(&unit("call"), &of_process("call", number), &html("x"), None)
        };
        runtime.bulk(&context(), &BulkOptions::default(), act).expect("the call");
        tell(&mut log, &format!("kept {number}"));
    }
}

#[test]
fn processes_that_edit_one_course_lose_nothing() {
    let (runtime, folder) = new_store();
    let first = published_course(&runtime);
    let processes =
        ["crash::edits_on_a_version", "crash::calls_on_any_version"].map(|test| spawn(test, folder.path()));
    for mut process in processes {
        assert!(process.wait().expect("the process ends").success());
    }
    let edits = number_from("MODULESTORE_EDITS", 25);
    let (mut kept, mut conflicts) = (0, 0);
    for name in ["edit", "call"] {
        let text = std::fs::read_to_string(folder.path().join(format!("{name}.log"))).expect("the log");
        assert_eq!(text.lines().count() as u64, edits, "every edit was answered");
        let listed = runtime.block(&unit(name), Branch::Draft).expect("the unit").data.children.clone();
        for line in text.lines() {
            let (word, number) = line.split_once(' ').expect("two words");
            let new = of_process(name, number.parse().expect("a number"));
            let is_there = runtime.block(&new, Branch::Draft).is_ok();
            assert_eq!(is_there, word == "kept", "{line}");
            assert_eq!(listed.contains(&new), word == "kept", "{line}");
            if is_there { kept += 1 } else { conflicts += 1 }
        }
    }
    say(&format!("{kept} edits kept, {conflicts} reported as conflicts"));
    assert!(kept >= edits, "calls are never conflicts");
    let history = runtime.history(&context(), Branch::Draft).expect("the history");
    let since = history.iter().take_while(|version| version.version != first.draft).count() as u64;
    assert_eq!(since, kept, "every edit is one version");
    is_sound(&runtime);
}
