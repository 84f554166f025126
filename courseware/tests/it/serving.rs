//! Static files as the page's server answers them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use tempfile::tempdir;

use crate::command::{block, import_tides};

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(store: &str, secret: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_courseware"))
            .args(["serve", store, "--port", "0", "--json"])
            .env("COURSEWARE_ASSET_KEY", secret)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let url = said["url"].as_str().expect("an address");
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { process, address }
    }

    /// Asks for a path; returns the status, the headers in lower case, and the body.
    fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        stream.write_all((request + "\r\n").as_bytes()).expect("it is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an end of the headers");
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, head, answer[end + 4..].to_vec())
    }

    /// Finds the signed address of a static file on a block's page.
    fn signed(&self, usage: &str, name: &str) -> String {
        let (status, _, page) = self.get(&format!("/block/{usage}"), &[]);
        assert_eq!(status, 200);
        let page = String::from_utf8(page).expect("text").replace("&amp;", "&");
        let found = page.split(['"', '\'']).find(|text| text.starts_with("/asset/") && text.contains(name));
        found.unwrap_or_else(|| panic!("no {name} in {page}")).to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn static_files_are_answered_to_signed_addresses_in_parts_and_with_tags() {
    let directory = tempdir().unwrap();
    let store = format!("blockstore:{}", directory.path().join("store").display());
    import_tides(&store);
    let server = Server::start(&store, "a secret of enough bytes");
    let usage = block("html", "two_bulges");
    let url = server.signed(&usage, "two-bulges.svg");
    assert!(url.contains("?expires=") && url.contains("&signature="), "{url}");

    let (status, head, whole) = server.get(&url, &[]);
    assert_eq!(status, 200, "{head}");
    assert!(head.contains("content-type: image/svg+xml"), "{head}");
    assert!(head.contains("accept-ranges: bytes") && head.contains("cache-control: private"), "{head}");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").to_owned();

    assert_eq!(server.get(&url, &[("If-None-Match", &tag)]).0, 304);
    assert_eq!(server.get(&url, &[("If-None-Match", "\"another\"")]).0, 200);
    let (status, head, part) = server.get(&url, &[("Range", "bytes=1-4")]);
    assert_eq!((status, &*part), (206, &whole[1..5]));
    assert!(head.contains(&format!("content-range: bytes 1-4/{}", whole.len())), "{head}");
    let (status, head, _) = server.get(&url, &[("Range", &format!("bytes={}-", whole.len()))]);
    assert_eq!(status, 416);
    assert!(head.contains(&format!("content-range: bytes */{}", whole.len())), "{head}");
    // Several ranges, and a range of another file than was seen, get the whole.
    assert_eq!(
        server.get(&url, &[("Range", "bytes=0-1,4-5")]),
        (200, server.get(&url, &[]).1, whole.clone())
    );
    assert_eq!(server.get(&url, &[("Range", "bytes=0-1"), ("If-Range", "\"another\"")]).2, whole);
    assert_eq!(server.get(&url, &[("Range", "bytes=0-1"), ("If-Range", &tag)]).0, 206);

    let (path, query) = url.split_once('?').expect("a query");
    for forged in [
        path.to_owned(),
        url.replace("two-bulges.svg", "tide-table.txt"),
        format!("{path}?{}", query.replace("expires=", "expires=1")),
        url[..url.len() - 1].to_owned(),
    ] {
        assert_eq!(server.get(&forged, &[]).0, 403, "{forged}");
    }
    // Another server takes it where it has the same secret.
    assert_eq!(Server::start(&store, "a secret of enough bytes").get(&url, &[]).0, 200);
    assert_eq!(Server::start(&store, "another secret of enough bytes").get(&url, &[]).0, 403);
}
