"""The calls of edx-platform's modulestore, on Split documents in a file or on a MongoDB server.

>>> import xblock_runtime.modulestore
>>> store = xblock_runtime.modulestore.open("modulestore:/srv/split.db")  # doctest: +SKIP
>>> with store.bulk_operations("course-v1:Org+Course+Run", user_id=7) as bulk:  # doctest: +SKIP
...     unit = bulk.create_child("block-v1:Org+Course+Run+type@sequential+block@s", "vertical")
...     bulk.create_child(unit, "html", settings={"display_name": "A text"})
...     bulk.publish(unit)

Blocks of the types course, chapter, sequential, about, static_tab and course_info have no draft of their own: what is
saved of them is published. Keys are texts, or anything whose ``str`` is a key.
"""

from __future__ import annotations

import json
import uuid
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Protocol, runtime_checkable

from xblock_runtime import _native
from xblock_runtime.exceptions import InvalidEdit, StoreError

Branch = Literal["draft", "published"]


@runtime_checkable
class AnyKey(Protocol):
    """A text that is a key, or an object that ``str`` makes one of."""

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Heads:
    """What the branches are at: ids of structures; ``published`` is missing before anything was published."""

    draft: str
    published: str | None


@dataclass(frozen=True, slots=True)
class Published:
    """Who published a block last, and when."""

    by: int | None
    on: datetime | None


@dataclass(frozen=True, slots=True)
class AssetMetadata:
    """What is said of a file, apart from its bytes. Who saves it, and when, is set when it is saved."""

    pathname: str | None = None
    internal_name: str | None = None
    locked: bool | None = False
    content_type: str | None = None
    thumbnail: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    curr_version: str | None = None
    prev_version: str | None = None
    created_by: int | None = None
    created_by_email: str | None = None
    created_on: datetime | None = None
    edited_by: int | None = None
    edited_by_email: str | None = None
    edited_on: datetime | None = None


_TIMES = ("created_on", "edited_on")


def _to_json(metadata: AssetMetadata) -> dict[str, Any]:
    """Returns what is said of a file but for the fields that are the author's own."""
    values = {one.name: getattr(metadata, one.name) for one in fields(AssetMetadata) if one.name != "fields"}
    for name in _TIMES:
        if (time := values[name]) is not None:
            values[name] = time.isoformat()
    return values


def _from_json(values: dict[str, Any]) -> AssetMetadata:
    for name in _TIMES:
        if (time := values[name]) is not None:
            values[name] = datetime.fromisoformat(time)
    return AssetMetadata(**{one.name: values[one.name] for one in fields(AssetMetadata)})


# What is said of an integer that a document of MongoDB cannot hold.
_BEYOND_64_BITS = "it has an integer beyond 64 bits, which documents cannot hold"


def _unwritable(error: str) -> str:
    """Says in this module's words why Python writes no JSON."""
    if "ircular" in error:
        return "it is in itself"
    if "integer string" in error:
        return _BEYOND_64_BITS
    return "it has a number that is none (NaN, or infinite)"


def _stored_integer(digits: str) -> int:
    """Reads an integer that BSON can hold; the length is looked at first, as reading takes its square in time."""
    if len(digits) > len(str(-(2**63))) or not -(2**63) <= (value := int(digits)) < 2**63:
        raise OverflowError
    return value


def _value(key: object, name: object, value: object) -> str:
    """Writes the value of a field as JSON; what JSON has no form for is refused here, where the field is known."""
    if not isinstance(name, str):
        raise TypeError(f"names of fields are texts, not {name!r}")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        name.encode()
        text.encode()
        json.loads(text, parse_int=_stored_integer)
    except UnicodeEncodeError:
        reason = "it has half of a character (a lone surrogate)"
    except RecursionError:
        reason = "it is nested too deep"
    except OverflowError:
        reason = _BEYOND_64_BITS
    except ValueError as error:
        reason = _unwritable(str(error))
    except TypeError as error:
        raise TypeError(f"field {name!a} of {key}: {error}") from error
    else:
        return text
    raise InvalidEdit(f"field {name!a} of {key} cannot be stored: {reason}", key=str(key))


