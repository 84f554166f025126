"""The main job from Python: open a store, import, list, render, answer, read the grade, publish, compare, export."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import xblock_runtime
from conftest import CHOICE, CONTEXT, NUMBER, SMALL, TEXT, UNIT, WriteCourse, store_url
from xblock_runtime import Store


def inputs(html: str) -> list[str]:
    """Returns the names of the inputs in a page, each once."""
    return list(dict.fromkeys(re.findall(r'name="(input_[^"]+)"', html)))


def the_input(store: Store, problem: str) -> str:
    """Returns the name of a problem's only input."""
    (name,) = inputs(store.handle(problem, "problem_get", user="reader").json()["html"])
    return name


def test_an_import_says_what_it_did(store: Store, write_course: WriteCourse) -> None:
    report = store.import_course(write_course())
    assert (report.context, report.outcome, report.drafts, report.assets) == (CONTEXT, "written", 0, 1)
    assert report.root == "block-v1:O+C+R+type@course+block@course"
    assert report.blocks == {
        "course": 1, "chapter": 1, "sequential": 1, "vertical": 1, "html": 1, "video": 1, "problem": 2,
    }  # fmt: skip
    assert [one for one in report.diagnostics if one.severity == "error"] == []
    assert store.contexts() == [CONTEXT]
    assert store.import_course(write_course()).outcome == "unchanged"


def test_paths_may_be_texts(store: Store, write_course: WriteCourse) -> None:
    assert store.import_course(str(write_course())).context == CONTEXT


def test_a_course_can_be_imported_under_another_key(store: Store, write_course: WriteCourse) -> None:
    report = store.import_course(write_course(), into="course-v1:Other+C+R")
    assert report.context == "course-v1:Other+C+R"
    assert store.contexts() == ["course-v1:Other+C+R"]


def test_broken_blocks_are_kept_and_reported(store: Store, write_course: WriteCourse) -> None:
    report = store.import_course(write_course({"problem/choice.xml": "<problem>\n  <p>\n</problem>"}))
    assert report.outcome == "written"
    (error,) = [one for one in report.diagnostics if one.severity == "error"]
    assert (error.file, error.line) == ("problem/choice.xml", 3)
    assert str(error).startswith("problem/choice.xml:3:")
    assert report.blocks["error"] == 1 and report.blocks["problem"] == 1
    unit = store.block(UNIT)
    assert len(unit.children) == 4
    assert store.render(UNIT).content


def test_strict_imports_write_nothing(store: Store, write_course: WriteCourse) -> None:
    with pytest.raises(xblock_runtime.OlxError) as caught:
        store.import_course(write_course({"problem/choice.xml": "<problem>\n  <p>\n</problem>"}), strict=True)
    assert (caught.value.file, caught.value.line) == ("problem/choice.xml", 3)
    assert caught.value.column and caught.value.code == "invalid-xml"
    assert store.contexts() == []


def test_blocks_are_listed_and_read(small: Store) -> None:
    blocks = {block.usage_key: block for block in small.blocks(CONTEXT)}
    assert list(blocks) == small.usage_keys(CONTEXT) and len(blocks) == 8
    text = blocks[TEXT]
    assert (text.block_type, text.display_name) == ("html", "A text")
    assert text.content["data"] == SMALL["html/text.html"]
    assert blocks[UNIT].children[0] == TEXT
    assert small.block(TEXT) == text
    assert small.block(TEXT, branch="published").content == text.content


def test_blocks_of_old_courses_are_read_by_the_keys_that_are_listed(store: Store, write_course: WriteCourse) -> None:
    store.import_course(write_course(), into="O/C/R")
    keys = store.usage_keys("O/C/R")
    assert "i4x://O/C/html/text" in keys
    assert [block.usage_key for block in store.blocks("O/C/R")] == keys
    assert store.block("i4x://O/C/vertical/unit").children[0] == "i4x://O/C/html/text"
    assert "Read <b>this</b>" in store.render("i4x://O/C/vertical/unit").content
    with pytest.raises(xblock_runtime.NotFound, match="no learning context"):
        store.block("i4x://O/D/html/text")
    store.import_course(write_course(folder="second"), into="O/C/S")
    with pytest.raises(xblock_runtime.NotFound, match="O/C/R, O/C/S"):
        store.block("i4x://O/C/html/text")


