//! The block in a course, through the command `courseware` with the block in it, as `examples/courseware.rs` makes it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const BLOCK: &str = "block-v1:Fjord+REFLECT+2031+type@reflect+block@moon_and_sea";

/// The program of `examples/courseware.rs`, which cargo builds beside the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("the test has a path");
    let target = tests.parent().and_then(Path::parent).expect("it lies in deps/ of the target folder");
    target.join("examples").join(format!("courseware{}", std::env::consts::EXE_SUFFIX))
}

fn courseware(arguments: &[&str]) -> Output {
    courseware_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments)
}

pub(crate) fn courseware_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.current_dir(folder).args(arguments).output().expect("the program of the example starts")
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// Imports the example's course into a new store.
fn store() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("blockstore:{}", folder.path().join("store").display());
    let course = concat!(env!("CARGO_MANIFEST_DIR"), "/course");
    let imported = courseware(&["import", course, "--store", &store, "--json"]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    (folder, store)
}

#[test]
fn a_course_with_the_block_is_imported_shown_and_answered() {
    let (_folder, store) = store();
    let shown = courseware(&["render", BLOCK, "--store", &store, "--user", "ann", "--json"]);
    let html = json(&shown)["content"].as_str().expect("HTML").to_owned();
    assert!(html.contains("How well do you know the tides now?"), "{html}");
    assert!(html.contains("The tide follows the moon"), "{html}");
    assert!(html.contains("data-init=\"ReflectBlock\""), "{html}");

    let answer =
        ["submit", BLOCK, "--store", &store, "--user", "ann", "--json", "--handler", "answer", "stars=3"];
    let answered = json(&courseware(&answer));
    assert_eq!((&answered["status"], &answered["grade"]["value"]), (&200.into(), &0.5.into()));
    let refused = courseware(&[&answer[..9], &["stars=9"]].concat());
    assert_eq!(refused.status.code(), Some(1));

    let shown = courseware(&["render", BLOCK, "--store", &store, "--user", "ann"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("<b>3.0</b>"));
}

/// A server that ends with the test, however it ends.
pub(crate) struct Server(Child);

impl Server {
    /// Starts a server by a command line; returns it and where it listens.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> (Self, String) {
        let mut server = Self(
            Command::new(program())
                .current_dir(folder)
                .args(arguments)
                .arg("--json")
                .stdout(Stdio::piped())
                .spawn()
                .expect("the program of the example starts"),
        );
        let mut line = String::new();
        let out = server.0.stdout.take().expect("its output is piped");
        BufReader::new(out).read_line(&mut line).expect("it says where it is");
        let said: Value = serde_json::from_str(&line).expect("it says so in JSON");
        let address = said["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("an address");
        (server, address.trim_end_matches('/').to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_block_is_on_the_page_that_is_served() {
    let (_folder, store) = store();
    let (_server, address) =
        Server::start(Path::new("."), &["serve", &store, "--branch", "draft", "--port", "0"]);
    let mut connection = TcpStream::connect(&address).expect("it listens");
    write!(connection, "GET /block/{BLOCK} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut page = String::new();
    connection.read_to_string(&mut page).expect("it answers");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("function ReflectBlock(") && page.contains("data-init=\"ReflectBlock\""), "{page}");
}
