"""Numbers that Python's JSON has and JSON has not: not-a-number and the infinities.

Native code holds them as ``{"__float__": "NaN"}``, so that what was stored with them is written back as it was.
"""

from __future__ import annotations

import math
from typing import Any

_NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def marked(value: Any) -> Any:
    """Returns a value of JSON with such numbers marked."""
    if isinstance(value, float) and not math.isfinite(value):
        name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return {"__float__": name}
    if isinstance(value, dict):
        return {name: marked(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [marked(one) for one in value]
    return value


def unmarked(value: Any) -> Any:
    """Returns a value of JSON with such numbers in their places."""
    if isinstance(value, dict):
        if len(value) == 1 and "__float__" in value:
            return _NAMES.get(value["__float__"], value)
        return {name: unmarked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [unmarked(one) for one in value]
    return value