def test_field_values_are_own_inherited_or_default(small: Store) -> None:
    values = small.field_values(NUMBER)
    assert values["max_attempts"] == 2 and values["weight"] is None and values["showanswer"] == "finished"
    assert "attempts" not in values
    assert small.field_values(NUMBER, user="ada")["attempts"] == 0


def test_a_block_is_rendered_with_what_is_below_it(small: Store) -> None:
    fragment = small.render(UNIT, user="ada")
    assert "Read <b>this</b>." in fragment.content and TEXT in fragment.content
    assert "https://example.org/a.mp4" in fragment.content
    assert set(fragment.to_dict()) == {"content", "resources", "js_init_fn", "js_init_version", "json_init_args"}


def test_fragments_are_what_web_fragments_takes(small: Store) -> None:
    from web_fragments.fragment import Fragment

    rendered = small.render(UNIT, user="ada")
    assert Fragment.from_dict(rendered.to_dict()).content == rendered.content


def test_answers_are_graded_and_users_kept_apart(small: Store) -> None:
    name = the_input(small, NUMBER)
    assert small.grade(NUMBER, user="ada") is None
    wrong = small.submit(NUMBER, {name: "41"}, user="ada")
    assert (wrong.success, wrong.grade) == ("incorrect", xblock_runtime.Grade(0, 1))
    right = small.submit(NUMBER, {name.removeprefix("input_"): "42"}, user="grace")
    assert (right.success, right.grade) == ("correct", xblock_runtime.Grade(1, 1))
    assert small.grade(NUMBER, user="ada") == xblock_runtime.Grade(0, 1)
    assert small.grade(NUMBER, user="grace") == xblock_runtime.Grade(1, 1)
    assert small.grade(NUMBER, user="nobody") is None
    assert small.grade(TEXT, user="ada") is None
    assert small.field_values(NUMBER, user="ada")["attempts"] == 1


def test_attempts_run_out(small: Store) -> None:
    name = the_input(small, NUMBER)
    for _ in range(2):
        small.submit(NUMBER, {name: "1"}, user="ada")
    refused = small.submit(NUMBER, {name: "42"}, user="ada")
    assert refused.success not in ("correct", "incorrect") and refused.grade is None
    assert small.grade(NUMBER, user="ada") == xblock_runtime.Grade(0, 1)


def test_choices_are_answered_by_name(small: Store) -> None:
    name = the_input(small, CHOICE)
    assert small.submit(CHOICE, {name: "choice_1"}, user="ada").success == "correct"
    assert small.submit(CHOICE, {name: "choice_0"}, user="grace").success == "incorrect"


def test_several_choices_are_a_list(store: Store, write_course: WriteCourse) -> None:
    boxes = """<problem><choiceresponse><label>Which?</label><checkboxgroup>
      <choice correct="true">a</choice><choice correct="false">b</choice><choice correct="true">c</choice>
    </checkboxgroup></choiceresponse></problem>"""
    store.import_course(write_course({"problem/choice.xml": boxes}))
    name = the_input(store, CHOICE)
    assert store.submit(CHOICE, {name: ["choice_0", "choice_2"]}, user="ada").success == "correct"
    assert store.submit(CHOICE, {name: ["choice_0"]}, user="grace").success == "incorrect"


def test_authors_see_the_answers(small: Store) -> None:
    assert list(small.answers(NUMBER).values()) == ["42"]
    assert list(small.answers(CHOICE).values()) == [["choice_1"]]
    assert small.grade(CHOICE, user="staff") is None
    with pytest.raises(xblock_runtime.BlockError):
        small.answers(TEXT)


def test_reading_saves_nothing(small: Store) -> None:
    before = small.field_values(NUMBER, user="ada")
    small.render(NUMBER, user="ada")
    small.handle(NUMBER, "problem_get", user="ada")
    small.answers(NUMBER)
    assert small.field_values(NUMBER, user="ada") == before


