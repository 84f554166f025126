"""Records anew what Python's `re` says of the patterns in regexp.json: null where it takes them.

python3.11 record_regexp.py
"""

import json
import pathlib
import re
import warnings

warnings.simplefilter("ignore")
FILE = pathlib.Path(__file__).with_name("regexp.json")


def said(pattern):
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        return str(error)
    return None


rows = [[pattern, said(pattern)] for pattern, _ in json.loads(FILE.read_text())]
FILE.write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")
