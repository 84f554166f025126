"""Values that cross the border of the cage: what JSON can hold, as the code jail sees it.

Integers beyond 64 bits travel as `{"__int__": "..."}`, since not every reader of JSON keeps them.
"""

import math

KINDS = (type(None), bool, int, float, bytes, str, list, tuple, dict)

BIG = 1 << 63

#: How deep values may be nested: readers of JSON outside take 128 levels, two of which are the answer's own.
DEPTH = 120


class Unfit(Exception):
    """A value that JSON cannot hold."""


def encode(value, depth=0):
    """Makes a value of plain JSON types.

    Raises:
        Unfit: where it holds anything else, not a number included.
    """
    if depth > DEPTH:
        raise Unfit
    if value is None or value is True or value is False:
        return value
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise Unfit from None
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Unfit from None
        return str.__str__(value)
    if isinstance(value, int):
        number = int(value)
        return number if -BIG <= number < BIG else {"__int__": str(number)}
    if isinstance(value, float):
        number = float(value)
        if not math.isfinite(number):
            raise Unfit
        return number
    if isinstance(value, (list, tuple)):
        return [encode(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key_text(key): encode(item, depth + 1) for key, item in value.items()}
    raise Unfit


def key_text(key):
    """Writes the name of a member as Python's JSON does.

    Raises:
        Unfit: for names that are no plain values.
    """
    if isinstance(key, str):
        return encode(key)
    if key is True:
        return "true"
    if key is False:
        return "false"
    if key is None:
        return "null"
    if isinstance(key, bytes):
        return encode(key)
    if isinstance(key, int):
        return str(int(key))
    if isinstance(key, float) and math.isfinite(key):
        return repr(float(key))
    raise Unfit


def encode_names(names):
    """Makes the names that can cross, leaving the others out."""
    out = {}
    for name, value in names.items():
        if isinstance(name, str) and isinstance(value, KINDS):
            try:
                out[encode(name)] = encode(value)
            except (Unfit, RecursionError, ValueError):
                continue
    return out


def decode(value):
    """Makes Python values of what came in."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("__int__"), str):
            return int(value["__int__"])
        return {name: decode(item) for name, item in value.items()}
    return value
