# Runs in the cage: calls and what they gave in Python (chem 2.0.0, codejail-includes 2.0.0, six 1.17.0, calc 4.0.3).
import json

import calc.functions
import loncapa
import six
from calc.calc import DEFAULT_FUNCTIONS
from chem.miller import segment_to_fraction, sub_miller
from six.moves import range as six_range

compared = 0
different = []


def gives(found, recorded):
    global compared
    compared += 1
    if found != recorded or type(found) is not type(recorded):
        different.append([compared, repr(found), repr(recorded)])


gives([n for n in range(30, 100) if eia.iseia(n)], [30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91])
gives(eia.E24[:14], [10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82, 11, 13])
gives(eia.E48[:13], [100, 121, 147, 178, 215, 261, 316, 383, 464, 562, 681, 825, 105])
gives(eia.E192[-12:], [120, 145, 176, 213, 258, 312, 379, 459, 556, 673, 816, 988])
recorded = [(0, True), (-47, False), (4.71, False), ("47", False), (float("inf"), False), (float("nan"), False)]
recorded += [(1e-9, True), (9.1e9, True), (10999, True), (10998, False), (10001, False), (101, False), (0.999, False)]
for value, answer in recorded:
    gives(eia.iseia(value), answer)
gives(eia.iseia(101, (eia.E192,)), True)
gives(eia.iseia(9, ((900,),)), True)

gives([loncapa.lc_choose(index, "a", "b") for index in (1, 2, 3, 0, "2", 1.5)], ["a", "b", "a", "b", "b", "a"])
gives(loncapa.rad2deg, 57.29577951308232)

AX5 = {"geometry": "AX5", "atoms": {"c0": "C", "a0": "X", "a1": "Y", "e0": "Q"}}
turned = {"c0": "C", "a0": "Y", "a1": "X", "e0": "Q"}
around = {"c0": "C", "p0": "Q", "p1": "Y", "p2": "X"}
gives(chemtools.vsepr_grade(AX5, chemtools.vsepr_build_correct_answer("AX5", turned)), True)
gives(chemtools.vsepr_grade(AX5, chemtools.vsepr_build_correct_answer("AX4", turned)), False)
gives(chemtools.vsepr_grade(AX5, chemtools.vsepr_build_correct_answer("AX5", around)), False)
gives(chemtools.vsepr_grade(AX5, {"geometry": "AX5", "atoms": around}, convert_to_peripheral=True), True)
gives(chemtools.vsepr_grade(AX5, {"geometry": "AX5", "atoms": turned}, convert_to_peripheral=True), False)
gives(chemtools.vsepr_grade(AX5, {"geometry": "AX5", "atoms": {**turned, "c0": "N"}}), False)
gives(chemtools.vsepr_parse_user_answer(json.dumps(AX5)), AX5)


def plane(indices, *points):
    return miller.grade(json.dumps({"lattice": "sc", "points": points}), {"lattice": "sc", "miller": indices})


corners = (["1.00", "0.00", "0.00"], ["0.00", "1.00", "0.00"], ["0.00", "0.00", "1.00"])
for indices, answer in (("(1,1,1)", True), ("(-1,-1,-1)", True), ("( 1, 1, 1)", True), ("(2,2,2)", False), ("", False)):
    gives(plane(indices, *corners), answer)
gives(plane("(1,1,1)", *corners[:2]), False)
gives(plane("(3,2,1)", ["0.33", "0", "0"], ["0", "0.50", "0"], ["0", "0", "1"]), True)
gives(plane("(0,0,0)", ["0", "0", "0"], ["1", "0", "0"], ["2", "0", "0"]), True)
gives(plane("(1,-1,-1)", ["0", "0", "0"], ["1", "1", "0"], ["1", "0", "1"]), True)
gives(plane("(1,1,-2)", ["0", "0", "0"], ["1", "0", "0.5"], ["0", "1", "0.5"]), True)
gives(miller.grade(json.dumps({"lattice": "bcc", "points": corners}), {"lattice": "sc", "miller": "(1,1,1)"}), False)
gives(sub_miller((0.5, 0.33, 1)), "(2,3,1)")
gives(str(segment_to_fraction(0.65)), "3/2")


def drag(answer, *user):
    return draganddrop.grade(json.dumps(user), answer)


def group(rule, draggables, targets):
    return [{"draggables": draggables, "targets": targets, "rule": rule}]


gives(drag({"a": "t1", "b": "t2"}, {"b": "t2"}, {"a": "t1"}), True)
gives(drag({"a": "t1", "b": "t2"}, {"a": "t1"}), False)
gives(drag({"a": "t1"}, {"a": "t1"}, {"c": "t3"}), False)
gives(drag({"a": [20, 10]}, {"a": [10, 10]}), True)
gives(drag({"a": [18, 18]}, {"a": [10, 10]}), False)
gives(drag({"a": [[30, 10], 20]}, {"a": [10, 10]}), True)
gives(drag({"a": [[0, 0], 5]}, {"a": [8, 0]}), True)
gives(drag({"a": "t[c][2][b][1]"}, {"a": {"1": {"b": {"2": {"c": "t"}}}}}), True)
gives(drag({"a": "t"}, {"a": [1, 1]}), False)
for rule, ordered, swapped, twice, same in (
    ("exact", True, False, False, False),
    ("anyof", True, True, True, True),
    ("unordered_equal", True, True, False, False),
    ("exact+number", True, False, False, False),
    ("anyof+number", True, True, True, False),
    ("unordered_equal+number", True, True, False, False),
    ("other", False, False, False, False),
):
    both = group(rule, ["a", "b"], ["t1", "t2"])
    gives(drag(both, {"a": "t1"}, {"b": "t2"}), ordered)
    gives(drag(both, {"b": "t2"}, {"a": "t1"}), swapped)
    gives(drag(both, {"a": "t1"}, {"b": "t1"}), twice)
    gives(drag(group(rule, ["a"], ["t1"]), {"a": "t1"}, {"a": "t1"}), same)
gives(drag(group("unordered_equal+number", ["a", "a"], ["t1", "t1"]), {"a": "t1"}, {"a": "t1"}), True)

gives(calc.functions.sec(0).item(), 1.0)
gives("arcsinh" in DEFAULT_FUNCTIONS, True)
gives((six.PY3, list(six_range(2)), six.text_type), (True, [0, 1], str))
