//! Other programs at the same store: what they write is seen, and not undone.

use serde_json::json;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Cursor, Edit, EditOp, Extent, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    asset, block, commit, context, edit, html, map, published_course, put_asset, usage,
};

use crate::fixture::{new_bundle, new_store, open, open_to_read};

const H1: &str = "html/h1/definition.xml";
const DRAFT: &str = "studio_draft";

#[test]
fn a_draft_written_in_place_is_seen() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let before = runtime.context(&context()).unwrap().draft.version;
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap().remove(0);
    let draft = bundle.drafts[DRAFT];
    store
        .write_draft_file(draft, H1, Some(b"<html display_name=\"By hand\"><![CDATA[ebb]]></html>"))
        .unwrap();
    let read = runtime.block(&usage("html", "h1"), Branch::Draft).unwrap();
    assert_eq!(read.data.content["data"], json!("ebb"));
    assert_ne!(runtime.context(&context()).unwrap().draft.version, before);
    assert_ne!(
        runtime.block(&usage("html", "h1"), Branch::Published).unwrap().data.content["data"],
        json!("ebb")
    );
    // An edit made before is a conflict, as if another author of ours had written.
    let stale =
        Edit::new(context(), xblock_core::runtime::Base::Version(before)).put(usage("html", "h1"), html("x"));
    assert!(matches!(runtime.commit(stale), Err(RuntimeError::Conflict { .. })));
}

#[test]
fn a_version_committed_by_the_app_is_seen_and_told() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap().remove(0);
    let draft = bundle.drafts[DRAFT];
    let cursor = runtime.changes(Cursor::default(), 100).unwrap().last().unwrap().cursor;
    store.write_draft_file(draft, "html/new/definition.xml", Some(b"<html><![CDATA[new]]></html>")).unwrap();
    let number = store.commit_draft(draft).unwrap();
    assert_eq!(number, bundle.latest_version + 1);
    let told = runtime.changes(cursor, 100).unwrap();
    assert!(told.iter().any(|change| change.branch == Branch::Published), "{told:?}");
    for branch in Branch::ALL {
        assert_eq!(runtime.block(&usage("html", "new"), branch).unwrap().data.content["data"], json!("new"));
    }
    let again = open(folder.path());
    assert_eq!(again.history(&context(), Branch::Published).unwrap().len() as u64, number);
    assert_eq!(again.changes(cursor, 100).unwrap(), told, "it is told once");
}

#[test]
fn versions_of_the_app_have_the_same_cursor_for_every_reader_and_none_is_passed_over() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap().remove(0);
    let (first, _) = new_bundle(store, "first", &[("html/a/definition.xml", "<html/>")]);
    let (second, second_draft) = new_bundle(store, "second", &[("html/b/definition.xml", "<html/>")]);
    let reader = open_to_read(folder.path()).unwrap();
    let all = |runtime: &dyn Runtime| runtime.changes(Cursor::default(), 1000).unwrap();
    let known = all(&reader);
    for text in ["one", "two"] {
        let draft = store.get_or_create_bundle_draft(bundle.uuid, "appdraft").unwrap().uuid;
        let html = format!("<html><![CDATA[{text}]]></html>");
        store.write_draft_file(draft, "html/new/definition.xml", Some(html.as_bytes())).unwrap();
        store.commit_draft(draft).unwrap();
    }
    assert_eq!(reader.block(&usage("html", "new"), Branch::Published).unwrap().data.content["data"], "two");
    assert_eq!(all(&reader), known, "nothing is numbered in memory");
    assert!(reader.is_feed_behind().unwrap());
    let keys: Vec<ContextKey> = ["lib:A:first", "lib:B:second"].map(|key| key.parse().unwrap()).to_vec();
    runtime.adopt(&keys[0], first).unwrap();
    runtime.adopt(&keys[1], second).unwrap();
    store.write_draft_file(second_draft, "html/b/definition.xml", Some(b"<html x=\"1\"/>")).unwrap();
    store.commit_draft(second_draft).unwrap();
    // Somebody reads one of them, which makes that known alone.
    runtime.usages(&keys[1], Branch::Published).unwrap();

    let told = all(&runtime);
    assert_eq!(told[..known.len()], known[..]);
    assert!(told.is_sorted_by_key(|change| change.cursor));
    for key in keys.iter().chain([&context()]) {
        let mut of: Vec<_> = told
            .iter()
            .filter(|change| change.context == *key && change.branch == Branch::Published)
            .map(|change| change.version.clone())
            .collect();
        let mut made: Vec<_> =
            runtime.history(key, Branch::Published).unwrap().into_iter().map(|made| made.version).collect();
        of.sort();
        made.sort();
        assert_eq!(of, made, "{key}");
    }
    assert_eq!(all(&reader), told);
    assert!(!reader.is_feed_behind().unwrap());
    assert_eq!(all(&open(folder.path())), told, "each is told once");
}

