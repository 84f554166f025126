//! Static files as the page's server answers them.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use courseware::serve::{SignedUrls, Signer};
use courseware::{OpenMode, StoreUrl, SystemClock};
use runtime_blockstore::{Access, Blockstore};
use tempfile::tempdir;
use xblock_core::clock::Clock;
use xblock_core::host::Urls as _;
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{
    AssetData, AssetSource, Base, BlockData, Branch, ContentDigest, Edit, EditOp, Extent, Runtime,
    RuntimeError,
};

use crate::command::{TIDES, block, command, courseware, import_tides};

const SECRET: &str = "a secret of enough bytes";

pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(store: &str, secret: &str) -> Self {
        Self::start_with(store, secret, &[])
    }

    fn start_with(store: &str, secret: &str, more: &[&str]) -> Self {
        Self::run(command(), store, secret, more)
    }

    /// Runs the command, which may have an environment of its own, as a server.
    pub(crate) fn run(mut command: Command, store: &str, secret: &str, more: &[&str]) -> Self {
        let mut process = command
            .args(["serve", store, "--port", "0", "--json"])
            .args(more)
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
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String, Vec<u8>) {
        self.ask("GET", path, headers)
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        stream.write_all((request + "\r\n").as_bytes()).expect("it is sent");
        stream
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String, Vec<u8>) {
        let mut stream = self.send(method, path, headers);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an end of the headers");
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, head, answer[end + 4..].to_vec())
    }

    /// Asks for a path; returns the headers in lower case, and length and digest of the body, which is not kept.
    fn digest(&self, path: &str) -> (String, u64, Arc<str>) {
        let mut answer = BufReader::new(self.send("GET", path, &[]));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(answer.read_line(&mut head).expect("a line") > 0, "{head}");
        }
        let (digest, length) = ContentDigest::of_reader(answer).expect("a body");
        (head.to_lowercase(), length, digest)
    }

    /// The most memory the server has used, in bytes; none where the system does not say.
    fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }

    /// Finds the signed address of a static file on a block's page.
    pub(crate) fn signed(&self, usage: &str, name: &str) -> String {
        let (status, _, page) = self.get(&format!("/block/{usage}"), &[]);
        assert_eq!(status, 200);
        let page = String::from_utf8(page).expect("text").replace("&amp;", "&");
        let is_file = |text: &&str| text.starts_with("/asset/") || text.starts_with("/block-asset/");
        let found = page.split(['"', '\'']).filter(is_file).find(|text| text.contains(name));
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
    let server = Server::start(&store, SECRET);
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

    let (status, head, body) = server.ask("HEAD", &url, &[("Range", "bytes=0-1")]);
    assert_eq!((status, body.len()), (200, 0), "a range is for GET: {head}");
    assert!(head.contains(&format!("content-length: {}", whole.len())), "{head}");

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
    assert_eq!(Server::start(&store, SECRET).get(&url, &[]).0, 200);
    assert_eq!(Server::start(&store, "another secret of enough bytes").get(&url, &[]).0, 403);
}

fn open(store: &str, mode: OpenMode) -> Arc<dyn Runtime> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url: StoreUrl = store.parse().expect("a store");
    url.open(mode, &blocks::registry().expect("the blocks"), &clock).expect("the store opens")
}

/// So many bytes, all different for a long time, made while they are read.
struct Made(u64);

impl AssetSource for Made {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Making { at: 0, end: self.0 }))
    }
}

struct Making {
    at: u64,
    end: u64,
}

impl Read for Making {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(bytes.len());
        for byte in &mut bytes[..read] {
            *byte = (self.at ^ (self.at >> 9)) as u8;
            self.at += 1;
        }
        Ok(read)
    }
}

fn context() -> ContextKey {
    TIDES.parse().expect("a key")
}

