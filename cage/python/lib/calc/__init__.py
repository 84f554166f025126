"""Formulas as learners type them: `evaluator` gives their value, as problems and their scripts expect it."""

from calc.calc import DEFAULT_FUNCTIONS, DEFAULT_VARIABLES, SUFFIXES
from calc.evaluate import UndefinedVariable, evaluator
from calc.formula import ParseException, UnmatchedParenthesis

__all__ = [
    "DEFAULT_FUNCTIONS",
    "DEFAULT_VARIABLES",
    "SUFFIXES",
    "ParseException",
    "UndefinedVariable",
    "UnmatchedParenthesis",
    "evaluator",
]
