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
    InvalidEdit,
    InvalidKey,
    NotFound,
    OlxError,
    PackageError,
    StoreError,
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
    "Fragment",
    "Grade",
    "ImportReport",
    "InvalidEdit",
    "InvalidKey",
    "NotFound",
    "OlxError",
    "PackageError",
    "PublishReport",
    "Response",
    "Store",
    "StoreError",
    "Submission",
    "__version__",
    "open",
]