fn put(runtime: &dyn Runtime, name: &str, content: impl AssetSource + 'static, publish: bool) -> AssetKey {
    let key = context().make_asset_key(name).expect("a key");
    let base = runtime.context(&context()).expect("the course").draft.version;
    let data = AssetData { display_name: name.to_owned(), ..AssetData::default() };
    let mut edit = Edit::new(context(), Base::Version(base)).with(EditOp::PutAsset {
        key: key.clone(),
        data,
        content: Arc::new(content),
    });
    if publish {
        edit = edit.with(EditOp::Publish(Extent::All));
    }
    runtime.commit(edit).expect("a commit");
    key
}

/// The address of a file on a server that has the secret.
fn address_of(key: &AssetKey) -> String {
    SignedUrls::new(Signer::new(SECRET.as_bytes(), Arc::new(SystemClock))).asset(key)
}

/// What a server may need for one file, whatever its size.
const LITTLE: u64 = 64 << 20;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn a_file_of_a_gigabyte_is_served_in_little_memory() {
    /// Digests of 16 and of 2^30 bytes that are all zero.
    const FEW: &str = "68830b0df9d428ef9bac444b60535330fa6b15b1";
    const MANY: &str = "e01e00d1f52bb50d5c063eaae50558f3c95356d8";
    const SIZE: u64 = 1 << 30;
    let directory = tempdir().unwrap();
    let folder = directory.path().join("store");
    let store = format!("blockstore:{}", folder.display());
    import_tides(&store);
    let runtime = open(&store, OpenMode::Create);
    let key = put(&*runtime, "big.bin", vec![0_u8; 16], false);
    drop(runtime);
    // The staged file grows without taking room, and its draft's document says so.
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    let staged = files.iter().find(|file| file.ends_with("static/big.bin")).expect("the staged file");
    std::fs::OpenOptions::new().write(true).open(staged).unwrap().set_len(SIZE).unwrap();
    let draft = files
        .iter()
        .find(|file| file.ends_with("summary.json") && std::fs::read_to_string(file).unwrap().contains(FEW));
    let text = std::fs::read_to_string(draft.expect("the draft")).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let record = &mut document["files_to_overwrite"]["static/big.bin"];
    assert_eq!((&record[1], &record[2]), (&16.into(), &FEW.into()), "{text}");
    (record[1], record[2]) = (SIZE.into(), MANY.into());
    std::fs::write(draft.unwrap(), document.to_string()).unwrap();

    let server = Server::start_with(&store, SECRET, &["--branch", "draft"]);
    let url = address_of(&key);
    let usage = block("html", "two_bulges");
    server.signed(&usage, "two-bulges.svg");
    let before = server.peak_memory();
    let (status, head, part) = server.get(&url, &[("Range", "bytes=1073741000-")]);
    assert_eq!((status, part), (206, vec![0; 824]), "{head}");
    assert!(head.contains("content-range: bytes 1073741000-1073741823/1073741824"), "{head}");
    let (status, _, part) = server.get(&url, &[("Range", "bytes=536870912-539868160")]);
    assert_eq!((status, part.len()), (206, 2_997_249), "several pieces");
    let (head, length, digest) = server.digest(&url);
    assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 1073741824"), "{head}");
    assert_eq!((length, &*digest), (SIZE, MANY));
    if let (Some(before), Some(after)) = (before, server.peak_memory()) {
        assert!(after - before < LITTLE, "{before} bytes before, {after} bytes after");
    }
    // Bytes that are not those of the document are not taken for the file: the answer ends before its time.
    let mut spoilt = std::fs::OpenOptions::new().write(true).open(staged).unwrap();
    io::Seek::seek(&mut spoilt, io::SeekFrom::Start(7)).unwrap();
    spoilt.write_all(b"tide").unwrap();
    assert!(server.digest(&url).1 < SIZE);
}

