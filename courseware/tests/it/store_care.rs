//! `fsck`, `gc`, `stats`, `backup` and `restore`, run as the real command.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::{TIDES, courseware, import_tides};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn store() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("blockstore:{}", folder.path().join("store").display());
    import_tides(&store);
    (folder, store)
}

#[test]
fn damage_is_found_and_told() {
    let (folder, store) = store();
    courseware(["fsck", "--store", &store]).exits(0);
    let sound = courseware(["fsck", "--store", &store, "--json"]).exits(0).json();
    assert_eq!(sound["findings"], serde_json::json!([]));
    let data = files(&folder.path().join("store/storage"));
    let of_a_version = data.iter().find(|file| file.parent().unwrap().ends_with("snapshot_data")).unwrap();
    fs::write(of_a_version, "damage").unwrap();
    let damaged = courseware(["fsck", "--store", &store, "--quick"]).exits(1);
    assert!(damaged.out.contains("damage[data]"), "{}", damaged.out);
    courseware(["fsck", "--store", &store, "--repair"]).exits(1);
    let backups = folder.path().join("backups");
    courseware(["backup", backups.to_str().unwrap(), "--store", &store]).exits(1);
}

#[test]
fn what_cannot_be_read_is_told_from_damage() {
    let (folder, store) = store();
    let all = files(&folder.path().join("store/storage"));
    let snapshot = all.iter().find(|file| file.parent().unwrap().ends_with("snapshots")).unwrap();
    let text = fs::read_to_string(snapshot).unwrap();
    fs::write(snapshot, text.replace("\"_version\": 1", "\"_version\": 9")).unwrap();
    let newer = courseware(["fsck", "--store", &store]).exits(1);
    assert!(newer.out.contains("repair: the newer program that wrote it"), "{}", newer.out);
    assert!(!newer.out.contains("only from a backup"), "{}", newer.out);
    // Linux answers EIO to whoever reads the beginning of this file.
    if fs::read("/proc/self/mem").is_err_and(|error| error.raw_os_error() == Some(5)) {
        fs::remove_file(snapshot).unwrap();
        std::os::unix::fs::symlink("/proc/self/mem", snapshot).unwrap();
        let unread = courseware(["fsck", "--store", &store]).exits(4);
        assert!(unread.out.contains("warning[unread]"), "{}", unread.out);
        assert!(unread.out.contains("could not be read; 0 damaged"), "{}", unread.out);
        let backups = folder.path().join("backups");
        courseware(["backup", backups.to_str().unwrap(), "--store", &store]).exits(1);
    } else {
        eprintln!("SKIPPED: /proc/self/mem gives no EIO here");
    }
}

#[test]
fn a_lost_version_is_told_by_fsck_and_backup() {
    let (folder, store) = store();
    let db = rusqlite::Connection::open(folder.path().join("store/db.sqlite3")).unwrap();
    db.execute("DELETE FROM bundles_bundleversion", []).unwrap();
    drop(db);
    let found = courseware(["fsck", "--store", &store]).exits(1);
    assert!(found.out.contains("damage[version_lost]"), "{}", found.out);
    let backups = folder.path().join("backups");
    let told = courseware(["backup", backups.to_str().unwrap(), "--store", &store]).exits(1);
    assert!(told.out.contains("version 1: its row is gone"), "{}", told.out);
}

#[test]
fn leftovers_are_listed_and_then_removed() {
    let (folder, store) = store();
    let snapshots = files(&folder.path().join("store/storage"));
    let data = snapshots.iter().find(|file| file.parent().unwrap().ends_with("snapshot_data")).unwrap();
    let orphan = data.with_file_name("0".repeat(40));
    fs::write(&orphan, "nobody's").unwrap();
    let young = courseware(["gc", "--store", &store, "--delete", "--json"]).exits(0).json();
    assert_eq!((young["too_young"].as_u64(), young["unused"].as_array().unwrap().len()), (Some(1), 0));
    let listed = courseware(["gc", "--store", &store, "--grace", "0"]).exits(0);
    assert!(
        listed.out.contains(&"0".repeat(40)) && listed.out.contains("would be removed"),
        "{}",
        listed.out
    );
    let stats = courseware(["stats", "--store", &store, "--json"]).exits(0).json();
    assert_eq!((stats["bundles"].as_u64(), stats["unused_files"].as_u64()), (Some(1), Some(1)));
    courseware(["stats", "--store", &store]).exits(0);
    assert!(orphan.exists());
    courseware(["gc", "--store", &store, "--grace", "0", "--delete", "--deduplicate"]).exits(0);
    assert!(!orphan.exists());
    courseware(["fsck", "--store", &store]).exits(0);
    courseware(["tree", TIDES, "--store", &store]).exits(0);
}

