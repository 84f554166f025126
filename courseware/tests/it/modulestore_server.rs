//! The command at a Modulestore on a MongoDB server.

use serde_json::{Value, json};
use xblock_testkit::Service;

use crate::command::{TIDES, courseware, import_tides};

fn answer(arguments: &[&str]) -> Value {
    courseware([arguments, &["--json"]].concat()).exits(0).json()
}

#[test]
fn a_modulestore_on_a_server_is_cared_for() {
    let Some(server) = Service::start("mongodb.py", &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let table = at("edxapp.db");
    let plain = &*format!("modulestore+{}first", server.url);
    let store = &*format!("{plain}?index=sqlite:{table}");
    import_tides(store);
    import_tides(store);
    assert_eq!(answer(&["fsck", "--store", store])["findings"], json!([]));
    let sizes = answer(&["stats", "--store", store]);
    assert_eq!(sizes["structures"][0]["context"], TIDES);
    assert!(sizes["structures"][0]["bytes"].as_u64().unwrap() > 1000);

    // Old versions are taken out and come back.
    let prune = ["store", "prune", store, "--keep", "0", "--keep-days", "0", "--grace", "0"];
    let kept = courseware(["history", TIDES, "--store", store, "--json"]).exits(0).out;
    let taken = answer(&[&prune[..], &["--delete"]].concat());
    assert!(!taken["pruned"].as_array().unwrap().is_empty() && taken["deleted"] == true);
    courseware(["fsck", "--store", store]).exits(0);
    let undone = answer(&["store", "prune", store, "--undo"]);
    assert_eq!(undone["put_back"].as_u64().unwrap(), taken["pruned"].as_array().unwrap().len() as u64);
    assert_eq!(courseware(["history", TIDES, "--store", store, "--json"]).exits(0).out, kept);

    // Out of the server into a file, and from there into another database.
    let file = &*format!("modulestore:{}", at("split.db"));
    answer(&["store", "export-dump", store, &at("dump")]);
    answer(&["store", "import-dump", &at("dump"), file]);
    courseware(["compare", TIDES, store, file]).exits(0);
    let second = &*format!("modulestore+{}second", server.url);
    answer(&["store", "import-dump", &at("dump"), second]);
    courseware(["compare", TIDES, second, file]).exits(0);

    // The table counts: what is not in it the platform does not see, and a check says so.
    let rows = rusqlite::Connection::open(&table).unwrap();
    rows.execute("DELETE FROM split_modulestore_django_splitmodulestorecourseindex", ()).unwrap();
    let told = courseware(["fsck", "--store", store]).exits(0);
    assert!(told.out.contains("warning[index_not_in_table]"), "{}", told.out);
    courseware(["tree", TIDES, "--store", store]).exits(3);
    courseware(["tree", TIDES, "--store", plain]).exits(0);

    // Credentials that are refused, and a server that is not there.
    let wrong = store.replacen("mongodb://", "mongodb://me:s3cret@", 1);
    let refused = courseware(["fsck", "--store", &wrong]).exits(4);
    assert!(refused.err.contains("refused") && !refused.err.contains("s3cret"), "{}", refused.err);
    let nowhere = "modulestore+mongodb://127.0.0.1:9/d?serverSelectionTimeoutMS=300";
    let refused = courseware(["stats", "--store", nowhere]).exits(4);
    assert!(refused.err.contains("no server answers"), "{}", refused.err);
}
