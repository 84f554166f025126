//! Subtrees published alone, whose links lead to other versions in the draft than in the published branch.

use runtime_blockstore::BlockstoreRuntime;
use uuid::Uuid;
use xblock_core::runtime::{Base, Branch, Edit, EditOp, Extent, Runtime, RuntimeError};

use crate::fixture::new_bundle;
use crate::includes::{Site, at, lib};

const DRAFT: &str = "studio_draft";

/// A bundle with two pages, of which its second version changes one and adds a third.
fn pages(runtime: &BlockstoreRuntime) -> Uuid {
    let store = runtime.blockstore();
    let files =
        [("html/page/definition.xml", "<html>one</html>"), ("html/same/definition.xml", "<html>same</html>")];
    let (bundle, draft) = new_bundle(store, "pages", &files);
    store.write_draft_file(draft, "html/page/definition.xml", Some(b"<html>two</html>")).unwrap();
    store.write_draft_file(draft, "html/new/definition.xml", Some(b"<html>new</html>")).unwrap();
    store.commit_draft(draft).unwrap();
    bundle
}

fn unit(includes: &[&str]) -> String {
    let include = |name: &&str| {
        let (definition, usage) = name.split_once(' ').unwrap();
        format!(r#"<xblock-include source="pages" definition="html/{definition}" usage="{usage}"/>"#)
    };
    format!("<unit>{}</unit>", includes.iter().map(include).collect::<String>())
}

/// A library whose units include pages; what is published is at their first version, the draft's link at the second.
fn site(a: &[&str], b: &[&str]) -> Site {
    let mut linked = None;
    let (first, second) = (unit(a), unit(b));
    let site = Site::new(
        |runtime| vec![("pages", *linked.insert(pages(runtime)), 1)],
        &[("unit/a/definition.xml", &first), ("unit/b/definition.xml", &second)],
    );
    site.runtime.commit(Edit::new(lib(), Base::Any).publish_all()).unwrap();
    let store = site.runtime.blockstore();
    let draft = store.get_or_create_bundle_draft(site.bundle, DRAFT).unwrap().uuid;
    store.set_draft_link(draft, "pages", Some((linked.unwrap(), 2))).unwrap();
    site
}

fn publish(site: &Site, id: &str) -> Result<(), RuntimeError> {
    let subtree = EditOp::Publish(Extent::Subtree(at("unit", id)));
    site.runtime.commit(Edit::new(lib(), Base::Any).with(subtree)).map(drop)
}

fn text(site: &Site, id: &str) -> String {
    let block = site.runtime.block(&at("html", id), Branch::Published).unwrap();
    block.data.content["data"].as_str().unwrap().to_owned()
}

fn published_link(site: &Site) -> u64 {
    site.runtime.links(&lib(), Branch::Published).unwrap()[0].direct.version
}

#[test]
fn a_subtree_takes_the_links_along_that_it_needs() {
    // Of what the other unit includes, the second version says the same.
    for other in [&[][..], &["same b"]] {
        let site = site(&["page a"], other);
        let store = site.runtime.blockstore();
        let draft = store.get_or_create_bundle_draft(site.bundle, DRAFT).unwrap().uuid;
        let more = unit(&["page a", "new n"]);
        store.write_draft_file(draft, "unit/a/definition.xml", Some(more.as_bytes())).unwrap();
        assert_eq!((text(&site, "a"), published_link(&site)), ("one".to_owned(), 1));
        publish(&site, "a").unwrap();
        assert_eq!((text(&site, "a"), text(&site, "n")), ("two".to_owned(), "new".to_owned()));
        assert_eq!(published_link(&site), 2);
        site.index_is_right();
    }
}

#[test]
fn a_link_that_others_need_as_it_is_refuses_the_publish() {
    let site = site(&["page a"], &["page b"]);
    let before = site.runtime.context(&lib()).unwrap();
    match publish(&site, "a") {
        Err(RuntimeError::SharedLink { usage, link, other }) => {
            assert_eq!((usage, &*link, other), (at("unit", "a"), "pages", at("unit", "b")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(site.runtime.context(&lib()).unwrap().published, before.published);
    assert_eq!((text(&site, "a"), text(&site, "b")), ("one".to_owned(), "one".to_owned()));
    site.runtime.commit(Edit::new(lib(), Base::Any).publish_all()).unwrap();
    assert_eq!((text(&site, "a"), text(&site, "b")), ("two".to_owned(), "two".to_owned()));
    site.index_is_right();
}

#[test]
fn a_link_stays_where_the_subtree_does_not_need_another_version() {
    let site = site(&["same a"], &["page b"]);
    let store = site.runtime.blockstore();
    let draft = store.get_or_create_bundle_draft(site.bundle, DRAFT).unwrap().uuid;
    let named = unit(&["same a"]).replace("<unit>", "<unit display_name=\"Named\">");
    store.write_draft_file(draft, "unit/a/definition.xml", Some(named.as_bytes())).unwrap();
    publish(&site, "a").unwrap();
    let unit = site.runtime.block(&at("unit", "a"), Branch::Published).unwrap();
    assert_eq!(unit.data.display_name(), Some("Named"));
    assert_eq!((text(&site, "b"), published_link(&site)), ("one".to_owned(), 1));
    let drafted = site.runtime.links(&lib(), Branch::Draft).unwrap();
    assert_eq!(drafted[0].direct.version, 2);
    site.index_is_right();
}

/// A version of the pages in which only a file beside one of them is another.
fn draw_anew(site: &Site) {
    let store = site.runtime.blockstore();
    let pages = site.runtime.links(&lib(), Branch::Draft).unwrap()[0].direct.bundle_uuid;
    let draft = store.get_or_create_bundle_draft(pages, DRAFT).unwrap().uuid;
    store.write_draft_file(draft, "html/same/static/moon.svg", Some(b"full")).unwrap();
    store.commit_draft(draft).unwrap();
    let draft = store.get_or_create_bundle_draft(site.bundle, DRAFT).unwrap().uuid;
    store.set_draft_link(draft, "pages", Some((pages, 3))).unwrap();
}

#[test]
fn files_beside_included_pages_move_links_too() {
    let site = site(&["same a"], &[]);
    draw_anew(&site);
    let moon = || site.runtime.read_block_asset(&at("html", "a"), "moon.svg", Branch::Published);
    assert!(moon().is_err());
    publish(&site, "a").unwrap();
    assert_eq!((moon().unwrap(), published_link(&site)), (b"full".to_vec(), 3));
    site.index_is_right();
}

#[test]
fn files_beside_pages_that_others_include_keep_a_link_where_it_is() {
    let site = site(&["page a"], &["same b"]);
    draw_anew(&site);
    let error = publish(&site, "a").unwrap_err();
    let RuntimeError::SharedLink { link, other, .. } = &error else { panic!("{error:?}") };
    assert_eq!((link.as_str(), other), ("pages", &at("unit", "b")));
    assert_eq!((text(&site, "a"), published_link(&site)), ("one".to_owned(), 1));
}

#[test]
fn a_discarded_subtree_whose_link_is_gone_keeps_what_it_included() {
    let site = site(&["same a"], &[]);
    let store = site.runtime.blockstore();
    let draft = store.get_or_create_bundle_draft(site.bundle, DRAFT).unwrap().uuid;
    store.write_draft_file(draft, "unit/a/definition.xml", Some(b"<unit/>")).unwrap();
    store.set_draft_link(draft, "pages", None).unwrap();
    let discard = EditOp::Discard(Extent::Subtree(at("unit", "a")));
    site.runtime.commit(Edit::new(lib(), Base::Any).with(discard)).unwrap();
    // As docs/differences.md says: a copy of the library's own, for the link stays deleted.
    let block = site.runtime.block(&at("html", "a"), Branch::Draft).unwrap();
    assert_eq!(block.data.content["data"], "same");
    assert_eq!(site.runtime.block(&at("unit", "a"), Branch::Draft).unwrap().data.children, [at("html", "a")]);
    assert_eq!(site.runtime.links(&lib(), Branch::Draft).unwrap().len(), 0);
    let own = store.get_draft(draft).unwrap().files;
    assert!(own.keys().any(|path| path.starts_with("html/a/")), "{:?}", own.keys());
    assert_eq!(text(&site, "a"), "same");
    site.index_is_right();
}