#[test]
fn what_another_draft_committed_is_not_undone() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().put(usage("html", "h1"), html("mine")));
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap().remove(0);
    let other = store.get_or_create_bundle_draft(bundle.uuid, "experiment").unwrap();
    store.write_draft_file(other.uuid, "notes/theirs", Some(b"theirs")).unwrap();
    store.commit_draft(other.uuid).unwrap();
    assert!(matches!(runtime.commit(edit().publish_all()), Err(RuntimeError::StaleDraft { .. })));
    let theirs = || store.get_bundle_file_data(bundle.uuid, "notes/theirs", None).unwrap();
    assert_eq!(theirs(), b"theirs");
    // Discarding brings the draft onto their version; from there one can go on.
    commit(&runtime, edit().with(EditOp::Discard(Extent::All)));
    assert_ne!(
        runtime.block(&usage("html", "h1"), Branch::Draft).unwrap().data.content["data"],
        json!("mine")
    );
    commit(&runtime, edit().put(usage("html", "h1"), html("mine again")).publish_all());
    assert_eq!(theirs(), b"theirs");
}

#[test]
fn words_stay_where_the_meaning_does() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap().remove(0);
    let text = b"<!-- by hand --><html display_name='Text'   ><![CDATA[ebb]]></html>";
    store.write_draft_file(bundle.drafts[DRAFT], H1, Some(text)).unwrap();
    let at = usage("html", "h1");
    let data = runtime.block(&at, Branch::Draft).unwrap().data;
    commit(&runtime, edit().put(at.clone(), (*data).clone()).publish_all());
    assert_eq!(store.get_bundle_file_data(bundle.uuid, H1, None).unwrap(), text);
    commit(&runtime, edit().put(at.clone(), html("other")));
    commit(&runtime, edit().with(EditOp::Discard(Extent::All)));
    assert_eq!(store.get_bundle_file_data(bundle.uuid, H1, Some(DRAFT)).unwrap(), text);
    assert_eq!(runtime.block(&at, Branch::Draft).unwrap().data, data);
    let draft = store.get_draft(store.get_bundle(bundle.uuid).unwrap().drafts[DRAFT]).unwrap();
    assert!(draft.files.values().all(|file| !file.modified) && draft.deleted_files.is_empty());
}

#[test]
fn a_damaged_definition_hides_only_itself() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().with(put_asset("a.txt", b"one")));
    let store = runtime.blockstore();
    let draft = store.get_bundles(None).unwrap().remove(0).drafts[DRAFT];
    store.write_draft_file(draft, H1, Some(b"<html><unclosed></html>")).unwrap();
    drop(runtime);
    let runtime = open(folder.path());
    match runtime.block(&usage("html", "h1"), Branch::Draft) {
        Err(RuntimeError::Corrupt { place, .. }) => assert!(place.contains(H1), "{place}"),
        other => panic!("damage, not {other:?}"),
    }
    for other in runtime.usages(&context(), Branch::Draft).unwrap() {
        assert!(other == usage("html", "h1") || runtime.block(&other, Branch::Draft).is_ok(), "{other}");
    }
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Draft).unwrap(), b"one");
    // Writing the block anew heals it.
    commit(&runtime, edit().put(usage("html", "h1"), html("healed")));
    assert_eq!(
        runtime.block(&usage("html", "h1"), Branch::Draft).unwrap().data.content,
        map(json!({"data": "healed"}))
    );
}

#[test]
fn files_nobody_knows_travel_along() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap().remove(0);
    let draft = bundle.drafts[DRAFT];
    store.write_draft_file(draft, "html/h1/static/chart.txt", Some(b"depths")).unwrap();
    store.write_draft_file(draft, "notes/readme", Some(b"read me")).unwrap();
    commit(
        &runtime,
        edit()
            .put(usage("html", "h1"), html("x"))
            .with(EditOp::Publish(Extent::Subtree(usage("html", "h1")))),
    );
    let published = |path: &str| store.get_bundle_file_data(bundle.uuid, path, None);
    assert_eq!(published("html/h1/static/chart.txt").unwrap(), b"depths");
    assert!(published("notes/readme").is_err());
    commit(&runtime, edit().publish_all());
    assert_eq!(published("notes/readme").unwrap(), b"read me");
    commit(&runtime, edit().with(EditOp::DeleteBlock { usage: usage("html", "h1") }).publish_all());
    assert!(published("html/h1/static/chart.txt").is_err());
    assert_eq!(published("notes/readme").unwrap(), b"read me");
}

