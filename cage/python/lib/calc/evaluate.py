"""Gives the value of a formula, in Python's and NumPy's numbers, by their rules."""

import math
import operator

import numpy
import numpy.lib.scimath

from calc import formula

scimath = numpy.lib.scimath


class UndefinedVariable(Exception):
    """A name nobody defined."""


def _inverse(function):
    return lambda value: 1 / function(value)


def _of_inverse(function):
    return lambda value: function(numpy.divide(1.0, value))


def _arccot(value):
    if numpy.real(value) < 0:
        return -math.pi / 2 - numpy.arctan(value)
    return math.pi / 2 - numpy.arctan(value)


def _factorial(value):
    return math.factorial(operator.index(value))


FUNCTIONS = {
    "sin": numpy.sin,
    "cos": numpy.cos,
    "tan": numpy.tan,
    "sec": _inverse(numpy.cos),
    "csc": _inverse(numpy.sin),
    "cot": _inverse(numpy.tan),
    "sqrt": scimath.sqrt,
    "log10": scimath.log10,
    "log2": scimath.log2,
    "ln": scimath.log,
    "exp": numpy.exp,
    "arccos": scimath.arccos,
    "arcsin": scimath.arcsin,
    "arctan": numpy.arctan,
    "arcsec": _of_inverse(numpy.arccos),
    "arccsc": _of_inverse(numpy.arcsin),
    "arccot": _arccot,
    "abs": numpy.abs,
    "fact": _factorial,
    "factorial": _factorial,
    "sinh": numpy.sinh,
    "cosh": numpy.cosh,
    "tanh": numpy.tanh,
    "sech": _inverse(numpy.cosh),
    "csch": _inverse(numpy.sinh),
    "coth": _inverse(numpy.tanh),
    "arcsinh": numpy.arcsinh,
    "arccosh": numpy.arccosh,
    "arctanh": scimath.arctanh,
    "arcsech": _of_inverse(numpy.arccosh),
    "arccsch": _of_inverse(numpy.arcsinh),
    "arccoth": _of_inverse(numpy.arctanh),
}

CONSTANTS = {"i": 1j, "j": 1j, "e": numpy.e, "pi": numpy.pi}


def evaluator(variables, functions, math_expr, case_sensitive=False):
    """Gives a formula's value; nothing but blanks is not a number.

    Raises:
        UnmatchedParenthesis, ParseException: where it is no formula.
        UndefinedVariable: for names that are neither given nor known.
    """
    text = math_expr.strip()
    if not text:
        return float("nan")
    formula.check_parentheses(text)
    tree = formula.Parser(text).parse()
    known = {**CONSTANTS, **variables}
    callables = {**FUNCTIONS, **functions}
    if not case_sensitive:
        known = {name.lower(): value for name, value in known.items()}
        callables = {name.lower(): value for name, value in callables.items()}
    check(tree, known, callables, case_sensitive)
    fold = (lambda name: name) if case_sensitive else str.lower
    with numpy.errstate(all="ignore"):
        return evaluate(tree, known, callables, fold)


def check(tree, known, callables, case_sensitive):
    """Looks for names nobody defined.

    Raises:
        UndefinedVariable: with a message for the learner.
    """
    fold = (lambda name: name) if case_sensitive else str.lower

    def hints(missing, given):
        text = ""
        if case_sensitive:
            close = sorted({name for one in missing for name in given if name.lower() == one.lower()})
            if close:
                text += " (did you mean {}?)".format(", ".join(close))
        return text

    missing = sorted(name for name in formula.names(tree, "variable") if fold(name) not in known)
    if missing:
        raise UndefinedVariable(
            "Invalid Input: {} not permitted in answer as a variable".format(", ".join(missing)) + hints(missing, known)
        )
    missing = sorted(name for name in formula.names(tree, "function") if fold(name) not in callables)
    if missing:
        text = "Invalid Input: {} not permitted in answer as a function".format(", ".join(missing))
        if any(fold(name) in known for name in missing):
            text += " (did you forget to use * for multiplication?)"
        raise UndefinedVariable(text + hints(missing, callables))


def number(mantissa, exponent, is_percent):
    """Gives the value of a number as it is typed."""
    if exponent is not None:
        value = float(mantissa + "e" + exponent)
    elif "." in mantissa:
        value = float(mantissa)
    else:
        value = int(mantissa)
    return value * 0.01 if is_percent else value


def evaluate(tree, known, callables, fold):
    """Gives the value of a tree."""
    kind = tree[0]
    if kind == "number":
        return number(*tree[1:])
    if kind == "variable":
        return known[fold(tree[1])]
    if kind == "parentheses":
        return evaluate(tree[1], known, callables, fold)
    if kind == "function":
        return callables[fold(tree[1])](evaluate(tree[2], known, callables, fold))
    if kind == "power":
        values = [evaluate(part, known, callables, fold) for part in tree[1]]
        result = values.pop()
        while values:
            result = values.pop() ** result
        return result
    if kind == "parallel":
        values = [evaluate(part, known, callables, fold) for part in tree[1]]
        if 0 in values:
            return float("nan")
        return 1.0 / sum(1.0 / value for value in values)
    if kind == "product":
        result = evaluate(tree[1][0][1], known, callables, fold)
        for sign, part in tree[1][1:]:
            value = evaluate(part, known, callables, fold)
            result = result * value if sign == "*" else result / value
        return result
    result = 0
    for sign, part in tree[1]:
        value = evaluate(part, known, callables, fold)
        result = result - value if sign == "-" else result + value
    return result
