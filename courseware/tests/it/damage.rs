//! A store in which one block or file is damaged: what can be read is still compared, exported and replaced.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use courseware::SystemClock;
use runtime_blockstore::{Access, Blockstore};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::tempdir;

use crate::command::{TIDES, block, courseware, import_tides, stores, tides};

/// A text that only the damaged block has.
const WORDS: &str = "gravity weakens with distance";

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

fn says(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Imports the sample course into both stores and damages the block `two_bulges` in each.
fn damaged(directory: &Path) -> [String; 2] {
    let stores = stores(directory);
    stores.iter().for_each(|store| drop(import_tides(store)));
    damage(directory);
    stores
}

/// Damages the block `two_bulges` in both stores.
fn damage(directory: &Path) {
    let files = files_below(&directory.join("bundles"));
    let lost: Vec<_> = files
        .iter()
        .filter(|file| file.extension().is_none_or(|end| end != "sqlite3"))
        .filter(|file| says(&fs::read(file).unwrap(), WORDS))
        .collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    fs::remove_file(lost[0]).unwrap();
    let split = Connection::open(directory.join("split.db")).unwrap();
    let changed = split
        .execute(
            "UPDATE \"modulestore.definitions\" SET document = x'00' WHERE instr(document, CAST(?1 AS BLOB)) > 0",
            [WORDS],
        )
        .unwrap();
    assert_eq!(changed, 1);
}

#[test]
fn a_damaged_block_is_a_difference_and_the_rest_is_compared() {
    let directory = tempdir().unwrap();
    let stores = damaged(directory.path());
    let whole = format!("modulestore:{}", directory.path().join("whole.db").display());
    import_tides(&whole);
    for store in &stores {
        let found = courseware(["compare", TIDES, store, &whole, "--json"]).exits(1).json();
        let differences = found["differences"].as_array().unwrap();
        assert_eq!(differences.len(), 2, "once in each branch: {found:#}");
        for difference in differences {
            assert_eq!(difference["kind"], "block_unreadable");
            assert_eq!(difference["usage"], block("html", "two_bulges"));
            assert_eq!(difference["side"], "left");
            assert!(difference["reason"].as_str().is_some_and(|reason| reason.contains("damaged")));
        }
        let text = courseware(["compare", TIDES, &whole, store]).exits(1).out;
        assert!(text.contains("unreadable on the right"), "{text}");
    }
}

#[test]
fn an_export_names_what_it_had_to_leave_out() {
    let directory = tempdir().unwrap();
    for (n, store) in damaged(directory.path()).iter().enumerate() {
        let target = directory.path().join(format!("out{n}"));
        let target = target.to_str().unwrap();
        let report = courseware(["export", TIDES, "--store", store, "-o", target, "--json"]).exits(1).json();
        let errors: Vec<&Value> =
            report["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] == "error").collect();
        assert!(!errors.is_empty(), "{report:#}");
        for error in errors {
            assert!(error["message"].as_str().unwrap().contains(&block("html", "two_bulges")), "{error}");
        }
        assert!(Path::new(target).join("html/tide_curve.html").exists());
        assert!(!Path::new(target).join("html/two_bulges.html").exists());
        let ran =
            courseware(["export", TIDES, "--store", store, "-o", target, "--force", "--incomplete"]).exits(1);
        assert!(ran.err.contains("error[cannot-be-read]"), "{}", ran.err);
        assert!(ran.err.contains("= it is left out"), "{}", ran.err);
        assert!(!ran.err.contains("permissions"), "no file of a folder was refused: {}", ran.err);
    }
}

#[test]
fn an_incomplete_export_takes_the_place_of_another_only_when_told_to() {
    let directory = tempdir().unwrap();
    for (n, store) in damaged(directory.path()).iter().enumerate() {
        for name in ["course", "course.tar.gz"] {
            let target = directory.path().join(format!("{n}-{name}"));
            let whole = format!("modulestore:{}", directory.path().join(format!("{n}-{name}.db")).display());
            import_tides(&whole);
            let export = |store: &str, options: &[&str]| {
                let target = target.to_str().unwrap();
                courseware([&["export", TIDES, "--store", store, "-o", target][..], options].concat())
            };
            export(&whole, &[]).exits(0);
            let earlier = contents(&target);
            let ran = export(store, &["--force"]).exits(1);
            assert!(ran.err.contains("--incomplete"), "{}", ran.err);
            assert!(ran.err.contains(&block("html", "two_bulges")), "{}", ran.err);
            assert!(!ran.out.contains("Wrote"), "{}", ran.out);
            let report = export(store, &["--force", "--json"]).exits(1).json();
            assert_eq!(report["outcome"], "refused", "{report:#}");
            assert!(contents(&target) == earlier, "{name} was changed");
            export(store, &["--incomplete"]).exits(2);
            let report = export(store, &["--force", "--incomplete", "--json"]).exits(1).json();
            assert_eq!(report["outcome"], "written", "{report:#}");
            assert!(contents(&target) != earlier);
            // What is complete replaces anything.
            export(&whole, &["--force"]).exits(0);
            assert!(contents(&target) == earlier);
        }
    }
}

/// The files at a target, with their bytes.
fn contents(target: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = if target.is_dir() { files_below(target) } else { vec![target.to_path_buf()] };
    files.into_iter().map(|file| (file.clone(), fs::read(&file).unwrap())).collect()
}

#[test]
fn importing_again_replaces_what_cannot_be_read() {
    let directory = tempdir().unwrap();
    let stores = damaged(directory.path());
    let whole = format!("modulestore:{}", directory.path().join("whole.db").display());
    import_tides(&whole);
    for store in &stores {
        let report = import_tides(store);
        assert_eq!(report["outcome"], "written", "{store}: {report}");
        assert_eq!(report["changes"]["blocks_changed"], 1, "{store}: {report}");
        courseware(["compare", TIDES, store, &whole]).exits(0);
    }
}

#[test]
fn a_draft_that_cannot_be_read_is_replaced() {
    let directory = tempdir().unwrap();
    let [store, whole] = stores(directory.path());
    import_tides(&store);
    import_tides(&whole);
    let drafts: Vec<_> = files_below(&directory.path().join("bundles"))
        .into_iter()
        .filter(|file| says(file.as_os_str().as_encoded_bytes(), "vertical/unit_tide_mills"))
        .collect();
    assert_eq!(drafts.len(), 1, "{drafts:?}");
    fs::write(&drafts[0], "<verti").unwrap();
    courseware(["compare", TIDES, &store, &whole]).exits(1);
    assert_eq!(import_tides(&store)["outcome"], "written");
    courseware(["compare", TIDES, &store, &whole]).exits(0);
}

/// Lists of children that are none, in the documents of both branches, are replaced by what is imported over them.
#[test]
fn importing_again_replaces_children_that_cannot_be_read() {
    let directory = tempdir().unwrap();
    let folder = directory.path();
    let [split, whole] = ["split.db", "whole.db"].map(|name| tides_in(&folder.join(name)));
    // The second member of the pair in its parent's list: another kind of text.
    let (name, none) = (b"\x021\0\x0b\0\0\0two_bulges\0", b"\x0d1\0\x0b\0\0\0two_bulges\0");
    assert!(replace_bytes(&folder.join("split.db"), "modulestore.structures", name, none) > 0);
    let parent = block("vertical", "unit_two_bulges");
    let found = courseware(["compare", TIDES, &split, &whole, "--json"]).exits(1).json();
    let differences = found["differences"].as_array().unwrap();
    assert!(
        differences.iter().any(|one| one["kind"] == "block_unreadable" && one["usage"] == *parent),
        "{found:#}"
    );
    assert_eq!(import_tides(&split)["outcome"], "written");
    courseware(["compare", TIDES, &split, &whole]).exits(0);
    courseware(["fsck", "--store", &split, "--quick"]).exits(0);
}

/// A draft that cannot be read as a whole bars nobody from what is published: it is read, compared and exported.
#[test]
fn what_is_published_outlives_its_draft() {
    let directory = tempdir().unwrap();
    let folder = directory.path();
    let [split, whole] = ["split.db", "whole.db"].map(|name| tides_in(&folder.join(name)));
    let export = |store: &str, name: &str| {
        let target = folder.join(name);
        (
            courseware(["export", TIDES, "--store", store, "--canonical", "-o", target.to_str().unwrap()]),
            target,
        )
    };
    let files = |target: &Path| -> BTreeMap<_, _> {
        let all = contents(target).into_iter();
        let published = all.filter(|(path, _)| !path.starts_with(target.join("drafts")));
        published.map(|(path, bytes)| (path.strip_prefix(target).unwrap().to_owned(), bytes)).collect()
    };
    let (ran, sound) = export(&whole, "whole");
    ran.exits(0);
    let history =
        courseware(["history", TIDES, "--store", &split, "--branch", "draft", "--json"]).exits(0).json();
    let head = history[0]["version"].as_str().unwrap().to_owned();
    let db = Connection::open(folder.join("split.db")).unwrap();
    let delete = "DELETE FROM \"modulestore.structures\" WHERE lower(hex(_id)) = ?";
    assert_eq!(db.execute(delete, [&head]).unwrap(), 1);
    drop(db);
    let tree = courseware(["tree", TIDES, "--store", &split, "--branch", "published"]).exits(0).out;
    assert!(tree.contains("two_bulges"), "{tree}");
    let (ran, target) = export(&split, "split");
    let told = ran.exits(1).err;
    assert!(
        told.contains("error[cannot-be-read]") && told.contains("the draft of") && told.contains(&head),
        "{told}"
    );
    let (found, sound) = (files(&target), files(&sound));
    assert!(found.keys().eq(sound.keys()), "{:?} {:?}", found.keys(), sound.keys());
    for (path, bytes) in &sound {
        assert!(found[path] == *bytes, "{}", path.display());
    }
}

/// A published head that is missing bars nobody from the draft: it is listed, exported with a remark, and an import or a
/// publish makes a new head.
#[test]
fn a_draft_outlives_what_is_published() {
    let directory = tempdir().unwrap();
    let folder = directory.path();
    let whole = tides_in(&folder.join("whole.db"));
    let without_head = |name: &str| {
        let store = tides_in(&folder.join(name));
        let history = ["history", TIDES, "--store", &store, "--branch", "published", "--json"];
        let head = courseware(history).exits(0).json()[0]["version"].as_str().unwrap().to_owned();
        let db = Connection::open(folder.join(name)).unwrap();
        let delete = "DELETE FROM \"modulestore.structures\" WHERE lower(hex(_id)) = ?";
        assert_eq!(db.execute(delete, [&head]).unwrap(), 1);
        (store, head)
    };
    let (store, head) = without_head("split.db");
    let listed = courseware(["list", "--store", &store]).exits(4);
    assert!(listed.out.contains(TIDES) && listed.err.contains(&head), "{} {}", listed.out, listed.err);
    let checked = courseware(["fsck", "--store", &store]).exits(1);
    assert!(checked.out.contains("publish the whole course"), "{}", checked.out);

    let target = folder.join("package");
    let options = ["--canonical", "-o", target.to_str().unwrap()];
    let export = [&["export", TIDES, "--store", &store], &options[..]].concat();
    let told = courseware(export).exits(1).err;
    assert!(
        told.contains("error[cannot-be-read]")
            && told.contains("what is published of")
            && told.contains(&head),
        "{told}"
    );
    let package = target.to_str().unwrap();
    let again = format!("modulestore:{}", folder.join("again.db").display());
    courseware(["import", package, "--store", &again]).exits(0);
    let shown = |store: &str| courseware(["tree", TIDES, "--store", store, "--branch", "draft"]).exits(0).out;
    assert_eq!(shown(&again), shown(&whole));

    assert_eq!(import_tides(&store)["outcome"], "written");
    courseware(["compare", TIDES, &store, &whole]).exits(0);
    courseware(["fsck", "--store", &store]).exits(0);
    courseware(["list", "--store", &store]).exits(0);

    let (store, _) = without_head("source.db");
    let target = format!("modulestore:{}", folder.join("target.db").display());
    courseware(["publish", TIDES, "--from", &store, "--to", &target]).exits(0);
    courseware(["compare", TIDES, &store, &target]).exits(0);
    courseware(["fsck", "--store", &store]).exits(0);
}

#[test]
fn a_damaged_block_that_the_package_does_not_have_is_deleted() {
    let directory = tempdir().unwrap();
    let stores = damaged(directory.path());
    let course = directory.path().join("course");
    for file in files_below(&tides()) {
        let target = course.join(file.strip_prefix(tides()).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
    let vertical = course.join("vertical/unit_two_bulges.xml");
    let text = fs::read_to_string(&vertical).unwrap();
    let kept: String = text.lines().filter(|line| !line.contains("<html url_name=\"two_bulges\"")).collect();
    assert_ne!(kept.len(), text.len());
    fs::write(&vertical, kept).unwrap();
    let course = course.to_str().unwrap();
    let whole = format!("modulestore:{}", directory.path().join("whole.db").display());
    courseware(["import", course, "--store", &whole]).exits(0);
    for store in &stores {
        courseware(["import", course, "--store", store]).exits(0);
        courseware(["compare", TIDES, store, &whole]).exits(0);
    }
}

/// Replaces bytes in the documents of a table, as many by as many, and says how many documents that changed.
fn replace_bytes(file: &Path, table: &str, from: &[u8], to: &[u8]) -> usize {
    let db = Connection::open(file).unwrap();
    let mut read = db.prepare(&format!("SELECT rowid, document FROM \"{table}\"")).unwrap();
    let rows: Vec<(i64, Vec<u8>)> =
        read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    let mut changed = 0;
    for (row, mut document) in rows {
        let places: Vec<_> = (0..document.len()).filter(|at| document[*at..].starts_with(from)).collect();
        if places.is_empty() {
            continue;
        }
        places.into_iter().for_each(|at| document[at..at + to.len()].copy_from_slice(to));
        let write = format!("UPDATE \"{table}\" SET document = ? WHERE rowid = ?");
        changed += db.execute(&write, rusqlite::params![document, row]).unwrap();
    }
    changed
}

fn errors(report: &Value) -> Vec<String> {
    let all = report["diagnostics"].as_array().unwrap().iter();
    let errors = all.filter(|one| one["severity"] == "error");
    errors.map(|one| one["message"].as_str().unwrap().to_owned()).collect()
}

/// Imports the course into a new Modulestore and returns its URL.
fn tides_in(file: &Path) -> String {
    let url = format!("modulestore:{}", file.display());
    import_tides(&url);
    url
}

#[test]
fn a_block_whose_name_is_no_key_stops_nothing() {
    let directory = tempdir().unwrap();
    let folder = directory.path();
    let [split, whole] = ["split.db", "whole.db"].map(|name| tides_in(&folder.join(name)));
    let (name, no_key) = (b"\x0b\0\0\0two_bulges\0", b"\x0b\0\0\0two bulges\0");
    assert!(replace_bytes(&folder.join("split.db"), "modulestore.structures", name, no_key) > 0);

    let tree = courseware(["tree", TIDES, "--store", &split]).exits(0).out;
    assert!(tree.contains("html+two bulges") && tree.contains("tide_curve"), "{tree}");
    let target = folder.join("out");
    let target = target.to_str().unwrap();
    let report = courseware(["export", TIDES, "--store", &split, "-o", target, "--json"]).exits(1).json();
    let told = errors(&report);
    assert!(!told.is_empty() && told.iter().all(|text| text.contains("html+two bulges")), "{told:?}");
    assert!(Path::new(target).join("html/tide_curve.html").exists());

    let compared = || courseware(["compare", TIDES, &split, &whole, "--json"]).exits(1).json();
    let kinds = |found: Value| -> Vec<_> {
        let all = found["differences"].as_array().unwrap().iter();
        all.map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    };
    let found = kinds(compared());
    assert_eq!(found.iter().filter(|kind| *kind == "block_unreadable").count(), 2, "{found:?}");
    let publish =
        || courseware(["publish", TIDES, "--from", &split, "--to", &whole, "--json"]).exits(1).json();
    let report = publish();
    assert_eq!(report["changes"]["blocks_deleted"], 1, "{report:#}");
    assert!(report["unlisted"][0]["place"].as_str().unwrap().contains("html+two bulges"), "{report:#}");
    assert_eq!(kinds(compared()), ["block_unreadable", "block_unreadable"]);
    assert_eq!(publish()["target_commit"], Value::Null);
}

#[test]
fn a_file_that_cannot_be_described_stops_nothing() {
    let directory = tempdir().unwrap();
    let folder = directory.path();
    let [split, whole] = ["split.db", "whole.db"].map(|name| tides_in(&folder.join(name)));
    // Every media type of a picture becomes program code.
    let (text, code) = (b"\x02contentType\0\x0e\0\0\0image/svg", b"\x0dcontentType\0\x0e\0\0\0image/svg");
    let files = replace_bytes(&folder.join("split.db"), "files", text, code);
    assert!(files > 0);

    courseware(["fsck", "--store", &split]).exits(1);
    let target = folder.join("out");
    let target = target.to_str().unwrap();
    let report = courseware(["export", TIDES, "--store", &split, "-o", target, "--json"]).exits(1).json();
    assert_eq!(errors(&report).len(), files, "{report:#}");
    let compared = || courseware(["compare", TIDES, &split, &whole, "--json"]).exits(1).json();
    let kinds = |found: Value| -> Vec<_> {
        let all = found["differences"].as_array().unwrap().iter();
        all.map(|one| (one["kind"].as_str().unwrap().to_owned(), one["key"].is_string())).collect()
    };
    let unreadable = vec![("asset_unreadable".to_owned(), true); 2 * files];
    assert_eq!(kinds(compared()), unreadable);
    let report = courseware(["publish", TIDES, "--from", &split, "--to", &whole, "--json"]).exits(1).json();
    assert_eq!(report["changes"]["assets_deleted"], 0, "what the target has of them stays: {report:#}");
    assert_eq!(report["unlisted"].as_array().unwrap().len(), files, "{report:#}");
    assert_eq!(kinds(compared()), unreadable);
    let again = courseware(["publish", TIDES, "--from", &split, "--to", &whole, "--json"]).exits(1).json();
    assert_eq!(again["target_commit"], Value::Null, "{again:#}");
}

/// A course whose every change is published goes to another store around a block that cannot be read: it is named, and what
/// the other store has of it stays.
#[test]
fn publishing_goes_on_around_a_block_that_cannot_be_read() {
    let directory = tempdir().unwrap();
    let folder = directory.path();
    let stores = stores(folder);
    let at = |name: &str, n: usize| format!("modulestore:{}", folder.join(format!("{name}{n}.db")).display());
    for (n, store) in stores.iter().enumerate() {
        import_tides(store);
        courseware(["publish", TIDES, "--from", store, "--to", &at("whole", n)]).exits(0);
    }
    damage(folder);
    let bulges = block("html", "two_bulges");
    for (n, store) in stores.iter().enumerate() {
        for (target, changes) in [(at("whole", n), false), (at("new", n), true)] {
            let publish =
                || courseware(["publish", TIDES, "--from", store, "--to", &target, "--json"]).exits(1).json();
            let report = publish();
            assert_eq!(report["source_commit"], Value::Null, "{report:#}");
            assert_eq!(report["target_commit"].is_string(), changes, "{report:#}");
            let told = report["damaged_blocks"].as_array().unwrap();
            assert_eq!(told.len(), 1, "{report:#}");
            assert_eq!(told[0]["usage"], bulges);
            assert_eq!(publish()["target_commit"], Value::Null, "the second time there is nothing to do");
            courseware(["show", &bulges, "--store", &target]).exits(if changes { 3 } else { 0 });
            courseware(["show", &block("html", "tide_curve"), "--store", &target]).exits(0);
        }
        let told = courseware(["publish", TIDES, "--from", store, "--to", &at("new", n)]).exits(1);
        assert!(
            told.err.contains(&format!("{bulges} cannot be read and did not come along")),
            "{}",
            told.err
        );
    }
}

/// Changes beside a block that cannot be read are not published: nothing is written, and what is to be done is said.
#[test]
fn a_draft_that_cannot_be_read_is_not_published() {
    let directory = tempdir().unwrap();
    let folder = directory.path();
    for (n, store) in damaged(folder).iter().enumerate() {
        let target = folder.join(format!("target{n}.db"));
        let target = format!("modulestore:{}", target.display());
        let before = courseware(["history", TIDES, "--store", store, "--json"]).exits(0).json();
        let told = courseware(["publish", TIDES, "--from", store, "--to", &target]).exits(4).err;
        assert!(told.contains(&block("html", "two_bulges")) && told.contains("fsck --repair"), "{told}");
        assert_eq!(courseware(["history", TIDES, "--store", store, "--json"]).exits(0).json(), before);
        courseware(["show", &block("html", "tide_curve"), "--store", &target]).exits(3);
    }
}

/// A definition that its author wrote wrongly is no damage of the store: it is named with its file, and what helps, does.
#[test]
fn a_definition_that_is_no_xml_is_named_and_corrected() {
    let folder = tempdir().unwrap();
    let directory = folder.path().join("store");
    let store = format!("blockstore:{}", directory.display());
    import_tides(&store);
    let bundles = Blockstore::open(&directory, Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let draft = *bundles.get_bundles(None).unwrap()[0].drafts.values().next().unwrap();
    bundles.write_draft_file(draft, "html/two_bulges/definition.xml", Some(b"<html")).unwrap();
    drop(bundles);
    let target = format!("modulestore:{}", folder.path().join("target.db").display());
    let told = courseware(["publish", TIDES, "--from", &store, "--to", &target]).exits(4).err;
    for part in [&*block("html", "two_bulges"), "definition.xml", "--discard"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let out = folder.path().join("out").display().to_string();
    let told = courseware(["export", TIDES, "--store", &store, "-o", &out]).exits(1).err;
    assert!(told.contains("correct its definition") && told.contains("two_bulges"), "{told}");
    let told = courseware(["fsck", "--store", &store]).exits(0).out;
    assert!(told.contains("two_bulges"), "{told}");
    import_tides(&store);
    courseware(["publish", TIDES, "--from", &store, "--to", &target]).exits(0);
    courseware(["compare", TIDES, &store, &target]).exits(0);
}

/// A block of the target that cannot be read gets what comes.
#[test]
fn publishing_replaces_what_cannot_be_read() {
    let directory = tempdir().unwrap();
    let folder = directory.path();
    let whole = tides_in(&folder.join("whole.db"));
    for store in damaged(folder) {
        courseware(["publish", TIDES, "--from", &whole, "--to", &store]).exits(0);
        courseware(["compare", TIDES, &whole, &store]).exits(0);
    }
}
