//! The modules of Python that scripts find without bringing them along.

/// Python's own modules, and those the platform's sandbox for scripts has.
const KNOWN: &str = "
__future__ abc aifc argparse array ast asyncio base64 bdb binascii bisect builtins bz2 calendar cmath cmd code codecs
collections colorsys concurrent configparser contextlib contextvars copy copyreg csv ctypes dataclasses datetime decimal
difflib dis email encodings enum errno fcntl filecmp fnmatch fractions functools gc getopt gettext glob gzip hashlib heapq
hmac html http imghdr importlib inspect io ipaddress itertools json keyword linecache locale logging lzma math mimetypes
numbers operator os pathlib pickle platform posixpath pprint queue random re reprlib sched secrets select shelve shlex
shutil signal site socket sqlite3 ssl stat statistics string stringprep struct subprocess sys tempfile textwrap threading
time timeit token tokenize traceback types typing unicodedata unittest urllib uuid warnings weakref xml xmlrpc zipfile
zlib zoneinfo
__builtin__ commands cPickle cStringIO HTMLParser Queue StringIO sets urllib2 urlparse
calc capa chem chempy codejail cryptography cycler eia joblib kiwisolver loncapa lxml matplotlib mpmath networkx nltk
nose numexpr numpy openedx_calc openedx_chem pandas pylab pyparsing random2 regex scipy six symmath sympy verifiers
";

/// Says whether a module is there for every script.
pub(super) fn is_known_module(name: &str) -> bool {
    KNOWN.split_whitespace().any(|known| known == name)
}
