//! Something between a store and its server that fails when it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It arrives.
    Pass,
    /// Every connection is cut once so many bytes have gone through, whatever they are.
    CutAfter(i64),
    /// As `CutAfter`, but only the first one is cut.
    CutOnceAfter(i64),
    /// The next `COMMIT` does not arrive, and its connection is cut.
    LoseCommit,
    /// The next `COMMIT` arrives, and its connection is cut before the answer.
    LoseAnswer,
    /// Nothing arrives and nothing is cut.
    Stall,
}

struct State {
    mode: Mutex<Mode>,
    left: AtomicI64,
    cuts: AtomicU32,
}

/// A proxy on a port of its own, as long as the process runs.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let state = State { mode: Mutex::new(Mode::Pass), left: AtomicI64::new(0), cuts: AtomicU32::new(0) };
        let state = Arc::new(state);
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let Ok(server) = TcpStream::connect(server) else { continue };
                for stream in [&client, &server] {
                    stream.set_nodelay(true).expect("an option of a socket");
                }
                let (from, to) = (client.try_clone().expect("it"), server.try_clone().expect("it"));
                let (asking, answering) = (shared.clone(), shared.clone());
                thread::spawn(move || carry(&asking, from, to, true));
                thread::spawn(move || carry(&answering, server, client, false));
            }
        });
        Self { port, state }
    }

    pub(crate) fn set(&self, mode: Mode) {
        if let Mode::CutAfter(bytes) | Mode::CutOnceAfter(bytes) = mode {
            self.state.left.store(bytes, Ordering::SeqCst);
        }
        *self.state.mode.lock().expect("nobody panics with it") = mode;
    }

    /// Says how many connections were cut.
    pub(crate) fn cuts(&self) -> u32 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

fn carry(state: &State, mut from: TcpStream, mut to: TcpStream, is_asking: bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        let mut mode = state.mode.lock().expect("nobody panics with it");
        // A query begins with the byte 3.
        let commits = is_asking && bytes.windows(7).any(|seven| seven == b"\x03COMMIT");
        let cuts = match *mode {
            Mode::Pass => false,
            Mode::CutAfter(_) | Mode::CutOnceAfter(_) => {
                state.left.fetch_sub(i64::try_from(read).unwrap_or(i64::MAX), Ordering::SeqCst) < 0
            }
            Mode::LoseCommit if commits => true,
            Mode::LoseAnswer if commits => {
                let _ = to.write_all(bytes);
                true
            }
            Mode::LoseCommit | Mode::LoseAnswer => false,
            Mode::Stall => {
                drop(mode);
                thread::park();
                return;
            }
        };
        if read == 0 || cuts {
            if cuts {
                state.cuts.fetch_add(1, Ordering::SeqCst);
                if *mode == Mode::LoseAnswer {
                    // The server must have got it: it closes only after that, having carried it out.
                    let _ = to.shutdown(Shutdown::Write);
                    let _ = from.shutdown(Shutdown::Both);
                    *mode = Mode::Pass;
                    return;
                }
                if matches!(*mode, Mode::LoseCommit | Mode::CutOnceAfter(_)) {
                    *mode = Mode::Pass;
                }
            }
            break;
        }
        drop(mode);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
