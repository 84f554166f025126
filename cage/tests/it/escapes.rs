//! What code must not be able to do. Each attempt sets `escaped` where it succeeds.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use cage::{Cage, Outcome, Run, RunLimits};

use crate::running::cage;

/// Attempts that end at once, by name.
const ATTEMPTS: &[(&str, &str)] = &[
    // Files.
    ("read /etc/passwd", "open('/etc/passwd').read(); escaped = True"),
    (
        "read /etc/hostname by os",
        "import os; os.read(os.open('/etc/hostname', os.O_RDONLY), 1); escaped = True",
    ),
    ("read through io.FileIO", "import io; io.FileIO('/etc/hosts').read(); escaped = True"),
    ("read by a relative path", "open('../../../../etc/passwd').read(); escaped = True"),
    (
        "read by a path that goes up from Python",
        "import os; open(os.__file__ + '/../../../../../../../../../etc/passwd').read(); escaped = True",
    ),
    ("list the root", "import os; os.listdir('/'); escaped = True"),
    ("list the home", "import os; os.listdir(os.path.expanduser('~root')); escaped = True"),
    ("walk the file system", "import os; escaped = any(files for _, _, files in os.walk('/etc'))"),
    ("scan a folder", "import os; list(os.scandir('/etc')); escaped = True"),
    ("glob", "import glob; escaped = bool(glob.glob('/etc/*'))"),
    ("write to /tmp", "open('/tmp/cage-escape', 'w'); escaped = True"),
    ("append to Python's own files", "import os; open(os.__file__, 'a'); escaped = True"),
    (
        "write beside Python's modules",
        "import os; open(os.path.join(os.path.dirname(os.__file__), 'evil.py'), 'w'); escaped = True",
    ),
    ("write to the present folder", "open('evil', 'w'); escaped = True"),
    ("make a temporary file", "import tempfile; tempfile.TemporaryFile(); escaped = True"),
    ("make a folder", "import os; os.mkdir('/tmp/cage-escape-folder'); escaped = True"),
    ("remove a file", "import os; os.remove(os.__file__); escaped = True"),
    ("rename a file", "import os; os.rename(os.__file__, os.__file__ + 'x'); escaped = True"),
    ("link a file", "import os; os.symlink('/etc/passwd', '/tmp/cage-link'); escaped = True"),
    ("hard link a file", "import os; os.link('/etc/passwd', '/tmp/cage-link'); escaped = True"),
    ("change rights", "import os; os.chmod(os.__file__, 0o777); escaped = True"),
    ("change the owner", "import os; os.chown(os.__file__, 1, 1); escaped = True"),
    ("set times", "import os; os.utime(os.__file__); escaped = True"),
    ("truncate", "import os; os.truncate(os.__file__, 0); escaped = True"),
    ("make a pipe in the file system", "import os; os.mkfifo('/tmp/cage-fifo'); escaped = True"),
    ("make a device", "import os; os.mknod('/tmp/cage-device'); escaped = True"),
    ("change the folder", "import os; os.chdir('/etc'); escaped = True"),
    ("change the root", "import os; os.chroot('/'); escaped = True"),
    ("open a terminal", "open('/dev/tty'); escaped = True"),
    ("read memory as a device", "open('/dev/mem', 'rb'); escaped = True"),
    ("read a disk", "open('/dev/vda', 'rb'); escaped = True"),
    ("make a file in memory", "import os; os.memfd_create('x'); escaped = True"),
    // Processes.
    ("read its own environment from /proc", "open('/proc/self/environ').read(); escaped = True"),
    (
        "read the parent's environment",
        "import os; open('/proc/%d/environ' % os.getppid()).read(); escaped = True",
    ),
    ("read its memory map", "open('/proc/self/maps').read(); escaped = True"),
    ("read other processes", "import os; os.listdir('/proc'); escaped = True"),
    (
        "find anything of ours in the environment",
        "import os; escaped = bool(set(os.environ) - {'OPENBLAS_NUM_THREADS', 'TMPDIR', 'MPLCONFIGDIR'})",
    ),
    ("fork", "import os\nif os.fork() == 0: os._exit(0)\nescaped = True"),
    ("fork with a terminal", "import pty; pty.fork(); escaped = True"),
    ("system", "import os; escaped = os.system('true') == 0"),
    ("popen", "import os; escaped = bool(os.popen('echo hello').read())"),
    ("subprocess", "import subprocess; subprocess.check_output(['true']); escaped = True"),
    ("spawn", "import os; escaped = os.posix_spawn('/bin/true', ['true'], {}) > 0"),
    ("exec", "import os; os.execv('/bin/echo', ['echo'])"),
    (
        "multiprocessing",
        "import multiprocessing\np = multiprocessing.Process(target=print)\np.start()\nescaped = True",
    ),
    ("kill the parent", "import os; os.kill(os.getppid(), 9); escaped = True"),
    ("kill all", "import os; os.kill(-1, 9); escaped = True"),
    ("kill its group", "import os; os.killpg(0, 9); escaped = True"),
    ("signal the first process", "import os; os.kill(1, 0); escaped = True"),
    (
        "signal by handle",
        "import os, signal; signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9); escaped = True",
    ),
    ("become another user", "import os; os.setuid(0); escaped = True"),
    ("leave its session", "import os; os.setsid(); escaped = True"),
    ("raise its limits", "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); escaped = True"),
    (
        "raise its processor time",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1000, 1000)); escaped = True",
    ),
    (
        "change another's limits",
        "import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1)); escaped = True",
    ),
    ("raise its priority", "import os; os.nice(-5); escaped = True"),
    ("use other processors", "import os; os.sched_setaffinity(0, [0]); escaped = True"),
    // Network.
    ("connect by TCP", "import socket; socket.create_connection(('127.0.0.1', PORT), 1); escaped = True"),
    (
        "connect over IPv6",
        "import socket; socket.socket(socket.AF_INET6).connect(('::1', PORT)); escaped = True",
    ),
    (
        "send by UDP",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT)); escaped = True",
    ),
    ("raw sockets", "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); escaped = True"),
    ("packet sockets", "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW); escaped = True"),
    ("netlink", "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); escaped = True"),
    (
        "local sockets",
        "import socket; socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock'); escaped = True",
    ),
    ("pairs of sockets", "import socket; socket.socketpair(); escaped = True"),
    ("listen", "import socket; socket.create_server(('127.0.0.1', 0)); escaped = True"),
    (
        "open an address",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:PORT/', timeout=1); escaped = True",
    ),
    (
        "look a name up",
        "import socket; socket.gethostbyname('localhost.localdomain.invalid'); escaped = True",
    ),
    // Below Python.
    ("call the C library", "import ctypes; escaped = ctypes.CDLL(None).system(b'true') == 0"),
    ("open by the C library", "import ctypes; escaped = ctypes.CDLL(None).open(b'/etc/passwd', 0) >= 0"),
    ("socket by number", "import ctypes; escaped = ctypes.CDLL(None).syscall(41, 2, 1, 0) >= 0"),
    (
        "fork by number",
        "import ctypes\nr = ctypes.CDLL(None).syscall(57)\nif r == 0: ctypes.CDLL(None)._exit(0)\nescaped = r > 0",
    ),
    (
        "clone a process by number",
        "import ctypes\nr = ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0)\nif r == 0: ctypes.CDLL(None)._exit(0)\nescaped = r > 0",
    ),
    ("ptrace", "import ctypes, os; escaped = ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0"),
    (
        "read another's memory",
        "import ctypes, os; escaped = ctypes.CDLL(None).syscall(310, os.getppid(), 0, 0, 0, 0, 0) >= 0",
    ),
    ("unshare", "import ctypes; escaped = ctypes.CDLL(None).unshare(0x10000000) == 0"),
    ("mount", "import ctypes; escaped = ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, 0) == 0"),
    ("enter another namespace", "import ctypes; escaped = ctypes.CDLL(None).setns(0, 0) == 0"),
    ("load a kernel program", "import ctypes; escaped = ctypes.CDLL(None).syscall(321, 0, 0, 0) >= 0"),
    (
        "asynchronous calls",
        "import ctypes; escaped = ctypes.CDLL(None).syscall(425, 1, ctypes.create_string_buffer(256)) >= 0",
    ),
    ("take its filters off", "import ctypes; escaped = ctypes.CDLL(None).prctl(22, 0, 0, 0, 0) == 0"),
    ("keys of the kernel", "import ctypes; escaped = ctypes.CDLL(None).syscall(250, 0, -3, 0, 0, 0) >= 0"),
    ("set the clock", "import time; time.clock_settime(time.CLOCK_REALTIME, 0); escaped = True"),
    ("restart the machine", "import ctypes; escaped = ctypes.CDLL(None).reboot(0) == 0"),
    // `mov eax, 20; int 0x80; ret`: the 32-bit call for the process's number.
    (
        "32-bit system calls",
        "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(bytes.fromhex('b814000000cd80c3'))\n\
         f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nescaped = f() > 0",
    ),
    (
        "the other numbering of calls",
        "import ctypes; escaped = ctypes.CDLL(None).syscall(0x40000000 + 39) > 0",
    ),
    // Python tricks.
    (
        "builtins through subclasses",
        "f = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'FileLoader'][0]; f('x', '/etc/passwd').get_data('/etc/passwd'); escaped = True",
    ),
    (
        "a loader reads files",
        "import importlib.machinery as m; m.SourceFileLoader('x', '/etc/passwd').get_data('/etc/passwd'); escaped = True",
    ),
    (
        "import from elsewhere",
        "import sys; sys.path.insert(0, '/tmp'); import cage_escape_module; escaped = True",
    ),
    (
        "the control socket",
        "import os\nfor n in range(4, 64):\n    try:\n        os.fstat(n)\n        escaped = True\n    except OSError: pass",
    ),
    (
        "what this process was forked with",
        "import gc\nescaped = any(isinstance(o, dict) and 'run_filter' in o for o in gc.get_objects())",
    ),
    ("a hook at exit", "import atexit; atexit.register(lambda: open('/tmp/cage-escape-exit', 'w'))"),
    ("a deep recursion", "def f(): f()\nf()"),
    ("a crash", "import ctypes; ctypes.string_at(0)"),
    ("abort", "import os; os.abort()"),
    ("an answer of its own", "import os; os.write(3, b'\\xff' * 100); os._exit(0)"),
    (
        "an endless answer",
        "import os; os.write(3, b'\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x7f'); escaped = False",
    ),
];

