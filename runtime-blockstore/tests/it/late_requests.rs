//! Requests to an object store that are carried out after the one who made them has given up on them, tried again and gone on:
//! what was acknowledged stays.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use runtime_blockstore::{Access, Blockstore, FsckOptions};
use tempfile::TempDir;
use uuid::Uuid;

use crate::fixture::{Now, new_bundle, store_in};
use crate::objects::{bucket, put_at};
use crate::services::s3;

const DRAFT: &str = "studio_draft";

type Is = Box<dyn Fn(&Asked) -> bool + Send>;
type Job = Box<dyn FnOnce() + Send>;

/// A request as it came.
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    whole: Vec<u8>,
}

impl Asked {
    /// Says whether it writes or removes the object whose name ends like this.
    fn changes(&self, end: &str) -> bool {
        let names = String::from_utf8_lossy(&self.whole).contains(&format!("{end}</Key>"));
        match &*self.method {
            "PUT" | "DELETE" => self.path.ends_with(end),
            "POST" => names,
            _ => false,
        }
    }

    fn is_change(&self) -> bool {
        matches!(&*self.method, "PUT" | "DELETE" | "POST")
    }
}

/// What holds requests back: their makers see a connection that breaks.
#[derive(Default)]
struct Plan {
    /// The next one that is like this is held back.
    hold: Option<Is>,
    /// Before the next one that is like this, what was held back is carried out.
    release_before: Option<Is>,
    /// Before the next one that is like this is carried out, something is done.
    before: Option<(Is, Job)>,
    /// Requests are held back and carried out at random, by the numbers that follow this one.
    random: Option<u64>,
    held: Vec<Asked>,
    /// How many were held back.
    count: usize,
}

pub(crate) struct Line {
    address: String,
    server: String,
    plan: Arc<Mutex<Plan>>,
}

impl Line {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (plan, server) = (Arc::new(Mutex::new(Plan::default())), server.to_owned());
        let (shared, upstream) = (plan.clone(), server.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (plan, server) = (shared.clone(), upstream.clone());
                thread::spawn(move || serve(&plan, client, &server));
            }
        });
        Self { address, server, plan }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    fn hold(&self, is: impl Fn(&Asked) -> bool + Send + 'static) {
        self.plan().hold = Some(Box::new(is));
    }

    fn release_before(&self, is: impl Fn(&Asked) -> bool + Send + 'static) {
        self.plan().release_before = Some(Box::new(is));
    }

    /// Does something before the next request that is like this.
    pub(crate) fn before(
        &self,
        is: impl Fn(&Asked) -> bool + Send + 'static,
        job: impl FnOnce() + Send + 'static,
    ) {
        self.plan().before = Some((Box::new(is), Box::new(job)));
    }

    /// Says whether what was to be done before a request is still to be done.
    pub(crate) fn waits(&self) -> bool {
        self.plan().before.is_some()
    }

    fn count(&self) -> usize {
        self.plan().count
    }

    /// Lets the service carry out what was held back.
    fn release(&self) {
        let held = std::mem::take(&mut self.plan().held);
        assert!(!held.is_empty(), "nothing was held back");
        held.iter().for_each(|asked| drop(carry_out(asked, &self.server)));
    }
}

fn serve(plan: &Mutex<Plan>, mut client: TcpStream, server: &str) {
    let Some(asked) = read_request(&mut client) else { return };
    let is_awaited = |plan: &mut Plan| plan.before.take_if(|(is, _)| is(&asked));
    let job = is_awaited(&mut plan.lock().unwrap());
    if let Some((_, job)) = job {
        job();
    }
    let due = {
        let mut plan = plan.lock().unwrap();
        let mut due = Vec::new();
        if plan.release_before.as_ref().is_some_and(|is| is(&asked)) {
            plan.release_before = None;
            due = std::mem::take(&mut plan.held);
        }
        if plan.random.is_some() {
            while !plan.held.is_empty() && roll(&mut plan, 4) == 0 {
                let at = usize::try_from(roll(&mut plan, 1 << 30)).unwrap() % plan.held.len();
                due.push(plan.held.swap_remove(at));
            }
        }
        let is_random = plan.random.is_some() && asked.is_change() && roll(&mut plan, 5) == 0;
        if is_random || plan.hold.as_ref().is_some_and(|is| is(&asked)) {
            plan.hold = None;
            plan.count += 1;
            plan.held.push(asked);
            drop(plan);
            due.iter().for_each(|asked| drop(carry_out(asked, server)));
            return;
        }
        due
    };
    due.iter().for_each(|asked| drop(carry_out(asked, server)));
    let _ = client.write_all(&carry_out(&asked, server));
}

