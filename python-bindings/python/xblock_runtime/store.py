"""Stores of courseware: import, read, render, answer, publish, compare, export."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import TracebackType
from typing import Any, Literal

from xblock_runtime import _native
from xblock_runtime.exceptions import BlockError
from xblock_runtime.services import HostServices

Branch = Literal["draft", "published"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One remark about a course package; ``line`` and ``column`` count from 1."""

    code: str
    severity: Literal["note", "warning", "error"]
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    #: What an author can do about it.
    fix: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.severity}: {self.message}" if place else f"{self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import made."""

    context: str
    root: str
    #: Whether the store has it now, or had it already.
    outcome: Literal["written", "unchanged"]
    #: Number of blocks by type, as learners see them.
    blocks: dict[str, int]
    #: Number of blocks with unpublished changes.
    drafts: int
    #: Number of static files.
    assets: int
    #: What there is to say about the package; blocks that could not be read became ``error`` blocks.
    diagnostics: list[Diagnostic] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Aside:
    """What authors wrote into an aside of a block."""

    aside_type: str
    #: Explicitly set fields, in their stored (JSON) form.
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """A block as authors wrote it."""

    usage_key: str
    block_type: str
    display_name: str
    #: Explicitly set fields, in their stored (JSON) form.
    content: dict[str, Any]
    settings: dict[str, Any]
    children: list[str]
    definition_key: str
    asides: list[Aside] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A rendered view, in web_fragments' terms."""

    content: str
    resources: list[dict[str, str]]
    js_init_fn: str | None
    js_init_version: int | None
    json_init_args: Any

    def to_dict(self) -> dict[str, Any]:
        """Returns the form ``web_fragments.fragment.Fragment.from_dict`` takes."""
        return {
            "content": self.content,
            "resources": self.resources,
            "js_init_fn": self.js_init_fn,
            "js_init_version": self.js_init_version,
            "json_init_args": self.json_init_args,
        }


@dataclass(frozen=True, slots=True)
class Grade:
    """A score: points earned of points possible."""

    value: float
    max_value: float


@dataclass(frozen=True, slots=True)
class Submission:
    """What came of an answer."""

    #: ``correct``, ``incorrect``, or why the answer was not graded.
    success: str | None
    grade: Grade | None
    #: The handler's whole answer.
    response: Any


@dataclass(frozen=True, slots=True)
class Response:
    """A handler's answer."""

    status: int
    content_type: str
    headers: list[tuple[str, str]]
    body: bytes
    #: What the block published: pairs of event type and data.
    events: list[tuple[str, Any]]

    def json(self) -> Any:
        """Reads the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What a publish changed."""

    #: Whether there was nothing to do.
    unchanged: bool
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in two stores."""

    description: str
    details: dict[str, Any]


def _warn(report: dict[str, Any]) -> None:
    """Passes on that a branch comes near the size MongoDB takes."""
    for warning in report.pop("warnings"):
        # Where the caller of the public method is.
        warnings.warn(warning, RuntimeWarning, stacklevel=3)


class Store:
    """An open store. Made by :func:`open`; usable by several threads, and as a context manager."""

    def __init__(self, native: _native.Store) -> None:
        self._native = native

    @property
    def url(self) -> str:
        """The URL it was opened by."""
        return self._native.url

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of files and locks; the store cannot be used afterwards."""
        self._native.close()

    def __repr__(self) -> str:
        return f"xblock_runtime.open({self.url!r})"

    def contexts(self) -> list[str]:
        """Lists the learning contexts, in key order; what is there and cannot be read is a ``RuntimeWarning``."""
        for reason in self._native.damaged():
            warnings.warn(reason, RuntimeWarning, stacklevel=2)
        return self._native.contexts()

    def import_course(
        self, path: str | os.PathLike[str], *, into: str | None = None, strict: bool = False
    ) -> ImportReport:
        """Imports a course or legacy library from a folder or ``.tar.gz``, as one atomic step.

        ``into`` is the key of the context to import into, by default the one the package names. A context that exists
        is replaced by what the package holds. Broken blocks become ``error`` blocks that keep their XML, and the report
        says what is wrong with them; with ``strict`` the first of them is raised as :class:`OlxError` instead.

        A store that is open to read only takes imports all the same, as the LMS's does. A course that comes near the
        size MongoDB takes in one document is a ``RuntimeWarning``.

        Raises :class:`NotFound`, :class:`OlxError` or :class:`PackageError` for what is no package. Where an exception
        is raised, nothing was written.
        """
        report = json.loads(self._native.import_course(path, into, strict))
        _warn(report)
        names = {one.name for one in fields(Diagnostic)}
        diagnostics = [
            Diagnostic(**{name: value for name, value in remark.items() if name in names})
            for remark in report.pop("diagnostics")
        ]
        return ImportReport(diagnostics=diagnostics, **report)

    def usage_keys(self, context: str, *, branch: Branch = "draft") -> list[str]:
        """Lists every block's key in key order, detached and orphaned blocks included."""
        return self._native.usage_keys(context, branch)

    def blocks(self, context: str, *, branch: Branch = "draft") -> Iterator[Block]:
        """Reads every block, in key order."""
        for usage_key in self.usage_keys(context, branch=branch):
            yield self.block(usage_key, branch=branch)

    def block(self, usage_key: str, *, branch: Branch = "draft") -> Block:
        """Reads one block. Raises :class:`NotFound`."""
        read = json.loads(self._native.block(usage_key, branch))
        return Block(asides=[Aside(**one) for one in read.pop("asides")], **read)

    def field_values(self, usage_key: str, *, user: str | None = None, branch: Branch = "draft") -> dict[str, Any]:
        """Returns every field's value as the block sees it: own, inherited or default, and the user's."""
        values: dict[str, Any] = json.loads(self._native.field_values(usage_key, branch, user))
        return values

    def render(
        self,
        usage_key: str,
        view: str = "student_view",
        *,
        user: str | None = None,
        staff: bool = False,
        branch: Branch | None = None,
    ) -> Fragment:
        """Renders a view with everything below it. Nothing is saved.

        ``branch`` is by default the published one where there is one.
        """
        return Fragment(**json.loads(self._native.render(usage_key, view, user, staff, branch)))

    def handle(
        self,
        usage_key: str,
        handler: str,
        body: bytes | str | Mapping[str, Any] = b"",
        *,
        user: str,
        staff: bool = False,
        method: str = "POST",
        content_type: str | None = None,
        suffix: str = "",
        query: Sequence[tuple[str, str]] = (),
        branch: Branch | None = None,
    ) -> Response:
        """Hands a request to a block's handler and saves what it changed; a mapping is sent as JSON."""
        if isinstance(body, Mapping):
            body, content_type = json.dumps(body).encode(), content_type or "application/json"
        elif isinstance(body, str):
            body = body.encode()
        answer = self._native.handle(
            usage_key, handler, (method, suffix, list(query), content_type or "", body), user, staff, branch
        )
        events = [(event_type, data) for event_type, data in json.loads(answer.events)]
        return Response(answer.status, answer.content_type, answer.headers, answer.body, events)

    def take_grader_reply(
        self, usage_key: str, dispatch: str, queuekey: str, xqueue_body: str, *, user: str, branch: Branch | None = None
    ) -> Response:
        """Hands a block what an external grader says of a user's answer, and saves what came of it.

        ``dispatch`` is what the callback's address was made of: ``score_update`` or ``ungraded_response``.
        """
        answer = self._native.take_grader_reply(usage_key, dispatch, queuekey, xqueue_body, user, branch)
        events = [(event_type, data) for event_type, data in json.loads(answer.events)]
        return Response(answer.status, answer.content_type, answer.headers, answer.body, events)

    def submit(
        self, usage_key: str, answers: Mapping[str, str | Sequence[str]], *, user: str, branch: Branch | None = None
    ) -> Submission:
        """Answers a problem. Names are those of its inputs; ``input_`` in front may be left out."""
        pairs: list[tuple[str, str]] = []
        for name, value in answers.items():
            name = name if name.startswith("input_") else f"input_{name}"
            if isinstance(value, str):
                pairs.append((name, value))
            else:
                pairs.extend((f"{name.removesuffix('[]')}[]", item) for item in value)
        done = json.loads(self._native.submit(usage_key, pairs, user, branch))
        grade = done["grade"]
        return Submission(
            success=done["success"],
            grade=None if grade is None else Grade(grade["value"], grade["max_value"]),
            response=done["response"],
        )

    def grade(self, usage_key: str, *, user: str, branch: Branch | None = None) -> Grade | None:
        """Returns the score a user has on a block, or none where nothing was graded yet."""
        score = self._native.grade(usage_key, user, branch)
        return None if score is None else Grade(*score)

    def answers(self, usage_key: str, *, branch: Branch | None = None) -> dict[str, Any]:
        """Returns the right answers of a problem by input, as course staff may see them. Nothing is saved."""
        shown = self.handle(usage_key, "problem_show", user="staff", staff=True, branch=branch).json()
        answers: dict[str, Any] | None = shown.get("answers")
        if answers is None:
            raise BlockError(str(shown.get("success") or shown.get("error")), key=usage_key)
        return answers

    def publish(self, context: str, to: Store | None = None) -> PublishReport:
        """Publishes the draft here, and brings another store to the same state where one is given."""
        report = json.loads(self._native.publish(context, None if to is None else to._native))
        _warn(report)
        return PublishReport(unchanged=report.pop("unchanged"), details=report)

    def compare(self, context: str, other: Store) -> list[Difference]:
        """Compares every block, field, child and static file of both branches; an empty list is proof of equality."""
        differences = json.loads(self._native.compare(context, other._native))
        return [Difference(one.pop("description"), one) for one in differences]

    def export(
        self, context: str, target: str | os.PathLike[str], *, force: bool = False, incomplete: bool = False
    ) -> None:
        """Writes a context as OLX into a folder or, with a name ending in ``.tar.gz``, an archive.

        What is there already is replaced with ``force``; it stays (:class:`PackageError`) where the new package would
        lack what the store cannot read, unless ``incomplete`` says that it may.
        """
        self._native.export(context, target, force, incomplete)


def open(
    url: str,
    *,
    state: str | os.PathLike[str] | None = None,
    read_only: bool = False,
    services: Mapping[str, Any] | None = None,
) -> Store:
    """Opens a store: ``memory:``, ``blockstore:DIR`` or ``modulestore:FILE``; made if it does not exist.

    Learner state is kept beside the store, or in the SQLite file ``state``.

    With ``read_only`` the store must exist (:class:`NotFound`), and neither content nor learner state is written:
    publishing here, and answers and requests that would save something raise :class:`ReadOnly`. Only
    :meth:`Store.import_course` writes all the same.
    Reading, rendering, grades, comparing, exporting and requests that save nothing work as ever.

    ``services`` are objects blocks may ask for, by the names of :mod:`xblock_runtime.services`; without ``user``,
    ``i18n`` and ``replace_urls`` among them there are plain ones, and without ``sandbox`` scripts of problems run in a
    cage that is started with the first of them.
    """
    offered = None if services is None else HostServices(services)
    return Store(_native.Store(url, state, read_only, offered))
