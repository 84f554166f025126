"""Makes XBlock fields from the Rust declaration."""

from __future__ import annotations

import datetime
from typing import Any

import xblock.fields
from xblock.fields import UNIQUE_ID, BlockScope, Field, Scope, ScoreField, UserScope
from xblock.scorable import Score

from xblock_runtime.numbers import marked, unmarked

#: Platform types that are stored, and read here, as what XBlock has.
_PLATFORM = {
    "CourseTabList": "List",
    "TextbookList": "List",
    "UserPartitionList": "List",
}

_SCOPES: dict[str, Any] = {
    "content": Scope.content,
    "settings": Scope.settings,
    "user_state": Scope.user_state,
    "preferences": Scope.preferences,
    "user_info": Scope.user_info,
    "user_state_summary": Scope.user_state_summary,
    "parent": Scope.parent,
    "children": Scope.children,
}


class Randomization(xblock.fields.String):  # type: ignore[misc]
    """A text in which the old words for "always" and "per student" are read as the new ones."""

    def from_json(self, value: Any) -> Any:
        """Returns the new word."""
        if value in ("", "true"):
            return "always"
        if value == "false":
            return "per_student"
        return value

    to_json = from_json


def make_field(declared: dict[str, Any]) -> Field:
    """Makes the XBlock field of one declaration, as ``_native.block_class`` gives it."""
    cls = _field_class(declared["type"])
    options: dict[str, Any] = {"scope": _scope(declared["scope"]), **declared["options"]}
    for name in ("help", "display_name", "values"):
        if declared[name] is not None:
            options[name] = declared[name]
    if issubclass(cls, xblock.fields.Boolean):
        # XBlock knows the two values and refuses to be told.
        options.pop("values", None)
    for name in ("enforce_type", "xml_node", "force_export", "hidden", "deprecated"):
        if declared[name]:
            options[name] = True
    if declared.get("unique_id"):
        options["default"] = UNIQUE_ID
    elif "default" in declared:
        options["default"] = _native_default(cls, declared["default"])
    return cls(**options)


def _field_class(kind: str) -> Any:
    if kind == "Randomization":
        return Randomization
    return getattr(xblock.fields, _PLATFORM.get(kind, kind))


def _native_default(cls: Any, stored: Any) -> Any:
    """Turns the stored form of a default into the native one, so that no field begins with a wrong type."""
    return None if stored is None else cls().from_json(stored)


def _scope(declared: dict[str, str]) -> Any:
    named = _SCOPES.get(declared["name"])
    if named is not None:
        return named
    return Scope(getattr(UserScope, declared["user"].upper()), getattr(BlockScope, declared["block"].upper()))


def to_stored(field: Field, value: Any) -> Any:
    """Returns a value in its stored form, in nothing but what JSON has; scores as mappings, as the platform does."""
    stored = plain(field.to_json(value))
    if isinstance(value, float) and isinstance(stored, dict):
        # A field that holds such a number itself reads it from a text.
        return stored["__float__"]
    return stored


def plain(value: Any) -> Any:
    """Returns a stored value in nothing but what JSON has."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, float):
        return marked(value)
    if value is None or isinstance(value, str | int):
        return value
    return str(value)


def from_stored(field: Field, stored: Any) -> Any:
    """Returns the value of a stored form that native code wrote. Scores are taken as they were given, out of their
    range too, as the platform keeps them."""
    value = unmarked(stored)
    if isinstance(field, ScoreField) and value is not None:
        return [Score(**one) for one in value] if isinstance(value, list) else Score(**value)
    return field.from_json(value)