/// The next of a row of numbers that is the same in every run.
fn roll(plan: &mut Plan, below: u64) -> u64 {
    let state = plan.random.as_mut().expect("it is random");
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut x = *state;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) % below
}

fn read_request(client: &mut TcpStream) -> Option<Asked> {
    let (mut whole, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    let mut wanted = usize::MAX;
    while whole.len() < wanted {
        let read = client.read(&mut buffer).ok().filter(|read| *read > 0)?;
        whole.extend(&buffer[..read]);
        if let Some(at) = whole.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&whole[..at]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            wanted = at + 4 + length.map_or(0, |length| length.trim().parse().unwrap());
        }
    }
    let line = String::from_utf8_lossy(whole.split(|byte| *byte == b'\r').next()?).into_owned();
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let path = target.split('?').next()?.to_owned();
    // One request per connection.
    let at = whole.windows(2).position(|two| two == b"\r\n")? + 2;
    whole.splice(at..at, *b"Connection: close\r\n");
    Some(Asked { method, path, whole })
}

fn carry_out(asked: &Asked, server: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut upstream = TcpStream::connect(server).unwrap();
    upstream.write_all(&asked.whole).unwrap();
    let _ = upstream.read_to_end(&mut answer);
    answer
}

pub(crate) struct Reached {
    pub(crate) line: Line,
    pub(crate) store: Blockstore,
    /// The same store, reached at the server itself.
    pub(crate) other: Arc<Blockstore>,
    pub(crate) bundle: Uuid,
    pub(crate) draft: Uuid,
    pub(crate) folder: TempDir,
}

fn open(folder: &Path) -> Blockstore {
    store_in(folder, Access::ReadWrite, Arc::new(Now)).expect("the store opens")
}

pub(crate) fn reached() -> Option<Reached> {
    let bucket = bucket(&s3()?.url);
    let line = Line::to(bucket.address);
    let folder = tempfile::tempdir().unwrap();
    put_at(folder.path(), &bucket, &line.address, &[]);
    let store = open(folder.path());
    let place = folder.path().join("assets");
    let text = std::fs::read_to_string(&place).unwrap();
    std::fs::write(&place, text.replace(&line.address, bucket.address)).unwrap();
    let other = Arc::new(open(folder.path()));
    let (bundle, draft) = new_bundle(&store, "tides", &[("z.txt", "zero")]);
    Some(Reached { line, store, other, bundle, draft, folder })
}

impl Reached {
    fn write(&self, path: &str, text: &str) {
        self.store.write_draft_file(self.draft, path, Some(text.as_bytes())).unwrap();
    }

    /// Holds what readers, a backup's copy and the next version have against what was acknowledged.
    fn expect(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            for store in [&self.store, &*self.other] {
                let bytes = store.get_bundle_file_data(self.bundle, path, Some(DRAFT)).unwrap();
                assert_eq!(String::from_utf8_lossy(&bytes), *text, "{path}");
                let mut streamed = Vec::new();
                let mut file = store.open_bundle_file(self.bundle, path, Some(DRAFT)).unwrap();
                file.copy_proved(&mut streamed).unwrap();
                assert_eq!(String::from_utf8_lossy(&streamed), *text, "{path}");
            }
        }
        let version = self.other.commit_draft(self.draft).unwrap();
        for (path, text) in files {
            let bytes = self.other.get_bundle_version_file_data(self.bundle, version, path).unwrap();
            assert_eq!(String::from_utf8_lossy(&bytes), *text, "{path}");
        }
        let report = self.other.fsck(FsckOptions::default()).unwrap();
        assert!(report.findings.is_sound(), "{:?}", report.findings);
    }
}

