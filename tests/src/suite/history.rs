//! Versions and the change feed.

use std::sync::Arc;

use xblock_core::runtime::{AssetMetadata, Branch, Cursor, EditOp, Runtime, RuntimeError, VersionId};

use crate::fixture::{
    commit, content_lines, context, draft_course, edit, html, other_context, published_course, put_asset,
    root, snapshot, usage,
};

/// The history of the published branch begins with its head and goes back to the first version.
pub fn versions_are_listed_newest_first(runtime: &dyn Runtime) {
    let first = published_course(runtime).published.expect("a version");
    let mut second = edit().put(usage("html", "h1"), html("second")).publish_all();
    second.author = Some(7);
    second.message = "Second thoughts".into();
    let second = commit(runtime, second).published.expect("a version");
    let history = runtime.history(&context(), Branch::Published).expect("the history");
    assert_eq!(history.iter().map(|v| v.version.clone()).collect::<Vec<_>>(), [second, first.clone()]);
    assert_eq!(history[0].previous, Some(first));
    assert_eq!(history[0].message, "Second thoughts");
    assert_eq!(history[0].edit_info.edited_by, Some(7));
    assert_eq!(history[1].previous, None);
    let draft = runtime.history(&context(), Branch::Draft).expect("the history");
    assert_eq!(draft[0].version, runtime.context(&context()).expect("the context").draft.version);
}

/// Every version that the history lists can be read, blocks, static files and what is said about them, whatever came after it.
pub fn listed_versions_can_be_read(runtime: &dyn Runtime) {
    published_course(runtime);
    let mut states = Vec::new();
    let mut remember = |edit| {
        let published = commit(runtime, edit).published.expect("a version");
        states.push((published, snapshot(runtime, &context(), Branch::Published)));
    };
    let say = |locked| EditOp::PutAssetMetadata {
        key: crate::fixture::asset("a.txt"),
        metadata: Arc::new(AssetMetadata { locked, ..AssetMetadata::default() }),
    };
    let files = edit().with(put_asset("a.txt", b"one")).with(put_asset("b.txt", b"b"));
    remember(files.with(say(Some(true))).publish_all());
    remember(
        edit()
            .put(usage("html", "h1"), html("second"))
            .with(EditOp::DeleteBlock { usage: usage("vertical", "u2") })
            .with(put_asset("a.txt", b"two"))
            .with(EditOp::DeleteAsset { key: crate::fixture::asset("b.txt") })
            .with(say(None))
            .publish_all(),
    );
    remember(edit().put(usage("html", "h1"), html("third")).with(put_asset("c.txt", b"c")).publish_all());
    commit(
        runtime,
        edit()
            .put(usage("html", "h1"), html("draft"))
            .with(put_asset("a.txt", b"three"))
            .with(say(Some(false))),
    );
    for (version, state) in &states {
        let read = runtime.version(&context(), version).expect("the version");
        assert_eq!(read.root, root());
        assert_eq!(content_lines(&read), *state);
    }
    let draft = runtime.context(&context()).expect("the context").draft.version;
    let read = runtime.version(&context(), &draft).expect("the draft");
    assert_eq!(content_lines(&read), snapshot(runtime, &context(), Branch::Draft));
    for listed in runtime.history(&context(), Branch::Published).expect("the history") {
        assert!(runtime.version(&context(), &listed.version).is_ok(), "{}", listed.version);
    }
    let unknown = VersionId("no such version".into());
    let missing = runtime.version(&context(), &unknown);
    assert!(matches!(missing, Err(RuntimeError::NoSuchVersion { .. })), "{missing:?}");
    let missing = runtime.version(&other_context(), &unknown);
    assert!(matches!(missing, Err(RuntimeError::NoSuchContext { .. })), "{missing:?}");
}

/// Every commit leaves an entry for each branch it changed, with the version it made.
pub fn the_feed_tells_every_change(runtime: &dyn Runtime) {
    assert_eq!(runtime.changes(Cursor::default(), 10).expect("the feed"), vec![]);
    let draft = draft_course(runtime);
    let published = commit(runtime, edit().publish_all());
    let feed = runtime.changes(Cursor::default(), 10).expect("the feed");
    assert!(feed.iter().all(|change| change.context == context()));
    assert!(feed.windows(2).all(|pair| pair[0].cursor < pair[1].cursor));
    let versions =
        |branch| feed.iter().filter(|c| c.branch == branch).map(|c| c.version.clone()).collect::<Vec<_>>();
    assert_eq!(versions(Branch::Published), [published.published.expect("a version")]);
    assert_eq!(versions(Branch::Draft).first(), Some(&draft.draft));
}

/// A consumer reads the feed piece by piece and learns when it asks for what is not there.
pub fn a_cursor_reads_on(runtime: &dyn Runtime) {
    published_course(runtime);
    commit(runtime, edit().put(usage("html", "h1"), html("x")).publish_all());
    let all = runtime.changes(Cursor::default(), 100).expect("the feed");
    let mut read = Vec::new();
    let mut cursor = Cursor::default();
    loop {
        let piece = runtime.changes(cursor, 1).expect("the feed");
        let Some(change) = piece.into_iter().next() else { break };
        cursor = change.cursor;
        read.push(change);
    }
    assert_eq!(read, all);
    assert!(matches!(runtime.changes(Cursor(cursor.0 + 1_000), 1), Err(RuntimeError::NoSuchCursor { .. })));
}