#[test]
fn a_big_file_of_modulestore_is_served_chunk_by_chunk() {
    const SIZE: u64 = (160 << 20) + 7;
    let directory = tempdir().unwrap();
    let store = format!("modulestore:{}", directory.path().join("split.db").display());
    import_tides(&store);
    let runtime = open(&store, OpenMode::Create);
    let key = put(&*runtime, "film.bin", Made(SIZE), true);
    let server = Server::start(&store, SECRET);
    let usage = block("html", "two_bulges");
    server.signed(&usage, "two-bulges.svg");
    let before = server.peak_memory();
    let url = address_of(&key);
    for (first, last) in [(0, 0), (261_119, 261_120), (100_000_000, 102_345_678), (SIZE - 9, SIZE - 1)] {
        let (status, head, part) = server.get(&url, &[("Range", &format!("bytes={first}-{last}"))]);
        let mut wanted = Vec::new();
        Making { at: first, end: last + 1 }.read_to_end(&mut wanted).unwrap();
        assert_eq!(status, 206, "{head}");
        assert!(part == wanted, "{first}-{last}");
    }
    let (head, length, digest) = server.digest(&url);
    assert_eq!(
        (length, digest),
        (SIZE, ContentDigest::of_reader(Making { at: 0, end: SIZE }).unwrap().0),
        "{head}"
    );
    if let (Some(before), Some(after)) = (before, server.peak_memory()) {
        assert!(after - before < LITTLE, "{before} bytes before, {after} bytes after");
    }
}

#[test]
fn an_open_file_is_what_it_was_or_an_error() {
    let directory = tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    for store in ["memory:".to_owned(), format!("blockstore:{}", at("b")), format!("modulestore:{}", at("m"))]
    {
        let runtime = if store == "memory:" {
            Arc::new(xblock_core::runtime::MemoryRuntime::new(Arc::new(SystemClock)))
        } else {
            open(&store, OpenMode::Create)
        };
        let root = context().make_usage_key("course", "course").unwrap();
        let edit = Edit::new(context(), Base::New { root: root.clone() }).put(root, BlockData::default());
        runtime.commit(edit).expect("a course");
        let size = 600_000_u64;
        let key = put(&*runtime, "a.bin", Made(size), true);
        let mut wanted = Vec::new();
        Making { at: 0, end: size }.read_to_end(&mut wanted).unwrap();
        let mut open = runtime.open_asset(&key, Branch::Published).unwrap();
        assert_eq!(*open.record(), runtime.asset(&key, Branch::Published).unwrap());
        for (start, length) in [(0, 10), (261_110, 20), (599_990, 100), (600_000, 1), (u64::MAX, 1)] {
            let from = usize::try_from(start).unwrap().min(wanted.len());
            let to = from.saturating_add(length).min(wanted.len());
            assert_eq!(open.read_at(start, length).unwrap(), &wanted[from..to], "{store} {start} {length}");
        }
        assert_eq!(open.read_at(0, usize::MAX).unwrap(), wanted, "{store}");
        // An edit does not change what is read on, in whichever branch.
        let mut drafted = runtime.open_asset(&key, Branch::Draft).unwrap();
        put(&*runtime, "a.bin", vec![b'x'; 600_000], true);
        for open in [&mut open, &mut drafted] {
            match open.read_at(5, 300_000) {
                Ok(bytes) => assert!(bytes == wanted[5..300_005], "{store}"),
                Err(RuntimeError::Storage { .. }) => assert!(store.starts_with("modulestore"), "{store}"),
                Err(error) => panic!("{store}: {error}"),
            }
        }
        let again = runtime.open_asset(&key, Branch::Published).unwrap().read_at(0, 5).unwrap();
        assert_eq!(again, b"xxxxx", "{store}");
        let nowhere = context().make_asset_key("nowhere").unwrap();
        let error = runtime.open_asset(&nowhere, Branch::Draft).map(drop).unwrap_err();
        assert!(matches!(error, RuntimeError::NoSuchAsset { .. }), "{store}: {error}");
    }
}