#[test]
fn a_backup_comes_back_as_the_same_course() {
    let (folder, store) = store();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let backups = at("backups");
    courseware(["backup", &backups, "--store", &store]).exits(0);
    let again = courseware(["backup", &backups, "--store", &store, "--json"]).exits(0).json();
    assert!(again["copied_files"].as_u64().unwrap() < again["files"].as_u64().unwrap() / 2, "{again}");
    courseware(["backup", &backups, "--check"]).exits(0);
    let new = format!("blockstore:{}", at("new"));
    courseware(["restore", &backups, "--store", &new]).exits(0);
    courseware(["compare", TIDES, &store, &new]).exits(0);
    courseware(["restore", &backups, "--store", &new]).exits(5);
    courseware(["restore", &at("nowhere"), "--store", &format!("blockstore:{}", at("x"))]).exits(3);
    let stats = courseware(["stats", "--store", &store, "--json"]).exits(0).json();
    let bundle = stats["biggest_bundles"][0]["uuid"].as_str().unwrap();
    let one = format!("blockstore:{}", at("one"));
    let told = courseware(["restore", &backups, "--store", &one, "--bundle", bundle]).exits(0);
    assert!(told.out.contains(&format!("bundle {bundle} is {TIDES}")), "{}", told.out);
    courseware(["compare", TIDES, &store, &one]).exits(0);
    let exported = [("all", &store), ("some", &one)].map(|(name, store)| {
        courseware(["export", TIDES, "--store", store, "-o", &at(name)]).exits(0);
        let files = files(Path::new(&at(name)));
        files
            .into_iter()
            .map(|file| (file.strip_prefix(at(name)).unwrap().to_owned(), fs::read(file).unwrap()))
            .collect::<Vec<_>>()
    });
    assert!(exported[0] == exported[1], "also the files of the package that nobody reads");

    // Another bundle is that course.
    let other = format!("blockstore:{}", at("other"));
    import_tides(&other);
    let stats = courseware(["stats", "--store", &other, "--json"]).exits(0).json();
    let there = stats["biggest_bundles"][0]["uuid"].as_str().unwrap();
    let told = courseware(["restore", &backups, "--store", &other, "--bundle", bundle]).exits(5);
    assert!([bundle, there, TIDES].iter().all(|name| told.err.contains(name)), "{}", told.err);
    courseware(["fsck", "--store", &other]).exits(0);
}

#[test]
fn a_backup_is_not_made_beside_writers_because_writing_failed_somehow() {
    let (folder, store) = store();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let storage = std::path::PathBuf::from(store.strip_prefix("blockstore:").unwrap()).join("storage");
    // As where a folder is not mounted: reading asks for nothing there before it must.
    std::fs::rename(&storage, folder.path().join("unmounted")).unwrap();
    std::fs::create_dir(&storage).unwrap();
    let told = courseware(["backup", &at("backups"), "--store", &store]);
    assert!(told.err.contains("the storage is not there"), "{} {}", told.out, told.err);
    assert!(told.code != Some(0) && told.code != Some(1), "{:?}", told.code);
    assert!(!folder.path().join("backups").exists());
}

#[test]
fn an_incomplete_backup_is_told_by_each_command() {
    let (folder, store) = store();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let backups = at("backups");
    let whole = courseware(["backup", &backups, "--store", &store, "--json"]).exits(0).json();
    let data = files(&folder.path().join("store/storage"));
    let snapshot = data.iter().find(|file| file.parent().unwrap().ends_with("snapshots")).unwrap();
    fs::remove_file(snapshot).unwrap();
    let lacking = courseware(["backup", &backups, "--store", &store, "--json"]).exits(1).json();
    let checked = courseware(["backup", &backups, "--check", "--json"]).exits(1).json();
    assert_eq!(checked["incomplete"][0]["name"], lacking["name"]);
    assert_eq!(checked["incomplete"][0]["damaged"], lacking["damaged"]);
    let told = courseware(["backup", &backups, "--check"]).exits(1);
    assert!(told.out.contains("lacks: ") && told.out.contains("1 backups are incomplete"), "{}", told.out);
    let restored =
        courseware(["restore", &backups, "--store", &format!("blockstore:{}", at("new"))]).exits(1);
    assert!(restored.out.contains(whole["name"].as_str().unwrap()), "{}", restored.out);
    assert!(restored.err.contains(lacking["name"].as_str().unwrap()), "{}", restored.err);
    courseware(["tree", TIDES, "--store", &format!("blockstore:{}", at("new"))]).exits(0);
    let named = ["restore", &backups, "--name", lacking["name"].as_str().unwrap()];
    let named =
        courseware([&named[..], &["--store", &format!("blockstore:{}", at("named"))]].concat()).exits(1);
    assert!(named.out.contains("not in the backup: "), "{}", named.out);
}