/// Attempts to use more than is there, by name.
const ABUSES: &[(&str, &str)] = &[
    ("an endless loop", "while True: pass"),
    ("a sleep", "import time; time.sleep(1000)"),
    (
        "a loop that catches all",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    ),
    (
        "a signal that is ignored",
        "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass",
    ),
    ("memory", "a = 'x' * (1 << 34)"),
    ("memory bit by bit", "a = []\nwhile True: a.append(bytearray(1 << 20))"),
    ("a large power", "a = 10 ** (10 ** 9)"),
    ("a large output", "a = 'x' * (64 << 20)"),
    ("many names", "globals().update({'n%d' % i: 'x' * 1000 for i in range(100000)})"),
    (
        "threads",
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(1000,)).start()",
    ),
    (
        "a thread that goes on",
        "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()\na = 1",
    ),
    ("a fork bomb", "import os\nwhile True: os.fork()"),
    ("a regular expression", "import re; re.match('(a+)+$', 'a' * 40 + 'b')"),
    ("deep lists", "a = []\nfor _ in range(10 ** 6): a = [a]"),
    ("fill standard output", "print('x' * (1 << 28))"),
];

fn limits() -> RunLimits {
    RunLimits { real_time: Duration::from_secs(4), ..RunLimits::default() }
}