#[test]
fn a_deleted_bundle_is_gone_and_can_be_made_again() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap().remove(0).uuid;
    store.delete_bundle(bundle).unwrap();
    assert_eq!(runtime.contexts().unwrap(), vec![]);
    assert!(matches!(runtime.context(&context()), Err(RuntimeError::NoSuchContext { .. })));
    published_course(&runtime);
    assert_eq!(runtime.contexts().unwrap(), vec![context()]);
}

/// An import takes blocks that only the draft has out before it publishes, and puts them again after that.
#[test]
fn a_block_that_comes_back_in_an_edit_keeps_its_files_and_words() {
    for is_published in [false, true] {
        let (runtime, _folder) = new_store();
        published_course(&runtime);
        let unit = |children: &[_]| block(json!({ "display_name": "Two" }), children);
        let (p1, h2) = (usage("problem", "p1"), usage("html", "h2"));
        let with_h2 = || unit(&[p1.clone(), h2.clone()]);
        commit(&runtime, edit().put(usage("vertical", "u2"), with_h2()).put(h2.clone(), html("x")));
        let store = runtime.blockstore();
        let bundle = store.get_bundles(None).unwrap().remove(0);
        let by_hand = b"<!-- by hand -->\n<html display_name='By hand'><![CDATA[ebb]]></html>\n";
        let draft = bundle.drafts[DRAFT];
        store.write_draft_file(draft, "html/h2/definition.xml", Some(by_hand)).unwrap();
        store.write_draft_file(draft, "html/h2/static/chart.txt", Some(b"depths")).unwrap();
        if is_published {
            commit(&runtime, edit().publish_all());
        }
        let data = runtime.block(&h2, Branch::Draft).unwrap().data;
        commit(
            &runtime,
            edit()
                .put(usage("vertical", "u2"), unit(std::slice::from_ref(&p1)))
                .with(EditOp::DeleteBlock { usage: h2.clone() })
                .publish_all()
                .put(usage("vertical", "u2"), with_h2())
                .put(h2.clone(), (*data).clone()),
        );
        let published = |path: &str| store.get_bundle_file_data(bundle.uuid, path, None);
        assert!(
            published("html/h2/static/chart.txt").is_err() && published("html/h2/definition.xml").is_err()
        );
        assert_eq!(runtime.block(&h2, Branch::Draft).unwrap().data, data);
        assert_eq!(runtime.read_block_asset(&h2, "chart.txt", Branch::Draft).unwrap(), b"depths");
        commit(&runtime, edit().publish_all());
        assert_eq!(published("html/h2/static/chart.txt").unwrap(), b"depths");
        assert_eq!(published("html/h2/definition.xml").unwrap(), by_hand);
        // Taken out for good, it is gone with all it had.
        commit(&runtime, edit().with(EditOp::DeleteBlock { usage: h2.clone() }).publish_all());
        assert!(published("html/h2/static/chart.txt").is_err());
        commit(&runtime, edit().put(h2.clone(), html("new")));
        assert!(runtime.block_assets(&h2, Branch::Draft).unwrap().is_empty());
    }
}

#[test]
fn an_index_that_lost_a_table_is_made_anew_in_memory() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let usages = runtime.usages(&context(), Branch::Draft).unwrap();
    drop(runtime);
    let file = folder.path().join("db.sqlite3");
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN \
               ('xblock_state', 'xblock_usage', 'xblock_child', 'xblock_version', 'xblock_change', 'xblock_asset')";
    let tables: Vec<String> = {
        let db = rusqlite::Connection::open(&file).unwrap();
        let mut query = db.prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(tables.len(), 6);
    for table in tables {
        let db = rusqlite::Connection::open(&file).unwrap();
        db.execute_batch(&format!("PRAGMA foreign_keys = OFF; DROP TABLE {table}")).unwrap();
        drop(db);
        let reader = open_to_read(folder.path()).unwrap();
        assert_eq!(reader.usages(&context(), Branch::Draft).unwrap(), usages, "{table}");
        reader.changes(Cursor::default(), 100).unwrap();
        let store = crate::fixture::store_in(
            folder.path(),
            runtime_blockstore::Access::ReadOnly,
            crate::fixture::clock(),
        );
        let faults =
            runtime_blockstore::BlockstoreRuntime::check_index(store.unwrap(), crate::fixture::registry());
        assert!(faults.unwrap().is_empty(), "{table}");
        // Whoever writes puts it back.
        assert_eq!(open(folder.path()).usages(&context(), Branch::Draft).unwrap(), usages, "{table}");
    }
}
