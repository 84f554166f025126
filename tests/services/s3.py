#!/usr/bin/env python3
"""Runs a server of the S3 protocol for tests, on a temporary folder and a free port, while its standard input is open.

The first line on standard output is `URL http://KEY:SECRET@127.0.0.1:PORT/BUCKET` once the server answers, or
`SKIPPED: ` and the reason. The server, Versity's gateway, is built from its sources into a cache, which takes Go.
s3s-fs, for who names it, begins no uploads in parts, so that the tests of streams fail on it.

    tests/services/s3.py [versitygw|s3s-fs]     runs this one and no other
    tests/services/s3.py --fetch                only makes sure that there is a server
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
S3S_FS = "0.14.1"
KEY, SECRET, BUCKET = "tests", "only-for-tests", "blockstore-tests"
START_SECONDS = 60


class NoServerError(Exception):
    """There is no server to be had here."""


def cache() -> Path:
    """Where the built servers lie."""
    if named := os.environ.get("XBLOCK_SERVICES"):
        return Path(named)
    return Path(__file__).resolve().parents[2] / "target" / "services"


def run(*command: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines() or ["it said nothing"]
        raise NoServerError(f"{' '.join(command[:2])} failed: {lines[-1]}")


def build_versitygw(folder: Path) -> Path:
    """Builds Versity's gateway over a folder of files."""
    program = folder / "bin/versitygw"
    if not program.exists():
        if not shutil.which("go"):
            raise NoServerError("there is no Go")
        with tempfile.TemporaryDirectory(dir=folder) as made:
            environment = {
                **os.environ,
                "GOPATH": made,
                "GOBIN": str(folder / "bin"),
                "GOFLAGS": "-modcacherw",
                "CGO_ENABLED": "0",
            }
            run("go", "install", VERSITYGW, environment=environment)
    return program


def build_s3s(folder: Path) -> Path:
    """Builds s3s-fs, a server over a folder of files."""
    program = folder / "bin/s3s-fs"
    if not program.exists():
        if not shutil.which("cargo"):
            raise NoServerError("there is no Cargo")
        with tempfile.TemporaryDirectory(dir=folder) as made:
            options = ["--locked", "--profile", "dev", "--features", "binary", "--no-track"]
            run(
                "cargo",
                "install",
                "s3s-fs",
                "--version",
                S3S_FS,
                *options,
                "--root",
                str(folder),
                "--target-dir",
                made,
                environment={**os.environ, "CARGO_PROFILE_DEV_DEBUG": "0"},
            )
    return program


BUILDS = {"versitygw": build_versitygw, "s3s-fs": build_s3s}


def find(names: list[str]) -> tuple[str, Path]:
    """Finds or builds the first server that can be had; of several processes one builds."""
    folder = cache() / "s3"
    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names:
            try:
                return name, BUILDS[name](folder)
            except NoServerError as error:
                reasons.append(f"{name}: {error}")
    raise NoServerError("; ".join(reasons))


def command(name: str, program: Path, folder: Path, port: int) -> list[str]:
    """How a server is started; a bucket is a folder of files."""
    data = folder / "data"
    (data / BUCKET).mkdir(parents=True)
    address = f"127.0.0.1:{port}"
    if name == "versitygw":
        sidecar = folder / "sidecar"
        sidecar.mkdir()
        options = ["--access", KEY, "--secret", SECRET, "--port", address, "--quiet", "--keep-alive"]
        return [str(program), *options, "posix", "--sidecar", str(sidecar), str(data)]
    options = ["--access-key", KEY, "--secret-key", SECRET, "--host", "127.0.0.1", "--port", str(port)]
    return [str(program), *options, str(data)]


def start(arguments: list[str], folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Starts a server, and waits until it takes connections."""
    log = folder / "log"
    with log.open("wb") as out:
        environment = {**os.environ, "RUST_LOG": "error"}
        process = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process
        time.sleep(0.05)
    process.kill()
    raise NoServerError(f"the server does not start: {log.read_text(errors='replace').strip()[-500:]}")


def free_port() -> int:
    """Finds a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Runs a server until nobody holds the other end of standard input."""
    arguments = sys.argv[1:]
    names = [name for name in arguments if name in BUILDS] or ["versitygw"]
    try:
        name, program = find(names)
        if "--fetch" in arguments:
            print(program)
            return 0
        with tempfile.TemporaryDirectory(prefix="s3-") as made:
            port = free_port()
            process = start(command(name, program, Path(made), port), Path(made), port)
            try:
                print(f"URL http://{KEY}:{SECRET}@127.0.0.1:{port}/{BUCKET}", flush=True)
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
                gone = threading.Thread(target=sys.stdin.read, daemon=True)
                gone.start()
                while gone.is_alive() and process.poll() is None:
                    gone.join(0.2)
            finally:
                process.kill()
                process.wait()
    except NoServerError as error:
        print(f"SKIPPED: no server of the S3 protocol here: {error}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
