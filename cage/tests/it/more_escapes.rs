//! More of what code must not be able to do: calls of the kernel by number, what other runs and the process it was
//! forked from left, and answers that are no answers.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::{Duration, Instant};

use cage::{Cage, Outcome, Run, RunLimits};
use serde_json::json;

use crate::running::cage;

/// Makes `call(number, ...)`, which gives what the kernel answers.
const CALL: &str = "import ctypes, os, signal\nlibc = ctypes.CDLL(None, use_errno=True)\n\
                    def call(*a): return libc.syscall(*[ctypes.c_long(x) if isinstance(x, int) else x for x in a])\n\
                    buf = ctypes.create_string_buffer(4096)\n";

/// System calls by their number (x86-64), which no run may make; any answer but an error is a way out.
const CALLS: &[(&str, &str)] = &[
    ("io_uring_enter", "call(426, 0, 1, 0, 0, 0)"),
    ("io_uring_register", "call(427, 0, 0, buf, 1)"),
    ("io_setup", "call(206, 1, buf)"),
    ("memfd_create", "call(319, b'x', 0)"),
    ("memfd_secret", "call(447, 0)"),
    ("execveat", "call(322, 0, b'/bin/true', 0, 0, 0x1000)"),
    ("userfaultfd", "call(323, 0)"),
    ("add_key", "call(248, b'user', b'x', b'y', 1, -3)"),
    ("request_key", "call(249, b'user', b'x', 0, -3)"),
    ("keyctl", "call(250, 1, 0)"),
    ("perf_event_open", "call(298, buf, 0, -1, -1, 0)"),
    ("bpf", "call(321, 0, buf, 64)"),
    ("seccomp", "call(317, 1, 0, buf)"),
    ("landlock_restrict_self", "call(446, 0, 0)"),
    ("shmget", "call(29, 0, 4096, 0o1600)"),
    ("shmat", "call(30, 0, 0, 0)"),
    ("semget", "call(64, 0, 1, 0o1600)"),
    ("msgget", "call(68, 0, 0o1600)"),
    ("mq_open", "call(240, b'cage', 0o102, 0o600, 0)"),
    ("inotify_init1", "call(294, 0)"),
    ("fanotify_init", "call(300, 0, 0)"),
    ("eventfd2", "call(290, 0, 0)"),
    ("timerfd_create", "call(283, 0, 0)"),
    ("signalfd4", "call(289, -1, buf, 8, 0)"),
    ("timer_create", "call(222, 0, 0, buf)"),
    ("setitimer", "call(38, 0, buf, 0)"),
    ("alarm", "call(37, 1)"),
    ("process_vm_readv", "call(310, os.getppid(), buf, 1, buf, 1, 0)"),
    ("process_vm_writev", "call(311, os.getppid(), buf, 1, buf, 1, 0)"),
    ("process_madvise", "call(440, 0, buf, 1, 0, 0)"),
    ("pidfd_open", "call(434, os.getppid(), 0)"),
    ("pidfd_getfd", "call(438, 0, 0, 0)"),
    ("kcmp", "call(312, os.getpid(), os.getppid(), 0, 0, 0)"),
    ("prlimit64 of the parent", "call(302, os.getppid(), 7, 0, buf)"),
    ("prlimit64 of itself", "call(302, 0, 7, buf, 0)"),
    ("kill of all", "call(62, -1, 0)"),
    ("stop of its group", "call(62, 0, 19)"),
    ("stop of the parent's group", "call(62, -os.getppid(), 19)"),
    ("tgkill", "call(234, os.getppid(), os.getppid(), 0)"),
    ("tkill", "call(200, os.getppid(), 0)"),
    ("rt_sigqueueinfo", "call(129, os.getppid(), 19, buf)"),
    ("setpgid", "call(109, 0, 0)"),
    ("setpriority", "call(141, 0, 0, 19)"),
    ("sched_setattr", "call(314, 0, buf, 0)"),
    ("ioprio_set", "call(251, 1, 0, 0)"),
    ("setresuid", "call(117, 65534, 65534, 65534)"),
    ("capset", "call(126, buf, buf)"),
    ("prctl", "call(157, 4, 1, 0, 0, 0)"),
    ("personality", "call(135, 0x40000)"),
    ("unshare", "call(272, 0x10000000)"),
    ("clone into a new namespace", "call(56, 0x10000011, 0, 0, 0, 0)"),
    ("clone3", "call(435, buf, 88)"),
    ("vfork", "call(58)"),
    ("sendfile", "call(40, 3, 1, 0, 100)"),
    ("splice", "call(275, 0, 0, 1, 0, 10, 0)"),
    ("tee", "call(276, 0, 1, 10, 0)"),
    ("copy_file_range", "call(326, 3, 0, 1, 0, 10, 0)"),
    ("vmsplice", "call(278, 1, buf, 1, 0)"),
    ("recvmsg on its own channel", "call(47, 3, buf, 0x40)"),
    ("sendmsg on its own channel", "call(46, 3, buf, 0)"),
    ("shutdown of its own channel", "call(48, 3, 2)"),
    ("name_to_handle_at", "call(303, -100, b'/etc/passwd', buf, buf, 0)"),
    ("open_by_handle_at", "call(304, -100, buf, 0)"),
    ("openat2", "call(437, -100, b'/etc/passwd', buf, 24)"),
    ("open_tree", "call(428, -100, b'/', 1)"),
    ("fsopen", "call(430, b'proc', 0)"),
    ("pivot_root", "call(155, b'/', b'/')"),
    ("swapon", "call(167, b'/dev/null', 0)"),
    ("init_module", "call(175, buf, 10, b'')"),
    ("kexec_load", "call(246, 0, 0, 0, 0)"),
    ("syslog", "call(103, 3, buf, 4096)"),
    ("sethostname", "call(170, b'x', 1)"),
    ("settimeofday", "call(164, buf, 0)"),
    ("adjtimex", "call(159, buf)"),
    ("quotactl", "call(179, 0, 0, 0, 0)"),
    ("acct", "call(163, 0)"),
    ("setxattr", "call(188, os.__file__.encode(), b'user.x', b'y', 1, 0)"),
    ("umask", "call(95, 0)"),
    ("flock", "call(73, 0, 2)"),
    ("io_uring_setup", "call(425, 8, buf)"),
    ("setns", "call(308, 0, 0)"),
    ("move_mount", "call(429, -100, b'/', -100, b'/tmp', 0)"),
    ("fsmount", "call(432, 0, 0, 0)"),
    ("mount_setattr", "call(442, -100, b'/', 0, buf, 32)"),
    ("statmount", "call(457, buf, buf, 4096, 0)"),
    ("listmount", "call(458, buf, buf, 10, 0)"),
    ("chroot", "call(161, b'/')"),
    ("ptrace that attaches", "call(101, 16, os.getppid(), 0, 0)"),
    ("ptrace of itself", "call(101, 0, 0, 0, 0)"),
    ("pidfd_send_signal", "call(424, 3, 9, 0, 0)"),
    ("rt_tgsigqueueinfo", "call(297, os.getppid(), os.getppid(), 19, buf)"),
    ("process_mrelease", "call(448, 0, 0)"),
    ("move_pages of the parent", "call(279, os.getppid(), 0, 0, 0, 0, 0)"),
    ("migrate_pages of the parent", "call(256, os.getppid(), 0, 0, 0)"),
    ("sched_setscheduler", "call(144, 0, 1, buf)"),
    ("getsid of the parent", "call(124, os.getppid())"),
    ("mlockall", "call(151, 3)"),
    ("mlock", "call(149, buf, 4096)"),
    ("pkey_alloc", "call(330, 0, 0)"),
    ("modify_ldt", "call(154, 0, buf, 16)"),
    ("iopl", "call(172, 3)"),
    ("ioperm", "call(173, 0, 1, 1)"),
    ("cachestat", "call(451, 0, buf, buf, 0)"),
    ("lsm_list_modules", "call(461, buf, buf, 0)"),
    ("pipe2", "call(293, buf, 0)"),
    ("socketpair", "call(53, 1, 1, 0, buf)"),
    ("epoll_create1", "call(291, 0)"),
    ("dup2 over its own channel", "call(33, 0, 3)"),
    ("fallocate", "call(285, 0, 0, 0, 4096)"),
    ("truncate", "call(76, os.__file__.encode(), 0)"),
    ("unlinkat", "call(263, -100, os.__file__.encode(), 0)"),
    ("renameat2", "call(316, -100, os.__file__.encode(), -100, b'/tmp/x', 0)"),
    ("linkat", "call(265, -100, os.__file__.encode(), -100, b'/tmp/x', 0)"),
    ("symlinkat", "call(266, b'/etc', -100, b'/tmp/x')"),
    ("mknodat", "call(259, -100, b'/tmp/x', 0o100600, 0)"),
    ("fchmodat", "call(268, -100, os.__file__.encode(), 0o777)"),
    ("utimensat", "call(280, -100, os.__file__.encode(), 0, 0)"),
    ("sync", "call(162)"),
    ("getrlimit", "call(97, 7, buf)"),
    ("open by path only, and read", "call(0, call(257, -100, b'/etc/passwd', 0o10000000, 0), buf, 10)"),
    ("list the root by path only", "call(217, call(257, -100, b'/', 0o10000000, 0), buf, 4096)"),
    ("ioctl that types into a terminal", "call(16, 0, 0x5412, b'x')"),
    ("ioctl that takes a terminal", "call(16, 0, 0x540E, 0)"),
    (
        "fcntl that signals another",
        "call(72, 3, 8, os.getppid()) if call(72, 3, 4, 0o20000) == 0 and call(72, 3, 10, 19) == 0 else -1",
    ),
];

