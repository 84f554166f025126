//! A bad line between a store and its object store: what is acknowledged is there, what is not is nowhere.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use runtime_blockstore::{
    Access, BackupOptions, Blockstore, BlockstoreError, FsckOptions, GcOptions, Severity, check_backup,
};
use tempfile::TempDir;

use crate::fixture::{Now, assets_of, new_bundle, store_in};
use crate::objects::{Bucket, RawObjects, bucket, put_at};
use crate::services::s3;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// It is reset once so many bytes were asked; what came in may be half a request.
    CutAsking(u64),
    /// It is reset once so many bytes were answered; the server has done what it was told.
    CutAnswer(u64),
    /// Its first request is told to come later.
    Busy,
    /// Nothing is answered, and nothing is cut for longer than a request may take.
    Silent,
}

/// How a line is: nothing fails, half of all connections fail, all of them fail.
const GOOD: u32 = 0;
const BAD: u32 = 1;
const DEAD: u32 = 2;

/// A proxy before the server whose connections fail at random, as long as it is told to.
struct BadLine {
    address: String,
    state: Arc<State>,
}

struct State {
    line: AtomicU32,
    random: AtomicU64,
    faults: AtomicU32,
    /// Connections of before the line changed are cut at their next byte, for a client keeps them.
    change: AtomicU32,
    /// The status by which reading data files is refused, none where it is 0; everything else goes through.
    refusal: AtomicU32,
}

impl State {
    /// The next of a row of numbers that is the same in every run.
    fn random(&self, below: u64) -> u64 {
        let mut x = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % below
    }

    fn fault(&self) -> Fault {
        let kind = match self.line.load(Ordering::SeqCst) {
            GOOD => return Fault::None,
            BAD => self.random(20),
            // Told to come later, whatever it is.
            _ => 8,
        };
        let fault = match kind {
            0..=3 => Fault::CutAsking(self.random(6_000)),
            4..=7 => Fault::CutAnswer(self.random(3_000)),
            8 | 9 => Fault::Busy,
            10 => Fault::Silent,
            _ => return Fault::None,
        };
        self.faults.fetch_add(1, Ordering::SeqCst);
        fault
    }
}

impl BadLine {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let state = State {
            line: AtomicU32::new(GOOD),
            random: AtomicU64::new(7),
            faults: AtomicU32::new(0),
            change: AtomicU32::new(0),
            refusal: AtomicU32::new(0),
        };
        let state = Arc::new(state);
        let (shared, server) = (state.clone(), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (state, server) = (shared.clone(), server.clone());
                thread::spawn(move || serve(&state, client, &server));
            }
        });
        Self { address, state }
    }

    fn be(&self, line: u32) {
        self.state.line.store(line, Ordering::SeqCst);
        self.state.change.fetch_add(1, Ordering::SeqCst);
    }

    fn faults(&self) -> u32 {
        self.state.faults.load(Ordering::SeqCst)
    }
}