#[test]
fn other_stores_and_no_stores_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let split = format!("modulestore:{}", folder.path().join("split.db").display());
    courseware(["gc", "--store", &split]).exits(2);
    for command in ["fsck", "stats"] {
        courseware([command, "--store", &split]).exits(3);
        courseware([command, "--store", "memory:"]).exits(2);
    }
    courseware(["store", "prune", &split]).exits(3);
    assert!(!folder.path().join("split.db").exists());
    let nowhere = format!("blockstore:{}", folder.path().join("nowhere").display());
    for command in ["fsck", "gc", "stats"] {
        courseware([command, "--store", &nowhere]).exits(3);
    }
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn a_modulestore_is_taken_out_and_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (one, two) = (format!("modulestore:{}", at("one.db")), format!("modulestore:{}", at("two.db")));
    import_tides(&one);
    let written = courseware(["store", "export-dump", &one, &at("dump"), "--json"]).exits(0).json();
    assert_eq!(written["collections"]["modulestore.active_versions"], 1);
    let read = courseware(["store", "import-dump", &at("dump"), &two, "--json"]).exits(0).json();
    assert_eq!(read["contexts"], serde_json::json!([TIDES]));
    courseware(["compare", TIDES, &one, &two]).exits(0);
    // What is there already stays, and other stores have no such documents.
    courseware(["store", "export-dump", &one, &at("dump")]).exits(5);
    courseware(["store", "import-dump", &at("dump"), &two]).exits(5);
    courseware(["store", "import-dump", &at("dump"), "memory:"]).exits(2);
    courseware(["store", "export-dump", &format!("modulestore:{}", at("none.db")), &at("out")]).exits(3);
    courseware(["store", "import-dump", &at("nowhere"), &two]).exits(4);
}

#[test]
fn a_dump_is_loaded_around_its_damage() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (one, two) = (format!("modulestore:{}", at("one.db")), format!("modulestore:{}", at("two.db")));
    import_tides(&one);
    courseware(["store", "export-dump", &one, &at("dump")]).exits(0);
    // A document with an id (an int of 1) and nothing else.
    let damaged = b"\x0e\0\0\0\x10_id\0\x01\0\0\0\0";
    let indexes = folder.path().join("dump/modulestore.active_versions.bson");
    let whole = std::fs::read(&indexes).unwrap();
    std::fs::write(&indexes, [&whole[..], damaged].concat()).unwrap();

    let refused = courseware(["store", "import-dump", "--strict", &at("dump"), &two]).exits(4);
    assert!(refused.err.contains("modulestore.active_versions.bson, document 1"), "{}", refused.err);
    // A dump that is refused leaves no store; one that was there stays as it was.
    courseware(["store", "import-dump", &at("nowhere"), &two]).exits(4);
    courseware(["list", "--store", &two]).exits(3);
    courseware(["fsck", "--store", &two]).exits(3);
    let left = std::fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| !name.to_string_lossy().starts_with("one.db")).collect();
    assert_eq!(left, ["dump"]);
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    let there = format!("modulestore:{}", empty.display());
    courseware(["store", "import-dump", "--strict", &at("dump"), &there]).exits(4);
    assert!(empty.exists());
    let read = courseware(["store", "import-dump", &at("dump"), &two, "--json"]).exits(1).json();
    assert_eq!(read["contexts"], serde_json::json!([TIDES]));
    assert_eq!(read["damaged"].as_array().map(Vec::len), Some(1), "{read:#}");
    courseware(["compare", TIDES, &one, &two]).exits(0);
    courseware(["fsck", "--store", &two]).exits(1);
    courseware(["store", "export-dump", &two, &at("again")]).exits(0);
    let again = std::fs::read(folder.path().join("again/modulestore.active_versions.bson")).unwrap();
    assert_eq!(again, [&whole[..], damaged].concat());
}

