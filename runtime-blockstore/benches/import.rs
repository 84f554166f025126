//! One commit of a whole course beside writing the same bytes to as many files with one fsync each.
//!
//! `cargo bench -p runtime-blockstore --bench import [-- FOLDER]`: the files of the folder, or made-up ones.
#![expect(clippy::print_stdout, reason = "the result is what this program is for")]

#[path = "../tests/it/classes.rs"]
mod classes;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::DateTime;
use runtime_blockstore::BlockstoreRuntime;
use serde_json::json;
use xblock_core::clock::FixedClock;
use xblock_core::keys::clean_asset_name;
use xblock_core::runtime::{AssetData, Base, BlockData, Branch, Edit, EditOp, Runtime};
use xblock_testkit::fixture::{asset, block, context, html, map, root, usage};

const ROUNDS: usize = 5;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let edit = folder.as_deref().map_or_else(made_up, of_folder);
    // Beside the build's output, so that both sides are on a real disk.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut times: (Vec<Duration>, Vec<Duration>) = Default::default();
    for _ in 0..ROUNDS {
        let store = tempfile::tempdir_in(place).expect("a folder");
        let registry = classes::registry();
        let noon = Arc::new(FixedClock(DateTime::from_timestamp(1_930_000_000, 0).expect("a moment")));
        let runtime = BlockstoreRuntime::open(store.path(), registry, noon).expect("a store");
        let start = Instant::now();
        runtime.commit(edit.clone()).expect("the commit");
        let commit = start.elapsed();

        let bundle = runtime.blockstore().get_bundles(None).expect("the bundle").remove(0);
        let files: Vec<Vec<u8>> =
            fs::read_dir(store.path().join(format!("storage/{}/snapshot_data", bundle.uuid)))
                .expect("the data files")
                .map(|entry| fs::read(entry.expect("an entry").path()).expect("the bytes"))
                .collect();
        let plain = tempfile::tempdir_in(place).expect("a folder");
        let start = Instant::now();
        for (number, bytes) in files.iter().enumerate() {
            let mut file = File::create(plain.path().join(number.to_string())).expect("a file");
            file.write_all(bytes).and_then(|()| file.sync_all()).expect("the bytes");
        }
        let plain = start.elapsed();
        let size: usize = files.iter().map(Vec::len).sum();
        println!(
            "{} files, {} bytes: commit {:.1} ms, plain files {:.1} ms, ratio {:.2}",
            files.len(),
            size,
            commit.as_secs_f64() * 1e3,
            plain.as_secs_f64() * 1e3,
            commit.as_secs_f64() / plain.as_secs_f64(),
        );
        times.0.push(commit);
        times.1.push(plain);
        reading(&runtime, store.path());
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    };
    println!("ratio of the medians {:.2}", median(times.0) / median(times.1));
}

/// Measures the reading of one block by a process that has just begun, and one small edit.
fn reading(runtime: &BlockstoreRuntime, folder: &Path) {
    let one = runtime.usages(&context(), Branch::Published).expect("usages").remove(1);
    let registry = classes::registry();
    let noon = Arc::new(FixedClock(DateTime::from_timestamp(1_930_000_000, 0).expect("a moment")));
    let start = Instant::now();
    let fresh = BlockstoreRuntime::open(folder, registry, noon).expect("a store");
    let open = start.elapsed();
    fresh.block(&one, Branch::Published).expect("the block");
    let first = start.elapsed() - open;
    let start = Instant::now();
    for _ in 0..1000 {
        fresh.block(&one, Branch::Published).expect("the block");
    }
    let warm = start.elapsed() / 1000;
    let change = |text: &str| {
        let start = Instant::now();
        runtime.commit(Edit::new(context(), Base::Any).put(one.clone(), html(text))).expect("the edit");
        start.elapsed()
    };
    let edit = change("changed");
    let all = runtime.usages(&context(), Branch::Draft).expect("usages");
    let staged = all.into_iter().filter(|usage| *usage != root());
    let many = staged.fold(Edit::new(context(), Base::Any), |edit, usage| {
        let text = format!("changed {usage}");
        edit.put(usage, html(&text))
    });
    runtime.commit(many).expect("the edit");
    let crowded = change("changed again");
    let start = Instant::now();
    runtime.commit(Edit::new(context(), Base::Any).publish_all()).expect("the publish");
    println!(
        "    open {open:.1?}, first block {first:.1?}, then {warm:.1?}; edit of one block {edit:.1?}, \
         {crowded:.1?} where all blocks are staged; publish {:.1?}",
        start.elapsed()
    );
}

fn made_up() -> Edit {
    let texts: Vec<String> = (0..400).map(|n| format!("<p>{n}</p>").repeat(400)).collect();
    let files = (0..390_u32).map(|n| (format!("f{n}.bin"), n.to_le_bytes().repeat(7_500)));
    edit_of(texts, files.collect())
}

fn of_folder(folder: &Path) -> Edit {
    let (mut texts, mut files, mut folders) = (Vec::new(), Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path).map_err(drop).and_then(|text| {
                if path.extension().is_some_and(|e| e == "xml" || e == "html") { Ok(text) } else { Err(()) }
            }) {
                texts.push(text);
            } else {
                let name = clean_asset_name(&path.to_string_lossy());
                files.push((name, fs::read(&path).expect("the bytes")));
            }
        }
    }
    edit_of(texts, files)
}

fn edit_of(texts: Vec<String>, files: Vec<(String, Vec<u8>)>) -> Edit {
    let children: Vec<_> = (0..texts.len()).map(|n| usage("html", &format!("h{n}"))).collect();
    let mut edit = Edit::new(context(), Base::New { root: root() }).put(root(), block(json!({}), &children));
    for (number, (at, text)) in children.into_iter().zip(texts).enumerate() {
        let data = BlockData {
            content: map(json!({ "data": text })),
            settings: map(json!({ "display_name": format!("Text {number}") })),
            ..BlockData::default()
        };
        edit = edit.put(at, data);
    }
    for (name, bytes) in files {
        let data = AssetData { display_name: name.clone(), ..AssetData::default() };
        edit = edit.with(EditOp::PutAsset { key: asset(&name), data, content: Arc::new(bytes) });
    }
    edit.publish_all()
}
