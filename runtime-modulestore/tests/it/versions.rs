//! Versions read again.

use xblock_core::runtime::Branch;
use xblock_testkit::fixture::{commit, context, draft_course, edit, html, put_asset, usage};

/// Split keeps every structure of the draft branch; which files an older draft had is not kept anywhere.
#[test]
fn older_drafts_are_read_without_their_files() {
    let fresh = crate::fixture::fresh();
    let runtime = &*fresh.runtime;
    let first = draft_course(runtime).draft;
    commit(runtime, edit().put(usage("html", "h1"), html("second")).with(put_asset("a.txt", b"a")));
    let old = runtime.version(&context(), &first).expect("the version");
    let data = old.blocks[&usage("html", "h1")].as_ref().expect("the block");
    assert_eq!(data.content["data"], "<p>Ebb</p>");
    assert!(old.assets.is_none());
    let history = runtime.history(&context(), Branch::Draft).expect("the history");
    assert_eq!(history.last().map(|version| &version.version), Some(&first));
    let now = runtime.version(&context(), &history[0].version).expect("the version");
    assert_eq!(now.assets.expect("the files").len(), 1);
}
