"""The evaluator by its older path, for scripts that say `calc.calc`."""

from calc.evaluate import CONSTANTS, FUNCTIONS, UndefinedVariable, evaluator
from calc.formula import ParseException, UnmatchedParenthesis

DEFAULT_FUNCTIONS = FUNCTIONS
DEFAULT_VARIABLES = CONSTANTS
SUFFIXES = {"%": lambda value: 0.01 * value}

__all__ = [
    "DEFAULT_FUNCTIONS",
    "DEFAULT_VARIABLES",
    "SUFFIXES",
    "ParseException",
    "UndefinedVariable",
    "UnmatchedParenthesis",
    "evaluator",
]