/// A file beside a definition belongs to the block, also where another library includes it.
#[test]
fn files_of_single_blocks_are_served_with_them() {
    let folder = tempdir().unwrap();
    let (store, media, tides) = crate::links::store(folder.path());
    let place = folder.path().join("store");
    let bundles = Blockstore::open(&place, Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let draft = bundles.get_or_create_bundle_draft(media, "studio_draft").unwrap().uuid;
    let page = r#"<html><![CDATA[<img src="/static/deep/tiny.png"> <img src='/static/course.png'>]]></html>"#;
    bundles.write_draft_file(draft, "html/page/definition.xml", Some(page.as_bytes())).unwrap();
    bundles.write_draft_file(draft, "html/page/static/deep/tiny.png", Some(b"0123456789")).unwrap();
    bundles.commit_draft(draft).unwrap();
    drop(bundles);
    courseware(["adopt", "lib:Harbour:tides", &tides.to_string(), "--store", &store]).exits(0);
    courseware(["links", "lib:Harbour:tides", "--store", &store, "--update", "--publish"]).exits(0);
    let server = Server::start(&store, SECRET);
    let usage = "lb:Harbour:tides:html:w1";
    let file = server.signed(usage, "tiny.png");
    assert!(file.starts_with("/block-asset/") && file.contains("/deep/tiny.png?"), "{file}");
    let (status, head, body) = server.get(&file, &[]);
    assert_eq!((status, &*body), (200, &b"0123456789"[..]));
    assert!(head.contains("content-type: image/png"), "{head}");
    let (status, head, body) = server.get(&file, &[("Range", "bytes=2-4")]);
    assert_eq!((status, &*body), (206, &b"234"[..]), "{head}");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag");
    assert_eq!(server.get(&file, &[("If-None-Match", tag)]).0, 304);
    let (status, head, body) = server.ask("HEAD", &file, &[]);
    assert_eq!((status, body.len()), (200, 0), "{head}");
    assert!(head.contains("content-length: 10"), "{head}");
    let (unsigned, _) = file.split_once('?').unwrap();
    assert_eq!(server.get(unsigned, &[]).0, 403);
    assert_eq!(server.get(&file.replace("tiny", "other"), &[]).0, 403);
}

/// A document that is nothing but levels is the trouble of the one block it is of, also where pages are made: the server goes
/// on, and so does the page around it.
#[test]
fn pages_go_on_around_documents_that_are_too_deep() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("split.db");
    let store = format!("modulestore:{}", file.display());
    import_tides(&store);
    // An empty document in many others.
    let levels = 100_000_u32;
    let begun = (1..=levels).rev().flat_map(|level| {
        let [a, b, c, d] = (5 + 8 * level).to_le_bytes();
        [a, b, c, d, 3, b'a', 0]
    });
    let mut fields: Vec<u8> = begun.chain([5, 0, 0, 0, 0]).collect();
    fields.resize(fields.len() + levels as usize, 0);
    let split = rusqlite::Connection::open(&file).unwrap();
    let words = "gravity weakens with distance";
    let definition =
        "SELECT _id FROM \"modulestore.definitions\" WHERE instr(document, CAST(?1 AS BLOB)) > 0";
    let id: Vec<u8> = split.query_row(definition, [words], |row| row.get(0)).unwrap();
    let members =
        [&b"\x07_id\0"[..], &id, b"\x02block_type\0\x05\0\0\0html\0\x03fields\0", &fields, b"\0"].concat();
    let document = [&u32::try_from(members.len() + 4).unwrap().to_le_bytes()[..], &members].concat();
    let set = "UPDATE \"modulestore.definitions\" SET document = ?1 WHERE _id = ?2";
    assert_eq!(split.execute(set, rusqlite::params![document, id]).unwrap(), 1);

    let server = Server::start(&store, SECRET);
    let (status, _, outline) = server.get(&format!("/course/{TIDES}"), &[]);
    assert_eq!(status, 200);
    assert!(String::from_utf8(outline).unwrap().contains("unit_two_bulges"));
    let (status, _, page) = server.get(&format!("/block/{}", block("html", "two_bulges")), &[]);
    let page = String::from_utf8(page).unwrap();
    assert!(status == 500 && page.contains("nested deeper"), "{status}: {page}");
    let (status, _, page) = server.get(&format!("/block/{}", block("vertical", "unit_two_bulges")), &[]);
    assert_eq!(status, 200);
    assert!(String::from_utf8(page).unwrap().contains("nested deeper"));
    assert_eq!(server.get(&format!("/block/{}", block("html", "tide_curve")), &[]).0, 200);
}