def _fields(key: object, content: Mapping[str, Any] | None, settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Writes fields of both scopes, each value as a text, so that whatever is wrong with one is told with its name."""
    return {
        scope: {name: _value(key, name, value) for name, value in (values or {}).items()}
        for scope, values in (("content", content), ("settings", settings))
    }


def _new_usage(context: str, block_type: str, block_id: str | None) -> str:
    key = _native.CourseKey.from_string(context)
    return str(key.make_usage_key(block_type, block_id or uuid.uuid4().hex))


class _Calls(ABC):
    """The calls that change blocks."""

    # The store, which is asked for the run of old keys.
    _native: _native.Modulestore

    @abstractmethod
    def _call(self, context: str, call: str, **values: Any) -> None: ...

    def _context_of(self, usage_key: AnyKey) -> str:
        return self._native.context_of(str(usage_key))

    def _context_of_asset(self, asset_key: AnyKey) -> str:
        return self._native.context_of_asset(str(asset_key))

    def create_item(
        self,
        context: AnyKey,
        block_type: str,
        block_id: str | None = None,
        *,
        content: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> str:
        """Makes a block that no other has as a child, such as a page; returns its key.

        ``content`` and ``settings`` are the values of fields of these scopes, in their JSON form. Without an id it gets
        one of 32 digits.
        """
        usage = _new_usage(str(context), block_type, block_id)
        self._call(str(context), "create_item", usage=usage, **_fields(usage, content, settings))
        return usage

    def create_child(
        self,
        parent: AnyKey,
        block_type: str,
        block_id: str | None = None,
        *,
        content: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        position: int | None = None,
    ) -> str:
        """Makes a block below another, at a place among its children or as the last; returns its key."""
        context = self._context_of(parent)
        usage = _new_usage(context, block_type, block_id)
        self._call(
            context,
            "create_child",
            parent=str(parent),
            usage=usage,
            **_fields(usage, content, settings),
            position=position,
        )
        return usage

    def update_item(
        self,
        usage_key: AnyKey,
        *,
        content: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        unset: Sequence[str] = (),
        children: Sequence[AnyKey] | None = None,
    ) -> None:
        """Sets fields, unsets those that ``unset`` names, and replaces the children where they are given.

        A block of a type without drafts of its own (a chapter, say) is published, also where nothing differs.

        Children are no field here: among the fields they are an :class:`InvalidEdit`.
        """
        self._call(
            self._context_of(usage_key),
            "update_item",
            usage=str(usage_key),
            **_fields(usage_key, content, settings),
            unset=list(unset),
            children=None if children is None else [str(child) for child in children],
        )

    def delete_item(self, usage_key: AnyKey, revision: Literal["all", "published-only"] | None = None) -> None:
        """Deletes a block with what only it holds: from the draft, from both branches, or from the published one."""
        self._call(self._context_of(usage_key), "delete_item", usage=str(usage_key), revision=revision)

    def publish(self, usage_key: AnyKey) -> None:
        """Publishes a block and all below it."""
        self._call(self._context_of(usage_key), "publish", usage=str(usage_key))

    def unpublish(self, usage_key: AnyKey) -> None:
        """Takes a block from the learners; the draft stays."""
        self._call(self._context_of(usage_key), "unpublish", usage=str(usage_key))

    def revert_to_published(self, usage_key: AnyKey) -> None:
        """Makes a block and all below it what is published."""
        self._call(self._context_of(usage_key), "revert_to_published", usage=str(usage_key))

    def force_publish_course(self, context: AnyKey) -> None:
        """Lets learners have the whole draft as it is."""
        self._call(str(context), "force_publish_course")

    def refresh_library_content(self, usage_key: AnyKey, library: AnyKey, version: str | None = None) -> None:
        """Fills a ``library_content`` block anew from a library, keeping ids of copies that are there.

        For blocks of other types it is an :class:`InvalidEdit`: what is below them would be lost.
        """
        self._call(
            self._context_of(usage_key),
            "refresh_library_content",
            usage=str(usage_key),
            library=str(library),
            version=version,
        )

    def copy_from_template(self, sources: Sequence[AnyKey], destination: AnyKey) -> None:
        """Copies blocks of a library below a block, in place of its children."""
        texts = [str(source) for source in sources]
        self._call(self._context_of(destination), "copy_from_template", sources=texts, destination=str(destination))

    def save_asset_metadata(self, asset_key: AnyKey, metadata: AssetMetadata) -> None:
        """Keeps what is said of a file, in both branches."""
        context = self._context_of_asset(asset_key)
        given = _fields(asset_key, metadata.fields, _to_json(metadata))
        self._call(
            context,
            "save_asset_metadata",
            asset=str(asset_key),
            fields=given["content"],
            metadata=given["settings"],
        )

    def delete_asset_metadata(self, asset_key: AnyKey) -> None:
        """Forgets what is said of a file, in both branches."""
        context = self._context_of_asset(asset_key)
        self._call(context, "delete_asset_metadata", asset=str(asset_key))


class Bulk(_Calls):
    """Calls on one context that are made together when the ``with`` block ends; none where it ends in an exception."""

    def __init__(self, native: _native.Modulestore, context: str) -> None:
        self._native = native
        self._context = context
        self._calls: list[dict[str, Any]] = []
        #: What the branches are at after the calls; missing before they are made.
        self.heads: Heads | None = None

    def _call(self, context: str, call: str, **values: Any) -> None:
        if self.heads is not None:
            raise StoreError("this bulk operation has ended")
        if context != self._context:
            raise StoreError(f"this bulk operation is on {self._context}, not on {context}")
        self._calls.append({"call": call, **values})


def _done(answer: str, depth: int = 3) -> Heads:
    """Reads what was made; a branch that comes near the size MongoDB takes is a ``RuntimeWarning``."""
    done = json.loads(answer)
    for warning in done["warnings"]:
        # Where the caller of the public method, or the end of its ``with``, is.
        warnings.warn(warning, RuntimeWarning, stacklevel=depth)
    return Heads(done["draft"], done["published"])


class _BulkOperations:
    """What ``with`` takes."""

    def __init__(
        self, native: _native.Modulestore, bulk: Bulk, user_id: int | None, base: str | None, message: str
    ) -> None:
        self._native, self._bulk, self._options = native, bulk, (user_id, base, message)

    def __enter__(self) -> Bulk:
        return self._bulk

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        bulk = self._bulk
        bulk.heads = _done(self._native.bulk(bulk._context, *self._options, json.dumps(bulk._calls)))


class Modulestore(_Calls):
    """A store of Split documents. Each call by itself is a version of its own, made by ``user_id``."""

    def __init__(self, native: _native.Modulestore, user_id: int | None) -> None:
        self._native = native
        self._user_id = user_id

    @property
    def url(self) -> str:
        """Where the store is, without any password."""
        return self._native.url

    def __enter__(self) -> Modulestore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the store; calls that are under way end first."""
        self._native.close()

    def _call(self, context: str, call: str, **values: Any) -> None:
        _done(self._native.bulk(context, self._user_id, None, "", json.dumps([{"call": call, **values}])), depth=4)

    def bulk_operations(
        self, context: AnyKey, *, user_id: int | None = None, base: str | None = None, message: str = ""
    ) -> _BulkOperations:
        """Gathers calls on one context, for ``with``; together they are one new version of each branch that changes.

        With ``base`` they are made only where the draft still is at that version: :class:`Conflict` otherwise.
        """
        user = self._user_id if user_id is None else user_id
        return _BulkOperations(self._native, Bulk(self._native, str(context)), user, base, message)

    def create_course(
        self,
        course: AnyKey,
        *,
        content: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        overview: str = "",
        user_id: int | None = None,
    ) -> Heads:
        """Makes a course: its root, with these fields, and the page ``about/overview``, both published."""
        user = self._user_id if user_id is None else user_id
        values = {"root": _fields(course, content, settings), "overview": _fields(course, {"data": overview}, None)}
        return _done(self._native.create_course(str(course), json.dumps(values), user))

    def create_library(
        self, library: AnyKey, *, settings: Mapping[str, Any] | None = None, user_id: int | None = None
    ) -> Heads:
        """Makes a library of the first kind (``library-v1:``)."""
        user = self._user_id if user_id is None else user_id
        values = json.dumps(_fields(library, None, settings))
        return _done(self._native.create_library(str(library), values, user))

    def clone_course(self, source: AnyKey, destination: AnyKey, *, user_id: int | None = None) -> Heads:
        """Makes a course that begins as another is; its blocks cost one document, however many there are."""
        user = self._user_id if user_id is None else user_id
        return _done(self._native.clone_course(str(source), str(destination), user))

    def has_changes(self, usage_key: AnyKey) -> bool:
        """Says whether a block, or one below it, is not as it is published."""
        return self._native.has_changes(str(usage_key))

    def published(self, usage_key: AnyKey) -> Published | None:
        """Returns who published a block last, and when; nothing where it is not published."""
        found = self._native.published(str(usage_key))
        if found is None:
            return None
        by, on = found
        return Published(by, None if on is None else datetime.fromisoformat(on))

    def get_orphans(self, context: AnyKey, *, branch: Branch = "draft") -> list[str]:
        """Lists the blocks that nothing leads to."""
        return self._native.orphans(str(context), branch)

    def get_all_asset_metadata(self, context: AnyKey, *, branch: Branch = "draft") -> dict[str, AssetMetadata]:
        """Returns what is said of files, by their keys; a record that cannot be read is a ``RuntimeWarning``."""
        records, damaged = json.loads(self._native.asset_metadata(str(context), branch))
        for reason in damaged:
            warnings.warn(reason, RuntimeWarning, stacklevel=2)
        return {key: _from_json(values) for key, values in records}


def open(url: str, *, user_id: int | None = None, read_only: bool = False) -> Modulestore:
    """Opens ``modulestore:FILE`` or ``modulestore+mongodb://HOST/DATABASE``; a file is made if it does not exist.

    ``user_id`` is who makes the changes, as edx-platform numbers users.
    """
    return Modulestore(_native.Modulestore(url, read_only), user_id)
