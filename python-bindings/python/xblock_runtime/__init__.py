"""Open edX courseware on Blockstore and Modulestore.

>>> import xblock_runtime
>>> store = xblock_runtime.open("memory:")
>>> store.contexts()
[]
"""

from xblock_runtime._native import __version__
from xblock_runtime.exceptions import (
    BlockError,
    Conflict,
    CoursewareError,
    FormulaError,
    GradingError,
    InvalidEdit,
    InvalidKey,
    NotFound,
    OlxError,
    PackageError,
    ParseException,
    ProblemError,
    ReadOnly,
    StoreError,
    UndefinedVariable,
    UnmatchedParenthesis,
)
from xblock_runtime.store import (
    Aside,
    Block,
    Diagnostic,
    Difference,
    Fragment,
    Grade,
    ImportReport,
    PublishReport,
    Response,
    Store,
    Submission,
    open,
)

__all__ = [
    "Aside",
    "Block",
    "BlockError",
    "Conflict",
    "CoursewareError",
    "Diagnostic",
    "Difference",
    "FormulaError",
    "Fragment",
    "Grade",
    "GradingError",
    "ImportReport",
    "InvalidEdit",
    "InvalidKey",
    "NotFound",
    "OlxError",
    "PackageError",
    "ParseException",
    "ProblemError",
    "PublishReport",
    "ReadOnly",
    "Response",
    "Store",
    "StoreError",
    "Submission",
    "UndefinedVariable",
    "UnmatchedParenthesis",
    "__version__",
    "open",
]
