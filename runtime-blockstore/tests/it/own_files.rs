//! Files of blocks alone, where the subtrees of those blocks are published or discarded.

use runtime_blockstore::BlockstoreError;
use xblock_core::runtime::{Base, Branch, Edit, EditOp, Extent, Runtime};

use crate::fixture::new_bundle;
use crate::includes::{Site, at, lib};

const UNIT: &str = r#"<unit><xblock-include definition="html/h"/></unit>"#;
const OTHER: &str = r#"<unit><xblock-include definition="html/o"/></unit>"#;

/// A library of two units with a page each; the draft changes, adds and deletes files beside both pages.
fn site() -> Site {
    let mut files = vec![("unit/a/definition.xml", UNIT), ("unit/b/definition.xml", OTHER)];
    files.extend([("html/h/definition.xml", "<html>h</html>"), ("html/o/definition.xml", "<html>o</html>")]);
    for (moon, gone) in [
        ("html/h/static/moon.svg", "html/h/static/gone.svg"),
        ("html/o/static/moon.svg", "html/o/static/gone.svg"),
    ] {
        files.extend([(moon, "old"), (gone, "was there")]);
    }
    let site = Site::new(|_| vec![], &files);
    commit(&site, EditOp::Publish(Extent::All));
    for block in ["h", "o"] {
        let at = |name: &str| format!("html/{block}/static/{name}");
        stage(&site, &at("moon.svg"), Some("new"));
        stage(&site, &at("more.svg"), Some("more"));
        stage(&site, &at("gone.svg"), None);
    }
    site
}

fn stage(site: &Site, path: &str, text: Option<&str>) {
    let store = site.runtime.blockstore();
    let draft = store.get_or_create_bundle_draft(site.bundle, "studio_draft").unwrap().uuid;
    store.write_draft_file(draft, path, text.map(str::as_bytes)).unwrap();
}

fn commit(site: &Site, op: EditOp) {
    site.runtime.commit(Edit::new(lib(), Base::Any).with(op)).unwrap();
}

/// Names and texts of a block's files.
fn files(site: &Site, id: &str, branch: Branch) -> Vec<(String, String)> {
    let usage = at("html", id);
    let listed = site.runtime.block_assets(&usage, branch).unwrap();
    let read = |name: &str| site.runtime.read_block_asset(&usage, name, branch).unwrap();
    listed.iter().map(|file| (file.name.clone(), String::from_utf8(read(&file.name)).unwrap())).collect()
}

fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn old() -> Vec<(String, String)> {
    named(&[("gone.svg", "was there"), ("moon.svg", "old")])
}

fn new() -> Vec<(String, String)> {
    named(&[("moon.svg", "new"), ("more.svg", "more")])
}

#[test]
fn a_published_subtree_takes_the_files_of_its_blocks_along() {
    let site = site();
    assert_eq!((files(&site, "h", Branch::Published), files(&site, "h", Branch::Draft)), (old(), new()));
    commit(&site, EditOp::Publish(Extent::Subtree(at("unit", "a"))));
    for branch in Branch::ALL {
        assert_eq!(files(&site, "h", branch), new(), "{branch:?}");
    }
    assert_eq!((files(&site, "o", Branch::Published), files(&site, "o", Branch::Draft)), (old(), new()));
    site.index_is_right();
    commit(&site, EditOp::Publish(Extent::Subtree(at("html", "o"))));
    assert_eq!(files(&site, "o", Branch::Published), new());
    let store = site.runtime.blockstore();
    let draft = store.get_or_create_bundle_draft(site.bundle, "studio_draft").unwrap().uuid;
    assert!(matches!(store.commit_draft(draft), Err(BlockstoreError::DraftHasNoChangesToCommit { .. })));
}

#[test]
fn a_page_that_changes_itself_brings_its_files_too() {
    let site = site();
    stage(&site, "html/h/definition.xml", Some("<html>changed</html>"));
    commit(&site, EditOp::Publish(Extent::Subtree(at("unit", "a"))));
    assert_eq!(files(&site, "h", Branch::Published), new());
    assert_eq!(files(&site, "o", Branch::Published), old());
}

#[test]
fn a_page_published_alone_leaves_the_files_of_what_it_hangs_below() {
    let site = site();
    stage(&site, "unit/a/static/sun.svg", Some("sun"));
    let both = r#"<unit><xblock-include definition="html/h"/><xblock-include definition="html/n"/></unit>"#;
    stage(&site, "unit/a/definition.xml", Some(both));
    stage(&site, "html/n/definition.xml", Some("<html>n</html>"));
    commit(&site, EditOp::Publish(Extent::Subtree(at("html", "n"))));
    let published = site.runtime.block(&at("unit", "a"), Branch::Published).unwrap().data;
    assert_eq!(published.children, [at("html", "h"), at("html", "n")]);
    assert_eq!(site.runtime.block_assets(&at("unit", "a"), Branch::Published).unwrap().len(), 0);
    assert_eq!(files(&site, "h", Branch::Published), old());
}

