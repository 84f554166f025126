#!/usr/bin/env python3
"""Runs a MariaDB server for tests, on a temporary folder and a free port, for as long as its standard input is open.

The first line on standard output is `URL mysql://root@127.0.0.1:PORT/` once the server answers, or `SKIPPED: ` and
the reason. It has three empty databases, `first`, `second` and `third`. The server is an installed one, or is unpacked
from Debian's packages into a cache, for which no rights are needed.

    tests/services/mariadb.py [--option=value ...]      options are the server's own
    tests/services/mariadb.py --fetch                   only makes sure that there is a server
"""

import contextlib
import getpass
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from service import NoServerError, begin, cache, run, serve

# One name of each line is enough; names differ between releases of Debian and Ubuntu.
PACKAGES = [
    ["mariadb-server-core"],
    ["mariadb-client-core"],
    ["mariadb-common"],
    ["libaio1", "libaio1t64"],
    ["liburing2"],
    ["libnuma1"],
    ["libpcre2-8-0"],
]
START_SECONDS = 120


def apt_options(folder: Path) -> list[str]:
    """Options that let apt keep its lists in a folder of ours, so that anybody may fetch them."""
    for part in ("lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return ["-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}", "-o", "APT::Sandbox::User="]


def fetch(folder: Path) -> None:
    """Unpacks the server below `folder`; it is there whole or not at all."""
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise NoServerError(f"there is no mariadbd and no {tool} to fetch one with")
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        new = Path(made)
        options: list[str] = []
        try:
            run("apt-get", "download", PACKAGES[0][0], cwd=new)
        except NoServerError:
            options = apt_options(new / "apt")
            run("apt-get", *options, "-qq", "update")
        for names in PACKAGES:
            for name in names:
                try:
                    run("apt-get", *options, "download", name, cwd=new)
                    break
                except NoServerError:
                    if name == names[-1]:
                        raise
        for package in sorted(new.glob("*.deb")):
            run("dpkg", "-x", str(package), str(new / "root"))
        with contextlib.suppress(OSError):
            (new / "root").rename(folder)
    if not folder.is_dir():
        raise NoServerError(f"{folder} cannot be made")


class Server:
    """The programs of a server."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self.basedir = Path("/usr")
        installed = shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if installed and shutil.which("mariadb-install-db"):
            self.program = installed
            return
        root = cache() / "mariadb"
        if not (root / "usr/sbin/mariadbd").exists():
            fetch(root)
        self.basedir = root / "usr"
        self.program = str(root / "usr/sbin/mariadbd")
        libraries = [str(folder) for place in ("lib", "usr/lib") for folder in (root / place).glob("*-linux-gnu*")]
        self.environment["LD_LIBRARY_PATH"] = ":".join(libraries)

    def common(self, data: Path) -> list[str]:
        """Options that every start needs."""
        return [
            "--no-defaults",
            f"--basedir={self.basedir}",
            f"--datadir={data}",
            f"--lc-messages-dir={self.basedir / 'share/mysql'}",
            f"--character-sets-dir={self.basedir / 'share/mysql/charsets'}",
            "--innodb-log-file-size=16M",
            "--innodb-buffer-pool-size=64M",
            # A server refuses to run as root unless it is told to.
            f"--user={getpass.getuser()}",
        ]

    def bootstrap(self, data: Path) -> None:
        """Makes the server's own tables."""
        share = self.basedir / "share/mysql"
        names = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"]
        script = "create database if not exists mysql;\nuse mysql;\n"
        script += "set @current_hostname='localhost', @auth_root_socket=NULL, @skip_auth_anonymous=1;\n"
        for name in names:
            script += (share / name).read_text() + "\n"
        command = [self.program, *self.common(data), "--bootstrap", "--silent-startup"]
        run(*command, environment=self.environment, said=script)

    def start(self, folder: Path, port: int, options: list[str]) -> "subprocess.Popen[bytes]":
        """Starts the server, and waits until it answers."""
        data = folder / "data"
        data.mkdir()
        self.bootstrap(data)
        init = folder / "init.sql"
        # Passwords are for those the tests make.
        init.write_text(
            "CREATE USER IF NOT EXISTS root@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING '';\n"
            "GRANT ALL PRIVILEGES ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n"
            # For tests that have no client of their own.
            "CREATE DATABASE IF NOT EXISTS first CHARACTER SET utf8mb4;\n"
            "CREATE DATABASE IF NOT EXISTS second CHARACTER SET utf8mb4;\n"
            "CREATE DATABASE IF NOT EXISTS third CHARACTER SET utf8mb4;\n"
        )
        command = [
            self.program,
            *self.common(data),
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--init-file={init}",
            "--skip-name-resolve",
            "--skip-log-bin",
            # The machine is not switched off during tests.
            "--innodb-flush-log-at-trx-commit=2",
            "--max-connections=200",
            *options,
        ]
        return begin(command, port, folder / "log", self.environment, seconds=START_SECONDS, greets=True)


def main() -> int:
    """Runs a server until nobody holds the other end of standard input."""
    options = sys.argv[1:]
    try:
        server = Server()
        if options == ["--fetch"]:
            print(server.program)
            return 0
        return serve(
            "mariadb",
            lambda folder, port: (f"mysql://root@127.0.0.1:{port}/", server.start(folder, port, options)),
        )
    except NoServerError as error:
        print(f"SKIPPED: no MariaDB here: {error}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
