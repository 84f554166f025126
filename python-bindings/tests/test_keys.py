"""Keys: what was recorded from opaque-keys, and opaque-keys itself beside ours."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from opaque_keys import InvalidKeyError as PeersInvalidKeyError
from opaque_keys.edx import keys as peers
from xblock_runtime import keys
from xblock_runtime.exceptions import CoursewareError
from xblock_runtime.keys import InvalidKeyError

RECORDED = json.loads((Path(__file__).parents[2] / "tests/vectors/keys.json").read_text(encoding="utf-8"))

KINDS: dict[str, Any] = {
    "asset_key": keys.AssetKey,
    "aside_definition_key": keys.AsideDefinitionKey,
    "aside_usage_key": keys.AsideUsageKey,
    "block_type_key": keys.BlockTypeKey,
    "collection_key": keys.CollectionKey,
    "container_key": keys.ContainerKey,
    "course_key": keys.CourseKey,
    "definition_key": keys.DefinitionKey,
    "learning_context_key": keys.LearningContextKey,
    "usage_key": keys.UsageKey,
    "usage_key_v2": keys.UsageKeyV2,
}

EXCEPTIONS: dict[str, type[Exception]] = {
    "AssertionError": AssertionError,
    "AttributeError": AttributeError,
    "InvalidKeyError": InvalidKeyError,
    "KeyError": KeyError,
    "NotImplementedError": NotImplementedError,
    "TypeError": TypeError,
    "ValueError": ValueError,
}


def class_of(kind: str) -> Any:
    return getattr(keys, kind.removeprefix("class:")) if kind.startswith("class:") else KINDS[kind]


def same(found: Any, recorded: Any) -> bool:
    """Whether a value is the recorded one."""
    match recorded:
        case {"$oid": text} | {"$uuid": text}:
            return bool(str(found) == text)
        case {"$key": key}:
            if type(found).__name__ != key["type"] or found.deprecated != key["deprecated"]:
                return False
            if key.get("str") is None:
                return all(same(getattr(found, name), value) for name, value in key["fields"].items())
            return bool(str(found) == key["str"])
        case {"$list": list(items)}:
            return same(found, items)
        case dict():
            return list(found) == list(recorded) and all(same(found[name], one) for name, one in recorded.items())
        case list():
            return len(found) == len(recorded) and all(map(same, found, recorded))
        case _:
            return bool(found == recorded and type(found) is type(recorded))


def outcome(work: Callable[[], Any], recorded: dict[str, Any]) -> None:
    """Does what was recorded, and checks that the same came of it."""
    if "error" in recorded:
        with pytest.raises(EXCEPTIONS[recorded["error"]]):
            work()
    else:
        assert same(work(), recorded["result"])


def is_plain(value: Any) -> bool:
    """Whether a recorded argument is a text, a number, nothing, or a key that can be read from its text."""
    match value:
        case {"$key": key}:
            return key.get("str") is not None or "fields" in key
        case None | str() | bool() | int():
            return True
        case _:
            return False


def argument(value: Any) -> Any:
    if isinstance(value, dict):
        key = value["$key"]
        made = getattr(keys, key["type"])
        if "fields" in key:
            fields = {name: argument(one) for name, one in key["fields"].items()}
            return made(**fields, deprecated=key["deprecated"])
        # The class of assets looks among usages first, and so finds none of its own.
        return (keys.AssetKey if made is keys.AssetLocator else made).from_string(key["str"])
    return value


def arguments(recorded: dict[str, Any]) -> tuple[list[Any], dict[str, Any]] | None:
    """Returns the arguments of a recorded call, or nothing where one of them has no text to be made from."""
    args, kwargs = recorded.get("args", []), recorded.get("kwargs", {})
    if not all(map(is_plain, [*args, *kwargs.values()])):
        return None
    try:
        return [argument(one) for one in args], {name: argument(one) for name, one in kwargs.items()}
    except InvalidKeyError:
        return None


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["id"])
def test_a_text_is_the_key_that_opaque_keys_makes_of_it(case: dict[str, Any]) -> None:
    read = class_of(case["kind"]).from_string
    if not case["valid"]:
        with pytest.raises(EXCEPTIONS[case["error"]]):
            read(case["input"])
        return
    key = read(case["input"])
    assert type(key).__name__ == case["type"]
    assert key.deprecated == case["deprecated"]
    if case["canonical"] is not None:
        assert str(key) == case["canonical"]
        assert len(key) == len(case["canonical"])
    for name, value in case["fields"].items():
        if name != "_version_or_draft":
            assert same(getattr(key, name), value), name
    for name, value in case["properties"].items():
        if isinstance(value, dict) and "$error" in value:
            with pytest.raises(EXCEPTIONS[value["$error"]]):
                getattr(key, name)
        else:
            assert same(getattr(key, name), value), name
    again = read(case["input"])
    assert key == again
    assert hash(key) == hash(again)
    for clone in [copy.copy(key), copy.deepcopy(key), pickle.loads(pickle.dumps(key))]:
        assert clone == key
        assert type(clone) is type(key)


def conversions() -> list[Any]:
    found = []
    for case in RECORDED["cases"]:
        for at, conversion in enumerate(case.get("conversions", [])):
            if arguments(conversion) is not None:
                found.append(pytest.param(case, conversion, id=f"{case['id']}-{at}-{conversion['op']}"))
    return found


@pytest.mark.parametrize(("case", "conversion"), conversions())
def test_a_key_becomes_the_key_that_opaque_keys_makes_of_it(case: dict[str, Any], conversion: dict[str, Any]) -> None:
    key = class_of(case["kind"]).from_string(case["input"])
    given = arguments(conversion)
    assert given is not None
    args, kwargs = given
    outcome(lambda: getattr(key, conversion["op"])(*args, **kwargs), conversion)


@pytest.mark.parametrize(
    "case", [case for case in RECORDED["constructor_cases"] if arguments(case) is not None], ids=lambda case: case["id"]
)
def test_constructors_take_and_refuse_what_those_of_opaque_keys_do(case: dict[str, Any]) -> None:
    given = arguments(case)
    assert given is not None
    args, kwargs = given
    outcome(lambda: getattr(keys, case["class"])(*args, **kwargs), case)


ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "gt": operator.gt,
    "le": operator.le,
    "ge": operator.ge,
}


def comparable(side: dict[str, Any]) -> bool:
    return "$key" in side and is_plain(side)


@pytest.mark.parametrize(
    "case",
    [case for case in RECORDED["compare_cases"] if comparable(case["left"]) and comparable(case["right"])],
    ids=lambda case: case["id"],
)
def test_keys_compare_as_those_of_opaque_keys_do(case: dict[str, Any]) -> None:
    left, right = argument(case["left"]), argument(case["right"])
    assert (left == right) == case["eq"]
    if case["eq"]:
        assert hash(left) == hash(right)
    for name, compare in ORDERS.items():
        if isinstance(case[name], bool):
            assert compare(left, right) == case[name]
        else:
            with pytest.raises(TypeError):
                compare(left, right)


@pytest.mark.parametrize("case", RECORDED["clean_cases"], ids=lambda case: case["id"])
def test_texts_are_cleaned_as_opaque_keys_does(case: dict[str, Any]) -> None:
    assert getattr(keys.BlockUsageLocator, case["fn"])(case["input"]) == case["output"]


TEXTS = [
    "course-v1:OrgX+CS101+2024",
    "OrgX/CS101/2024",
    "library-v1:OrgX+Lib+branch@library",
    "lib:OrgX:slug",
    "block-v1:OrgX+CS101+2024+branch@draft-branch+type@html+block@intro",
    "i4x://OrgX/CS101/html/intro",
    "lb:OrgX:slug:problem:p1",
    "asset-v1:OrgX+CS101+2024+type@asset+block@pic.png",
    "def-v1:519665f6223ebd6980884f2b+type@html",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "family", ["LearningContextKey", "CourseKey", "UsageKey", "AssetKey", "DefinitionKey", "BlockTypeKey"]
)
def test_both_packages_read_a_text_alike(family: str, text: str) -> None:
    ours, theirs = getattr(keys, family), getattr(peers, family)
    try:
        expected = theirs.from_string(text)
    except PeersInvalidKeyError:
        with pytest.raises(InvalidKeyError):
            ours.from_string(text)
        return
    key = ours.from_string(text)
    assert isinstance(key, ours)
    assert str(key) == str(expected)
    assert type(key).__name__ == type(expected).__name__
    if "ObjectId" not in repr(expected):
        assert repr(key) == repr(expected)


def test_an_invalid_key_says_what_it_was() -> None:
    with pytest.raises(InvalidKeyError, match="not a valid key") as caught:
        keys.UsageKey.from_string("nonsense:here")
    assert caught.value.key == "nonsense:here"
    assert isinstance(caught.value, CoursewareError)
    with pytest.raises(InvalidKeyError):
        keys.CourseKey.from_string(None)


def test_keys_cannot_be_changed_and_families_have_no_keys_of_their_own() -> None:
    key = keys.CourseLocator("OrgX", "CS101", run="2024")
    assert str(key) == "course-v1:OrgX+CS101+2024"
    with pytest.raises(AttributeError):
        key.org = "Other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        keys.CourseKey()
    with pytest.raises(TypeError):
        keys.CourseLocator(cast(str, object()), "c", "r")


def test_a_key_without_a_text_can_be_copied_and_pickled() -> None:
    context = keys.UsageKey.from_string("i4x://o/c/html/n").course_key
    with pytest.raises(TypeError):
        str(context)
    clone = pickle.loads(pickle.dumps(context))
    assert clone == context
    assert clone.deprecated
    assert context != keys.CourseKey.from_string("course-v1:o+c+r")
    assert {context: 1}[clone] == 1
    assert context.__eq__("o/c") is NotImplemented


def test_ids_of_documents_are_texts_and_may_be_given_as_bson_gives_them() -> None:
    bson = pytest.importorskip("bson")
    course = keys.CourseLocator("o", "c", "r")
    text = "519665f6223ebd6980884f2b"
    assert course.for_version(text) == course.for_version(bson.ObjectId(text))
    assert course.for_version(text).version_guid == text
