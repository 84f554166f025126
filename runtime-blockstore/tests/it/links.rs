//! Links of a context: which are behind, and updates on request.

use std::collections::BTreeSet;

use runtime_blockstore::{BlockstoreError, ContextError, LinkChanges, LinkTarget};
use uuid::Uuid;
use xblock_core::runtime::{Base, Branch, Edit, Runtime, RuntimeError};

use crate::fixture::new_bundle;
use crate::includes::{Site, at, lib};

const PAGE: &str = "html/page/definition.xml";

fn edit() -> Edit {
    Edit::new(lib(), Base::Any)
}

/// A library with links `a` and `b` to version 1 of two bundles.
fn linked() -> (Site, [Uuid; 2]) {
    let mut bundles = [Uuid::nil(); 2];
    let site = Site::new(
        |runtime| {
            bundles = ["a", "b"]
                .map(|slug| new_bundle(runtime.blockstore(), slug, &[(PAGE, "<html>one</html>")]).0);
            vec![("a", bundles[0], 1), ("b", bundles[1], 1)]
        },
        &[(
            "unit/top/definition.xml",
            r#"<unit><xblock-include source="a" definition="html/page" usage="pa"/><xblock-include source="b" definition="html/page" usage="pb"/></unit>"#,
        )],
    );
    (site, bundles)
}

fn next_version(site: &Site, bundle: Uuid, text: &str) {
    let store = site.runtime.blockstore();
    let draft = store.get_bundle(bundle).unwrap().drafts["studio_draft"];
    store.write_draft_file(draft, PAGE, Some(text.as_bytes())).unwrap();
    store.commit_draft(draft).unwrap();
}

fn data(site: &Site, id: &str, branch: Branch) -> String {
    let block = site.runtime.block(&at("html", id), branch).unwrap();
    block.data.content["data"].as_str().unwrap().to_owned()
}

#[test]
fn links_stay_where_they_are_until_they_are_updated() {
    let (site, [a, b]) = linked();
    site.runtime.commit(edit().publish_all()).unwrap();
    let behind = |branch| -> Vec<String> {
        let links = site.runtime.links(&lib(), branch).unwrap();
        links.into_iter().filter(|link| link.is_behind).map(|link| link.name).collect()
    };
    assert!(behind(Branch::Draft).is_empty());
    let nothing = site.runtime.update_links(&edit(), &BTreeSet::new()).unwrap();
    assert!(nothing.commit.is_none() && nothing.updated.is_empty());
    next_version(&site, a, "<html>two</html>");
    next_version(&site, b, "<html>two</html>");
    assert_eq!(behind(Branch::Draft), ["a", "b"]);
    assert_eq!(data(&site, "pa", Branch::Draft), "one");
    let updates = site.runtime.update_links(&edit(), &BTreeSet::from(["a".to_owned()])).unwrap();
    assert_eq!(updates.updated.into_iter().collect::<Vec<_>>(), [("a".to_owned(), (1, 2))]);
    assert_eq!(data(&site, "pa", Branch::Draft), "two");
    assert_eq!(data(&site, "pb", Branch::Draft), "one");
    assert_eq!(data(&site, "pa", Branch::Published), "one", "learners see it when it is published");
    assert_eq!(behind(Branch::Draft), ["b"]);
    assert_eq!(behind(Branch::Published), ["a", "b"]);
    let all = site.runtime.update_links(&edit().publish_all(), &BTreeSet::new()).unwrap();
    assert!(all.commit.unwrap().published.is_some());
    assert_eq!(data(&site, "pb", Branch::Published), "two");
    assert!(behind(Branch::Published).is_empty());
    // One that was updated and not published is published by the next one.
    next_version(&site, a, "<html>three</html>");
    site.runtime.update_links(&edit(), &BTreeSet::new()).unwrap();
    assert_eq!(data(&site, "pa", Branch::Published), "two");
    let published = site.runtime.update_links(&edit().publish_all(), &BTreeSet::new()).unwrap();
    assert!(published.updated.is_empty() && published.commit.unwrap().published.is_some());
    assert_eq!(data(&site, "pa", Branch::Published), "three");
    let nothing = site.runtime.update_links(&edit().publish_all(), &BTreeSet::new()).unwrap();
    assert!(nothing.commit.is_none());
    let missing = site.runtime.update_links(&edit(), &BTreeSet::from(["c".to_owned()])).unwrap_err();
    assert!(matches!(missing, ContextError::NoSuchLink { name, .. } if name == "c"));
}

