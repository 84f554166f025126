"""Every failure is an exception that says where, and nothing panics."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import tarfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import xblock_runtime
from conftest import CONTEXT, NUMBER, TEXT, UNIT, WriteCourse
from xblock_runtime import Store, exceptions
from xblock_runtime.formula import evaluate
from xblock_runtime.problem import Problem, markdown_to_xml

NUMBER_PROBLEM = '<problem><numericalresponse answer="5"><formulaequationinput/></numericalresponse></problem>'


class Case(NamedTuple):
    """A call that fails, the class of its exception, and its attributes, with ``TMP`` for the temporary folder."""

    name: str
    call: Callable[[Store, Path, WriteCourse], Any]
    kind: str
    where: Mapping[str, Any] = MappingProxyType({})


GONE = "block-v1:O+C+R+type@html+block@gone"
STRAY = "course-v1:O+C+Stray"


def damage(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Opens a file that is no SQLite database as a store."""
    (tmp / "damaged.db").write_bytes(b"no database " * 1000)
    xblock_runtime.open(f"modulestore:{tmp}/damaged.db").contexts()


def damage_documents(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Reads a course whose structures are no BSON."""
    url = f"modulestore:{tmp}/documents.db"
    with xblock_runtime.open(url) as other:
        other.import_course(write_course())
    with sqlite3.connect(tmp / "documents.db") as database:
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            columns = database.execute(f'pragma table_info("{table}")').fetchall()
            for column in (column for _, column, kind, *_ in columns if kind.upper() == "BLOB"):
                database.execute(f'update "{table}" set "{column}" = x\'00\' where length("{column}") > 50')
    with xblock_runtime.open(url) as other:
        list(other.blocks(CONTEXT))


def closed(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Uses a store after it was closed."""
    other = xblock_runtime.open("memory:")
    other.close()
    other.contexts()


def other_root(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Imports a library over a course."""
    (tmp / "library").mkdir()
    (tmp / "library" / "library.xml").write_text('<library org="O" library="L" display_name="x"/>')
    store.import_course(tmp / "library", into=CONTEXT)


def olx(files: dict[str, str | None]) -> Callable[[Store, Path, WriteCourse], Any]:
    """Imports the small course with these files changed, strictly."""
    return lambda store, tmp, write: store.import_course(write(files, folder="bad"), strict=True)


def export_over(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Exports into a folder that has something in it."""
    (tmp / "full").mkdir()
    (tmp / "full" / "file").touch()
    store.export(CONTEXT, tmp / "full")


def export_over_archive(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Exports into an archive that is there."""
    (tmp / "full.tar.gz").write_bytes(b"something")
    store.export(CONTEXT, tmp / "full.tar.gz")


def unknown_archive(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Imports a file that is no archive of a known kind."""
    (tmp / "course.zip").write_bytes(b"PK\3\4")
    store.import_course(tmp / "course.zip")


def archive(member: str, link: str | None = None) -> Callable[[Store, Path, WriteCourse], Any]:
    """Imports an archive with one more member: a file, or a link to somewhere."""

    def call(store: Store, tmp: Path, write_course: WriteCourse) -> None:
        with tarfile.open(tmp / "evil.tar.gz", "w:gz") as tar:
            tar.add(write_course(), "course")
            info = tarfile.TarInfo(member)
            if link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
        with pytest.raises(xblock_runtime.PackageError, match=re.escape(member)):
            store.import_course(tmp / "evil.tar.gz")
        store.import_course(tmp / "evil.tar.gz")

    return call


def no_olx(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Imports a folder that has no course in it."""
    (tmp / "empty").mkdir()
    store.import_course(tmp / "empty")


def read_only(store: Store, tmp: Path, write_course: WriteCourse) -> None:
    """Writes into a store that was opened to read."""
    url = f"blockstore:{tmp}/read"
    xblock_runtime.open(url).close()
    xblock_runtime.open(url, read_only=True).publish(CONTEXT)


CASES = [
    Case("context key", lambda s, *_: s.usage_keys("nonsense"), "InvalidKey", {"key": "nonsense"}),
    Case("usage key", lambda s, *_: s.block("block-v1:O"), "InvalidKey", {"key": "block-v1:O"}),
    Case("usage for context", lambda s, *_: s.usage_keys(TEXT), "InvalidKey", {"key": TEXT}),
    Case("target key", lambda s, t, w: s.import_course(w(), into=""), "InvalidKey", {"key": ""}),
    Case("no context", lambda s, *_: s.usage_keys(STRAY), "NotFound", {"key": STRAY}),
    Case("no usage", lambda s, *_: s.block(GONE), "NotFound", {"key": GONE}),
    Case("no usage to render", lambda s, *_: s.render(GONE), "NotFound", {"key": GONE}),
    Case("no usage to answer", lambda s, *_: s.submit(GONE, {"a_2_1": "1"}, user="u"), "NotFound", {"key": GONE}),
    Case(
        "no store",
        lambda s, t, w: xblock_runtime.open(f"blockstore:{t}/no", read_only=True),
        "NotFound",
        {"file": "TMP/no"},
    ),
    Case("no package", lambda s, t, w: s.import_course(t / "no"), "NotFound", {"file": "TMP/no"}),
    Case("no view", lambda s, *_: s.render(TEXT, "no_view"), "BlockError", {"key": TEXT}),
    Case("no handler", lambda s, *_: s.handle(TEXT, "no_handler", user="u"), "BlockError", {"key": TEXT}),
    Case("no branch", lambda s, *_: s.block(TEXT, branch="x"), "BlockError"),
    Case("no answers", lambda s, *_: s.submit(TEXT, {"a": "b"}, user="u"), "BlockError", {"key": TEXT}),
    Case("url without scheme", lambda *_: xblock_runtime.open("somewhere"), "StoreError"),
    Case("url of another kind", lambda *_: xblock_runtime.open("mongodb:x"), "StoreError"),
    Case(
        "store in a file's place",
        lambda s, t, w: xblock_runtime.open(f"blockstore:{w()}/course.xml/x"),
        "StoreError",
        {"file": "TMP/course/course.xml"},
    ),
    Case("closed", closed, "StoreError"),
    Case("no database", damage, "StoreError", {"file": "TMP/damaged.db"}),
    Case("damaged documents", damage_documents, "StoreError"),
    Case("read only", read_only, "ReadOnly"),
    Case("another root", other_root, "InvalidEdit", {"key": CONTEXT}),
    Case("full folder", export_over, "PackageError", {"file": "TMP/full"}),
    Case("full archive", export_over_archive, "PackageError", {"file": "TMP/full.tar.gz"}),
    Case(
        "no archive",
        lambda s, t, w: ((t / "x.tar.gz").write_bytes(b"\x1f\x8b\0\0"), s.import_course(t / "x.tar.gz")),
        "PackageError",
        {"file": "TMP/x.tar.gz"},
    ),
    Case("no known archive", unknown_archive, "PackageError", {"file": "TMP/course.zip"}),
    Case("a member leads out", archive("../../evil"), "PackageError", {"file": "TMP/evil.tar.gz"}),
    Case("a link leads out", archive("course/link", "/etc/passwd"), "PackageError", {"file": "TMP/evil.tar.gz"}),
    Case("no OLX", no_olx, "PackageError", {"file": "TMP/empty"}),
    Case(
        "course.xml is no XML",
        olx({"course.xml": "<course url_name='R' org='O' course='C'>\n</curse>"}),
        "OlxError",
        {"file": "course.xml", "line": 2, "code": "invalid-xml"},
    ),
    Case(
        "a block is no XML",
        olx({"vertical/unit.xml": "<vertical>\n  <html>\n</vertical>"}),
        "OlxError",
        {"file": "vertical/unit.xml", "line": 3, "code": "invalid-xml"},
    ),
    Case(
        "a file is missing",
        olx({"vertical/unit.xml": '<vertical>\n  <html url_name="gone"/>\n</vertical>'}),
        "OlxError",
        {"file": "vertical/unit.xml", "line": 2, "column": 3, "code": "missing-file"},
    ),
    Case("broken problem", lambda *_: Problem("<problem>\n<p></problem>", "q"), "ProblemError", {"line": 2}),
    Case("blank choice", lambda *_: markdown_to_xml("( )\n(x) b"), "ProblemError"),
    Case("broken markdown", lambda *_: markdown_to_xml("a\n\nb & c"), "ProblemError", {"line": 3}),
    Case("a number that is none", lambda *_: Problem(NUMBER_PROBLEM, "q").grade({"q_2_1": "x+"}), "GradingError"),
    Case("unknown variable", lambda *_: evaluate({}, {}, "y"), "UndefinedVariable"),
    Case("open parenthesis", lambda *_: evaluate({}, {}, "(1"), "UnmatchedParenthesis"),
    Case("no formula", lambda *_: evaluate({}, {}, "1+"), "ParseException"),
    Case("endless formula", lambda *_: evaluate({}, {}, "(" * 10_000 + "1" + ")" * 10_000), "FormulaError"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_failure_says_where(case: Case, write_course: WriteCourse, tmp_path: Path) -> None:
    with xblock_runtime.open("memory:") as store:
        store.import_course(write_course())
        with pytest.raises(xblock_runtime.CoursewareError) as caught:
            case.call(store, tmp_path, write_course)
    assert type(caught.value).__name__ == case.kind, caught.value
    assert str(caught.value)
    found = {name: getattr(caught.value, name) for name in case.where}
    root = str(tmp_path)
    assert found == {
        name: value.replace("TMP", root) if isinstance(value, str) else value for name, value in case.where.items()
    }


def test_the_table_has_every_class() -> None:
    raised = {case.kind for case in CASES}
    # A conflict needs two writers at once; `test_conflicts` makes one.
    assert raised | {"Conflict", "CoursewareError"} == set(exceptions.__all__)


def test_conflicts(tmp_path: Path, write_course: WriteCourse) -> None:
    """Of writers that change a course at the same time each succeeds or is told of the conflict."""
    from concurrent.futures import ThreadPoolExecutor

    url = f"modulestore:{tmp_path}/m.db"
    courses = [write_course({"html/text.html": f"<p>{n}</p>"}, folder=f"c{n}") for n in range(8)]

    def write(course: Path) -> str:
        with xblock_runtime.open(url) as store:
            try:
                return store.import_course(course).outcome
            except xblock_runtime.Conflict as conflict:
                assert conflict.key == CONTEXT
                return "conflict"

    xblock_runtime.open(url).close()
    outcomes: list[str] = []
    for _ in range(20):
        with ThreadPoolExecutor(8) as pool:
            outcomes += pool.map(write, courses)
        if "conflict" in outcomes:
            break
    assert "conflict" in outcomes and "written" in outcomes


def test_all_exceptions_share_their_base() -> None:
    for name in exceptions.__all__:
        kind = getattr(exceptions, name)
        assert issubclass(kind, xblock_runtime.CoursewareError) and getattr(xblock_runtime, name) is kind
    error = xblock_runtime.OlxError("text", file="a.xml", line=1)
    assert (str(error), error.key, error.file, error.line, error.column, error.code) == (
        "text",
        None,
        "a.xml",
        1,
        None,
        None,
    )


HUGE = "x" * 1_000_000
TEXTS: list[Any] = [
    "", " ", "\0", "\ud800", "é\u202e", HUGE, "block-v1:" + "+" * 1000, "../" * 50, None, 0, b"bytes", [], object(),
    "course-v1:O+C+R", "i4x://", "block-v1:O+C+R+type@html+block@" + HUGE,
]  # fmt: skip
BODIES: list[Any] = [
    b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"input_=%", b"a=b&" * 10_000, "\ud800", HUGE,
    {"a": object()}, None, 3,
]  # fmt: skip


def quiet(call: Callable[[], Any]) -> None:
    """Calls; whatever comes must be no panic. ``PanicException`` is a BaseException, so nothing here catches it."""
    with contextlib.suppress(xblock_runtime.CoursewareError, TypeError, ValueError, AttributeError):
        call()


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text)[:20])
def test_garbage_never_panics(text: Any, small: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    calls: list[Callable[[], Any]] = [
        lambda: xblock_runtime.open(text),
        lambda: xblock_runtime.open("memory:", state=text).close(),
        lambda: small.import_course(text),
        lambda: small.import_course(tmp_path, into=text),
        lambda: small.usage_keys(text),
        lambda: small.usage_keys(CONTEXT, branch=text),
        lambda: small.block(text),
        lambda: small.block(TEXT, branch=text),
        lambda: small.field_values(text),
        lambda: small.field_values(TEXT, user=text),
        lambda: small.render(text),
        lambda: small.render(UNIT, text),
        lambda: small.render(UNIT, user=text, branch=text),
        lambda: small.handle(text, "problem_check", user="u"),
        lambda: small.handle(NUMBER, text, user="u"),
        lambda: small.handle(NUMBER, "problem_check", user=text),
        lambda: small.handle(NUMBER, "problem_check", user="u", method=text, suffix=text, content_type=text),
        lambda: small.handle(NUMBER, "problem_check", user="u", query=[(text, text)]),
        lambda: small.submit(NUMBER, {text: text}, user="u"),
        lambda: small.submit(NUMBER, {"choice_2_1": [text, text]}, user=text),
        lambda: small.grade(text, user="u"),
        lambda: small.grade(NUMBER, user=text),
        lambda: small.answers(text),
        lambda: small.publish(text),
        lambda: small.publish(CONTEXT, text),
        lambda: small.compare(text, small),
        lambda: small.compare(CONTEXT, text),
        lambda: small.export(text, tmp_path / "x"),
        lambda: small.export("course-v1:No+Such+Course", text),
    ]
    for call in calls:
        quiet(call)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:20])
@pytest.mark.parametrize(
    "handler", ["problem_check", "problem_save", "problem_reset", "problem_show", "hint_button", "xmodule_handler"]
)
def test_garbage_bodies_never_panic(body: Any, handler: str, small: Store) -> None:
    kinds = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")
    for kind in kinds:
        call = partial(small.handle, NUMBER, handler, body, user="u", content_type=kind, suffix="problem_check")
        quiet(call)
    assert small.block(NUMBER).display_name == "Count"
