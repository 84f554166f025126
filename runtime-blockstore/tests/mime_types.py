#!/usr/bin/env python3
"""Prints what this Python answers for every extension it knows: extension, MIME type, ending of the data file.

The Blockstore app asks `mimetypes` for the type of a file, and again for the ending of its data file. What CPython 3.11
with Debian's table answers is recorded, for digests must not depend on the machine:

    python3 runtime-blockstore/tests/mime_types.py >runtime-blockstore/src/mime_types.tsv

Types that this Python guesses for no file, and others have written, stand behind, with no extension.

On standard error it says which Python and which table that was.
"""

import hashlib
import mimetypes
import sys
from pathlib import Path

SYSTEM = Path("/etc/mime.types")


def main() -> None:
    """Prints the table in the order of extensions, then the types that have none."""
    mimetypes.init([str(SYSTEM)] if SYSTEM.exists() else [])
    for extension, kind in sorted(mimetypes.types_map.items()):
        # An extension has no dot; some tables list two of them as one, which nobody asks for.
        if "." not in extension[1:]:
            print(f"{extension[1:]}\t{kind}\t{mimetypes.guess_extension(kind)}")
    known = mimetypes.MimeTypes([str(SYSTEM)] if SYSTEM.exists() else []).types_map_inv[True]
    for kind in sorted(known.keys() - mimetypes.types_map.values()):
        ending = mimetypes.guess_extension(kind)
        if ending and "." not in ending[1:]:
            print(f"\t{kind}\t{ending}")
    system = hashlib.sha256(SYSTEM.read_bytes()).hexdigest() if SYSTEM.exists() else "none"
    print(f"{sys.version_info.major}.{sys.version_info.minor} {system}", file=sys.stderr)


if __name__ == "__main__":
    main()