def test_handlers_are_called_with_a_whole_request(small: Store) -> None:
    name = the_input(small, NUMBER)
    answer = small.handle(
        NUMBER, "problem_check", f"{name}=42", user="ada", content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status, answer.json()["success"]) == (200, "correct")
    assert dict(answer.events)["grade"] == {"value": 1.0, "max_value": 1.0, "only_if_higher": None}


def test_staff_see_what_is_hidden_from_learners(store: Store, write_course: WriteCourse) -> None:
    store.import_course(write_course({"html/text.xml": '<html filename="text" visible_to_staff_only="true"/>'}))
    with pytest.raises(xblock_runtime.BlockError) as caught:
        store.render(TEXT, user="ada")
    assert caught.value.key == TEXT
    assert "Read <b>this</b>." in store.render(TEXT, user="prof", staff=True).content


def test_publishing_into_another_store_makes_them_equal(small: Store, tmp_path: Path) -> None:
    with xblock_runtime.open(f"modulestore:{tmp_path}/to/other.db") as other:
        assert not small.publish(CONTEXT, other).unchanged
        assert small.compare(CONTEXT, other) == []
        assert small.publish(CONTEXT, other).unchanged
        assert other.render(UNIT).content.count("data-usage") == 5


def test_differences_are_described(small: Store, write_course: WriteCourse) -> None:
    with xblock_runtime.open("memory:") as other:
        other.import_course(write_course({"html/text.html": "<p>Another</p>"}, folder="changed"))
        differences = small.compare(CONTEXT, other)
    assert differences and all(TEXT in one.description for one in differences)
    assert all(one.details for one in differences)


@pytest.mark.parametrize("name", ["out", "out.tar.gz"])
def test_an_export_comes_back_equal(small: Store, tmp_path: Path, name: str) -> None:
    small.export(CONTEXT, tmp_path / name)
    with xblock_runtime.open("memory:") as other:
        other.import_course(tmp_path / name)
        assert small.compare(CONTEXT, other) == []
    with pytest.raises(xblock_runtime.PackageError):
        small.export(CONTEXT, str(tmp_path / name))
    small.export(CONTEXT, str(tmp_path / name), force=True)


def test_an_incomplete_export_takes_no_other_ones_place_unasked(tmp_path: Path, write_course: WriteCourse) -> None:
    url, target = store_url("blockstore", tmp_path), tmp_path / "out"
    with xblock_runtime.open(url) as store:
        store.import_course(write_course({"html/text.html": "<p>the lost text</p>"}, folder="lost"))
        store.export(CONTEXT, target)
    for file in Path(url.removeprefix("blockstore:")).rglob("*"):
        if file.is_file() and b"the lost text" in file.read_bytes() and "snapshot_data" in str(file):
            file.unlink()
    with xblock_runtime.open(url, read_only=True) as store:
        with pytest.raises(xblock_runtime.PackageError) as refused:
            store.export(CONTEXT, target, force=True)
        assert refused.value.file == str(target)
        assert (target / "html" / "text.html").read_text() == "<p>the lost text</p>"
        store.export(CONTEXT, target, force=True, incomplete=True)
        assert not (target / "html" / "text.html").exists()


@pytest.mark.parametrize("kind", ["blockstore", "modulestore"])
def test_what_was_written_is_there_when_opened_again(kind: str, tmp_path: Path, write_course: WriteCourse) -> None:
    url = store_url(kind, tmp_path)
    with xblock_runtime.open(url) as store:
        store.import_course(write_course())
        name = the_input(store, NUMBER)
        store.submit(NUMBER, {name: "42"}, user="ada")
    with xblock_runtime.open(url, read_only=True) as again:
        assert again.grade(NUMBER, user="ada") == xblock_runtime.Grade(1, 1)
        assert len(again.usage_keys(CONTEXT)) == 8


