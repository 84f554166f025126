//! `links` and `adopt`, run as the real command.

use std::path::Path;
use std::sync::Arc;

use courseware::SystemClock;
use runtime_blockstore::{Access, Blockstore, BlockstoreRuntime};
use uuid::Uuid;
use xblock_core::runtime::Branch;

use crate::command::{command, courseware};
use crate::serving::Server;

fn version(store: &Blockstore, bundle: Uuid, files: &[(&str, &str)], link: Option<Uuid>) {
    let draft = store.get_or_create_bundle_draft(bundle, "studio_draft").unwrap().uuid;
    for (path, text) in files {
        store.write_draft_file(draft, path, Some(text.as_bytes())).unwrap();
    }
    if let Some(target) = link {
        store.set_draft_link(draft, "media", Some((target, 1))).unwrap();
    }
    store.commit_draft(draft).unwrap();
}

/// A library with a unit that includes a page of another bundle, which has a newer version since.
pub(crate) fn store(folder: &Path) -> (String, Uuid, Uuid) {
    let place = folder.join("store");
    let store = Blockstore::open(&place, Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let collection = store.create_collection("Tides").unwrap().uuid;
    let [media, tides] =
        ["media", "tides"].map(|slug| store.create_bundle(collection, slug, slug, "").unwrap().uuid);
    let page = "html/page/definition.xml";
    version(&store, media, &[(page, "<html display_name=\"First\">one</html>")], None);
    let unit = r#"<unit display_name="Week"><xblock-include source="media" definition="html/page" usage="w1"/></unit>"#;
    version(&store, tides, &[("unit/week/definition.xml", unit)], Some(media));
    version(&store, media, &[(page, "<html display_name=\"Second\">two</html>")], None);
    (format!("blockstore:{}", place.display()), media, tides)
}

#[test]
fn a_library_is_adopted_shown_and_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let (store, media, tides) = store(folder.path());
    let key = "lib:Harbour:tides";
    courseware(["links", key, "--store", &store]).exits(3);
    courseware(["adopt", key, &tides.to_string(), "--store", &store]).exits(0);
    courseware(["adopt", "lib:Harbour:media", &media.to_string(), "--store", &store]).exits(0);
    courseware(["adopt", key, &media.to_string(), "--store", &store]).exits(5);
    courseware(["adopt", key, &Uuid::new_v4().to_string(), "--store", &store]).exits(3);
    let (bundle, other) = (media.to_string(), "lib:Harbour:other");
    courseware(["adopt", "lib:Harbour:media", &bundle, "--store", &store]).exits(0);
    let refused = courseware(["adopt", other, &bundle, "--store", &store]).exits(5);
    assert!(
        refused.err.contains("is lib:Harbour:media") && refused.err.contains("--rename"),
        "{}",
        refused.err
    );
    courseware(["show", "lb:Harbour:media:html:page", "--store", &store]).exits(0);
    courseware(["adopt", other, &bundle, "--rename", "--store", &store]).exits(0);
    courseware(["show", "lb:Harbour:other:html:page", "--store", &store]).exits(0);
    let course = courseware(["adopt", "course-v1:O+C+R", &bundle, "--rename", "--store", &store]).exits(4);
    assert!(course.err.contains("say themselves"), "{}", course.err);
    courseware(["adopt", "lib:Harbour:media", &bundle, "--rename", "--store", &store]).exits(0);
    let listed = courseware(["list", "--store", &store]).exits(0);
    assert!(listed.out.contains(key), "{}", listed.out);
    let tree = courseware(["tree", key, "--store", &store, "--branch", "published"]).exits(0);
    assert!(tree.out.contains("Week") && tree.out.contains("First"), "{}", tree.out);

    let links = courseware(["links", key, "--store", &store]).exits(0);
    assert_eq!(
        links.out.trim(),
        format!("media  lib:Harbour:media (bundle {media}), version 1; latest is 2")
    );
    let links = courseware(["links", key, "--store", &store, "--json"]).exits(0).json();
    assert_eq!((links[0]["version"].as_u64(), links[0]["is_behind"].as_bool()), (Some(1), Some(true)));
    courseware(["links", key, "--store", &store, "--update", "nothing"]).exits(3);
    let updated = courseware(["links", key, "--store", &store, "--update", "--json"]).exits(0).json();
    assert_eq!(updated["updated"], serde_json::json!([{ "name": "media", "from": 1, "to": 2 }]));
    let shown =
        |branch| courseware(["show", "lb:Harbour:tides:html:w1", "--store", &store, "--branch", branch]);
    assert!(shown("draft").exits(0).out.contains("Second"));
    assert!(shown("published").exits(0).out.contains("First"));
    // What was updated before and not published is published.
    let update = || courseware(["links", key, "--store", &store, "--update", "media", "--publish"]).exits(0);
    let published = update();
    assert!(published.out.contains("published as version 2"), "{}", published.out);
    assert!(shown("published").exits(0).out.contains("Second"));
    let nothing = update();
    assert!(nothing.out.contains("nothing to do"), "{}", nothing.out);
    courseware(["fsck", "--store", &store]).exits(0);
}

