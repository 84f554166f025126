//! Courses and libraries whose few blocks hold each other again and again, so that they stand in more places than there is
//! room for.

use std::path::Path;
use std::sync::Arc;

use courseware::SystemClock;
use runtime_blockstore::{Access, Blockstore};

use crate::command::courseware;

/// How often the number of places doubles.
const DEPTH: usize = 40;

/// A store with a library whose units each include the next one twice, and with one that includes the first of them.
fn store(folder: &Path) -> String {
    let place = folder.join("store");
    let store = Blockstore::open(&place, Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let collection = store.create_collection("Tides").unwrap().uuid;
    let [own, user] =
        ["own", "user"].map(|slug| store.create_bundle(collection, slug, slug, "").unwrap().uuid);
    let draft = store.get_or_create_bundle_draft(own, "studio_draft").unwrap().uuid;
    let write = |draft, path: &str, text: &str| {
        store.write_draft_file(draft, path, Some(text.as_bytes())).unwrap();
    };
    for n in 0..DEPTH {
        let include = |name| format!(r#"<xblock-include definition="unit/u{}" usage="{name}{n}"/>"#, n + 1);
        write(
            draft,
            &format!("unit/u{n}/definition.xml"),
            &format!("<unit>{}{}</unit>", include('a'), include('b')),
        );
    }
    let last = r#"<unit><xblock-include definition="html/h"/></unit>"#;
    write(draft, &format!("unit/u{DEPTH}/definition.xml"), last);
    write(draft, "html/h/definition.xml", "<html>text</html>");
    store.commit_draft(draft).unwrap();
    let draft = store.get_or_create_bundle_draft(user, "studio_draft").unwrap().uuid;
    store.set_draft_link(draft, "own", Some((own, 1))).unwrap();
    let top =
        r#"<unit display_name="Top"><xblock-include source="own" definition="unit/u0" usage="t"/></unit>"#;
    write(draft, "unit/top/definition.xml", top);
    store.commit_draft(draft).unwrap();
    let url = format!("blockstore:{}", place.display());
    for (key, bundle) in [("lib:Harbour:own", own), ("lib:Harbour:user", user)] {
        courseware(["adopt", key, &bundle.to_string(), "--store", &url]).exits(0);
    }
    url
}

#[test]
fn a_tree_of_more_places_than_there_is_room_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = store(folder.path());
    let refused = courseware(["tree", "lib:Harbour:own", "--store", &url]).exits(4);
    assert!(refused.err.contains("stand in more than 100000 places"), "{}", refused.err);
    let tree = courseware(["tree", "lib:Harbour:user", "--store", &url]).exits(0).out;
    assert!(tree.contains("unit t (") && tree.contains("too many to follow"), "{tree}");
    assert!(tree.contains("2 blocks: 1 library, 1 unit"), "{tree}");
    courseware(["list", "--store", &url]).exits(0);
    courseware(["fsck", "--store", &url]).exits(0);
}

#[test]
fn what_stands_in_many_places_is_exported_once_and_shown_as_far_as_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let url = store(folder.path());
    let target = folder.path().join("out");
    let report = ["export", "lib:Harbour:own", "--store", &url, "-o", target.to_str().unwrap(), "--json"];
    // Its definitions under their own names, and each but the first under two others.
    assert_eq!(courseware(report).exits(0).json()["blocks"], DEPTH + 2 + DEPTH * 2 + 1);
    let page = courseware(["render", "lb:Harbour:own:unit:u0", "--store", &url]).exits(0).out;
    assert!(page.contains("stand in more than 20000 places"), "what is left out is named");
}
