"""Writes unicode.rs, the character tables of the opaque keys, from the Unicode data of the running Python.

Python's regular expressions take a character for a word character when it is `_` or when `str.isalnum` holds; this is
neither the `\\w` of Unicode's own report nor that of Rust's regex crate, hence own tables.
Run with Python 3.12 (Unicode 15.0), the version opaque-keys is used with:

    python3.12 unicode.py > unicode.rs && rustfmt unicode.rs
"""

import sys
import unicodedata

TABLES = [
    ("WORD", "Characters past ASCII for which Python's `str.isalnum` holds.", str.isalnum),
    ("DIGIT", "Characters past ASCII for which Python's `str.isdigit` holds.", str.isdigit),
    ("DECIMAL", "Characters past ASCII for which Python's `str.isdecimal` holds.", str.isdecimal),
]


def ranges(holds):
    """Yields the inclusive ranges of characters past ASCII for which `holds` is true."""
    start = None
    for code in range(0x80, sys.maxunicode + 2):
        inside = code <= sys.maxunicode and holds(chr(code))
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            yield start, code - 1
            start = None


def main():
    print(f"//! Character tables of Unicode {unicodedata.unidata_version}, written by `unicode.py`; do not edit.")
    for name, doc, holds in TABLES:
        rows = list(ranges(holds))
        print(f"\n/// {doc}\n#[rustfmt::skip]\npub(super) static {name}: [(u32, u32); {len(rows)}] = [")
        line = "   "
        for first, last in rows:
            item = f" (0x{first:x}, 0x{last:x}),"
            if len(line) + len(item) > 108:
                print(line)
                line = "   "
            line += item
        print(line)
        print("];")


if __name__ == "__main__":
    main()