/// What a loading that was killed left beside the store goes with the next one; what somebody still works on stays.
#[test]
fn what_killed_loadings_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (one, two) = (format!("modulestore:{}", at("one.db")), format!("modulestore:{}", at("two.db")));
    import_tides(&one);
    courseware(["store", "export-dump", &one, &at("dump")]).exits(0);
    let folders =
        [".new-store-dead", ".new-store-alive", ".new-store-others"].map(|name| folder.path().join(name));
    for made in &folders {
        std::fs::create_dir(made).unwrap();
        std::fs::write(made.join("store"), "half").unwrap();
        std::fs::write(made.join("store-wal"), "half").unwrap();
    }
    let alive = std::fs::File::open(&folders[1]).unwrap();
    alive.try_lock().unwrap();
    std::fs::write(folders[2].join("notes.txt"), "mine").unwrap();
    courseware(["store", "import-dump", &at("dump"), &two]).exits(0);
    assert!(!folders[0].exists());
    assert!(folders[1].join("store").exists());
    assert!(folders[2].join("notes.txt").exists());
    let dead = folder.path().join("dead");
    std::fs::create_dir(&dead).unwrap();
    // In the place of a store in a folder of its own, too.
    std::fs::create_dir(dead.join(".new-store-x")).unwrap();
    courseware(["store", "import-dump", &at("dump"), &format!("modulestore:{}", at("dead/s.db"))]).exits(0);
    assert_eq!(std::fs::read_dir(&dead).unwrap().count(), 1);
}

/// What this program keeps on a server is told of where a dump brings it, and written again.
#[test]
fn bookkeeping_in_a_dump_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (one, two) = (format!("modulestore:{}", at("one.db")), format!("modulestore:{}", at("two.db")));
    import_tides(&one);
    courseware(["store", "export-dump", &one, &at("dump")]).exits(0);
    let entry = b"\x0e\0\0\0\x10_id\0\x01\0\0\0\0";
    std::fs::write(folder.path().join("dump/xblock_runtime.feed.bson"), entry).unwrap();
    let told = courseware(["store", "import-dump", "--strict", &at("dump"), &two]).exits(0);
    assert!(told.err.contains("kept and not used: xblock_runtime.feed"), "{}", told.err);
    courseware(["fsck", "--store", &two]).exits(0);
    courseware(["store", "export-dump", &two, &at("again")]).exits(0);
    assert_eq!(std::fs::read(folder.path().join("again/xblock_runtime.feed.bson")).unwrap(), entry);
}

#[test]
fn a_modulestore_is_checked_measured_and_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("modulestore:{}", folder.path().join("split.db").display());
    import_tides(&store);
    import_tides(&store);
    let sound = courseware(["fsck", "--store", &store, "--json"]).exits(0).json();
    assert_eq!(sound["findings"], serde_json::json!([]));
    let told = courseware(["fsck", "--store", &store]).exits(0);
    assert!(told.out.contains("0 damaged"), "{}", told.out);
    let sizes = courseware(["stats", "--store", &store, "--json"]).exits(0).json();
    assert_eq!(sizes["structures"][0]["context"], TIDES);
    assert!(sizes["structures"][0]["bytes"].as_u64().unwrap() > 1000);
    let told = courseware(["stats", "--store", &store]).exits(0);
    assert!(told.out.contains("biggest block"), "{}", told.out);

    let young = courseware(["store", "prune", &store, "--json"]).exits(0).json();
    assert_eq!(young["pruned"], serde_json::json!([]));
    let all = ["store", "prune", &store, "--keep", "0", "--keep-days", "0", "--grace", "0"];
    let listed = courseware(all).exits(0);
    assert!(
        listed.out.contains("newer versions") && listed.out.contains("would be taken out"),
        "{}",
        listed.out
    );
    let kept = courseware(["history", TIDES, "--store", &store, "--json"]).exits(0).out;
    let taken = courseware([&all[..], &["--delete", "--json"]].concat()).exits(0).json();
    assert!(!taken["pruned"].as_array().unwrap().is_empty() && taken["deleted"] == true);
    courseware(["fsck", "--store", &store]).exits(0);
    courseware(["tree", TIDES, "--store", &store]).exits(0);
    let undone = courseware(["store", "prune", &store, "--undo", "--json"]).exits(0).json();
    assert_eq!(undone["put_back"].as_u64().unwrap(), taken["pruned"].as_array().unwrap().len() as u64);
    assert_eq!(courseware(["history", TIDES, "--store", &store, "--json"]).exits(0).out, kept);
    courseware(["store", "prune", &store, "--undo", "--delete"]).exits(2);
}
