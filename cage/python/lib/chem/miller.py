"""Grades lattice planes that learners draw, by their Miller indices."""

import functools
import json
import math
from fractions import Fraction

# A plane through the origin is measured from the first of these corners that does not lie on it.
CORNERS = ((0, 0, 0), (0, 0, 1), (1, 0, 0), (0, 1, 0))
DENOMINATOR = 10


def lcm(a, b):
    """Gives the least common multiple."""
    return a * b / math.gcd(a, b)


def segment_to_fraction(distance):
    """Gives the index that belongs to where a plane cuts an axis; not a number where it never does."""
    if math.isnan(distance):
        return Fraction(0)
    return 1 / Fraction(float(distance)).limit_denominator(DENOMINATOR)


def sub_miller(segments):
    """Writes the Miller indices of a plane that cuts the axes at three places."""
    indices = [segment_to_fraction(segment) for segment in segments]
    scale = functools.reduce(math.lcm, (index.denominator for index in indices))
    return "({},{},{})".format(*(int(index * scale) for index in indices))


def miller(points):
    """Writes the Miller indices of the plane through the first three points, `(0,0,0)` where they lie on a line."""
    first, second, third = ([_exact(part) for part in points[index]] for index in range(3))
    u = [b - a for a, b in zip(first, second)]
    v = [b - a for a, b in zip(first, third)]
    normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
    if not any(normal):
        return "(0,0,0)"
    away = (sum(n * (a - c) for n, a, c in zip(normal, first, corner)) for corner in CORNERS)
    distance = next(one for one in away if one)
    return sub_miller([float(distance / part) if part else math.nan for part in normal])


def grade(user_input, correct_answer):
    """Compares a drawn plane with `{"lattice": ..., "miller": "(1,1,0)"}`; the plane has no front and back."""
    answer = json.loads(user_input)
    if answer["lattice"] != correct_answer["lattice"]:
        return False
    points = [[_to_grid(float(part)) for part in point] for point in answer["points"]]
    if len(points) < 3:
        return False
    wanted = correct_answer["miller"].replace(" ", "")
    drawn = miller(points)
    return wanted in (drawn, _turned(drawn))


def _exact(value):
    """Takes a coordinate for what its digits say, so that it is known what lies on a plane."""
    return Fraction(float(value)).limit_denominator(10**6)


def _to_grid(value):
    """Moves a coordinate to the grid that learners draw on."""
    return math.floor(value * 20 + 0.5) / 20


def _turned(indices):
    return "({})".format(",".join(str(-int(index)) for index in indices[1:-1].split(",")))
