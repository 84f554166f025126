"""Formulas from Python."""

from __future__ import annotations

import fractions
import math
import threading
from typing import Any

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
    for kind in (numpy.complex64, numpy.complex128, numpy.clongdouble):
        assert evaluate({"x": kind(1 + 2j)}, {}, "x+1") == 2 + 2j


def test_what_is_no_number_matters_where_it_is_used() -> None:
    odd: dict[str, Any] = {"x": 2, "vector": [1, 2], "nothing": None, "text": "3"}
    assert evaluate(odd, {}, "x^2") == 4
    for name in ("vector", "NOTHING", "text"):
        with pytest.raises(TypeError, match="is no number"):
            evaluate(odd, {}, f"1+{name}")
    with pytest.raises(TypeError, match="is no number"):
        evaluate({"e": None}, {}, "1")  # type: ignore[dict-item]


def test_what_is_no_number_is_the_same_error_in_any_formula() -> None:
    nothing: Any = None
    for text in ("x+1", "x^2", "2^x", "x^(2)", "(x)^2", "x*x^2"):
        with pytest.raises(TypeError, match="NoneType is no number"):
            evaluate({"x": nothing}, {}, text)
    with pytest.raises(TypeError, match="NoneType is no number"):
        evaluate({"T_{i}^{j}": nothing}, {}, "T_{i}^{j}^2")
    # Part of another name is not the name.
    with pytest.raises(UndefinedVariable):
        evaluate({"x": nothing}, {}, "x^{2}+1")


def test_other_numbers_follow_the_rules_of_python() -> None:
    third: Any = fractions.Fraction(1, 3)
    assert evaluate({"x": third}, {}, "3*x") == 1
    with pytest.raises(ZeroDivisionError):
        evaluate({"x": third}, {}, "x/0")
    assert evaluate({"x": True}, {}, "x+1") == 2


def test_functions_may_evaluate_formulas_and_fail_in_any_way() -> None:
    assert evaluate({}, {"f": lambda x: evaluate({"y": x}, {}, "y^2")}, "f(3)+1") == 10

    def deep(x: Any) -> Any:
        return evaluate({}, {"f": deep}, "f(1)")

    with pytest.raises(RecursionError):
        evaluate({}, {"f": deep}, "f(1)")
    for error in (KeyboardInterrupt, SystemExit, MemoryError):

        def fail(_: object, error: type[BaseException] = error) -> float:
            raise error

        with pytest.raises(error):
            evaluate({}, {"f": fail}, "f(1)")
    with pytest.raises(TypeError):
        evaluate({}, {"f": None}, "f(1)")  # type: ignore[dict-item]


def test_other_threads_go_on_while_a_formula_is_computed() -> None:
    started, go_on = threading.Event(), threading.Event()

    def wait(x: Any) -> Any:
        started.set()
        assert go_on.wait(60)
        return x

    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(evaluate({}, {"f": wait}, "f(2)")))
    thread.start()
    assert started.wait(60)
    assert evaluate({}, {}, "1+1") == 2
    go_on.set()
    thread.join()
    assert found == [2]


RECURSIVE: dict[str, Any] = {}
RECURSIVE["x"] = RECURSIVE


@pytest.mark.parametrize(
    "garbage", [None, b"1", 5, 1.5, [], RECURSIVE, object(), "\ud800", "1\0", "9" * 10**6, "x" * 10**6]
)
def test_garbage_raises_and_never_panics(garbage: Any) -> None:
    key = garbage if isinstance(garbage, str) else 5
    given: list[tuple[Any, Any, Any]] = [
        (garbage, {}, "x"),
        ({}, garbage, "x(1)"),
        ({}, {}, garbage),
        ({"x": garbage}, {}, "x"),
        ({key: 1}, {}, "x"),
        ({}, {"f": lambda _: garbage}, "f(1)"),
    ]
    for arguments in given:
        try:
            evaluate(*arguments)
        except Exception as error:
            assert type(error).__name__ != "PanicException", arguments
    try:
        latex_preview(garbage)
    except Exception as error:
        assert type(error).__name__ != "PanicException"


def test_a_formula_is_shown() -> None:
    assert latex_preview("x^2/2") == r"\frac{x^{2}}{2}"
    with pytest.raises(ParseException):
        latex_preview("x+")


def test_names_are_exported() -> None:
    assert set(formula.__all__) <= set(dir(formula))
