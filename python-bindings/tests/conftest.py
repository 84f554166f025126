"""Courses and stores for the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import xblock_runtime

#: A course with one unit: a text, a video and two problems.
SMALL = {
    "course.xml": '<course url_name="R" org="O" course="C"/>',
    "course/R.xml": '<course display_name="Small"><chapter url_name="ch"/></course>',
    "chapter/ch.xml": '<chapter display_name="Chapter"><sequential url_name="seq"/></chapter>',
    "sequential/seq.xml": '<sequential display_name="Lesson"><vertical url_name="unit"/></sequential>',
    "vertical/unit.xml": """<vertical display_name="Unit">
  <html url_name="text"/>
  <video url_name="film"/>
  <problem url_name="choice"/>
  <problem url_name="number"/>
</vertical>""",
    "html/text.xml": '<html filename="text" display_name="A text"/>',
    "html/text.html": "<p>Read <b>this</b>.</p>",
    "video/film.xml": '<video display_name="A film" youtube_id_1_0="abc"><source src="https://example.org/a.mp4"/></video>',
    "problem/choice.xml": """<problem display_name="Choose">
  <multiplechoiceresponse>
    <label>Which?</label>
    <choicegroup type="MultipleChoice">
      <choice correct="false">this</choice>
      <choice correct="true">that</choice>
    </choicegroup>
  </multiplechoiceresponse>
</problem>""",
    "problem/number.xml": """<problem display_name="Count" max_attempts="2">
  <numericalresponse answer="42"><label>How many?</label><formulaequationinput/></numericalresponse>
</problem>""",
    "static/picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
    "policies/assets.json": "{}",
}

CONTEXT = "course-v1:O+C+R"
TEXT = "block-v1:O+C+R+type@html+block@text"
CHOICE = "block-v1:O+C+R+type@problem+block@choice"
NUMBER = "block-v1:O+C+R+type@problem+block@number"
UNIT = "block-v1:O+C+R+type@vertical+block@unit"

WriteCourse = Callable[..., Path]


@pytest.fixture
def write_course(tmp_path: Path) -> WriteCourse:
    """Returns a function that writes the small course, some files of it changed, or left out where the text is none."""

    def write(changes: dict[str, str | None] | None = None, folder: str = "course") -> Path:
        root = tmp_path / folder
        for name, text in {**SMALL, **(changes or {})}.items():
            if text is None:
                continue
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return root

    return write


def store_url(kind: str, folder: Path) -> str:
    """Returns the URL of a store of this kind that lies in a folder."""
    return {"memory": "memory:", "blockstore": f"blockstore:{folder}/b", "modulestore": f"modulestore:{folder}/m.db"}[
        kind
    ]


@pytest.fixture(params=["memory", "blockstore", "modulestore"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[xblock_runtime.Store]:
    """An empty store of each kind."""
    with xblock_runtime.open(store_url(request.param, tmp_path)) as store:
        yield store


@pytest.fixture
def small(store: xblock_runtime.Store, write_course: WriteCourse) -> xblock_runtime.Store:
    """Each kind of store with the small course."""
    store.import_course(write_course())
    return store
