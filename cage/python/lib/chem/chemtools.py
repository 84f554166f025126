"""Grades the shape of a molecule: its geometry, and which atom stands where.

Places of atoms are named `c0` for the middle, and `p0`, `a0` or `e0` and on for peripheral, axial and equatorial ones.
"""

import json

SIDES = ("p", "a", "e")


def vsepr_parse_user_answer(user_input):
    """Reads a learner's answer."""
    return json.loads(user_input)


def vsepr_build_correct_answer(geometry, atoms):
    """Makes the answer to compare with."""
    return {"geometry": geometry, "atoms": atoms}


def vsepr_grade(user_input, correct_answer, convert_to_peripheral=False):
    """Compares two answers; atoms on the same side of the middle may change places.

    Args:
        convert_to_peripheral: takes the learner's atoms around the middle for peripheral ones, wherever they stand.
    """
    if user_input["geometry"] != correct_answer["geometry"]:
        return False
    given, wanted = user_input["atoms"], correct_answer["atoms"]
    if given["c0"] != wanted["c0"]:
        return False
    if convert_to_peripheral:
        around = [atom for place, atom in given.items() if place != "c0"]
        given = {"p" + str(index): atom for index, atom in enumerate(around)}
    return all(sorted(_side(given, side)) == sorted(_side(wanted, side)) for side in SIDES)


def _side(atoms, side):
    return [atom for place, atom in atoms.items() if place.startswith(side)]