#[test]
fn a_waiting_document_that_comes_late_is_nobody_elses() {
    let Some(reached) = reached() else { return };
    let is_waiting = |asked: &Asked| asked.path.contains("/incoming/") && asked.changes("summary.json");
    reached.line.hold(is_waiting);
    reached.write("a.txt", "one");
    // Between the document that waits and the one in its place.
    reached.line.release_before(|asked| {
        !asked.path.contains("/incoming/") && asked.method == "PUT" && asked.changes("/summary.json")
    });
    reached.write("b.txt", "two");
    assert_eq!(reached.line.count(), 1);
    assert!(reached.line.plan().held.is_empty());
    reached.expect(&[("a.txt", "one"), ("b.txt", "two")]);
}

#[test]
fn a_document_that_comes_late_is_not_written_over_a_later_one() {
    let Some(reached) = reached() else { return };
    reached.line.hold(|asked| !asked.path.contains("/incoming/") && asked.changes("/summary.json"));
    reached.write("a.txt", "one");
    reached.write("b.txt", "two");
    reached.line.release();
    reached.expect(&[("a.txt", "one"), ("b.txt", "two")]);
}

#[test]
fn a_removal_that_comes_late_takes_nothing_staged_since() {
    let Some(reached) = reached() else { return };
    reached.write("a.txt", "one");
    reached.line.hold(|asked| asked.method != "PUT" && asked.changes("/data/a.txt"));
    reached.store.commit_draft(reached.draft).unwrap();
    reached.write("a.txt", "two");
    reached.line.release();
    let report = reached.other.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).unwrap();
    let codes: Vec<_> = report.findings.iter().map(|found| (found.code, found.is_repaired)).collect();
    assert!(codes.contains(&("staged", true)), "{:?}", report.findings);
    reached.expect(&[("a.txt", "two")]);
}

#[test]
fn bytes_that_come_late_are_not_read_and_not_committed() {
    let Some(reached) = reached() else { return };
    reached.line.hold(|asked| asked.changes("/data/a.txt"));
    reached.write("a.txt", "one");
    reached.write("a.txt", "two");
    reached.line.release();
    reached.expect(&[("a.txt", "two")]);
    // And where it is staged again.
    reached.write("a.txt", "three");
    reached.line.hold(|asked| asked.changes("/data/a.txt"));
    reached.write("a.txt", "four");
    reached.write("a.txt", "five");
    reached.line.release();
    reached.expect(&[("a.txt", "five")]);
}

#[test]
fn streams_that_come_late_are_not_read_and_not_committed() {
    let Some(reached) = reached() else { return };
    let stream = |text: &str| {
        let text = text.repeat(3 << 20);
        reached.store.write_draft_file_from(reached.draft, "film.bin", text.as_bytes()).unwrap();
        text
    };
    reached.line.hold(|asked| asked.changes("/data/film.bin"));
    stream("two");
    let film = stream("six");
    reached.line.release();
    reached.expect(&[("film.bin", &film)]);
}

#[test]
fn whatever_comes_late_nothing_acknowledged_is_lost() {
    let Some(reached) = reached() else { return };
    let mut files = BTreeMap::from([("z.txt", "zero".to_owned())]);
    reached.line.plan().random = Some(11);
    let mut version = 1;
    for round in 0..60 {
        let path = ["a.txt", "b/c.txt", "z.txt"][round % 3];
        let text = format!("round {round}");
        reached.write(path, &text);
        files.insert(path, text);
        if round % 7 == 6 {
            let number = reached.store.commit_draft(reached.draft).unwrap();
            assert_eq!(number, version + 1);
            version = number;
        }
        for (path, text) in &files {
            let bytes = reached.other.get_bundle_file_data(reached.bundle, path, Some(DRAFT)).unwrap();
            assert_eq!(String::from_utf8_lossy(&bytes), *text, "round {round}, {path}");
        }
    }
    reached.line.plan().random = None;
    assert!(reached.line.count() > 20);
    if !reached.line.plan().held.is_empty() {
        reached.line.release();
    }
    let expected: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let repaired = reached.other.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).unwrap();
    assert!(repaired.findings.is_sound(), "{:?}", repaired.findings);
    reached.expect(&expected);
}