/// Units that only include each other hang below nothing; the tree names them all the same.
#[test]
fn units_in_a_circle_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let store = Blockstore::open(&place, Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let collection = store.create_collection("Tides").unwrap().uuid;
    let tides = store.create_bundle(collection, "tides", "tides", "").unwrap().uuid;
    let unit = |name: &str, child: &str| {
        format!(r#"<unit display_name="{name}"><xblock-include definition="{child}"/></unit>"#)
    };
    let ebb = r#"<unit display_name="Ebb"><xblock-include definition="unit/b"/><xblock-include definition="html/in"/></unit>"#;
    let (flood, before) = (unit("Flood", "unit/a"), unit("Sound", "html/h"));
    let files = [
        ("unit/a/definition.xml", ebb),
        ("unit/b/definition.xml", &*flood),
        ("unit/c/definition.xml", &*before),
        ("html/h/definition.xml", "<html display_name=\"Text\">t</html>"),
        ("html/in/definition.xml", "<html display_name=\"Inside\">i</html>"),
    ];
    version(&store, tides, &files, None);
    drop(store);
    let (store, key) = (format!("blockstore:{}", place.display()), "lib:Harbour:tides");
    courseware(["adopt", key, &tides.to_string(), "--store", &store]).exits(0);
    let tree = courseware(["tree", key, "--store", &store, "--branch", "published"]).exits(0);
    for words in ["Ebb", "Flood", "Sound", "Text", "below itself"] {
        assert!(tree.out.contains(words), "{words}: {}", tree.out);
    }
    let tree =
        courseware(["tree", key, "--store", &store, "--branch", "published", "--json"]).exits(0).json();
    let outside = tree["outside"].as_array().unwrap();
    assert_eq!(outside.len(), 1, "{tree}");
    assert_eq!(outside[0]["usage"], "lb:Harbour:tides:unit:a");
    assert!(outside[0]["error"].as_str().unwrap().contains("below itself"), "{tree}");

    // A check names them, too, and the outline has them behind what the root leads to.
    let checked = courseware(["fsck", "--store", &store]).exits(0);
    let told = "include_circle]: lb:Harbour:tides:unit:a: it only hangs below itself";
    assert_eq!(checked.out.matches("include_circle").count(), 1, "{}", checked.out);
    assert!(checked.out.contains(told), "{}", checked.out);
    let bundles = Blockstore::open(&place, Access::ReadOnly, Arc::new(SystemClock)).unwrap();
    let runtime = BlockstoreRuntime::over(bundles, blocks::registry().unwrap()).unwrap();
    let outline = runtime.outline(&key.parse().unwrap(), Branch::Published, 9).unwrap();
    let listed: Vec<_> = outline.iter().map(|block| (block.depth, block.usage.block_id())).collect();
    assert_eq!(listed, [(0, "library"), (1, "c"), (2, "h"), (0, "a"), (1, "b"), (1, "in")]);

    // The page of the library has them behind the others.
    let server = Server::run(command(), &store, "a secret of enough bytes", &[]);
    let (status, _, page) = server.get(&format!("/course/{key}"), &[]);
    let page = String::from_utf8(page).unwrap();
    assert_eq!(status, 200, "{page}");
    let (sound, ebb) = (page.find("Sound").expect("Sound"), page.find("Ebb").expect("Ebb"));
    assert!(sound < ebb, "{page}");
    drop(server);

    // A package has no place for them, which is told, of each.
    let package = folder.path().join("package");
    let ran = courseware(["export", key, "--store", &store, "-o", package.to_str().unwrap()]).exits(1);
    for block in ["unit:a", "unit:b", "html:in"] {
        let told = format!("lb:Harbour:tides:{block}: no block that is written has it as a child");
        assert!(ran.err.contains(&told), "{block}: {}", ran.err);
    }
    assert!(!ran.err.contains("unit:c") && !ran.err.contains("html:h"), "{}", ran.err);
}

/// A package of a library has one state, and says what of the draft is not in it.
#[test]
fn packages_of_libraries_tell_which_drafts_they_lack() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _, tides) = store(folder.path());
    let key = "lib:Harbour:tides";
    courseware(["adopt", key, &tides.to_string(), "--store", &store]).exits(0);
    let export = |name: &str| {
        let package = folder.path().join(name);
        courseware(["export", key, "--store", &store, "-o", package.to_str().unwrap()]).exits(0).err
    };
    assert!(!export("before").contains("draft-left-out"));
    let bundles =
        Blockstore::open(&folder.path().join("store"), Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let draft = bundles.get_or_create_bundle_draft(tides, "studio_draft").unwrap().uuid;
    let week = r#"<unit display_name="Changed"><xblock-include definition="html/new"/></unit>"#;
    bundles.write_draft_file(draft, "unit/week/definition.xml", Some(week.as_bytes())).unwrap();
    bundles.write_draft_file(draft, "html/new/definition.xml", Some(b"<html>new</html>")).unwrap();
    drop(bundles);
    let told = export("after");
    for words in [
        "unit:week: it is written as it is published",
        "html:new: it is a draft only",
        "html:w1: it is written",
    ] {
        assert!(
            told.contains(&format!("warning[draft-left-out]: lb:Harbour:tides:{words}")),
            "{words}: {told}"
        );
    }
    assert_eq!(told.matches("draft-left-out").count(), 3, "{told}");
}

