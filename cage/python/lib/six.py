"""What scripts written for Python 2 and 3 alike ask for, where the interpreter brings no `six` of its own."""

import builtins
import functools
import io
import itertools
import sys
import types

PY2 = False
PY3 = True
PY34 = True
MAXSIZE = sys.maxsize
string_types = (str,)
integer_types = (int,)
class_types = (type,)
text_type = str
binary_type = bytes
StringIO = io.StringIO
BytesIO = io.BytesIO
next = advance_iterator = builtins.next
unichr = chr
print_ = print


def u(text):
    """Gives a text as it is."""
    return text


def b(text):
    """Gives a text's bytes in Latin-1."""
    return text.encode("latin-1")


def iterkeys(mapping, **arguments):
    """Goes through the keys."""
    return iter(mapping.keys(**arguments))


def itervalues(mapping, **arguments):
    """Goes through the values."""
    return iter(mapping.values(**arguments))


def iteritems(mapping, **arguments):
    """Goes through pairs of key and value."""
    return iter(mapping.items(**arguments))


def ensure_text(value, encoding="utf-8", errors="strict"):
    """Gives text for text or bytes."""
    return value.decode(encoding, errors) if isinstance(value, bytes) else _text(value)


def ensure_str(value, encoding="utf-8", errors="strict"):
    """Gives text for text or bytes."""
    return ensure_text(value, encoding, errors)


def ensure_binary(value, encoding="utf-8", errors="strict"):
    """Gives bytes for text or bytes."""
    return value if isinstance(value, bytes) else _text(value).encode(encoding, errors)


def _text(value):
    if not isinstance(value, str):
        raise TypeError(f"not expecting type '{type(value)}'")
    return value


def reraise(kind, value, trace=None):
    """Raises an error once more, with its trace."""
    raise (kind() if value is None else value).with_traceback(trace)


def raise_from(value, cause):
    """Raises an error because of another."""
    raise value from cause


def with_metaclass(meta, *bases):
    """Makes a base whose subclasses are made by a metaclass."""

    class Maker(type):
        def __new__(cls, name, _, body):
            return meta(name, bases, body)

    return type.__new__(Maker, "temporary_class", (), {})


def add_metaclass(metaclass):
    """Makes a class anew by a metaclass."""

    def wrap(cls):
        body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        return metaclass(cls.__name__, cls.__bases__, body)

    return wrap


def python_2_unicode_compatible(cls):
    """Gives the class as it is."""
    return cls


moves = types.ModuleType("six.moves", "Names that Python 3 moved.")
moves.builtins = builtins
moves.cStringIO = io.StringIO
moves.StringIO = io.StringIO
moves.filter = filter
moves.filterfalse = itertools.filterfalse
moves.input = input
moves.map = map
moves.range = range
moves.reduce = functools.reduce
moves.xrange = range
moves.zip = zip
moves.zip_longest = itertools.zip_longest
sys.modules["six.moves"] = moves
