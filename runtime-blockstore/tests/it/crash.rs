//! Processes that are killed while they write, and processes that write at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use mysql::prelude::Queryable as _;
use runtime_blockstore::BlockstoreRuntime;
use rusqlite::Connection;
use serde_json::json;
use xblock_core::runtime::{AssetData, Base, BlockData, Branch, Edit, EditOp, Runtime, RuntimeError};
use xblock_testkit::fixture::{asset, block, context, html, map, root, usage};

use crate::fixture::{new_store, open, open_to_read, server_of};
use crate::mariadb::Place;

const FOLDER: &str = "BLOCKSTORE_TEST_FOLDER";
const BLOCKS: usize = 12;
const COMMITS: usize = 15;

/// Reads a number from the environment.
pub(crate) fn number_from(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Runs an ignored test in a process of its own.
pub(crate) fn spawn(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args([test, "--exact", "--ignored", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("the process starts")
}

/// Returns the folder such a process is to work in.
pub(crate) fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

fn child(number: usize) -> xblock_core::keys::UsageKey {
    usage("html", &format!("h{number}"))
}

/// One edit that changes every block and a file, publishes, and goes on in the draft.
fn generation(base: Base, number: u64) -> Edit {
    let children: Vec<_> = (0..BLOCKS).map(child).collect();
    let mut edit = Edit::new(context(), base).put(root(), block(json!({"generation": number}), &children));
    for at in &children {
        edit = edit.put(at.clone(), html(&format!("<p>{number}</p>")));
    }
    let content = number.to_string().repeat(5_000).into_bytes();
    edit = edit.with(EditOp::PutAsset {
        key: asset("tide.txt"),
        data: AssetData { display_name: number.to_string(), ..AssetData::default() },
        content: Arc::new(content),
    });
    edit.publish_all().put(child(0), html(&format!("<p>{number}, later</p>")))
}

#[test]
#[ignore = "runs as another process, for the test below"]
fn writes_until_killed() {
    let Some(folder) = folder() else { return };
    let runtime = open(&folder);
    let mut number = match runtime.block(&root(), Branch::Draft) {
        Ok(block) => block.data.settings["generation"].as_u64().expect("a number"),
        Err(RuntimeError::NoSuchContext { .. }) => {
            runtime.commit(generation(Base::New { root: root() }, 1)).expect("the first commit");
            1
        }
        Err(error) => panic!("{error}"),
    };
    loop {
        number += 1;
        runtime.commit(generation(Base::Any, number)).expect("the commit");
    }
}

/// Checks that a store shows one generation and nothing of another; returns it.
fn whole_generation(runtime: &BlockstoreRuntime) -> Option<u64> {
    let number = match runtime.block(&root(), Branch::Published) {
        Ok(block) => block.data.settings["generation"].as_u64().expect("a number"),
        Err(RuntimeError::NoSuchContext { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    for branch in Branch::ALL {
        assert_eq!(runtime.usages(&context(), branch).unwrap().len(), BLOCKS + 1);
        for at in 0..BLOCKS {
            let text = runtime.block(&child(at), branch).unwrap().data.content["data"].clone();
            let later = if at == 0 && branch == Branch::Draft { ", later" } else { "" };
            assert_eq!(text, format!("<p>{number}{later}</p>"), "block {at} in {branch}");
        }
        let file = runtime.asset(&asset("tide.txt"), branch).unwrap();
        assert_eq!(file.data.display_name, number.to_string());
        let bytes = runtime.read_asset(&asset("tide.txt"), branch).unwrap();
        assert_eq!(bytes, number.to_string().repeat(5_000).into_bytes());
    }
    assert_eq!(runtime.history(&context(), Branch::Published).unwrap().len() as u64, number);
    let feed = runtime.changes(Default::default(), usize::MAX >> 1).unwrap();
    assert_eq!(feed.len() as u64, number * 2);
    Some(number)
}

/// Returns the first column of an answer.
fn column(folder: &Path, sql: &str) -> Vec<String> {
    if let Some(place) = server_of(folder) {
        let mut db = crate::mariadb::connect(&place.database);
        return db.query(sql).unwrap_or_default();
    }
    let db = Connection::open(folder.join("db.sqlite3")).unwrap();
    let Ok(mut query) = db.prepare(sql) else { return Vec::new() };
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Counts changes that are in the database and not yet in a draft's folder.
fn handovers(folder: &Path) -> usize {
    column(folder, "SELECT draft FROM xblock_handover").len()
}

/// Lists folders of the object store that no row names.
fn leftovers(folder: &Path) -> Vec<String> {
    let known = column(folder, "SELECT uuid FROM bundles_bundle UNION SELECT uuid FROM bundles_draft");
    let known: BTreeSet<String> = known.into_iter().collect();
    let folders = std::fs::read_dir(folder.join("storage")).unwrap();
    let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !known.contains(&name.replace('-', ""))).collect()
}

#[test]
fn a_killed_commit_leaves_the_old_state_or_the_new() {
    let (_, folder) = new_store();
    killed_commits_leave_one_state(folder.path());
}

#[test]
fn a_killed_commit_leaves_the_old_state_or_the_new_on_mariadb() {
    let Some(place) = Place::new() else { return };
    open(place.path());
    killed_commits_leave_one_state(place.path());
}

fn killed_commits_leave_one_state(folder: &Path) {
    let (mut seen, mut unfinished) = (Vec::new(), 0);
    let rounds = number_from("BLOCKSTORE_CRASH_ROUNDS", 25);
    let came_far = |seen: &[Option<u64>]| seen.last().copied().flatten().is_some_and(|number| number > 5);
    let mut round = 0;
    // On a busy machine processes live longer and longer after the usual rounds, until some commits went through.
    while round < rounds || (round < rounds + 100 && !came_far(&seen)) {
        let mut process = spawn("crash::writes_until_killed", folder);
        let longer = round.saturating_sub(rounds) * 50;
        std::thread::sleep(Duration::from_millis(12 + round * 37 % 150 + longer));
        round += 1;
        process.kill().expect("the process ends");
        process.wait().expect("the process ended");
        unfinished += usize::from(handovers(folder) > 0);
        // Whoever only reads sees the same as whoever clears up first.
        let read = open_to_read(folder).map_or(None, |runtime| whole_generation(&runtime));
        let number = whole_generation(&open(folder));
        assert_eq!(read, number);
        assert!(number >= seen.last().copied().flatten(), "{seen:?} {number:?}");
        seen.push(number);
    }
    assert!(came_far(&seen), "no commit went through: {seen:?}");
    println!("{unfinished} of {round} were killed between the database and the draft's folder");
    open(folder).commit(Edit::new(context(), Base::Any)).expect("the store goes on");
    assert_eq!(handovers(folder), 0);
    // The bundle's folder may have been made by the very first commit before it was killed; drafts must be gone.
    let bundles_only = leftovers(folder)
        .into_iter()
        .filter(|name| folder.join("storage").join(name).join("summary.json").exists());
    assert_eq!(bundles_only.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
#[ignore = "runs as another process, for the test below"]
fn counts() {
    let Some(folder) = folder() else { return };
    let runtime = open(&folder);
    for _ in 0..COMMITS {
        loop {
            let base = runtime.context(&context()).expect("the context").draft.version;
            let old = runtime.block(&root(), Branch::Draft).expect("the root");
            // The block may be newer than the base; then the commit is a conflict.
            let count = old.data.settings["count"].as_u64().expect("a number") + 1;
            let data = BlockData { settings: map(json!({ "count": count })), ..BlockData::default() };
            let edit = Edit::new(context(), Base::Version(base)).put(root(), data).publish_all();
            match runtime.commit(edit) {
                Ok(_) => break,
                Err(RuntimeError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    let (_, folder) = new_store();
    processes_lose_nothing(folder.path());
}

#[test]
fn processes_that_write_at_once_lose_nothing_on_mariadb() {
    let Some(place) = Place::new() else { return };
    processes_lose_nothing(place.path());
}

fn processes_lose_nothing(folder: &Path) {
    let runtime = open(folder);
    let first = Edit::new(context(), Base::New { root: root() });
    runtime.commit(first.put(root(), block(json!({ "count": 0 }), &[]))).expect("the first commit");
    let processes: Vec<_> = (0..3).map(|_| spawn("crash::counts", folder)).collect();
    for mut process in processes {
        assert!(process.wait().expect("the process ends").success());
    }
    for branch in Branch::ALL {
        let count = runtime.block(&root(), branch).unwrap().data.settings["count"].clone();
        assert_eq!(count, 3 * COMMITS as u64);
    }
    assert_eq!(runtime.history(&context(), Branch::Published).unwrap().len(), 3 * COMMITS);
}
