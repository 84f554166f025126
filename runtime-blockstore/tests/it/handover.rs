//! What a power failure can leave of a change to a draft.

use std::fs;
use std::path::{Path, PathBuf};

use runtime_blockstore::{Blockstore, Digest};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use crate::fixture::{new_bundle, ticking_store};

const DRAFT: Option<&str> = Some("studio_draft");

struct Place(TempDir, Uuid);

impl Place {
    fn draft(&self) -> PathBuf {
        self.0.path().join("storage").join(self.1.to_string())
    }

    fn incoming(&self, path: &str) -> PathBuf {
        self.draft().join("incoming").join(Digest::of(path.as_bytes()).to_string())
    }

    fn digest(&self) -> Digest {
        Digest::of(&fs::read(self.draft().join("summary.json")).unwrap())
    }

    /// Puts a note back that was dropped, and the list of what is to be done.
    fn note_again(&self, note: Digest, of_list: Digest) {
        let todo = json!({"put": ["a"], "remove": [], "after": of_list.to_string()});
        fs::create_dir_all(self.draft().join("incoming")).unwrap();
        fs::write(self.draft().join("incoming/todo.json"), todo.to_string()).unwrap();
        let db = Connection::open(self.0.path().join("db.sqlite3")).unwrap();
        let row = (self.1.simple().to_string(), Digest::of(b"before").to_string(), note.to_string());
        db.execute("INSERT INTO xblock_handover (draft, before, after) VALUES (?1, ?2, ?3)", row).unwrap();
    }

    fn notes(&self) -> i64 {
        let db = Connection::open(self.0.path().join("db.sqlite3")).unwrap();
        db.query_row("SELECT count(*) FROM xblock_handover", (), |row| row.get(0)).unwrap()
    }
}

/// A bundle with `a` staged as `new`, after `a` was staged as `old`.
fn staged_twice() -> (Blockstore, Uuid, Place) {
    let (store, folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "tides", &[("b", "b")]);
    store.write_draft_file(draft, "a", Some(b"old")).unwrap();
    store.write_draft_file(draft, "a", Some(b"new")).unwrap();
    (store, bundle, Place(folder, draft))
}

fn anew(folder: &Path, access: runtime_blockstore::Access) -> Blockstore {
    crate::fixture::store_in(folder, access, crate::fixture::clock()).unwrap()
}

#[test]
fn files_that_lag_behind_their_document_are_moved() {
    let (store, bundle, place) = staged_twice();
    drop(store);
    place.note_again(place.digest(), place.digest());
    fs::rename(place.draft().join("data/a"), place.incoming("a")).unwrap();
    fs::write(place.draft().join("data/a"), "old").unwrap();
    let reader = anew(place.0.path(), runtime_blockstore::Access::ReadOnly);
    assert_eq!(reader.get_bundle_file_data(bundle, "a", DRAFT).unwrap(), b"new");
    let writer = anew(place.0.path(), runtime_blockstore::Access::ReadWrite);
    assert_eq!(writer.get_bundle_file_data(bundle, "a", DRAFT).unwrap(), b"new");
    assert_eq!(fs::read(place.draft().join("data/a")).unwrap(), b"new");
    assert!(!place.draft().join("incoming").exists());
    assert_eq!(place.notes(), 0);
}

#[test]
fn a_note_that_is_back_moves_nothing_of_the_next_change() {
    let (store, bundle, place) = staged_twice();
    drop(store);
    // The next change was on its way when the power failed.
    place.note_again(place.digest(), Digest::of(b"the next document"));
    fs::write(place.incoming("a"), "next").unwrap();
    let writer = anew(place.0.path(), runtime_blockstore::Access::ReadWrite);
    assert_eq!(writer.get_bundle_file_data(bundle, "a", DRAFT).unwrap(), b"new");
    assert!(!place.draft().join("incoming").exists());
    assert_eq!(place.notes(), 0);
}

#[test]
fn files_of_a_change_that_never_came_to_be_stand_in_nobodys_way() {
    let (store, bundle, place) = staged_twice();
    // It was written to its place, and the document that names it was not.
    fs::create_dir_all(place.draft().join("data/c")).unwrap();
    fs::write(place.draft().join("data/c/d"), "torn").unwrap();
    fs::write(place.draft().join("data/e"), "torn").unwrap();
    store.write_draft_file(place.1, "c/d", Some(b"c/d")).unwrap();
    store.write_draft_file(place.1, "e/f", Some(b"e/f")).unwrap();
    store.commit_draft(place.1).unwrap();
    for (path, content) in [("a", "new"), ("c/d", "c/d"), ("e/f", "e/f")] {
        assert_eq!(store.get_bundle_file_data(bundle, path, None).unwrap(), content.as_bytes());
    }
}

#[test]
fn a_file_that_was_changed_after_it_was_staged_is_not_committed() {
    let (store, _, place) = staged_twice();
    fs::write(place.draft().join("data/a"), "NEW").unwrap();
    let refused = store.commit_draft(place.1);
    assert!(matches!(refused, Err(runtime_blockstore::BlockstoreError::Corrupt { .. })), "{refused:?}");
}