#[test]
fn a_version_comes_back_with_the_files_of_its_blocks() {
    let site = site();
    stage(&site, "unit/b/notes/read.me", Some("read me"));
    stage(&site, "html/n/definition.xml", Some("<html>n</html>"));
    stage(&site, "html/n/static/n.svg", Some("n"));
    commit(&site, EditOp::DeleteBlock { usage: at("html", "o") });
    commit(&site, EditOp::Publish(Extent::All));
    let history = site.runtime.history(&lib(), Branch::Published).unwrap();
    let versions: Vec<_> = history.into_iter().map(|record| record.version).collect();
    let restore = |n: usize| EditOp::Restore(versions[n].clone());
    let all = |branch| ["h", "o", "n"].map(|id| site.runtime.block_assets(&at("html", id), branch).is_ok());

    commit(&site, restore(1));
    assert_eq!((files(&site, "h", Branch::Draft), files(&site, "o", Branch::Draft)), (old(), old()));
    assert_eq!(all(Branch::Draft), [true, true, false]);
    let bundle = || {
        let files = site.runtime.blockstore().get_bundle_files(site.bundle, Some("studio_draft")).unwrap();
        files.into_iter().map(|file| file.path).collect::<Vec<_>>()
    };
    assert!(!bundle().iter().any(|path| path.contains("notes") || path.contains("html/n")), "{:?}", bundle());
    site.index_is_right();
    commit(&site, EditOp::Publish(Extent::All));
    assert_eq!(files(&site, "h", Branch::Published), old());

    commit(&site, restore(0));
    assert_eq!(files(&site, "h", Branch::Draft), new());
    assert_eq!(all(Branch::Draft), [true, false, true]);
    assert!(
        bundle().contains(&"unit/b/notes/read.me".to_owned()),
        "what belongs to a unit, too: {:?}",
        bundle()
    );
    site.index_is_right();

    // Steps of one edit are taken in their order.
    let gone = EditOp::DeleteBlock { usage: at("html", "o") };
    site.runtime.commit(Edit::new(lib(), Base::Any).with(restore(1)).with(gone)).unwrap();
    assert_eq!(all(Branch::Draft), [true, false, false]);
    assert!(!bundle().iter().any(|path| path.starts_with("html/o/")), "{:?}", bundle());
    let edit = Edit::new(lib(), Base::Any).with(restore(0)).with(EditOp::Discard(Extent::All));
    site.runtime.commit(edit).unwrap();
    assert_eq!((files(&site, "h", Branch::Draft), files(&site, "o", Branch::Draft)), (old(), old()));
    site.index_is_right();
}

#[test]
fn a_version_comes_back_in_its_own_words_where_a_link_said_the_same() {
    let page = "<html>page</html>";
    let site = Site::new(
        |runtime| vec![("m", new_bundle(runtime.blockstore(), "m", &[("html/h/definition.xml", page)]).0, 1)],
        &[("unit/a/definition.xml", UNIT), ("html/h/definition.xml", page)],
    );
    commit(&site, EditOp::Publish(Extent::All));
    let version = site.runtime.history(&lib(), Branch::Published).unwrap()[0].version.clone();
    let linked = r#"<unit><xblock-include source="m" definition="html/h"/></unit>"#;
    stage(&site, "unit/a/definition.xml", Some(linked));
    stage(&site, "html/h/definition.xml", None);
    commit(&site, EditOp::Publish(Extent::All));
    let before = site.runtime.block(&at("html", "h"), Branch::Draft).unwrap();
    commit(&site, EditOp::Restore(version));
    let after = site.runtime.block(&at("html", "h"), Branch::Draft).unwrap();
    assert_eq!(before.data, after.data);
    assert_ne!(before.definition, after.definition, "it is the bundle's own again");
    let store = site.runtime.blockstore();
    let text = |path| store.get_bundle_file_data(site.bundle, path, Some("studio_draft")).unwrap();
    assert_eq!(text("unit/a/definition.xml"), UNIT.as_bytes());
    assert_eq!(text("html/h/definition.xml"), page.as_bytes());
    site.index_is_right();
}

#[test]
fn a_discarded_subtree_takes_the_files_of_its_blocks_back() {
    let site = site();
    commit(&site, EditOp::Discard(Extent::Subtree(at("unit", "a"))));
    assert_eq!(files(&site, "h", Branch::Draft), old());
    assert_eq!(files(&site, "o", Branch::Draft), new(), "of what is not below, nothing is lost");
    site.index_is_right();

    // A page that the draft lost comes back with its files, and steps of one edit are taken in their order.
    let edit = Edit::new(lib(), Base::Any)
        .with(EditOp::DeleteBlock { usage: at("html", "h") })
        .with(EditOp::Publish(Extent::Subtree(at("unit", "b"))))
        .with(EditOp::Discard(Extent::Subtree(at("unit", "a"))));
    site.runtime.commit(edit).unwrap();
    assert_eq!(files(&site, "h", Branch::Draft), old());
    assert_eq!(files(&site, "o", Branch::Published), new());
}
