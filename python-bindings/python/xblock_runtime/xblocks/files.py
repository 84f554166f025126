"""Course packages as XBlock runtimes offer them: ``resources_fs`` to read from, ``export_fs`` to write into."""

from __future__ import annotations

import posixpath
from typing import Any


class PackageFiles:
    """The files around an element that is being read. Native code calls these methods; their names are a contract."""

    def __init__(self, runtime: Any) -> None:
        self._files = getattr(runtime, "resources_fs", None)

    def read_file(self, path: str) -> bytes | None:
        """Returns a file's bytes, none where there is no such file."""
        if self._files is None or not self._files.isfile(path):
            return None
        return bytes(self._files.readbytes(path))

    def list_folder(self, path: str) -> list[str]:
        """Lists a folder in order of the names; names of folders end in a slash."""
        if self._files is None or not self._files.isdir(path):
            return []
        names = self._files.listdir(path)
        return sorted(f"{name}/" if self._files.isdir(posixpath.join(path, name)) else str(name) for name in names)


class ExportFolder:
    """The folder a block's own files are written into."""

    def __init__(self, files: Any) -> None:
        self._files = files

    def write(self, path: str, data: bytes) -> None:
        """Writes a file and makes the folders above it."""
        self._files.makedirs(posixpath.dirname(path), recreate=True)
        self._files.writebytes(path, data)


def export_folder(block: Any) -> ExportFolder | None:
    """Returns where a block's files go, none where it is to be written into its element."""
    files = getattr(block.runtime, "export_fs", None)
    if files is None or not block.export_to_file():
        return None
    return ExportFolder(files)
