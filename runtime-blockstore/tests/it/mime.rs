//! MIME types and names of data files: those the app's Python gives.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use runtime_blockstore::{Access, guess_mime_type};

use crate::fixture::{Now, new_bundle, store_in};

/// What the table was recorded with: Python, and the digest of Debian's table.
const RECORDED: &str = "3.11 c78c959dda2bea01af7f1ceab76e50a540dc168459b4d3d9df547f7a24cc386f";

const TABLE: &str = include_str!("../../src/mime_types.tsv");

#[test]
fn the_table_is_what_python_answers_for_every_extension_it_knows() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mime_types.py");
    let run = Command::new("python3").arg(script).output().expect("Python starts");
    let with = String::from_utf8(run.stderr).unwrap();
    if with.trim() != RECORDED {
        let with = with.trim();
        let _ = writeln!(std::io::stderr(), "SKIPPED: MIME types are recorded with {RECORDED}, not {with}");
        return;
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&String::from_utf8(run.stdout).unwrap()), lines(TABLE));
}

/// Every known extension.
fn extensions() -> impl Iterator<Item = &'static str> {
    let first = TABLE.lines().map(|line| line.split('\t').next().unwrap());
    first.filter(|extension| !extension.is_empty())
}

/// Names with every known extension, as it is, in capitals, packed, and behind another; and some that have none.
fn names() -> Vec<String> {
    let mut names = Vec::new();
    for extension in extensions() {
        for ending in [
            extension.to_owned(),
            extension.to_uppercase(),
            format!("{extension}.gz"),
            format!("x.{extension}"),
        ] {
            names.push(format!("tides/low water.{ending}"));
        }
    }
    names.extend(
        [
            "a.tgz",
            "a.TGZ",
            "a.svgz",
            "a.tar.Z",
            "a.Z",
            "a.z",
            "a.gz",
            "a.GZ",
            "a.txt.bz2",
            "a.txt.xz",
            "a.txt.br",
            "a.txt.BR",
        ]
        .map(str::to_owned),
    );
    names.extend(
        [".png", "..png", "a", "a.", "a.png/b", "a.b.", "a.olx", "a.unheard", "a .png", "a.png ", "ü.ÜNG"]
            .map(str::to_owned),
    );
    names
}

#[test]
fn names_of_all_kinds_have_the_type_that_python_guesses() {
    let code = "import json, mimetypes, sys; mimetypes.init(); \
                print(json.dumps([mimetypes.guess_type(name)[0] for name in json.load(sys.stdin)]))";
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mime_types.py");
    let with =
        String::from_utf8(Command::new("python3").arg(script).output().expect("Python").stderr).unwrap();
    if with.trim() != RECORDED {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: MIME types are recorded with {RECORDED}, not {}",
            with.trim()
        );
        return;
    }
    let names = names();
    let mut python = Command::new("python3")
        .args(["-c", code])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("Python starts");
    let asked = serde_json::to_vec(&names).unwrap();
    python.stdin.take().unwrap().write_all(&asked).unwrap();
    let answered: Vec<Option<String>> =
        serde_json::from_slice(&python.wait_with_output().unwrap().stdout).unwrap();
    let differences: Vec<_> = names
        .iter()
        .zip(answered)
        .map(|(name, answered)| (name, guess_mime_type(name).map(|ours| ours.to_string()), answered))
        .filter(|(_, ours, answered)| ours != answered)
        .collect();
    assert_eq!(differences, []);
}

#[test]
fn data_files_have_the_endings_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), Access::ReadWrite, std::sync::Arc::new(Now)).unwrap();
    let files: Vec<(String, String)> =
        extensions().map(|extension| (format!("a.{extension}"), extension.to_owned())).collect();
    let files = files.iter().map(|(path, content)| (&**path, Some(content.as_bytes()))).collect();
    let (bundle, draft) = new_bundle(&store, "kinds", &[("a", "a")]);
    store.write_draft_files(draft, &files).unwrap();
    store.commit_draft(draft).unwrap();
    let ending_of: BTreeMap<&str, &str> = TABLE
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|cells| (cells[1], cells[2]))
        .collect();
    for (path, content) in &files {
        let place = store.get_bundle_file_storage_path(bundle, path, None).unwrap();
        let (_, name) = place.rsplit_once('/').unwrap();
        // The ending is that of the type, which is none for packed files.
        let ending = guess_mime_type(path).map_or("", |kind| ending_of[&*kind]);
        assert_eq!(&name[40..], ending, "{path}");
        let read = store.get_bundle_file_data(bundle, path, None).unwrap();
        assert_eq!(Some(&*read), *content);
    }
}