fn attempt(cage: &Cage, code: &str) -> Outcome {
    cage.run(&Run { code, seed: Some(1), ..Run::default() }, &limits()).expect("the cage goes on")
}

#[test]
fn every_attempt_to_get_out_fails() {
    let Some(cage) = cage() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("a bound socket").port().to_string();
    let mut open = Vec::new();
    for (name, code) in ATTEMPTS {
        let outcome = attempt(cage, &code.replace("PORT", &port));
        if let Outcome::Done { globals } = &outcome
            && globals.get("escaped").is_some_and(|escaped| escaped == true)
        {
            open.push(*name);
        }
    }
    assert_eq!(open, [""; 0], "these got out");
    assert!(listener.accept().is_err(), "nobody connected");
    for left in
        ["cage-escape", "cage-escape-folder", "cage-link", "cage-fifo", "cage-device", "cage-escape-exit"]
    {
        assert!(!std::path::Path::new("/tmp").join(left).exists(), "{left} was made");
    }
    assert!(matches!(attempt(cage, "a = 1"), Outcome::Done { .. }), "the cage goes on");
}

#[test]
fn every_abuse_ends() {
    let Some(cage) = cage() else { return };
    let mut left = Vec::new();
    for (name, code) in ABUSES {
        let start = Instant::now();
        let outcome = attempt(cage, code);
        let is_ended = !matches!(outcome, Outcome::Done { .. })
            || matches!(*name, "a thread that goes on" | "deep lists" | "fill standard output");
        if !is_ended || start.elapsed() > Duration::from_secs(20) {
            left.push((*name, format!("{outcome:?}").chars().take(200).collect::<String>(), start.elapsed()));
        }
    }
    assert!(left.is_empty(), "{left:?}");
    assert!(matches!(attempt(cage, "a = 1"), Outcome::Done { .. }), "the cage goes on");
}

#[test]
fn there_are_enough_attempts() {
    assert!(ATTEMPTS.len() + ABUSES.len() >= 60);
}
