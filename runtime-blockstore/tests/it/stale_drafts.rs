//! Drafts that lie on an older version, because another program committed a draft of its own, as the app does.

use runtime_blockstore::{BlockstoreError, BlockstoreRuntime, OnStale};
use uuid::Uuid;
use xblock_core::runtime::{Base, Branch, Runtime, RuntimeError};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::fixture::{new_store, open, open_to_read};

const PAGE: &str = "html/h1/definition.xml";

/// Commits a draft of another name, and returns the bundle and our own draft.
fn others_commit(runtime: &BlockstoreRuntime, path: &str, text: &str) -> (Uuid, Uuid) {
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap()[0].uuid;
    let draft = store.get_or_create_bundle_draft(bundle, &format!("other-{}", Uuid::new_v4())).unwrap().uuid;
    store.write_draft_file(draft, path, Some(text.as_bytes())).unwrap();
    store.commit_draft(draft).unwrap();
    (bundle, store.get_bundle(bundle).unwrap().drafts["studio_draft"])
}

fn drafted(runtime: &BlockstoreRuntime, id: &str) -> String {
    let block = runtime.block(&usage("html", id), Branch::Draft).unwrap();
    block.data.content["data"].as_str().unwrap().to_owned()
}

#[test]
fn a_draft_that_changes_nothing_follows_the_latest_version() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    others_commit(&runtime, PAGE, "<html>theirs</html>");
    // What is read and edited next begins with what others published.
    let record = runtime.context(&context()).unwrap();
    assert_eq!(drafted(&runtime, "h1"), "theirs");
    let mut edit = xblock_core::runtime::Edit::new(context(), Base::Version(record.draft.version));
    edit = edit.put(usage("html", "h1"), html("ours")).publish_all();
    commit(&runtime, edit);
    // An edit of the draft alone, too, and one on top of nothing in particular.
    others_commit(&runtime, PAGE, "<html>again</html>");
    let other = open(folder.path());
    commit(&other, xblock_testkit::fixture::edit().put(usage("html", "h9"), html("new")));
    assert_eq!(drafted(&other, "h1"), "again");
    commit(&other, xblock_testkit::fixture::edit().publish_all());
    assert!(runtime.draft_standing(&context()).unwrap().is_some_and(|draft| !draft.is_stale()));
    // Who read before the others published is told so, once.
    let old = runtime.context(&context()).unwrap().draft.version;
    others_commit(&runtime, PAGE, "<html>third</html>");
    let late = xblock_core::runtime::Edit::new(context(), Base::Version(old));
    let late = late.put(usage("html", "h1"), html("late"));
    let refused = runtime.commit(late).unwrap_err();
    assert!(matches!(refused, RuntimeError::Conflict { .. }), "{refused}");
    let now = runtime.context(&context()).unwrap().draft.version;
    let next = xblock_core::runtime::Edit::new(context(), Base::Version(now));
    commit(&runtime, next.put(usage("html", "h1"), html("late")).publish_all());
    assert_eq!(drafted(&open_to_read(folder.path()).unwrap(), "h1"), "late");
}

#[test]
fn a_stale_draft_with_changes_names_them_and_is_laid_on_the_latest_version() {
    for (on_stale, kept) in
        [(OnStale::KeepOurs, "ours"), (OnStale::KeepTheirs, "theirs"), (OnStale::UndoTheirs, "ours")]
    {
        let (runtime, _folder) = new_store();
        published_course(&runtime);
        commit(&runtime, edit().put(usage("html", "h1"), html("ours")).put(usage("html", "h9"), html("new")));
        others_commit(&runtime, "html/h8/definition.xml", "<html>more</html>");
        let (_, draft) = others_commit(&runtime, PAGE, "<html>theirs</html>");
        assert_eq!(drafted(&runtime, "h1"), "ours");
        for _ in 0..2 {
            match runtime.commit(edit().publish_all()).unwrap_err() {
                RuntimeError::StaleDraft { conflicts, .. } => assert_eq!(conflicts, [PAGE]),
                other => panic!("{other}"),
            }
        }
        let refused = runtime.rebase_draft(&context(), OnStale::Merge).unwrap_err();
        assert!(refused.to_string().contains(PAGE), "{refused}");
        let refused = runtime.blockstore().rebase_draft(draft, OnStale::Refuse).unwrap_err();
        assert!(matches!(refused, BlockstoreError::StaleDraft { .. }), "{refused}");
        let before = runtime.rebase_draft(&context(), on_stale).unwrap().unwrap();
        assert!(before.is_stale() && before.has_changes());
        commit(&runtime, edit().publish_all());
        let published = |id: &str| {
            let block = runtime.block(&usage("html", id), Branch::Published).ok()?;
            Some(block.data.content["data"].as_str().unwrap().to_owned())
        };
        assert_eq!(published("h1").as_deref(), Some(kept));
        assert_eq!(published("h9").as_deref(), Some("new"));
        let undone = on_stale == OnStale::UndoTheirs;
        assert_eq!(published("h8").is_none(), undone, "{on_stale:?}");
    }
}

#[test]
fn a_draft_is_merged_without_being_asked_where_nothing_meets_and_dropped_where_wanted() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().put(usage("html", "h1"), html("ours")));
    others_commit(&runtime, "html/h8/definition.xml", "<html>more</html>");
    runtime.rebase_draft(&context(), OnStale::Merge).unwrap();
    assert_eq!((drafted(&runtime, "h1").as_str(), drafted(&runtime, "h8").as_str()), ("ours", "more"));
    others_commit(&runtime, PAGE, "<html>theirs</html>");
    runtime.reset_draft(&context()).unwrap();
    assert_eq!(drafted(&runtime, "h1"), "theirs");
    assert!(!runtime.draft_standing(&context()).unwrap().unwrap().has_changes());
    let report = runtime
        .blockstore()
        .fsck(runtime_blockstore::FsckOptions { is_quick: false, repair: false })
        .unwrap();
    assert!(report.findings.is_sound());
}