/// What is exported of a library of the second generation says which it is, so that it can be checked and imported.
#[test]
fn packages_of_libraries_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _, tides) = store(folder.path());
    let key = "lib:Harbour:tides";
    courseware(["adopt", key, &tides.to_string(), "--store", &store]).exits(0);
    courseware(["check", key, "--store", &store]).exits(0);
    let package = folder.path().join("package");
    let package = package.to_str().unwrap();
    courseware(["export", key, "--store", &store, "-o", package]).exits(0);
    let root = std::fs::read_to_string(folder.path().join("package/library.xml")).unwrap();
    assert!(root.contains(r#"org="Harbour""#) && root.contains(r#"library="tides""#), "{root}");
    let other = format!("blockstore:{}", folder.path().join("other").display());
    courseware(["import", package, "--store", &other]).exits(0);
    let tree = courseware(["tree", "library-v1:Harbour+tides", "--store", &other]).exits(0);
    assert!(tree.out.contains("Week") && tree.out.contains("First"), "{}", tree.out);
    // Exported again it is the same package.
    let again = folder.path().join("again");
    let args = ["export", "library-v1:Harbour+tides", "--store", &other, "-o", again.to_str().unwrap()];
    courseware(args).exits(0);
    courseware(["diff", package, again.to_str().unwrap()]).exits(0);
}

#[test]
fn files_of_single_blocks_come_along_to_other_stores_and_packages() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _, tides) = store(folder.path());
    let bundles =
        Blockstore::open(&folder.path().join("store"), Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let page = r#"<html display_name="P"><![CDATA[<img src="/static/moon.svg"/>]]></html>"#;
    let files = [
        ("html/p/definition.xml", page),
        ("html/p/static/moon.svg", "<svg/>"),
        ("html/p/static/more/star.svg", "<svg>star</svg>"),
        ("html/q/definition.xml", page),
        ("html/q/static/moon.svg", "<svg/>"),
    ];
    version(&bundles, tides, &files, None);
    let key = "lib:Harbour:tides";
    courseware(["adopt", key, &tides.to_string(), "--store", &store]).exits(0);
    let other = format!("blockstore:{}", folder.path().join("other").display());
    let published = courseware(["publish", key, "--from", &store, "--to", &other]).exits(0);
    assert!(published.out.contains("2 static files"), "{}", published.out);
    courseware(["compare", key, &store, &other]).exits(0);
    let again = courseware(["publish", key, "--from", &store, "--to", &other]).exits(0);
    assert!(again.out.contains("nothing to do"), "{}", again.out);
    let package = folder.path().join("package");
    let export = |exit| {
        let package = package.to_str().unwrap();
        courseware(["export", key, "--store", &store, "--output", package, "--force"]).exits(exit)
    };
    export(0);
    for (path, text) in [("static/moon.svg", "<svg/>"), ("static/more/star.svg", "<svg>star</svg>")] {
        assert_eq!(std::fs::read_to_string(package.join(path)).unwrap(), text);
    }

    version(&bundles, tides, &[("html/q/static/moon.svg", "<svg>other</svg>")], None);
    let left = courseware(["publish", key, "--from", &store, "--to", &other]).exits(1);
    assert!(left.err.contains("type@html+block@q") || left.err.contains("html:q"), "{}", left.err);
    assert!(left.err.contains("\"moon.svg\" did not come along"), "{}", left.err);
    let written = export(1);
    assert!(written.err.contains("block-file-left-out"), "{}", written.err);
}

