"""The process runs are forked from. It loads modules once and never runs a line of an author's code itself.

Messages come over the control socket, each with the ends of its own sockets, so that what one run is about is never in
the memory another is forked with.
"""

import ctypes
import gc
import importlib
import json
import os
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


_load("cage_runner.memory_modules").install(setup["sources"], "<cage>")  # noqa: F821

from cage_runner import runner  # noqa: E402

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2


class SockFprog(ctypes.Structure):
    """The kernel's `struct sock_fprog`."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


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
            raise OSError(ctypes.get_errno(), "prctl")


class Run:
    """A child at work."""

    def __init__(self, pid, status):
        self.pid = pid
        self.status = status
        self.handle = os.pidfd_open(pid)

    def kill(self):
        """Ends it at once."""
        try:
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def finish(self):
        """Says how it ended."""
        _, status, usage = os.wait4(self.pid, 0)
        said = {
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss,
        }
        try:
            os.write(self.status, json.dumps(said).encode())
        except OSError:
            pass
        os.close(self.status)
        os.close(self.handle)


class Zygote:
    """Forks a child for each message."""

    def __init__(self, control, confinement):
        self.control = control
        self.confinement = confinement
        self.runs = {}
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)

    def serve(self):
        """Works until the other end of the control socket is closed."""
        while True:
            for descriptor, _ in self.poll.poll():
                if descriptor == self.control.fileno():
                    if not self.take():
                        for run in self.runs.values():
                            run.kill()
                        return
                else:
                    self.poll.unregister(descriptor)
                    name = next(name for name, run in self.runs.items() if run.handle == descriptor)
                    self.runs.pop(name).finish()

    def take(self):
        """Takes one message; false at the end."""
        message, descriptors, _, _ = socket.recv_fds(self.control, 4096, 2)
        if not message:
            return False
        message = json.loads(message)
        if message["op"] == "run":
            data, status = descriptors
            pid = os.fork()
            if pid == 0:
                self.child(message, data)
            os.close(data)
            run = Run(pid, status)
            self.runs[message["id"]] = run
            self.poll.register(run.handle, select.POLLIN)
        elif message["op"] == "kill" and message["id"] in self.runs:
            self.runs[message["id"]].kill()
        return True

    def child(self, message, data):
        """Carries a run out; never returns."""
        code = 3
        try:
            self.confinement.die_with_parent()
            os.dup2(1, 0)
            os.dup2(1, 2)
            os.dup2(data, 3)
            os.closerange(4, 1 << 16)
            runner.carry_out(3, message["limits"], self.confinement)
            code = 0
        except MemoryError:
            code = 4
        except BaseException:
            code = 3
        finally:
            os._exit(code)


def main():
    """Loads what runs will want, says so, and serves."""
    loaded = []
    for name in setup["preload"]:  # noqa: F821
        try:
            importlib.import_module(name)
            loaded.append(name)
        except ImportError:
            pass
    runner.warm()
    zygote = Zygote(control, Confinement(setup["run_filter"]))  # noqa: F821
    setup.clear()  # noqa: F821
    gc.collect()
    gc.freeze()
    os.write(ready, json.dumps({"loaded": loaded, "python": sys.version}).encode())  # noqa: F821
    os.close(ready)  # noqa: F821
    zygote.serve()


main()
