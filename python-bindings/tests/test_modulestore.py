"""The calls of edx-platform's modulestore from Python."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xblock_runtime
from xblock_runtime import modulestore
from xblock_runtime.modulestore import AssetMetadata, Modulestore

COURSE = "course-v1:Harbour+Tides+2031"
ROOT = "block-v1:Harbour+Tides+2031+type@course+block@course"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"modulestore:{tmp_path}/split.db"


@pytest.fixture
def store(url: str) -> Iterator[Modulestore]:
    with modulestore.open(url, user_id=7) as opened:
        opened.create_course(COURSE, settings={"display_name": "Tides"}, overview="<p>About</p>")
        yield opened


def a_unit(store: Modulestore) -> tuple[str, str]:
    """Makes a unit with a text, and publishes it."""
    with store.bulk_operations(COURSE) as bulk:
        chapter = bulk.create_child(ROOT, "chapter", "one")
        sequential = bulk.create_child(chapter, "sequential", "two")
        unit = bulk.create_child(sequential, "vertical", "three")
        text = bulk.create_child(unit, "html", content={"data": "<p>Low water</p>"}, settings={"display_name": "Low"})
        bulk.publish(unit)
    assert bulk.heads is not None and bulk.heads.published
    return unit, text


def test_a_course_is_made(store: Modulestore, url: str) -> None:
    with xblock_runtime.open(url, read_only=True) as read:
        page = read.block("block-v1:Harbour+Tides+2031+type@about+block@overview", branch="published")
        assert (page.display_name, page.content) == ("overview", {"data": "<p>About</p>"})
        root = read.block(ROOT, branch="published")
        assert (root.display_name, root.content) == ("Tides", {"wiki_slug": "Tides"})
    for again in (COURSE, COURSE.lower()):
        with pytest.raises(xblock_runtime.Conflict):
            store.create_course(again)


def test_a_course_that_is_nearly_too_big_is_a_warning(store: Modulestore) -> None:
    chapter = store.create_child(ROOT, "chapter", "one")
    calls: list[Callable[[], object]] = [
        lambda: store.update_item(chapter, settings={"display_name": "x" * 14_000_000}),
        lambda: store.update_item(ROOT, settings={"display_name": "Tides and harbours"}),
    ]
    for call in calls:
        with pytest.warns(RuntimeWarning, match="its structure takes 14.* of the 16777216") as caught:
            call()
        assert [str(warning.message).split(": ")[0] for warning in caught] == [
            f"{COURSE}, draft",
            f"{COURSE}, published",
        ]
        assert {warning.filename for warning in caught} == {__file__}
    with pytest.warns(RuntimeWarning, match="its structure takes"), store.bulk_operations(COURSE) as bulk:
        bulk.create_child(chapter, "sequential", "two")
    store.update_item(chapter, settings={"display_name": "One"})


def test_old_keys_need_no_run(url: str) -> None:
    with modulestore.open(url, user_id=7) as opened:
        opened.create_course("Harbour/Tides/2031")
        with opened.bulk_operations("Harbour/Tides/2031") as bulk:
            chapter = bulk.create_child("i4x://Harbour/Tides/course/2031", "chapter", "one")
            bulk.update_item(chapter, settings={"display_name": "Low"})
        assert chapter == "i4x://Harbour/Tides/chapter/one"
        assert not opened.has_changes(chapter)
    with xblock_runtime.open(url, read_only=True) as read:
        assert read.block(chapter, branch="published").display_name == "Low"


def test_calls_change_both_branches_by_type(store: Modulestore, url: str) -> None:
    unit, text = a_unit(store)
    assert len(text.rpartition("@")[2]) == 32
    assert not store.has_changes(unit)
    store.update_item(text, content={"data": "<p>High water</p>"}, unset=["display_name"])
    assert store.has_changes(unit)
    published = store.published(text)
    assert published is not None and published.by == 7 and published.on is not None
    with xblock_runtime.open(url, read_only=True) as read:
        assert read.block(text).content == {"data": "<p>High water</p>"}
        assert read.block(text).settings == {}
        assert read.block(text, branch="published").content == {"data": "<p>Low water</p>"}
    store.revert_to_published(unit)
    assert not store.has_changes(unit)
    store.unpublish(unit)
    assert store.published(text) is None
    store.delete_item(unit)
    assert store.get_orphans(COURSE) == []
    with pytest.raises(xblock_runtime.NotFound) as caught:
        store.publish(unit)
    assert caught.value.key == unit


def test_a_bulk_operation_is_all_or_nothing(store: Modulestore, url: str) -> None:
    unit, text = a_unit(store)
    with pytest.raises(xblock_runtime.NotFound), store.bulk_operations(COURSE) as bulk:
        bulk.update_item(text, content={"data": "lost"})
        bulk.publish(unit.replace("three", "missing"))
    with pytest.raises(ZeroDivisionError), store.bulk_operations(COURSE) as bulk:
        bulk.update_item(text, content={"data": "lost"})
        1 / 0  # noqa: B018
    with pytest.raises(xblock_runtime.StoreError), store.bulk_operations("course-v1:O+C+R") as bulk:
        bulk.publish(unit)
    with xblock_runtime.open(url, read_only=True) as read:
        assert read.block(text).content == {"data": "<p>Low water</p>"}
    with store.bulk_operations(COURSE, user_id=8, message="Said") as bulk:
        bulk.update_item(text, content={"data": "kept"})
    old = bulk.heads
    assert old is not None
    with pytest.raises(xblock_runtime.StoreError):
        bulk.publish(unit)
    store.force_publish_course(COURSE)
    store.update_item(unit, settings={"display_name": "Later"}, children=[])
    with pytest.raises(xblock_runtime.Conflict), store.bulk_operations(COURSE, base=old.draft) as bulk:
        bulk.publish(unit)
    with xblock_runtime.open(url, read_only=True) as read:
        assert read.block(text, branch="published").content == {"data": "kept"}


def test_a_course_is_begun_from_another(store: Modulestore) -> None:
    _, text = a_unit(store)
    again = store.clone_course(COURSE, "course-v1:Harbour+Tides+2032", user_id=9)
    assert again.published
    assert store.published(text.replace("2031", "2032")) == store.published(text)


def test_libraries_fill_blocks(store: Modulestore, url: str) -> None:
    unit, _ = a_unit(store)
    library = "library-v1:Harbour+Knots"
    assert store.create_library(library, settings={"display_name": "Knots"}).published is None
    store.create_child("lib-block-v1:Harbour+Knots+type@library+block@library", "problem", "p1", content={"data": "x"})
    block = store.create_child(unit, "library_content", "lc", settings={"source_library_id": library})
    with pytest.raises(xblock_runtime.InvalidEdit, match="library_content"):
        store.refresh_library_content(unit, library)
    store.refresh_library_content(block, library)
    with xblock_runtime.open(url, read_only=True) as read:
        (copy,) = read.block(block).children
        assert read.block(copy).content == {"data": "x"}


def test_asset_metadata_is_kept(store: Modulestore) -> None:
    key = "asset-v1:Harbour+Tides+2031+type@asset+block@picture.jpg"
    on = datetime(2015, 4, 1, tzinfo=UTC)
    metadata = AssetMetadata(locked=True, fields={"cite": "nobody"}, created_by=11, created_on=on, curr_version="2")
    store.save_asset_metadata(key, metadata)
    for branch in ("draft", "published"):
        (found,) = store.get_all_asset_metadata(COURSE, branch=branch).items()
        assert found[0] == key
        assert (found[1].locked, found[1].fields, found[1].created_on) == (True, {"cite": "nobody"}, on)
        assert found[1].edited_by == 7 and found[1].edited_on is not None
    store.delete_asset_metadata(key)
    assert store.get_all_asset_metadata(COURSE) == {}


def test_asset_metadata_that_cannot_be_read_is_told(store: Modulestore, url: str, tmp_path: Path) -> None:
    key = "asset-v1:Harbour+Tides+2031+type@asset+block@"
    for name in ("a.png", "b.png"):
        store.save_asset_metadata(key + name, AssetMetadata(locked=True))
    store.close()
    with closing(sqlite3.connect(tmp_path / "split.db")) as db, db:
        rows = db.execute('SELECT rowid, document FROM "modulestore.structures"').fetchall()
        for row, document in rows:
            # The text becomes program code, which names no file.
            damaged = document.replace(b"\x02filename\0\6\0\0\0b.png", b"\x0dfilename\0\6\0\0\0b.png")
            db.execute('UPDATE "modulestore.structures" SET document = ? WHERE rowid = ?', (damaged, row))
    with modulestore.open(url, read_only=True) as read, pytest.warns(RuntimeWarning, match="filename is no text"):
        assert list(read.get_all_asset_metadata(COURSE)) == [key + "a.png"]


def test_what_is_open_to_read_is_not_changed(store: Modulestore, url: str) -> None:
    unit, _ = a_unit(store)
    with modulestore.open(url, read_only=True) as read:
        assert not read.has_changes(unit)
        with pytest.raises(xblock_runtime.ReadOnly):
            read.publish(unit)
    with pytest.raises(xblock_runtime.StoreError):
        read.has_changes(unit)


def test_children_are_no_field(store: Modulestore, url: str) -> None:
    unit, text = a_unit(store)
    calls: list[Callable[[], None]] = [
        lambda: store.update_item(unit, settings={"children": []}),
        lambda: store.update_item(unit, content={"children": [text]}),
        lambda: store.update_item(unit, unset=["children"]),
    ]
    for call in calls:
        with pytest.raises(xblock_runtime.InvalidEdit, match="`children` of update_item") as caught:
            call()
        assert caught.value.key and unit in caught.value.key
    with pytest.raises(xblock_runtime.InvalidEdit, match="`children` of update_item"):
        store.create_child(unit, "vertical", settings={"children": []})
    with xblock_runtime.open(url, read_only=True) as read:
        assert read.block(unit).children == [text]


def nested(levels: int) -> list[Any]:
    """Returns lists within lists."""
    value: list[Any] = []
    for _ in range(1, levels):
        value = [value]
    return value


def endless() -> list[Any]:
    """Returns a list that is its own first entry."""
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "NaN"),
        ([1, {"a": float("-inf")}], "infinite"),
        (2**63, "beyond 64 bits"),
        ({"a": [-(2**63) - 1]}, "beyond 64 bits"),
        (10**400, "beyond 64 bits"),
        ([10**5000], "beyond 64 bits"),
        ("half \ud83d", "lone surrogate"),
        ([{"\udc00": 1}], "lone surrogate"),
        (endless(), "in itself"),
        (nested(121), "120 levels"),
        (nested(500), "recursion limit"),
        (nested(5000), "too deep"),
    ],
)
def test_a_value_that_cannot_be_stored_is_told_with_its_field(
    store: Modulestore, url: str, value: object, reason: str
) -> None:
    _, text = a_unit(store)
    bad = {"fine": 1, "odd": value}
    asset = "asset-v1:Harbour+Tides+2031+type@asset+block@a.jpg"
    calls: list[Callable[[], object]] = [
        lambda: store.update_item(text, settings=bad),
        lambda: store.update_item(text, content=bad),
        lambda: store.create_item(COURSE, "html", settings=bad),
        lambda: store.create_course("course-v1:A+B+C", settings=bad),
        lambda: store.create_library("library-v1:A+B", settings=bad),
        lambda: store.save_asset_metadata(asset, AssetMetadata(fields=bad)),
    ]
    for call in calls:
        with pytest.raises(xblock_runtime.InvalidEdit) as caught:
            call()
        assert "odd" in str(caught.value) and reason in str(caught.value)
        assert caught.value.key
    with xblock_runtime.open(url, read_only=True) as read:
        assert read.contexts() == [COURSE]
        assert read.block(text).settings == {"display_name": "Low"}


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), [2**53 + 1, 1e308, 0.1]])
def test_numbers_come_back_as_they_are(store: Modulestore, url: str, value: object) -> None:
    _, text = a_unit(store)
    store.update_item(text, settings={"odd": value})
    with xblock_runtime.open(url, read_only=True) as read:
        assert read.block(text).settings["odd"] == value


def test_fields_with_odd_names_are_told(store: Modulestore) -> None:
    _, text = a_unit(store)
    with pytest.raises(xblock_runtime.InvalidEdit, match="lone surrogate") as caught:
        store.update_item(text, settings={"x\ud800": 1})
    assert str(caught.value).encode()
    with pytest.raises(TypeError, match="names of fields"):
        store.update_item(text, settings={1: 1})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="'odd'"):
        store.update_item(text, settings={"odd": object()})


def test_values_as_deep_as_may_be_are_kept(store: Modulestore, url: str) -> None:
    _, text = a_unit(store)
    store.update_item(text, settings={"deep": nested(120)})
    with xblock_runtime.open(url, read_only=True) as read:
        assert read.block(text).settings["deep"] == nested(120)


@pytest.mark.parametrize(
    "wrong", ["memory:", "blockstore:x", "modulestore+mongodb://127.0.0.1:1/d?serverSelectionTimeoutMS=200"]
)
def test_other_stores_are_refused(wrong: str) -> None:
    with pytest.raises(xblock_runtime.CoursewareError):
        modulestore.open(wrong)


def test_keys_are_told_where_they_are_none(store: Modulestore) -> None:
    with pytest.raises(xblock_runtime.InvalidKey):
        store.publish("nothing")
    with pytest.raises(xblock_runtime.InvalidKey):
        store.force_publish_course("nothing")
