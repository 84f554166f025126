"""Random numbers, choices and angles by the names that LON-CAPA has for them."""

import math
import random

deg2rad = math.pi / 180.0
rad2deg = 180.0 / math.pi


def lc_random(lower, upper, stepsize):
    """Draws one of `lower`, `lower + stepsize` and so on below `upper`."""
    count = int((upper - lower) / stepsize)
    return random.choice([lower + step * stepsize for step in range(count)])


def lc_choose(index, *args):
    """Gives the argument of a number, from 1, and the first where there is none of that number.

    As in lists, 0 is the last one, -1 the one before it and so on.

    Raises:
        ValueError: where there is nothing to choose from.
    """
    if not args:
        raise ValueError("lc_choose has nothing to choose from")
    try:
        return args[int(index) - 1]
    except (IndexError, TypeError, ValueError, OverflowError):
        return args[0]
