//! Courses of Old Mongo, whose block keys name no run: each block is read by the key that is printed for it.

use std::fs;
use std::path::Path;

use bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use tempfile::tempdir;

use crate::command::courseware;
use crate::serving::Server;

const COURSE: &str = "Harbour/TIDES/2031";

/// The key of a block as it is printed.
fn key(category: &str, name: &str) -> String {
    format!("i4x://Harbour/TIDES/{category}/{name}")
}

fn block(category: &str, name: &str, children: &[&str], data: &str) -> Document {
    let children: Vec<_> = children.iter().map(|child| format!("i4x://Harbour/TIDES/{child}")).collect();
    doc! {
        "_id": {
            "tag": "i4x", "org": "Harbour", "course": "TIDES", "category": category, "name": name,
            "revision": Bson::Null,
        },
        "definition": { "data": { "data": data }, "children": children },
        "metadata": { "display_name": name },
    }
}

fn write(folder: &Path, collection: &str, documents: &[Document]) {
    let bytes: Vec<u8> =
        documents.iter().flat_map(|document| bson::serialize_to_vec(document).expect("BSON")).collect();
    fs::write(folder.join(format!("{collection}.bson")), bytes).expect("a dump");
}

/// Loads a course of Old Mongo with a text, a problem and a file, and more runs of it.
fn store(folder: &Path, more_runs: &[&str]) -> String {
    let dump = folder.join("dump");
    fs::create_dir(&dump).expect("a folder");
    let problem = r#"<problem><numericalresponse answer="4"><textline/></numericalresponse></problem>"#;
    let mut blocks = vec![
        block("course", "2031", &["chapter/c"], ""),
        block("chapter", "c", &["sequential/s"], ""),
        block("sequential", "s", &["vertical/u"], ""),
        block("vertical", "u", &["html/h", "problem/p"], ""),
        block("html", "h", &[], r#"<p>low</p><img src="/static/low.txt">"#),
        block("problem", "p", &[], problem),
    ];
    blocks.extend(more_runs.iter().map(|run| block("course", run, &["chapter/c"], "")));
    write(&dump, "modulestore", &blocks);
    let son = doc! {
        "category": "asset", "name": "low.txt", "course": "TIDES", "tag": "c4x", "org": "Harbour",
        "revision": Bson::Null,
    };
    let file = doc! {
        "_id": son.clone(), "filename": "low.txt", "displayname": "low.txt", "contentType": "text/plain",
        "content_son": son.clone(), "length": 5_i64, "chunkSize": 261_120, "locked": false,
        "uploadDate": bson::DateTime::from_millis(7),
    };
    let data = Binary { subtype: BinarySubtype::Generic, bytes: b"ebbed".to_vec() };
    write(&dump, "fs.files", &[file]);
    write(
        &dump,
        "fs.chunks",
        &[doc! { "_id": bson::oid::ObjectId::new(), "files_id": son, "n": 0, "data": data }],
    );
    let store = format!("modulestore:{}", folder.join("old.db").display());
    courseware(["store", "import-dump", dump.to_str().expect("text"), &store]).exits(0);
    store
}

#[test]
fn blocks_are_read_by_the_keys_that_are_printed() {
    let folder = tempdir().unwrap();
    let old = store(folder.path(), &[]);
    let new = format!("blockstore:{}", folder.path().join("bundles").display());
    courseware(["publish", COURSE, "--from", &old, "--to", &new]).exits(0);
    let site = folder.path().join("site.json");
    let other = format!("modulestore:{}", folder.path().join("other.db").display());
    crate::command::import_tides(&other);
    let stores =
        serde_json::json!({ "stores": [{ "name": "split", "url": other }, { "name": "draft", "url": old }] });
    fs::write(&site, stores.to_string()).unwrap();
    for store in [old, new, format!("mixed:{}", site.display())] {
        let shown = courseware(["show", &key("html", "h"), "--store", &store, "--json"]).exits(0).json();
        assert_eq!(shown["usage"], key("html", "h"), "{store}: {shown}");
        assert_eq!(shown["parents"][0], key("vertical", "u"), "{store}: {shown}");
        let root = courseware(["show", &key("course", "2031"), "--store", &store, "--json"]).exits(0).json();
        assert_eq!(root["children"][0], key("chapter", "c"), "{store}: {root}");
        let page = courseware(["render", &key("vertical", "u"), "--store", &store]).exits(0).out;
        assert!(page.contains("<p>low</p>"), "{store}: {page}");
        let answer = [
            "submit",
            &key("problem", "p"),
            "--store",
            &store,
            "--user",
            "ann",
            "input_i4x-Harbour-TIDES-problem-p_2_1=4",
        ];
        let graded = courseware(answer.iter().chain(&["--json"])).exits(0).json();
        assert_eq!(graded["grade"]["value"], 1.0, "{store}: {graded}");
        for missing in [key("html", "none"), "i4x://Harbour/NONE/html/h".to_owned()] {
            courseware(["show", &missing, "--store", &store]).exits(3);
        }
    }
}

#[test]
fn pages_and_files_are_served_by_the_keys_that_are_printed() {
    let folder = tempdir().unwrap();
    let server =
        Server::run(crate::command::command(), &store(folder.path(), &[]), "a secret of enough bytes", &[]);
    let (status, _, outline) = server.get("/course/Harbour%2FTIDES%2F2031", &[]);
    let outline = String::from_utf8(outline).unwrap().replace("&#x2f;", "/");
    assert_eq!(status, 200, "{outline}");
    let links: Vec<_> = outline.split('"').filter(|text| text.starts_with("/block/")).collect();
    assert!(!links.is_empty(), "{outline}");
    for link in links {
        let (status, _, page) = server.get(link, &[]);
        assert_eq!(status, 200, "{link}: {}", String::from_utf8_lossy(&page));
    }
    let file = server.signed(&key("html", "h").replace('/', "%2F"), "low.txt");
    let (status, head, body) = server.get(&file, &[]);
    assert_eq!((status, &*body), (200, &b"ebbed"[..]), "{head}");
}

#[test]
fn a_key_of_several_runs_is_refused_with_their_names() {
    let folder = tempdir().unwrap();
    let old = store(folder.path(), &["2032"]);
    let refused = courseware(["show", &key("html", "h"), "--store", &old]).exits(3);
    assert!(refused.err.contains("Harbour/TIDES/2031, Harbour/TIDES/2032"), "{}", refused.err);
}