#[test]
fn what_another_draft_published_is_merged_discarded_or_overwritten_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let course = folder.path().join("course");
    std::fs::create_dir_all(course.join("html")).unwrap();
    let page = r#"<course org="O" course="C" url_name="R"><chapter url_name="c"><sequential url_name="s">
        <vertical url_name="v"><html url_name="h" display_name="H">one</html></vertical></sequential></chapter></course>"#;
    std::fs::write(course.join("course.xml"), page).unwrap();
    let place = folder.path().join("store");
    let store = format!("blockstore:{}", place.display());
    let import = |text: &str| {
        std::fs::write(course.join("course.xml"), page.replace("one", text)).unwrap();
        courseware(["import", course.to_str().unwrap(), "--store", &store])
    };
    import("one").exits(0);
    let bundles = Blockstore::open(&place, Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let bundle = bundles.get_bundles(None).unwrap()[0].uuid;
    let write = |draft: &str, path: &str, text: &str| {
        let draft = bundles.get_or_create_bundle_draft(bundle, draft).unwrap().uuid;
        bundles.write_draft_file(draft, path, Some(text.as_bytes())).unwrap();
        draft
    };
    let (h, other) = ("html/h/definition.xml", "html/other/definition.xml");
    // The draft changes nothing, so that there is nothing to decide.
    bundles.commit_draft(write("app1", h, "<html display_name=\"H\">theirs</html>")).unwrap();
    import("two").exits(0);
    courseware(["publish", "course-v1:O+C+R", "--from", &store, "--to", &store]).exits(0);
    // It changes something.
    write("studio_draft", h, "<html display_name=\"H\">ours</html>");
    bundles.commit_draft(write("app2", h, "<html display_name=\"H\">theirs again</html>")).unwrap();
    bundles.commit_draft(write("app3", other, "<html>other</html>")).unwrap();
    for _ in 0..2 {
        let stale = import("three").exits(5);
        assert!(stale.err.contains("stale") && stale.err.contains(h), "{}", stale.err);
    }
    let key = "course-v1:O+C+R";
    let shown = courseware(["draft", key, "--store", &store]).exits(0);
    assert!(
        shown.out.contains("is stale") && shown.out.contains(&format!("{h}, as others did")),
        "{}",
        shown.out
    );
    let refused = courseware(["draft", key, "--store", &store, "--merge"]).exits(5);
    assert!(refused.err.contains(h), "{}", refused.err);
    courseware(["draft", key, "--store", &store, "--ours"]).exits(0);
    let draft = courseware(["show", "block-v1:O+C+R+type@html+block@h", "--store", &store]).exits(0);
    assert!(draft.out.contains("ours"), "{}", draft.out);
    import("three").exits(0);
    write("studio_draft", h, "<html display_name=\"H\">ours</html>");
    bundles.commit_draft(write("app4", h, "<html display_name=\"H\">theirs</html>")).unwrap();
    let dropped = courseware(["draft", key, "--store", &store, "--discard"]).exits(0);
    assert!(dropped.out.contains(&format!("dropped {h}")), "{}", dropped.out);
    import("four").exits(0);
    courseware(["fsck", "--store", &store]).exits(0);
}

#[test]
fn links_are_brought_up_to_date_after_another_draft_was_published() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _, tides) = store(folder.path());
    let key = "lib:Harbour:tides";
    courseware(["adopt", key, &tides.to_string(), "--store", &store]).exits(0);
    let bundles =
        Blockstore::open(&folder.path().join("store"), Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let draft = bundles.get_or_create_bundle_draft(tides, "app").unwrap().uuid;
    bundles
        .write_draft_file(draft, "html/own/definition.xml", Some(b"<html display_name=\"Own\"/>"))
        .unwrap();
    bundles.commit_draft(draft).unwrap();
    courseware(["links", key, "--store", &store, "--update", "media", "--publish"]).exits(0);
    let tree = courseware(["tree", key, "--store", &store, "--branch", "published"]).exits(0);
    assert!(tree.out.contains("Second") && tree.out.contains("Own"), "{}", tree.out);
}