@pytest.mark.parametrize("kind", ["blockstore", "modulestore"])
def test_what_is_open_to_read_is_not_written(kind: str, tmp_path: Path, write_course: WriteCourse) -> None:
    url = store_url(kind, tmp_path)
    with xblock_runtime.open(url) as store:
        store.import_course(write_course())
        name = the_input(store, NUMBER)
        store.submit(NUMBER, {name: "42"}, user="ada")
    form = "application/x-www-form-urlencoded"
    with xblock_runtime.open(url, read_only=True) as store, xblock_runtime.open("memory:") as other:
        writes: list[tuple[Callable[[], object], str | None]] = [
            (lambda: store.submit(NUMBER, {name: "41"}, user="ada"), NUMBER),
            (lambda: store.submit(NUMBER, {name: "41"}, user="bob"), NUMBER),
            (lambda: store.handle(NUMBER, "problem_save", f"input_{name}=1", user="ada", content_type=form), NUMBER),
            (lambda: store.handle(NUMBER, "problem_reset", user="ada", content_type=form), NUMBER),
            (lambda: store.publish(CONTEXT), None),
            (lambda: other.publish(CONTEXT, store), None),
        ]
        for write, key in writes:
            with pytest.raises(xblock_runtime.ReadOnly, match="open for reading only") as caught:
                write()
            assert caught.value.key == key
        assert "42" in store.render(NUMBER, user="ada").content
        assert store.grade(NUMBER, user="ada") == xblock_runtime.Grade(1, 1)
        assert store.grade(NUMBER, user="bob") is None
        assert store.answers(NUMBER)
        assert store.handle(NUMBER, "problem_get", user="ada").status == 200
    with xblock_runtime.open(url) as store:
        assert store.field_values(NUMBER, user="ada")["attempts"] == 1
        assert store.field_values(NUMBER, user="bob")["attempts"] == 0


@pytest.mark.parametrize("kind", ["blockstore", "modulestore"])
def test_what_is_open_to_read_takes_imports(kind: str, tmp_path: Path, write_course: WriteCourse) -> None:
    url = store_url(kind, tmp_path)
    xblock_runtime.open(url).close()
    with xblock_runtime.open(url, read_only=True) as store:
        assert store.contexts() == []
        assert store.import_course(write_course()).outcome == "written"
        assert store.contexts() == [CONTEXT]
        with pytest.raises(xblock_runtime.ReadOnly):
            store.publish(CONTEXT)
        with pytest.raises(xblock_runtime.ReadOnly):
            store.submit(NUMBER, {the_input(store, NUMBER): "42"}, user="ada")


def test_a_memory_store_open_to_read_takes_imports(write_course: WriteCourse) -> None:
    with xblock_runtime.open("memory:", read_only=True) as store:
        store.import_course(write_course())
        assert store.contexts() == [CONTEXT]
        with pytest.raises(xblock_runtime.ReadOnly):
            store.publish(CONTEXT)


def test_a_dead_store_of_a_site_is_a_warning(tmp_path: Path, write_course: WriteCourse) -> None:
    stores = [{"name": name, "url": f"modulestore:{tmp_path}/{name}.db"} for name in ("sound", "dead")]
    (tmp_path / "site.json").write_text(json.dumps({"stores": stores}))
    with xblock_runtime.open(f"mixed:{tmp_path}/site.json") as store:
        store.import_course(write_course())
    (tmp_path / "dead.db").write_bytes(b"this is no database, but long enough to be looked at as one")
    with xblock_runtime.open(f"mixed:{tmp_path}/site.json", read_only=True) as store:
        with pytest.warns(RuntimeWarning, match='opening the store "dead"'):
            assert store.contexts() == [CONTEXT]
        assert len(store.usage_keys(CONTEXT)) == 8


@pytest.mark.parametrize("kind", ["blockstore", "modulestore"])
def test_a_store_can_be_open_twice(kind: str, tmp_path: Path, write_course: WriteCourse) -> None:
    url = store_url(kind, tmp_path)
    with xblock_runtime.open(url) as one, xblock_runtime.open(url) as two:
        one.import_course(write_course())
        assert two.contexts() == [CONTEXT]
        name = the_input(two, NUMBER)
        two.submit(NUMBER, {name: "42"}, user="ada")
        assert one.grade(NUMBER, user="ada") == xblock_runtime.Grade(1, 1)


