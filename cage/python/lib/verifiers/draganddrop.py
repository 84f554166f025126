"""Grades what learners dragged where.

A learner's answer is a list of `{draggable: place}` in the order of dragging. A place is the name of a target, `[x, y]`
or, on a target that another draggable carries, `{target: {draggable: place}}`. The correct answer is a mapping of
draggable to place, or a list of groups `{"draggables": [...], "targets": [...], "rule": ...}`.
"""

import json

RADIUS = 10


def flat_user_answer(user_answer):
    """Writes places on targets of other draggables in one line: `place[draggable][target]`."""
    flat = []
    for entry in user_answer:
        for draggable, place in entry.items():
            flat.append({draggable: _flat_place(place)})
    return flat


def _flat_place(place):
    trail = ""
    while isinstance(place, dict):
        ((target, inner),) = place.items()
        ((carrier, place),) = inner.items()
        trail = f"[{carrier}][{target}]" + trail
    return str(place) + trail if trail else place


class PositionsCompare(list):
    """Places, equal to others where each names the same target or lies near the same spot."""

    def __eq__(self, other):
        return len(self) == len(other) and all(_matches(theirs, ours) for ours, theirs in zip(self, other))

    __hash__ = None

    def coordinate_positions_compare(self, other, r=RADIUS):
        """Says whether this spot lies within a radius of another, which may bring a larger radius of its own."""
        return _near(other, self, r)


def _matches(wanted, given):
    if any(isinstance(part, str) for place in (wanted, given) for part in (place, *place)):
        return wanted == given
    return _near(wanted, given, RADIUS)


def _near(wanted, given, radius):
    if isinstance(wanted[0], (list, tuple)):
        wanted, own = wanted
        radius = max(radius, own)
    return (wanted[0] - given[0]) ** 2 + (wanted[1] - given[1]) ** 2 <= radius**2


class DragAndDrop:
    """One learner's answer beside the correct one."""

    def __init__(self, correct_answer, user_answer):
        if isinstance(correct_answer, dict):
            correct_answer = [
                {"draggables": [draggable], "targets": [place], "rule": "exact"}
                for draggable, place in correct_answer.items()
            ]
        self.groups = correct_answer
        self.dragged = [pair for entry in flat_user_answer(user_answer) for pair in entry.items()]

    def grade(self):
        """Says whether all groups are as they should be, and nothing else was dragged."""
        known = {draggable for group in self.groups for draggable in group["draggables"]}
        if not {draggable for draggable, _ in self.dragged} <= known:
            return False
        return all(self._is_right(group) for group in self.groups)

    def _is_right(self, group):
        rule, _, number = group["rule"].partition("+")
        mine = [(draggable, place) for draggable, place in self.dragged if draggable in group["draggables"]]
        draggables = [draggable for draggable, _ in mine]
        if not number:
            draggables = list(dict.fromkeys(draggables))
        if number not in ("", "number") or sorted(draggables) != sorted(group["draggables"]):
            return False
        return self.compare_positions(group["targets"], [place for _, place in mine], rule)

    def compare_positions(self, correct, user, flag):
        """Compares places by a rule: `exact` in order, `unordered_equal` in any order, `anyof` each one of them."""
        if flag == "exact":
            return PositionsCompare(user) == correct
        if flag == "anyof":
            return all(any(_matches(wanted, given) for wanted in correct) for given in user)
        if flag == "unordered_equal":
            left = list(correct)
            for given in user:
                found = next((index for index, wanted in enumerate(left) if _matches(wanted, given)), None)
                if found is None:
                    return False
                del left[found]
            return not left
        return False


def grade(user_input, correct_answer):
    """Grades the answer that the browser sent as JSON."""
    return DragAndDrop(correct_answer, json.loads(user_input)).grade()
