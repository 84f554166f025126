"""Formulas as learners type them: `evaluator` gives their value, as problems and their scripts expect it."""

from calc.evaluate import UndefinedVariable, evaluator
from calc.formula import ParseException, UnmatchedParenthesis

__all__ = ["ParseException", "UndefinedVariable", "UnmatchedParenthesis", "evaluator"]
