"""Formulas as learners type them, with the values and errors of Python's ``calc``.

>>> from xblock_runtime.formula import evaluate, latex_preview
>>> evaluate({"x": 3}, {}, "2*x^2")
18
>>> latex_preview("x^2/2")
'\\\\frac{x^{2}}{2}'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xblock_runtime import _native
from xblock_runtime.exceptions import FormulaError, ParseException, UndefinedVariable, UnmatchedParenthesis

Value = int | float | complex


def evaluate(
    variables: Mapping[str, Value],
    functions: Mapping[str, Callable[[Any], Value]],
    expression: str,
    case_sensitive: bool = False,
) -> Value:
    """Returns the value of a formula; that of a blank one is not a number.

    Variables and functions go before the constants and functions every formula has. Raises
    :class:`UndefinedVariable`, :class:`UnmatchedParenthesis` or :class:`ParseException` for what is no formula, the
    errors of Python (:class:`ZeroDivisionError`, :class:`OverflowError`, :class:`ValueError`, :class:`TypeError`) for
    what has no value, :class:`FormulaError` for what is too long or deep, and whatever a function raises.
    """
    value: Value = _native.evaluate_formula(dict(variables), dict(functions), expression, case_sensitive)
    return value


def latex_preview(expression: str) -> str:
    """Returns a formula in LaTeX. Raises :class:`ParseException`."""
    return _native.formula_latex(expression)


__all__ = ["FormulaError", "ParseException", "UndefinedVariable", "UnmatchedParenthesis", "evaluate", "latex_preview"]