/// Attempts in Python; each sets `escaped` where it succeeds.
const ATTEMPTS: &[(&str, &str)] = &[
    ("open a file under /dev/shm", "open('/dev/shm/cage-left', 'w'); escaped = True"),
    (
        "shared memory",
        "from multiprocessing import shared_memory as s; s.SharedMemory('cageleft', True, 10); escaped = True",
    ),
    ("semaphores", "import multiprocessing; multiprocessing.Semaphore(); escaped = True"),
    (
        "an abstract local socket",
        "import socket; socket.socket(socket.AF_UNIX).connect('\\0CAGE-TEST'); escaped = True",
    ),
    (
        "a program in memory",
        "import os\nfd = os.memfd_create('x')\nos.write(fd, b'#!/bin/true\\n')\nos.execve(fd, ['x'], {})",
    ),
    (
        "what the control socket says",
        "import socket; s = socket.socket(fileno=3); s.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK); escaped = True",
    ),
    (
        "pass a descriptor on",
        "import socket; socket.send_fds(socket.socket(fileno=3), [b'x'], [0]); escaped = True",
    ),
    (
        "standard streams are nothing",
        "import os\nescaped = any(os.fstat(n).st_rdev != os.makedev(1, 3) for n in (0, 1, 2))",
    ),
    (
        "sources of other runs in memory",
        "import gc\nescaped = any(isinstance(o, (str, bytes)) and len(o) < 10 ** 6 and ('SECRET-OF-' + 'ANOTHER' in o if isinstance(o, str) else b'SECRET-OF-' + b'ANOTHER' in o) for o in gc.get_objects())",
    ),
    (
        "what was freed in memory",
        "import ctypes\nneedle = b'SECRET-OF-' + b'ANOTHER'\nseen = 0\n\
         for size in (64, 512, 4096, 65536, 1 << 20):\n    for _ in range(50):\n        b = ctypes.CDLL(None).malloc; b.restype = ctypes.c_void_p\n        p = b(ctypes.c_size_t(size))\n        seen += needle in ctypes.string_at(p, size)\nescaped = seen > 0",
    ),
    (
        "remember for the next run",
        "import ctypes, sys, builtins\nbuiltins.kept_for_next = 1\nsys.modules['kept_for_next'] = sys\nctypes.c_int.from_address(id(7) + 24).value = 8",
    ),
    (
        "find what was remembered",
        "import sys, builtins\nescaped = hasattr(builtins, 'kept_for_next') or 'kept_for_next' in sys.modules or 3 + 4 != 7",
    ),
    (
        "fork at exit",
        "import atexit, os\ndef f():\n    if os.fork() == 0: os._exit(0)\n    open('/tmp/cage-escape-exit', 'w')\natexit.register(f)\na = 1",
    ),
    (
        "write when it is freed",
        "class A:\n    def __del__(self): open('/tmp/cage-escape-del', 'w')\na = A()\nimport sys\nsys.kept = A()",
    ),
    (
        "write by a hook for errors",
        "import sys\nsys.excepthook = sys.unraisablehook = lambda *a: open('/tmp/cage-escape-hook', 'w')\n1 / 0",
    ),
    (
        "a pickle that runs a program",
        "import pickle, os\nclass A:\n    def __reduce__(self): return os.system, ('touch /tmp/cage-escape-pickle',)\nescaped = pickle.loads(pickle.dumps(A())) == 0",
    ),
    ("load a library from memory", "import ctypes; ctypes.CDLL('/tmp/cage.so'); escaped = True"),
    ("breakpoint", "breakpoint(); escaped = True"),
    (
        "descriptors beyond those that were closed one by one",
        "import os\nescaped = False\nfor n in range(64, 70000):\n    try:\n        os.fstat(n)\n        escaped = True\n    except OSError: pass",
    ),
    (
        "poison what the next run is forked with",
        "import gc, sys, ctypes\nfor o in gc.get_objects():\n    if isinstance(o, dict) and '__name__' in o:\n        o['POISON'] = 1\nfor name, module in list(sys.modules.items()):\n    try: module.POISON = 1\n    except Exception: pass\nimport random, json, math\njson.dumps = math.floor = random.Random.random = None",
    ),
    (
        "find the poison",
        "import sys, json, math\nescaped = any(hasattr(m, 'POISON') for m in list(sys.modules.values())) or json.dumps is None or math.floor is None",
    ),
    (
        "write into the memory of the process it was forked from",
        "import ctypes, os\nbuf = ctypes.create_string_buffer(b'x' * 64)\nclass V(ctypes.Structure):\n    _fields_ = [('p', ctypes.c_void_p), ('n', ctypes.c_size_t)]\nv = V(ctypes.addressof(buf), 64)\nescaped = ctypes.CDLL(None).process_vm_writev(os.getppid(), ctypes.byref(v), 1, ctypes.byref(v), 1, 0) > 0",
    ),
    (
        "mapped memory that the next run shares",
        "import mmap\nm = mmap.mmap(-1, 4096)\nm.write(b'KEPT')\nescaped = False",
    ),
    (
        "threads that fork later",
        "import threading, os, time\ndef f():\n    time.sleep(0.05)\n    if os.fork() == 0: os._exit(0)\n    globals()['escaped'] = True\nt = threading.Thread(target=f)\nt.start()\nt.join()",
    ),
    ("read the keyboard", "escaped = bool(input())"),
    ("web browser", "import webbrowser; escaped = webbrowser.open('http://127.0.0.1/')"),
    ("user database", "import pwd; escaped = bool(pwd.getpwall())"),
    ("where another process is", "import os; os.readlink('/proc/HOST/cwd'); escaped = True"),
    ("what program another process runs", "import os; os.readlink('/proc/HOST/exe'); escaped = True"),
    ("what another process has open", "import os; os.readlink('/proc/HOST/fd/0'); escaped = True"),
    ("go to another process's root", "import os; escaped = os.path.exists('/proc/HOST/root/etc')"),
    ("follow a link of /proc", "open('/proc/self/root/etc/passwd').read(); escaped = True"),
    ("open by descriptor's path", "open('/dev/fd/3', 'rb'); escaped = True"),
    ("walk up from the present folder", "import os; os.scandir('.'); escaped = True"),
    ("change what is executed", "import os; os.chmod('/usr/bin/env', 0o777); escaped = True"),
    ("an extended attribute", "import os; os.setxattr(os.__file__, 'user.x', b'y'); escaped = True"),
];

