"""Formulas from Python."""

from __future__ import annotations

import math

import pytest
from xblock_runtime import formula
from xblock_runtime.formula import (
    FormulaError,
    ParseException,
    UndefinedVariable,
    UnmatchedParenthesis,
    evaluate,
    latex_preview,
)


def test_values_keep_their_kind() -> None:
    assert evaluate({"x": 3}, {}, "2*x^2") == 18
    assert isinstance(evaluate({}, {}, "2*3"), int)
    assert evaluate({}, {}, "10^30") == 10**30
    assert evaluate({"n": 10**400}, {}, "n") == 10**400
    assert evaluate({}, {}, "j*j") == -1 + 0j
    value = evaluate({}, {}, "  ")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_functions_of_the_caller_are_called() -> None:
    assert evaluate({}, {"twice": lambda x: 2 * x}, "twice(21)") == 42

    def fail(_: object) -> float:
        message = "not today"
        raise LookupError(message)

    with pytest.raises(LookupError, match="not today"):
        evaluate({}, {"f": fail}, "f(1)")
    with pytest.raises(TypeError):
        evaluate({}, {"f": lambda _: "text"}, "f(1)")  # type: ignore[dict-item, return-value]


def test_case_counts_where_it_is_to() -> None:
    assert evaluate({"X": 2}, {}, "x") == 2
    with pytest.raises(UndefinedVariable, match="did you mean X"):
        evaluate({"X": 2}, {}, "x", case_sensitive=True)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("y", UndefinedVariable),
        ("(1", UnmatchedParenthesis),
        ("1+", ParseException),
        ("1/0", ZeroDivisionError),
        ("10.0^400", OverflowError),
        ("fact(0-1)", ValueError),
        ("(" * 10_000 + "1" + ")" * 10_000, FormulaError),
    ],
)
def test_what_has_no_value_raises(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        evaluate({}, {}, text)


def test_numbers_of_numpy_follow_its_rules() -> None:
    numpy = pytest.importorskip("numpy")
    assert evaluate({"x": numpy.float64(1.0)}, {}, "x/0") == math.inf
    assert evaluate({"n": numpy.int64(4)}, {}, "n*2") == 8


def test_a_formula_is_shown() -> None:
    assert latex_preview("x^2/2") == r"\frac{x^{2}}{2}"
    with pytest.raises(ParseException):
        latex_preview("x+")


def test_names_are_exported() -> None:
    assert set(formula.__all__) <= set(dir(formula))
