//! The command at a Modulestore on a MongoDB server.

use std::collections::BTreeMap;
use std::sync::Arc;

use courseware::{OpenMode, StoreUrl, SystemClock};
use serde_json::{Value, json};
use xblock_core::clock::Clock;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::Branch;
use xblock_testkit::Service;

use crate::command::{TIDES, courseware, import_tides};

fn answer(arguments: &[&str]) -> Value {
    courseware([arguments, &["--json"]].concat()).exits(0).json()
}

/// What is said of the blocks of the draft that learners do not see: definition and last change, by their keys.
fn unpublished(store: &str) -> BTreeMap<String, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url: StoreUrl = store.parse().unwrap();
    let store = url.open(OpenMode::Read, &blocks::registry().unwrap(), &clock).unwrap();
    let context = TIDES.parse().unwrap();
    let seen = store.usages(&context, Branch::Published).unwrap();
    let drafts =
        store.usages(&context, Branch::Draft).unwrap().into_iter().filter(|usage| !seen.contains(usage));
    let said = |usage: UsageKey| {
        let block = store.block(&usage, Branch::Draft).unwrap();
        (usage.to_string(), format!("{:?} {:?}", block.definition, block.edit_info))
    };
    drafts.map(said).collect()
}

/// An import over a course leaves the blocks alone that only the draft has and that the package does not change.
#[test]
fn an_import_leaves_drafts_alone_that_it_does_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let server = Service::start("mongodb.py", &[]);
    let on_server = server.iter().map(|server| format!("modulestore+{}drafts", server.url));
    for (number, store) in on_server.chain([format!("modulestore:{}", at("drafts.db"))]).enumerate() {
        import_tides(&store);
        let before = unpublished(&store);
        assert!(!before.is_empty());
        let olx = at(&format!("olx{number}"));
        answer(&["export", TIDES, "--store", &store, "-o", &olx]);
        assert_eq!(answer(&["import", &olx, "--store", &store])["outcome"], "unchanged");
        let chapter = format!("{olx}/chapter/ch_rhythm.xml");
        let text = std::fs::read_to_string(&chapter).unwrap();
        std::fs::write(&chapter, text.replacen("display_name=\"", "display_name=\"New: ", 1)).unwrap();
        let written = answer(&["import", &olx, "--store", &store]);
        assert_eq!(written["outcome"], "written");
        assert_eq!(written["changes"]["blocks_changed"], 1, "{written:#}");
        assert_eq!(unpublished(&store), before);
        assert_eq!(answer(&["fsck", "--store", &store])["findings"], json!([]));
    }
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