/// Answers that are none, or more than an answer; what each must come to.
const ANSWERS: &[(&str, &str)] = &[
    (
        "another outcome",
        "import os, json, struct\nt = json.dumps({'error': 'X' * 10 ** 6, 'traceback': 'Y' * 10 ** 6, 'last': 'Z' * 10 ** 6, 'line': 1}).encode()\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "an answer that nests",
        "import os, struct\nt = b'{\"globals\":{\"a\":' + b'[' * 10 ** 5 + b']' * 10 ** 5 + b'}}'\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "an answer that is no text",
        "import os, struct\nt = b'{\"globals\":{\"a\":\"\\xff\\xfe\"}}'\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "an answer with names twice",
        "import os, struct\nt = b'{\"globals\":{\"a\":1},\"globals\":{\"a\":2},\"error\":1}'\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "not a number, and numbers beyond all",
        "import os, struct\nt = b'{\"globals\":{\"a\":NaN,\"b\":1e999}}'\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "an integer of a million digits",
        "import os, struct\nt = b'{\"globals\":{\"a\":' + b'9' * 10 ** 6 + b'}}'\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "a long integer that is none",
        "import os, struct\nt = b'{\"globals\":{\"a\":{\"__int__\":\"x\"}}}'\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "half of a surrogate pair",
        "import os, struct\nt = b'{\"globals\":{\"a\":\"\\\\ud800\"}}'\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "a line there is not",
        "import os, struct\nt = b'{\"error\":\"E\",\"traceback\":\"\",\"last\":\"\",\"line\":-1}'\nos.write(3, struct.pack('<Q', len(t)) + t)\nos._exit(0)",
    ),
    (
        "two answers",
        "import os, struct\nt = b'{\"globals\":{}}'\nos.write(3, (struct.pack('<Q', len(t)) + t) * 100)",
    ),
    ("half an answer", "import os, struct\nos.write(3, struct.pack('<Q', 100) + b'{')\nos._exit(0)"),
    (
        "an answer letter by letter",
        "import os, struct, time\nos.write(3, struct.pack('<Q', 1 << 20))\nwhile True:\n    os.write(3, b' ')\n    time.sleep(0.01)",
    ),
    ("no answer and no end", "import os, time\nos.close(3)\ntime.sleep(1000)"),
    ("a huge integer", "a = 1 << (1 << 24)"),
    (
        "names that are not what they seem",
        "class S(str):\n    def __hash__(self): return 0\n    def __eq__(self, o): return True\nclass D(dict):\n    def items(self): return iter(lambda: ('a', 1), None)\nx = S('x')\nd = D()\nwhile False: pass",
    ),
    ("a list in itself", "a = []\na.append(a)"),
    (
        "names that change while they are read",
        "import threading\ndef f():\n    i = 0\n    while True:\n        i += 1\n        globals()['n%d' % i] = i\nthreading.Thread(target=f, daemon=True).start()",
    ),
    (
        "an error whose text never ends",
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
    ),
    ("an error whose text fails", "class E(Exception):\n    def __str__(self): raise E\nraise E"),
    (
        "an endless chain of errors",
        "e = f = ValueError()\nfor _ in range(10 ** 5):\n    g = ValueError(); g.__cause__ = e; e = g\nraise e",
    ),
    (
        "a hang in the runner",
        "import json\ndef forever(*a, **k):\n    while True: pass\njson.dumps = forever",
    ),
    (
        "the runner replaced",
        "import sys\nr = sys.modules['cage_runner.runner']\nr.write_reply = lambda *a: None",
    ),
];

