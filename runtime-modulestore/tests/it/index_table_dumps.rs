//! Dumps of stores with a table of course indexes.

use runtime_modulestore::FsckOptions;
use runtime_modulestore::store::MongoUrl;
use xblock_core::runtime::Branch;
use xblock_testkit::fixture::{commit, context, edit, html, published_course, snapshot, usage};

use crate::fixture::new_store;
use crate::index_table::{TABLE, Table};
use crate::server::{open, server};
use crate::server_care::Database;

/// A dump has the courses as the store shows them, however far behind the collection is.
#[test]
fn a_dump_says_what_the_table_says() {
    let Some(server) = server() else { return };
    let behind: [fn(&MongoUrl); 2] = [
        |plain| drop(commit(&open(plain), edit().put(usage("html", "h1"), html("not in the table")))),
        |plain| Database::open(plain).replace_all("modulestore.active_versions", None),
    ];
    for change in behind {
        let table = Table::sqlite();
        let database = server.new_database();
        let runtime = open(&server.url(&database, &table.option()));
        published_course(&runtime);
        let expected = Branch::ALL.map(|branch| snapshot(&runtime, &context(), branch));
        change(&server.url(&database, ""));
        assert_eq!(Branch::ALL.map(|branch| snapshot(&runtime, &context(), branch)), expected);
        let folder = tempfile::tempdir().expect("a folder");
        let dump = folder.path().join("dump");
        runtime.export_dump(&dump).expect("the dump is written");
        let (loaded, _folder) = new_store();
        loaded.import_dump(&dump).expect("the dump loads");
        assert_eq!(Branch::ALL.map(|branch| snapshot(&loaded, &context(), branch)), expected);
    }
}

/// What only the collection has, or only it leads to, is in a dump too; a row that cannot be read is one finding.
#[test]
fn a_dump_lacks_nothing_that_the_table_lost() {
    let Some(server) = server() else { return };
    let lost = [
        (format!("DELETE FROM {TABLE}"), "index_not_in_table"),
        (format!("UPDATE {TABLE} SET draft_version = 'aaaaaaaaaaaaaaaaaaaaaaaa'"), "index_behind"),
        (format!("UPDATE {TABLE} SET draft_version = 'zz'"), "index"),
    ];
    for (change, code) in lost {
        let table = Table::sqlite();
        let database = server.new_database();
        let runtime = open(&server.url(&database, &table.option()));
        published_course(&runtime);
        let expected = Branch::ALL.map(|branch| snapshot(&runtime, &context(), branch));
        let Table::Sqlite(folder) = &table else { unreachable!("a file") };
        let db = rusqlite::Connection::open(folder.path().join("edxapp.db")).expect("the file");
        db.execute(&change, []).expect("it is changed");
        let report = runtime.fsck(FsckOptions::default()).expect("a check");
        let of_indexes: Vec<_> =
            report.findings.iter().map(|found| found.code).filter(|code| code.starts_with("index")).collect();
        assert_eq!(of_indexes, [code], "{change}: {report:?}");
        let dump = folder.path().join("dump");
        runtime.export_dump(&dump).expect("the dump is written");
        let (loaded, _folder) = new_store();
        loaded.import_dump(&dump).expect("the dump loads");
        assert_eq!(Branch::ALL.map(|branch| snapshot(&loaded, &context(), branch)), expected, "{change}");
    }
}
