"""What search indexes should know of a block."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree, html

from xblock_runtime import _native
from xblock_runtime.exceptions import ProblemError

#: Elements whose text no learner reads.
_SILENT = ("script", "style", "answer", "solution", "demandhint")
_BLANKS = re.compile(r"\s+")


def index_dictionary(content_type: str, text_name: str | None = None) -> Callable[[Any], dict[str, Any]]:
    """Makes the method of that name: name and type of a block, and the words in its ``data`` under ``text_name``."""

    def method(self: Any) -> dict[str, Any]:
        content = {"display_name": self.display_name or ""}
        if text_name is not None:
            content[text_name] = visible_text(self.data)
        return {"content": content, "content_type": content_type}

    method.__name__ = "index_dictionary"
    method.__doc__ = "Returns what a search index should know of the block."
    return method


def problem_index_dictionary(self: Any) -> dict[str, Any]:
    """Returns what a search index should know of a problem: its words without answers, and its kinds of questions."""
    try:
        words, types = _native.index_problem(self.data)
    except ProblemError:
        # What is no XML is found by its name.
        words, types = "", []
    return {
        "content": {"display_name": self.display_name or "", "capa_content": words},
        "content_type": "CAPA",
        "problem_types": types,
    }


def visible_text(markup: str) -> str:
    """Returns the words of a text with markup that a learner can read, divided by single blanks."""
    if not markup.strip():
        return ""
    try:
        root = html.fragment_fromstring(markup, create_parent="div")
    except (etree.ParserError, ValueError):
        return ""
    etree.strip_elements(root, etree.Comment, *_SILENT, with_tail=False)
    return _BLANKS.sub(" ", " ".join(root.itertext())).strip()