#[test]
fn an_update_is_a_commit_like_any_other() {
    let (site, [a, _]) = linked();
    let base = site.runtime.context(&lib()).unwrap().draft.version;
    next_version(&site, a, "<html>two</html>");
    let stale = Edit::new(lib(), Base::Version(base));
    site.runtime.update_links(&stale, &BTreeSet::new()).unwrap();
    next_version(&site, a, "<html>three</html>");
    let conflict = site.runtime.update_links(&stale, &BTreeSet::new()).unwrap_err();
    assert!(matches!(conflict, ContextError::Runtime(RuntimeError::Conflict { .. })), "{conflict}");
    assert_eq!(data(&site, "pa", Branch::Draft), "two");
    let changes = site.runtime.changes(Default::default(), 100).unwrap();
    let head = site.runtime.context(&lib()).unwrap().draft.version;
    assert_eq!(changes.iter().rev().find(|c| c.branch == Branch::Draft).unwrap().version, head);
}

#[test]
fn what_a_version_depends_on_comes_along_and_may_not_lead_back() {
    let (site, [a, b]) = linked();
    let store = site.runtime.blockstore();
    // a depends on b from version 2 on.
    let draft = store.get_bundle(a).unwrap().drafts["studio_draft"];
    store.set_draft_link(draft, "b", Some((b, 1))).unwrap();
    store.commit_draft(draft).unwrap();
    site.runtime.update_links(&edit(), &BTreeSet::new()).unwrap();
    let links = site.runtime.links(&lib(), Branch::Draft).unwrap();
    assert_eq!(links[0].indirect.iter().map(|d| d.bundle_uuid).collect::<Vec<_>>(), [b]);
    assert!(links[1].indirect.is_empty());
    // From version 3 on it depends on the library itself.
    store.set_draft_link(draft, "back", Some((site.bundle, 1))).unwrap();
    store.commit_draft(draft).unwrap();
    let before = site.runtime.context(&lib()).unwrap().draft;
    let cycle = site.runtime.update_links(&edit(), &BTreeSet::new()).unwrap_err();
    assert!(matches!(cycle, ContextError::Store(BlockstoreError::LinkCycle { .. })), "{cycle}");
    assert_eq!(site.runtime.context(&lib()).unwrap().draft, before);
    let set = |name: &str, target| {
        let mut changes = LinkChanges::default();
        changes.links.insert(name.to_owned(), Some(target));
        site.runtime.commit_with_links(&edit(), &changes)
    };
    let own = set("self", LinkTarget { bundle: site.bundle, version: None }).unwrap_err();
    assert!(matches!(own, ContextError::Store(BlockstoreError::LinkCycle { .. })), "{own}");
    let unknown = set("a", LinkTarget { bundle: a, version: Some(9) }).unwrap_err();
    assert!(
        matches!(unknown, ContextError::Store(BlockstoreError::LinkTargetNotFound { version: 9, .. })),
        "{unknown}"
    );
    let gone = set("a", LinkTarget { bundle: Uuid::new_v4(), version: Some(1) }).unwrap_err();
    assert!(matches!(gone, ContextError::Store(BlockstoreError::LinkTargetNotFound { .. })), "{gone}");
    // Back to an older version is a change like any other.
    set("a", LinkTarget { bundle: a, version: Some(1) }).unwrap();
    assert!(site.runtime.links(&lib(), Branch::Draft).unwrap()[0].indirect.is_empty());
    let draft = store.get_draft(site.draft).unwrap();
    assert_eq!(draft.links["a"].link.direct.version, 1, "the app reads the same");
}
