"""Services of a Python host, as native blocks of a store ask for them."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
import xblock_runtime
from conftest import CHOICE, WriteCourse
from xblock_runtime.services import Calls, HostServices


class Users:
    """A user service that knows one user and says who was asked for."""

    def get_current_user(self) -> Any:
        return SimpleNamespace(
            emails=["ann@example.org"], full_name="Ann", display_name="ann", opt_attrs={"edx-platform.user_id": 7}
        )

    def get_anonymous_user_id(self, username: str, course: str) -> str:
        return f"{username} in {course}"


class Published:
    """A publish service that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str | None, str, Any]] = []

    def publish(self, usage_key: str, user: str | None, event_type: str, data: Any) -> None:
        self.events.append((usage_key, user, event_type, data))


def test_what_handlers_publish_goes_to_the_host(write_course: WriteCourse) -> None:
    published = Published()
    asked: list[tuple[str, str | None]] = []

    def users(usage_key: str, user: str | None) -> Users:
        asked.append((usage_key, user))
        return Users()

    with xblock_runtime.open("memory:", services={"publish": published, "user": users}) as store:
        store.import_course(write_course())
        store.render(CHOICE, user="7")
        answer = store.handle(CHOICE, "problem_check", "input_choice_2_1=choice_0", user="7",
                              content_type="application/x-www-form-urlencoded")  # fmt: skip
        assert answer.status == 200
        assert [(key, user, kind) for key, user, kind, _ in published.events if kind == "grade"] == [
            (CHOICE, "7", "grade")
        ]
        assert (CHOICE, "7") in asked


def test_a_service_that_fails_does_not_stop_the_block(
    write_course: WriteCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def publish(self, *event: Any) -> None:
            raise RuntimeError("the line is dead")

    told: list[str] = []
    monkeypatch.setattr("sys.unraisablehook", lambda failure: told.append(str(failure.exc_value)))
    with xblock_runtime.open("memory:", services={"publish": Broken()}) as store:
        store.import_course(write_course())
        answer = store.handle(CHOICE, "problem_check", "input_choice_2_1=choice_0", user="7",
                              content_type="application/x-www-form-urlencoded")  # fmt: skip
        assert answer.status == 200
    assert told and set(told) == {"the line is dead"}


def test_services_nobody_asks_for_are_refused() -> None:
    with pytest.raises(ValueError, match="weather"):
        xblock_runtime.open("memory:", services={"weather": object()})


def test_calls_speak_as_services_of_xblock_do() -> None:
    class Texts:
        language = "de"

        def gettext(self, text: str) -> str:
            return {"Submit": "Absenden"}.get(text, text)

        def ngettext(self, singular: str, plural: str, number: int) -> str:
            return f"{number} {singular if number == 1 else plural}"

        def strftime(self, time: datetime.datetime, form: str) -> str:
            return time.strftime("%d.%m.%Y") + form

    texts = Calls(Texts())
    assert (texts.language(), texts.gettext("Submit"), texts.pgettext("button", "Submit")) == ("de", *["Absenden"] * 2)
    assert texts.npgettext("x", "point", "points", "2") == texts.ngettext("point", "points", "2") == "2 points"
    assert texts.strftime("2031-03-01T15:04:00+00:00", "!") == "01.03.2031!"
    bucket = Calls(SimpleNamespace(get_settings_bucket=lambda block: {"key": block.block_settings_key}))
    assert bucket.settings_bucket("video") == '{"key": "video"}'
    kept: dict[str, float] = {}
    completion = Calls(
        SimpleNamespace(
            completion_tracking_enabled=lambda: True,
            submit_completion=kept.__setitem__,
            get_completions=lambda keys: {key: kept[key] for key in keys if key in kept},
        )
    )
    completion.submit_completion("a", "0.5")
    assert (completion.is_enabled(), completion.completions('["a", "b"]')) == (True, '{"a": 0.5}')
    assert HostServices({"user": Users(), "cache": {}}).names() == ["cache", "user"]
    assert Calls(Users()).anonymous_user_id("ann", "c") == "ann in c"