fn limits() -> RunLimits {
    RunLimits { real_time: Duration::from_secs(4), ..RunLimits::default() }
}

fn attempt(cage: &Cage, code: &str) -> Outcome {
    cage.run(&Run { code, seed: Some(1), ..Run::default() }, &limits()).expect("the cage goes on")
}

#[cfg(target_arch = "x86_64")]
#[test]
fn no_other_system_call_is_answered() {
    let Some(cage) = cage() else { return };
    let mut open = Vec::new();
    for (name, expression) in CALLS {
        let outcome = attempt(cage, &format!("{CALL}answer = {expression}"));
        match &outcome {
            Outcome::Done { globals } if globals["answer"] == json!(-1) => {}
            Outcome::Killed { .. } | Outcome::Raised(_) => {}
            other => open.push((*name, format!("{other:?}"))),
        }
    }
    assert!(open.is_empty(), "these were answered: {open:#?}");
    assert!(matches!(attempt(cage, "a = 1"), Outcome::Done { .. }), "the cage goes on");
}

#[test]
fn every_further_attempt_to_get_out_fails() {
    let Some(cage) = cage() else { return };
    let name = format!("cage-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let listener = UnixListener::bind_addr(&address).expect("an abstract socket");
    listener.set_nonblocking(true).expect("a socket");
    // What another run had is not to be found afterwards.
    let secret = json!({"mine": "SECRET-OF-ANOTHER".repeat(100)}).as_object().expect("an object").clone();
    let run = Run { code: "a = mine * 2  # SECRET-OF-ANOTHER", globals: secret, ..Run::default() };
    for _ in 0..6 {
        cage.run(&run, &limits()).expect("the cage works");
    }
    let host = std::process::id().to_string();
    let mut open = Vec::new();
    for (what, code) in ATTEMPTS {
        let outcome = attempt(cage, &code.replace("CAGE-TEST", &name).replace("HOST", &host));
        if let Outcome::Done { globals } = &outcome
            && globals.get("escaped").is_some_and(|escaped| *escaped != json!(false))
        {
            open.push(*what);
        }
    }
    assert_eq!(open, [""; 0], "these got out");
    assert!(listener.accept().is_err(), "nobody connected");
    for left in [
        "/tmp/cage-escape-exit",
        "/tmp/cage-escape-del",
        "/tmp/cage-escape-hook",
        "/tmp/cage-escape-pickle",
        "/dev/shm/cage-left",
    ] {
        assert!(!std::path::Path::new(left).exists(), "{left} was made");
    }
}

#[test]
fn every_false_answer_comes_to_something() {
    let Some(cage) = cage() else { return };
    for (name, code) in ANSWERS {
        let start = Instant::now();
        let limits = RunLimits { real_time: Duration::from_millis(1500), ..RunLimits::default() };
        let outcome = cage.run(&Run { code, ..Run::default() }, &limits).expect("the cage goes on");
        assert!(start.elapsed() < Duration::from_secs(20), "{name} took {:?}", start.elapsed());
        if let Outcome::Raised(raised) = &outcome {
            assert!(raised.traceback.chars().count() <= 20_000, "{name}");
            assert!(raised.last_line.chars().count() <= 4_000, "{name}");
        }
        assert!(matches!(attempt(cage, "a = 1"), Outcome::Done { .. }), "{name}: the cage goes on");
    }
}
