"""Grades answers of symbolic responses: the same expression as the expected one, after SymPy's own simplifications."""

from symbolic.checker import check

__all__ = ["check"]
