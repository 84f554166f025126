"""Preferred values of electronic parts, the E series of IEC 60063."""

import numbers

# The values of the coarse series are older than their formula and do not follow it.
_COARSE = [10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91]
# The formula gives 919 for the one that the standard rounds up.
_FINE = [{919: 920}.get(value, value) for value in (round(100 * 10 ** (step / 192)) for step in range(192))]


def _columns(values):
    """Orders a series as its tables are printed: twelve rows, read by columns."""
    width = len(values) // 12
    return [value for start in range(width) for value in values[start::width]]


E6 = _COARSE[::4]
E12 = _COARSE[::2]
E24 = _columns(_COARSE)
E48 = _columns(_FINE[::4])
E96 = _columns(_FINE[::2])
E192 = _columns(_FINE)


def iseia(r, valid_types=(E6, E12, E24)):
    """Says whether a value is one of the series, whatever its power of ten; nothing is, and negative values are not."""
    if not isinstance(r, numbers.Number) or r < 0 or r in (float("inf"),) or r != r:
        return False
    if r == 0:
        return True
    while r < 100:
        r = r * 10
    while r >= 1000:
        r = r / 10
    whole = round(r)
    if abs(r - whole) > 0.01:
        return False
    return any(whole in series or (whole % 10 == 0 and whole // 10 in series) for series in valid_types)
