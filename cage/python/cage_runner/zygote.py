"""The process runs are forked from. It loads modules once and never runs a line of an author's code itself.

Messages come over the control socket, each with the ends of its own sockets, so that what one run is about is never in
the memory another is forked with.
"""

import ctypes
import gc
import importlib
import json
import mmap
import os
import resource
import select
import signal
import socket
import sys
import types


def _load(name):
    """Loads one of our modules before the importer that serves them is there."""
    path = name.replace(".", "/") + ".py"
    module = types.ModuleType(name)
    exec(compile(setup["sources"][path], path, "exec"), module.__dict__)  # noqa: F821
    return module


memory_modules = _load("cage_runner.memory_modules")
# Ours go before packages of the same names, which may want files that are not there; but other packages rely on all of
# `six` where it is installed.
ours = {path: text for path, text in setup["sources"].items() if path != "six.py"}  # noqa: F821
memory_modules.install(ours, "<cage>", first=True)
memory_modules.install({"six.py": setup["sources"]["six.py"]}, "<cage>")  # noqa: F821

from cage_runner import runner  # noqa: E402

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2


class SockFprog(ctypes.Structure):
    """The kernel's `struct sock_fprog`."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


class ConfinementError(OSError):
    """The kernel does not confine this process as it must."""


class Confinement:
    """What a run is confined by beyond what holds for this process."""

    def __init__(self, filter_hex):
        steps = bytes.fromhex(filter_hex)
        self._steps = ctypes.create_string_buffer(steps, len(steps))
        self._program = SockFprog(len(steps) // 8, ctypes.addressof(self._steps))
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl

    def die_with_parent(self):
        """Ends this process when the one that forked it ends."""
        self._call(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0)

    def close_system_calls(self):
        """Takes the system calls away that only forking needs."""
        self._call(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(self._program))

    def _call(self, option, second, third):
        arguments = [ctypes.c_ulong(value) for value in (second, third, 0, 0)]
        if self._prctl(ctypes.c_int(option), *arguments) != 0:
            raise ConfinementError(ctypes.get_errno(), "prctl")


class Child:
    """A process forked from this one: waiting for a run, or at work."""

    def __init__(self, pid, line):
        self.pid = pid
        self.line = line
        self.status = None
        self.handle = os.pidfd_open(pid)

    def begin(self, message, data, status):
        """Hands it a run."""
        self.status = status
        try:
            socket.send_fds(self.line, [message], [data])
        except OSError:
            # It is dead, which its handle will say.
            pass
        self.line.close()

    def kill(self):
        """Ends it at once."""
        try:
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def finish(self):
        """Takes note of its end and says how it was."""
        _, status, usage = os.wait4(self.pid, 0)
        said = {
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss,
        }
        if self.status is not None:
            try:
                os.write(self.status, json.dumps(said).encode())
            except OSError:
                # Nobody waits for it.
                pass
            os.close(self.status)
        self.line.close()
        os.close(self.handle)


class Zygote:
    """Keeps children waiting, so that a run need not wait for a fork."""

    def __init__(self, control, confinement, spares):
        self.control = control
        self.confinement = confinement
        self.wanted = spares
        self.spares = []
        self.runs = {}
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)

    def serve(self):
        """Works until the other end of the control socket is closed."""
        while True:
            # Runs go before spares.
            events = self.poll.poll(0 if len(self.spares) < self.wanted else None)
            if not events:
                self.spares.append(self.fork())
            for descriptor, _ in events:
                if descriptor != self.control.fileno():
                    self.bury(descriptor)
                elif not self.take():
                    for child in [*self.runs.values(), *self.spares]:
                        child.kill()
                    return

    def bury(self, descriptor):
        """Takes note of the end of a child."""
        self.poll.unregister(descriptor)
        for name, child in self.runs.items():
            if child.handle == descriptor:
                self.runs.pop(name).finish()
                return
        for child in self.spares:
            if child.handle == descriptor:
                self.spares.remove(child)
                child.finish()
                return

    def take(self):
        """Takes one message; false at the end."""
        text, descriptors, _, _ = socket.recv_fds(self.control, 4096, 2)
        if not text:
            return False
        message = json.loads(text)
        if message["op"] == "run":
            data, status = descriptors
            child = self.spares.pop() if self.spares else self.fork()
            child.begin(text, data, status)
            os.close(data)
            self.runs[message["id"]] = child
        elif message["op"] == "kill" and message["id"] in self.runs:
            self.runs[message["id"]].kill()
        return True

    def fork(self):
        """Makes a child that waits for its run."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            self.work(theirs)
        theirs.close()
        child = Child(pid, ours)
        self.poll.register(child.handle, select.POLLIN)
        return child

    def work(self, line):
        """Waits for a run and carries it out; never returns."""
        code = 3
        try:
            self.confinement.die_with_parent()
            line = line.detach()
            os.dup2(1, 0)
            os.dup2(1, 2)
            os.dup2(line, 3)
            os.closerange(4, 1 << 16)
            runner.touch()
            line = socket.socket(fileno=3)
            text, descriptors, _, _ = socket.recv_fds(line, 4096, 1)
            if text:
                os.dup2(descriptors[0], 3)
                line.detach()
                os.closerange(4, 1 << 16)
                runner.carry_out(3, json.loads(text)["limits"], self.confinement)
            code = 0
        except MemoryError:
            code = 4
        except ConfinementError:
            code = 5
        except BaseException:
            code = 3
        finally:
            os._exit(code)


def check_system():
    """Ends this process, and says why, where the system lacks what runs are watched with."""
    for what, attempt in (
        ("pidfd_open", lambda: os.close(os.pidfd_open(os.getpid()))),
        ("prlimit64", lambda: resource.getrlimit(resource.RLIMIT_AS)),
    ):
        try:
            attempt()
        except OSError as error:
            sys.exit(f"missing: {what} ({error.strerror})")


def address_space():
    """Returns how many bytes of addresses this process has: to a megabyte, the least limit under which it gets more.

    The file in `/proc` that says so cannot be read in here, and is not there in every container.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    least, enough = 0, 1 << 47 if hard == resource.RLIM_INFINITY else hard
    while enough - least > 1 << 20:
        middle = (least + enough) // 2
        resource.setrlimit(resource.RLIMIT_AS, (middle, hard))
        try:
            mmap.mmap(-1, mmap.PAGESIZE).close()
            enough = middle
        except (OSError, MemoryError):
            least = middle
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return enough


def main():
    """Loads what runs will want, says so, and serves."""
    check_system()
    loaded = []
    for name in setup["preload"]:  # noqa: F821
        try:
            importlib.import_module(name)
            loaded.append(name)
        except Exception:
            # Not installed, or it does not bear being caged: scripts that import it are told.
            continue
    runner.warm()
    runner.warm_large()
    zygote = Zygote(control, Confinement(setup["run_filter"]), setup["spares"])  # noqa: F821
    setup.clear()  # noqa: F821
    gc.collect()
    gc.freeze()
    os.write(ready, json.dumps({"loaded": loaded, "size": address_space()}).encode())  # noqa: F821
    os.close(ready)  # noqa: F821
    zygote.serve()


main()
