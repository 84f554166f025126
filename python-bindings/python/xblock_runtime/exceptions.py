"""What can go wrong, as situations with their data."""

from __future__ import annotations


class CoursewareError(Exception):
    """Base of everything this package raises.

    Attributes say where it happened, as far as that is known: ``key`` is the opaque key as text; ``file`` is for
    :class:`OlxError` a path inside the course package, otherwise the folder, archive or file that was given (or a place
    in a store); ``line`` and ``column`` count from 1; ``code`` stays the same from version to version.
    """

    def __init__(
        self,
        message: str,
        *,
        key: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.key = key
        self.file = file
        self.line = line
        self.column = column
        self.code = code


class InvalidKey(CoursewareError):
    """A text is not the key it should be."""


class NotFound(CoursewareError):
    """A context, block, definition, asset or version does not exist."""


class Conflict(CoursewareError):
    """Somebody else changed the context meanwhile, or it exists already; nothing was written."""


class InvalidEdit(CoursewareError):
    """An edit asks for what cannot be; nothing was written."""


class ReadOnly(InvalidEdit):
    """Something was to be written to a store that is open for reading only, such as one the LMS reads; nothing was."""


class OlxError(CoursewareError):
    """OLX that cannot be read."""


class PackageError(CoursewareError):
    """A course folder or archive that cannot be read or written."""


class StoreError(CoursewareError):
    """A store that cannot be opened, read or written, or whose data is damaged."""


class BlockError(CoursewareError):
    """A block that cannot render a view or answer a request."""


class ProblemError(CoursewareError):
    """A problem that cannot be put together, converted, or given what it was given; ``line`` is one of its XML."""


class GradingError(CoursewareError):
    """Answers that cannot be graded; nothing was counted."""

    #: What learners are told, in a form without the author's code.
    learner_message: str = ""


class FormulaError(CoursewareError):
    """A formula that has no value."""


class UndefinedVariable(FormulaError):
    """A formula names variables or functions that are not defined; the message is for the learner."""


class UnmatchedParenthesis(FormulaError):
    """A formula's parentheses do not match; the message is for the learner."""


class ParseException(FormulaError):
    """A text that is not written as a formula."""


__all__ = [
    "BlockError",
    "Conflict",
    "CoursewareError",
    "FormulaError",
    "GradingError",
    "InvalidEdit",
    "InvalidKey",
    "NotFound",
    "OlxError",
    "PackageError",
    "ParseException",
    "ProblemError",
    "ReadOnly",
    "StoreError",
    "UndefinedVariable",
    "UnmatchedParenthesis",
]