fn serve(state: &Arc<State>, mut client: TcpStream, server: &str) {
    let fault = state.fault();
    if fault == Fault::Silent {
        thread::sleep(Duration::from_secs(3));
        return;
    }
    if fault == Fault::Busy {
        let mut some = [0; 1024];
        let _ = client.read(&mut some);
        let _ = client.write_all(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    }
    let Ok(upstream) = TcpStream::connect(server) else { return };
    let (asking, answering) = match fault {
        Fault::CutAsking(bytes) => (bytes, u64::MAX),
        Fault::CutAnswer(bytes) => (u64::MAX, bytes),
        _ => (u64::MAX, u64::MAX),
    };
    let (Ok(from), Ok(to)) = (client.try_clone(), upstream.try_clone()) else { return };
    let shared = state.clone();
    let change = state.change.load(Ordering::SeqCst);
    thread::spawn(move || carry(&shared, change, from, to, asking));
    carry(state, change, upstream, client, answering);
}

/// Answers who asks for a data file where that is refused.
fn refuse(state: &State, asked: &[u8], client: &mut TcpStream) -> bool {
    let status = state.refusal.load(Ordering::SeqCst);
    let asked = String::from_utf8_lossy(asked);
    let line = asked.lines().next().unwrap_or_default();
    let is_refused = status > 0
        && (line.starts_with("GET ") || line.starts_with("HEAD "))
        && line.contains("/snapshot_data/");
    if is_refused {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = client.write_all(answer.as_bytes());
    }
    is_refused
}

/// Carries so many bytes, then cuts both ways.
fn carry(state: &State, change: u32, mut from: TcpStream, mut to: TcpStream, mut left: u64) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        let passed = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        let is_old = state.change.load(Ordering::SeqCst) != change;
        if read == 0
            || is_old
            || refuse(state, &buffer[..read], &mut from)
            || to.write_all(&buffer[..passed]).is_err()
            || passed < read
        {
            break;
        }
        left -= passed as u64;
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// How many changes are made over a bad line; `make test-store` makes 300.
fn rounds() -> u64 {
    std::env::var("BLOCKSTORE_FAULT_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

const OPTIONS: [(&str, &str); 3] =
    [("aws_timeout", "1 second"), ("aws_connect_timeout", "1 second"), ("blockstore_assets_timeout", "3")];

/// One store, reached over a bad line and over a good one.
struct Reached {
    line: BadLine,
    bad: Blockstore,
    good: Blockstore,
    folder: TempDir,
}

fn reached() -> Option<Reached> {
    let bucket: Bucket<'static> = bucket(&s3()?.url);
    let line = BadLine::to(bucket.address);
    let folder = tempfile::tempdir().expect("a temporary folder");
    put_at(folder.path(), &bucket, &line.address, &OPTIONS);
    let place = folder.path().join("assets");
    let bad = open(folder.path());
    // The same place, at the server itself.
    let text = std::fs::read_to_string(&place).expect("the place");
    std::fs::write(&place, text.replace(&line.address, bucket.address)).expect("the place");
    let good = open(folder.path());
    Some(Reached { line, bad, good, folder })
}

fn open(folder: &Path) -> Blockstore {
    store_in(folder, Access::ReadWrite, Arc::new(Now)).expect("the store opens")
}

/// Says whether an error tells of the line, and nothing worse.
fn is_of_the_line(error: &BlockstoreError) -> bool {
    matches!(error, BlockstoreError::Io { .. })
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_half_is_seen() {
    let Some(Reached { line, bad, good, folder }) = reached() else { return };
    let (bundle, draft) = new_bundle(&bad, "tides", &[("a.txt", "0"), ("b.txt", "0")]);
    let mut versions: Vec<BTreeMap<&str, String>> =
        vec![[("a.txt", "0".to_owned()), ("b.txt", "0".to_owned())].into()];
    let (mut acknowledged, mut refused) = (0, 0);
    for round in 1..=rounds() {
        line.be(if round % 10 == 0 { DEAD } else { BAD });
        let text = format!("{round} {}", "wave ".repeat(usize::try_from(round * 13 % 900).unwrap()));
        // Both at once: whoever sees one of them only sees half a change.
        let files = BTreeMap::from([("a.txt", Some(text.as_bytes())), ("b.txt", Some(text.as_bytes()))]);
        let staged = bad.write_draft_files(draft, &files);
        let committed = staged.and_then(|()| bad.commit_draft(draft));
        match committed {
            Ok(number) => {
                versions.push([("a.txt", text.clone()), ("b.txt", text.clone())].into());
                assert_eq!(number as usize, versions.len());
                acknowledged += 1;
            }
            Err(error) => {
                assert!(is_of_the_line(&error), "round {round}: {error}");
                assert!(error.to_string().contains("s3://"), "{error}");
                refused += 1;
            }
        }
        match bad.get_bundle_file_data(bundle, "a.txt", None) {
            Ok(bytes) => assert_eq!(bytes, versions.last().unwrap()["a.txt"].as_bytes()),
            Err(error) => assert!(is_of_the_line(&error), "round {round}: {error}"),
        }
        line.be(GOOD);
        let now = good.get_bundle(bundle).unwrap().latest_version as usize;
        assert_eq!(now, versions.len(), "round {round}");
        let read = |path| good.get_bundle_file_data(bundle, path, None).unwrap();
        assert_eq!(read("a.txt"), versions[now - 1]["a.txt"].as_bytes());
        assert_eq!(read("a.txt"), read("b.txt"));
        let drafted = |path| good.get_bundle_file_data(bundle, path, Some("studio_draft")).unwrap();
        assert_eq!(drafted("a.txt"), drafted("b.txt"), "round {round}");
    }
    assert!(line.faults() > 0 && acknowledged > 0 && refused > 0);
    println!("{} faults, {acknowledged} commits acknowledged, {refused} refused", line.faults());
    // What was refused last may still be staged.
    let _ = good.commit_draft(draft);
    for (at, files) in versions.iter().enumerate() {
        for (path, text) in files {
            let bytes = good.get_bundle_version_file_data(bundle, at as u64 + 1, path).unwrap();
            assert_eq!(bytes, text.as_bytes());
        }
    }
    let report = open(folder.path()).fsck(FsckOptions::default()).unwrap();
    assert!(report.findings.is_sound(), "{:?}", report.findings);
    // What failed commits left is no more than waste.
    good.gc(&GcOptions { delete: true, grace: Duration::ZERO, ..GcOptions::default() }).unwrap();
    let report = open(folder.path()).fsck(FsckOptions::default()).unwrap();
    assert_eq!(report.findings, []);
}

#[test]
fn streams_over_a_bad_line_come_whole_or_not_at_all() {
    let Some(Reached { line, bad, good, folder: _folder }) = reached() else { return };
    let (bundle, draft) = new_bundle(&bad, "tides", &[("film.bin", "none")]);
    let mut length = 4;
    for round in 1..=rounds() / 8 {
        line.be(if round % 10 == 0 { DEAD } else { BAD });
        let bytes = vec![u8::try_from(round % 251).unwrap(); (8 << 20) + usize::try_from(round).unwrap()];
        match bad.write_draft_file_from(draft, "film.bin", &*bytes).and_then(|_| bad.commit_draft(draft)) {
            Ok(_) => length = bytes.len() as u64,
            Err(error) => assert!(is_of_the_line(&error), "{error}"),
        }
        let read = bad.open_bundle_file(bundle, "film.bin", None);
        match read.and_then(|mut file| file.copy_proved(&mut std::io::sink())) {
            Ok(read) => assert_eq!(read, length),
            Err(error) => assert!(is_of_the_line(&error), "{error}"),
        }
        line.be(GOOD);
        let mut file = good.open_bundle_file(bundle, "film.bin", None).unwrap();
        assert_eq!(file.copy_proved(&mut std::io::sink()).unwrap(), length);
    }
}

#[test]
fn a_sweep_beside_somebody_who_links_and_deletes_breaks_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (_, ours) = new_bundle(&store, "ours", &[("a.txt", "0")]);
    let writer = open(folder.path());
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..rounds().min(60) {
                let (target, _) =
                    new_bundle(&writer, &format!("target-{round}"), &[("t.txt", &format!("{round}"))]);
                writer.set_draft_link(ours, &format!("link-{round}"), Some((target, 1))).unwrap();
                writer.commit_draft(ours).unwrap();
                // Its files stay, for the link leads there.
                writer.delete_bundle(target).unwrap();
            }
            is_done.store(true, Ordering::SeqCst);
        });
        while !is_done.load(Ordering::SeqCst) {
            store.gc(&GcOptions { delete: true, grace: Duration::ZERO, ..GcOptions::default() }).unwrap();
        }
    });
    let report = open(folder.path()).fsck(FsckOptions::default()).unwrap();
    assert!(report.findings.is_sound(), "{:?}", report.findings);
}

