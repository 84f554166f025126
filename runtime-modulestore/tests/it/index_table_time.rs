//! A table of course indexes that is not to be had: its server falls silent, or says one byte after another, its file is
//! locked. No call takes longer than is set, however often it tries.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use xblock_core::runtime::{Branch, Runtime, RuntimeError};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::index_table::Table;
use crate::mongo::opening;
use crate::server::{open, server};

/// What a line does.
#[derive(Clone, Copy, Default)]
enum Mode {
    #[default]
    Open,
    /// From a request with these words on it says nothing more, and takes the request along or keeps it back.
    SilentAt {
        words: &'static str,
        is_sent: bool,
    },
    Silent,
    /// It hands one byte over at a time.
    Dripping,
}

#[derive(Default)]
struct State {
    mode: Mode,
    lines: Vec<TcpStream>,
}

/// Stands between a store and a server.
#[derive(Clone, Default)]
struct Proxy {
    state: Arc<Mutex<State>>,
    connections: Arc<AtomicUsize>,
    drips: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens for a server at an address; returns the port.
    fn before(server: String) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let proxy = Self::default();
        let own = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                let upstream = TcpStream::connect(&server).expect("the server");
                let copy = |line: &TcpStream| line.try_clone().expect("a handle");
                own.connections.fetch_add(1, Ordering::SeqCst);
                own.state().lines.extend([copy(&client), copy(&upstream)]);
                let (up, down) = (own.clone(), own.clone());
                let (from, to) = (copy(&client), copy(&upstream));
                thread::spawn(move || up.carry(from, to, true));
                thread::spawn(move || down.carry(upstream, client, false));
            }
        });
        (proxy, port)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics")
    }

    fn set(&self, mode: Mode) {
        self.state().mode = mode;
    }

    /// Cuts every line there is; new ones are as they should be.
    fn heal(&self) {
        let mut state = self.state();
        state.mode = Mode::Open;
        state.lines.drain(..).for_each(|line| drop(line.shutdown(Shutdown::Both)));
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, is_request: bool) {
        let mut bytes = [0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let bytes = &bytes[..count];
            let mode = {
                let mut state = self.state();
                let mode = state.mode;
                if let Mode::SilentAt { words, .. } = mode {
                    let is_meant = bytes.windows(words.len()).any(|part| part == words.as_bytes());
                    if is_request && is_meant {
                        state.mode = Mode::Silent;
                    } else {
                        drop(state);
                        if to.write_all(bytes).is_err() {
                            break;
                        }
                        continue;
                    }
                }
                mode
            };
            let done = match mode {
                Mode::Silent | Mode::SilentAt { is_sent: false, .. } => Ok(()),
                Mode::Dripping if !is_request => bytes.iter().try_for_each(|byte| {
                    self.drips.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(100));
                    to.write_all(&[*byte])
                }),
                _ => to.write_all(bytes),
            };
            if done.is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}

/// An edit against a server that falls silent tries nothing anew after its time, and says what it does not know.
#[test]
fn an_edit_at_a_silent_mysql_server_ends_with_its_time() {
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let database = server.new_database();
    let direct = server.url(&database, &table.option());
    published_course(&open(&direct));
    let (proxy, port) = Proxy::before(table.server());
    let url = server.url(&database, &format!("{}&timeoutMS=4000", table.option_at(port)));
    let head = || open(&direct).context(&context()).expect("the context").draft.version;
    let cases = [
        ("START TRANSACTION", false, false),
        ("UPDATE split", false, false),
        ("COMMIT", false, true),
        ("COMMIT", true, true),
    ];
    for (number, (words, is_sent, may_be_made)) in cases.into_iter().enumerate() {
        proxy.heal();
        let first = commit(&open(&direct), edit().put(usage("html", "h1"), html(&format!("first {number}"))));
        // Statements have their words the first time they are asked on a connection.
        let runtime = open(&url);
        let before = proxy.connections.load(Ordering::SeqCst);
        proxy.set(Mode::SilentAt { words, is_sent });
        let second = runtime.commit(edit().put(usage("html", "h1"), html(&format!("second {number}"))));
        let Err(RuntimeError::Storage { source, .. }) = second else { panic!("{words}: {second:?}") };
        assert_eq!(proxy.connections.load(Ordering::SeqCst), before, "{words}: another try");
        let told = source.to_string().contains("whether the edit was made is not known");
        assert_eq!(told, may_be_made, "{words}: {source}");
        proxy.heal();
        // What the server was told to keep it has kept.
        assert_eq!(head() == first.draft, !is_sent, "{words}");
        // The connections that lay beside the silent one are gone, too.
        let third = commit(&runtime, edit().put(usage("html", "h1"), html(&format!("third {number}"))));
        assert_eq!(head(), third.draft, "{words}");
    }
    let history = open(&direct).history(&context(), Branch::Draft).expect("the history");
    assert!(history.len() >= 2 * cases.len());
}

