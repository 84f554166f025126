//! The whole command at a store that is on a database server and in an object store.

use std::process::Command;

use serde_json::{Value, json};
use xblock_testkit::Service;

use crate::command::{Ran, TIDES, block, command, courseware, import_tides, tides};
use crate::serving::Server;

/// A database server and an object store, with what the environment must say of the latter.
struct Servers {
    database: Service,
    objects: Service,
}

impl Servers {
    fn start() -> Option<Self> {
        Some(Self { database: Service::start("mariadb.py", &[])?, objects: Service::start("s3.py", &[])? })
    }

    /// Takes the object store's URL apart: key, secret, address, bucket.
    fn bucket(&self) -> [&str; 4] {
        let rest = self.objects.url.strip_prefix("http://").expect("an address");
        let (user, rest) = rest.split_once('@').expect("a user");
        let (key, secret) = user.split_once(':').expect("a secret");
        let (address, bucket) = rest.split_once('/').expect("a bucket");
        [key, secret, address, bucket]
    }

    fn command(&self) -> Command {
        let [key, secret, address, _] = self.bucket();
        let mut command = command();
        command
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_ENDPOINT_URL", format!("http://{address}"))
            .env("AWS_ALLOW_HTTP", "true");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.command().args(arguments).output().expect("the command runs").into()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).exits(0).json()
    }

    /// The URL of a store in one of the server's databases.
    fn store(&self, database: &str) -> String {
        let [_, _, _, bucket] = self.bucket();
        let rest = self.database.url.strip_prefix("mysql:").expect("an address");
        format!("blockstore+mysql:{rest}{database}?assets=s3://{bucket}/{database}/course files")
    }
}

#[test]
fn every_command_works_on_mariadb_with_s3() {
    let Some(servers) = Servers::start() else { return };
    let store = &*servers.store("first");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let course = tides();
    let course = course.to_str().unwrap();

    // Nothing is there, and nothing is made by asking.
    servers.run(&["tree", TIDES, "--store", store]).exits(3);
    let imported = servers.json(&["import", course, "--store", store]);
    assert_eq!((&imported["outcome"], &imported["context"]), (&json!("written"), &json!(TIDES)));
    assert_eq!(servers.json(&["import", course, "--store", store])["outcome"], "unchanged");
    servers.run(&["tree", TIDES, "--store", store]).exits(0);
    assert!(!folder.path().join("storage").exists());

    // Across to another kind of store and back.
    let other = format!("modulestore:{}", at("split.db"));
    let published = servers.json(&["publish", TIDES, "--from", store, "--to", &other]);
    assert_eq!(published["assets"], 11);
    assert_eq!(servers.json(&["compare", TIDES, store, &other])["differences"], json!([]));
    let second = &*servers.store("second");
    servers.json(&["publish", TIDES, "--from", &other, "--to", second]);
    assert_eq!(servers.json(&["compare", TIDES, store, second])["differences"], json!([]));
    servers.run(&["export", TIDES, "--store", store, "-o", &at("course")]).exits(0);
    assert!(folder.path().join("course/course.xml").exists());

    // Care.
    let sound = servers.json(&["fsck", "--store", store]);
    assert_eq!(sound["findings"], json!([]), "{sound:#}");
    assert!(sound["bytes"].as_u64().unwrap() > 0);
    servers.run(&["fsck", "--store", store, "--repair"]).exits(0);
    let swept = servers.json(&["gc", "--store", store, "--grace", "0", "--delete"]);
    assert_eq!(swept["bundles"], 1);
    let stats = servers.json(&["stats", "--store", store]);
    assert_eq!((&stats["bundles"], &stats["unused_files"]), (&json!(1), &json!(0)), "{stats:#}");
    let backups = at("backups");
    servers.json(&["backup", &backups, "--store", store]);
    let again = servers.json(&["backup", &backups, "--store", store]);
    assert!(again["copied_files"].as_u64().unwrap() < again["files"].as_u64().unwrap() / 2, "{again}");
    servers.run(&["backup", &backups, "--check"]).exits(0);
    // Onto plain files, and beside what the second database has.
    let local = format!("blockstore:{}", at("local"));
    servers.run(&["restore", &backups, "--store", &local]).exits(0);
    assert_eq!(servers.json(&["compare", TIDES, store, &local])["differences"], json!([]));
    courseware(["fsck", "--store", &local]).exits(0);
    servers.run(&["restore", &backups, "--store", store]).exits(5);

    // A backup that is damaged leaves nothing but tables without rows, says so, and is in nobody's way.
    let bundle = std::fs::read_dir(folder.path().join("backups/objects")).unwrap().next().unwrap().unwrap();
    let data =
        std::fs::read_dir(bundle.path().join("snapshot_data")).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&data).unwrap();
    std::fs::write(&data, "damage").unwrap();
    let third = &*servers.store("third");
    let uuid = bundle.file_name().into_string().unwrap();
    let one = ["restore", &*backups, "--store", third, "--bundle", &*uuid];
    let failed = servers.run(&one).exits(4);
    assert!(failed.err.contains("tables of a store without bundles"), "{}", failed.err);
    std::fs::write(&data, whole).unwrap();
    servers.run(&one).exits(0);
    assert_eq!(servers.json(&["compare", TIDES, store, third])["differences"], json!([]));

    // Serving: a file in parts, from the object store.
    let secret = "a secret of enough bytes";
    let server = Server::run(servers.command(), store, secret, &[]);
    let url = server.signed(&block("html", "two_bulges"), "two-bulges.svg");
    let (status, _, whole) = server.get(&url, &[]);
    assert_eq!((status, &whole), (200, &std::fs::read(tides().join("static/two-bulges.svg")).unwrap()));
    let (status, head, part) = server.get(&url, &[("Range", "bytes=5-104")]);
    assert_eq!((status, &*part), (206, &whole[5..105]), "{head}");
    drop(server);

    // A password that is wrong, and an object store that is not there, are said and change nothing.
    let port = store.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let wrong = format!("blockstore+mysql://nobody:secret@127.0.0.1:{port}/first?assets=s3://b/p");
    let refused = servers.run(&["fsck", "--store", &wrong]).exits(4);
    assert!(refused.err.contains("refuses") && !refused.err.contains("secret"), "{}", refused.err);
    let nowhere = servers
        .command()
        .args(["tree", TIDES, "--store", store])
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("BLOCKSTORE_ASSETS_TIMEOUT", "1")
        .output()
        .map(Ran::from)
        .unwrap();
    assert_ne!(nowhere.code, Some(0), "{}", nowhere.err);
    assert_eq!(servers.json(&["fsck", "--store", store])["findings"], json!([]));
}

#[test]
fn fsck_makes_a_wrong_index_anew() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let store = format!("blockstore:{}", place.display());
    import_tides(&store);
    let db = rusqlite::Connection::open(place.join("db.sqlite3")).unwrap();
    db.execute("DELETE FROM xblock_child WHERE child_id = 'two_bulges'", ()).unwrap();
    let found = courseware(["fsck", "--store", &store]).exits(1);
    assert!(found.out.contains("damage[index]") && found.out.contains("two_bulges"), "{}", found.out);
    let mended = courseware(["fsck", "--store", &store, "--repair"]).exits(0);
    assert!(mended.out.contains("repaired:"), "{}", mended.out);
    courseware(["fsck", "--store", &store]).exits(0);
}