#[test]
fn a_sweep_beside_a_writer_takes_nothing_in_use() {
    let Some(Reached { good, folder, .. }) = reached() else { return };
    let (bundle, draft) = new_bundle(&good, "tides", &[("a.txt", "0")]);
    let writer = open(folder.path());
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=30 {
                writer.write_draft_file(draft, "a.txt", Some(format!("{round}").as_bytes())).unwrap();
                writer.commit_draft(draft).unwrap();
            }
            is_done.store(true, Ordering::SeqCst);
        });
        // Against our own writers the lock guards, so that even no grace at all is safe.
        while !is_done.load(Ordering::SeqCst) {
            good.gc(&GcOptions { delete: true, grace: Duration::ZERO, ..GcOptions::default() }).unwrap();
        }
    });
    for number in 1..=31_u64 {
        let bytes = good.get_bundle_version_file_data(bundle, number, "a.txt").unwrap();
        assert_eq!(bytes, (number - 1).to_string().as_bytes());
    }
    assert!(open(folder.path()).fsck(FsckOptions::default()).unwrap().findings.is_sound());
}

#[test]
fn a_service_that_does_not_answer_is_no_damage() {
    let Some(Reached { line, bad, folder, .. }) = reached() else { return };
    let (bundle, _) = new_bundle(&bad, "tides", &[("a.txt", "ebb"), ("b.txt", "flow")]);
    let repair = FsckOptions { is_quick: false, repair: true };
    for status in [503, 403] {
        line.state.refusal.store(status, Ordering::SeqCst);
        for options in [FsckOptions::default(), FsckOptions { is_quick: true, repair: false }, repair] {
            let outcome = bad.fsck(options);
            assert!(matches!(outcome, Err(BlockstoreError::Io { .. })), "{status}: {outcome:?}");
        }
    }
    // Nor does a backup say so for ever.
    let backups = tempfile::tempdir().unwrap();
    let outcome = bad.backup(backups.path(), BackupOptions::default());
    assert!(matches!(outcome, Err(BlockstoreError::Io { .. })), "{outcome:?}");
    assert!(matches!(check_backup(backups.path()), Err(BlockstoreError::Missing { .. })));
    line.state.refusal.store(0, Ordering::SeqCst);
    let report = bad.fsck(FsckOptions::default()).unwrap();
    assert_eq!(report.findings, []);
    // What is not there is.
    let lost = bad.get_bundle_file_storage_path(bundle, "a.txt", None).unwrap();
    RawObjects::at(&assets_of(folder.path())).remove(&lost);
    let codes: Vec<_> = bad.fsck(repair).unwrap().findings.iter().map(|f| (f.severity, f.code)).collect();
    assert_eq!(codes, [(Severity::Damage, "data")]);
}