def test_memory_stores_share_nothing(write_course: WriteCourse) -> None:
    with xblock_runtime.open("memory:") as one, xblock_runtime.open("memory:") as two:
        one.import_course(write_course())
        assert two.contexts() == []


def test_learner_state_can_lie_elsewhere(tmp_path: Path, write_course: WriteCourse) -> None:
    state = tmp_path / "state.sqlite3"
    with xblock_runtime.open("memory:", state=state) as store:
        store.import_course(write_course())
        store.submit(NUMBER, {the_input(store, NUMBER): "42"}, user="ada")
    with xblock_runtime.open("memory:", state=str(state)) as store:
        store.import_course(write_course())
        assert store.grade(NUMBER, user="ada") == xblock_runtime.Grade(1, 1)


def test_threads_can_share_a_store(small: Store) -> None:
    name = the_input(small, NUMBER)

    def work(at: int) -> tuple[str | None, str, xblock_runtime.Grade | None]:
        user = f"user{at}"
        done = small.submit(NUMBER, {name: "42" if at % 2 else "0"}, user=user)
        page = small.render(UNIT, user=user).content
        return done.success, page, small.grade(NUMBER, user=user)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(24)))
    for at, (success, page, grade) in enumerate(results):
        assert success == ("correct" if at % 2 else "incorrect")
        assert grade == xblock_runtime.Grade(at % 2, 1)
        assert "Read <b>this</b>." in page


def test_other_threads_run_while_a_store_works(tmp_path: Path, write_course: WriteCourse) -> None:
    texts = {f"html/t{n}.html": "<p>x</p>" * 2000 for n in range(150)}
    texts |= {f"html/t{n}.xml": f'<html filename="t{n}"/>' for n in range(150)}
    pointers = "".join(f'<html url_name="t{n}"/>' for n in range(150))
    course = write_course({**texts, "vertical/unit.xml": f"<vertical>{pointers}</vertical>"})

    def longest_pause(kind: Path) -> tuple[float, float]:
        """Imports in another thread; returns the longest time this one stood still, and how long all took."""
        with xblock_runtime.open(f"blockstore:{kind}") as store:
            worker = threading.Thread(target=store.import_course, args=(course,))
            pause, began = 0.0, time.perf_counter()
            last = began
            worker.start()
            while worker.is_alive():
                now = time.perf_counter()
                pause, last = max(pause, now - last), now
            return pause, time.perf_counter() - began

    # An import that kept the interpreter for itself would be one long pause; a busy machine may make one now and then.
    measured = [longest_pause(tmp_path / f"b{n}") for n in range(3)]
    assert any(pause < whole / 2 for pause, whole in measured), measured


def test_closing_while_others_work_is_safe(write_course: WriteCourse) -> None:
    store = xblock_runtime.open("memory:")
    store.import_course(write_course())

    def work(_: int) -> bool:
        try:
            return bool(store.render(UNIT).content)
        except xblock_runtime.StoreError:
            return False

    with ThreadPoolExecutor(4) as pool:
        results = pool.map(work, range(100))
        store.close()
        assert set(results) <= {True, False}
    with pytest.raises(xblock_runtime.StoreError):
        store.contexts()


def test_a_store_says_where_it_is() -> None:
    store = xblock_runtime.open("memory:")
    assert store.url == "memory:" and repr(store) == "xblock_runtime.open('memory:')"


def test_native_classes_are_frozen(small: Store) -> None:
    with pytest.raises(AttributeError):
        small._native.url = "x"  # type: ignore[misc]
    answer = small._native.handle(NUMBER, "problem_get", ("POST", "", [], "", b""), "ada", False, None)
    with pytest.raises(AttributeError):
        answer.status = 1  # type: ignore[misc]
    assert json.loads(answer.events) == []