/// A commit whose connection breaks is looked for, and found, in the time that is left.
#[test]
fn a_commit_whose_connection_breaks_is_found() {
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let database = server.new_database();
    let direct = server.url(&database, &table.option());
    let (proxy, port) = Proxy::before(table.server());
    let runtime = open(&server.url(&database, &table.option_at(port)));
    published_course(&runtime);
    let count = || open(&direct).history(&context(), Branch::Draft).expect("the history").len();
    let before = count();
    proxy.set(Mode::SilentAt { words: "COMMIT", is_sent: true });
    let cut = thread::scope(|scope| {
        let cutter = scope.spawn(|| {
            while !matches!(proxy.state().mode, Mode::Silent) {
                thread::sleep(Duration::from_millis(1));
            }
            proxy.heal();
        });
        let made = commit(&runtime, edit().put(usage("html", "h1"), html("once")));
        cutter.join().expect("nobody panics");
        made
    });
    assert_eq!(open(&direct).context(&context()).expect("the context").draft.version, cut.draft);
    assert_eq!(count(), before + 1);
}

/// Each byte comes in time, and all of them do not.
#[test]
fn an_answer_of_a_mysql_server_comes_as_a_whole_or_not_at_all() {
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let database = server.new_database();
    published_course(&open(&server.url(&database, &table.option())));
    let (proxy, port) = Proxy::before(table.server());
    let url = server.url(&database, &format!("{}&timeoutMS=2000", table.option_at(port)));
    let runtime = open(&url);
    runtime.context(&context()).expect("the context");
    proxy.set(Mode::Dripping);
    // A row with its columns is more than a thousand bytes.
    let Err(RuntimeError::Storage { source, .. }) = runtime.context(&context()) else {
        panic!("that would have taken minutes")
    };
    let drips = proxy.drips.load(Ordering::SeqCst);
    proxy.heal();
    assert!(source.to_string().contains("did not answer in time"), "{source}");
    assert!((1..400).contains(&drips), "{drips} bytes");
    runtime.context(&context()).expect("the context");
}

/// What is said before anything can be asked counts to the time a connection may take.
#[test]
fn a_greeting_of_single_bytes_is_not_waited_for() {
    const BYTES: usize = 600;
    let Some(server) = server() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    thread::spawn(move || {
        for line in listener.incoming() {
            let mut line = line.expect("a connection");
            let greeting = [0xff, 0xff, 0, 0, 10].into_iter().chain(std::iter::repeat_n(b'5', BYTES));
            for byte in greeting {
                if line.write_all(&[byte]).is_err() {
                    break;
                }
                count.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(100));
            }
        }
    });
    let index = format!("index=mysql://root@{address}/edxapp%3Fconnect-timeout=1");
    let (text, _) = opening(&format!("{}{}?{index}", server.address, server.new_database()), None);
    let sent = sent.load(Ordering::SeqCst);
    assert!(text.contains(&address.to_string()) && text.contains("did not answer in time"), "{text}");
    assert!(sent < BYTES / 2, "{sent} bytes");
}

#[test]
fn a_locked_file_with_the_table_is_waited_for_as_long_as_is_set() {
    let Some(server) = server() else { return };
    let (database, table) = (server.new_database(), Table::sqlite());
    published_course(&open(&server.url(&database, &table.option())));
    let runtime = open(&server.url(&database, &format!("{}&timeoutMS=2000", table.option())));
    let locked = table.file();
    locked.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
    let start = Instant::now();
    let Err(RuntimeError::Storage { source, .. }) = runtime.context(&context()) else {
        panic!("nobody can read it")
    };
    assert!(source.to_string().contains("locked"), "{source}");
    // It was half a minute.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    locked.execute_batch("ROLLBACK").expect("the lock is given back");
    runtime.context(&context()).expect("the context");
}
