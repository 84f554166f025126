"""External graders and engines for scripts that a Python host brings along."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest
import xblock_runtime
from conftest import CHOICE, NUMBER, WriteCourse
from test_xblocks import Host
from xblock.exceptions import NoSuchHandlerError
from xblock_runtime.services import Calls, calls

CODE = """<problem display_name="Program"><coderesponse queuename="q1"><textbox rows="3"/>
<codeparam><initial_display>x</initial_display><grader_payload>{}</grader_payload></codeparam></coderesponse></problem>"""

SCRIPT = """<problem><script type="loncapa/python">
import random
answer = 6 * 7
def check(expect, given):
    return int(given) == answer
</script><customresponse cfn="check"><textline/></customresponse></problem>"""


class Queue:
    """A queue in the form of edx-platform's service ``xqueue``."""

    default_queuename = "Org-C1"
    waittime = 5

    def __init__(self) -> None:
        self.interface: Any = self
        self.sent: list[tuple[dict[str, Any], dict[str, Any], Any]] = []
        self.failure = ""

    def construct_callback(self, dispatch: str = "score_update") -> str:
        return f"https://lms.example/callback/{dispatch}"

    def send_to_queue(self, header: str, body: str, files_to_upload: Any = None) -> tuple[int, str]:
        self.sent.append((json.loads(header), json.loads(body), files_to_upload))
        return (1, self.failure) if self.failure else (0, "3")


class Engine:
    """A sandbox service that runs code where it stands."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def safe_exec(self, code: str, globals_dict: dict[str, Any], **settings: Any) -> None:
        self.asked.append(settings)
        names = dict(globals_dict)
        exec(code, names)
        kept = {name: value for name, value in names.items() if isinstance(value, str | int | float | list | None)}
        globals_dict.update(kept)

    def can_execute_unsafe_code(self) -> bool:
        return True


def host_with(**services: Any) -> Host:
    host = Host("ada")
    host._services.update(services)
    return host


def test_a_queue_gets_answers_and_gives_verdicts() -> None:
    queue = Queue()
    host = host_with(xqueue=queue)
    block = host.add(CODE)
    name = host.post(block, "problem_get", {})["html"].split('name="input_')[1].split('"')[0]
    reply = host.post(block, "problem_check", {f"input_{name}": "print(1)"})
    assert "processing" in reply["contents"]
    ((header, body, files),) = queue.sent
    assert header["lms_callback_url"] == "https://lms.example/callback/score_update"
    assert (header["queue_name"], body["student_response"], files) == ("q1", "print(1)", None)

    verdict = {
        "queuekey": header["lms_key"],
        "xqueue_body": json.dumps({"correct": True, "score": 1, "msg": "<p>ok</p>"}),
    }
    strange = block.handle_ajax("score_update", {**verdict, "queuekey": "guessed"})
    assert json.loads(strange)["current_score"] == 0
    assert json.loads(block.handle_ajax("score_update", verdict))["current_score"] == 1
    assert block.correct_map[name]["correctness"] == "correct"
    assert ("grade", True) in [(kind, data.get("grader_response")) for kind, data in host.published]
    assert "not a known" in block.take_grader_reply("nonsense", "k", "{}").text


def test_a_queue_that_refuses_is_told_to_the_learner() -> None:
    queue = Queue()
    queue.failure = "cannot connect to server"
    host = host_with(xqueue=queue)
    block = host.add(CODE)
    name = host.post(block, "problem_get", {})["html"].split('name="input_')[1].split('"')[0]
    assert "cannot connect to server" in host.post(block, "problem_check", {f"input_{name}": "x"})["contents"]
    queue.interface = None
    assert calls("xqueue", queue) is None


def test_nothing_is_sent_from_studios_preview() -> None:
    queue = Queue()
    host = host_with(xqueue=queue)
    host.is_author_mode = True
    block = host.add(CODE)
    name = host.post(block, "problem_get", {})["html"].split('name="input_')[1].split('"')[0]
    assert "No grader has been set up" in host.post(block, "problem_check", {f"input_{name}": "x"})["contents"]
    assert queue.sent == []


def test_grades_out_of_their_range_are_kept() -> None:
    host = host_with()
    block = host.add(SCRIPT.replace("int(given) == answer", "{'ok': True, 'grade_decimal': 2 * answer / answer}"))
    name = host.post(block, "problem_get", {})["html"].split('name="input_')[1].split('"')[0]
    assert host.post(block, "problem_check", {f"input_{name}": "42"})["success"] == "correct"
    again = host.get_block(block.scope_ids.usage_id)
    with pytest.raises(ValueError, match="raw_earned"):
        assert again.score
    reply = host.post(again, "problem_check", {f"input_{name}": "42"})
    assert (reply["current_score"], reply["attempts_used"]) == (1, 2)


def test_blocks_without_graders_take_no_replies() -> None:
    with pytest.raises(NoSuchHandlerError):
        Host("ada").add("<html>x</html>").take_grader_reply("score_update", "k", "{}")


@pytest.mark.parametrize("engine", [Engine(), None])
def test_scripts_run_in_the_hosts_engine_or_in_the_cage(engine: Engine | None) -> None:
    host = host_with(**({} if engine is None else {"sandbox": engine}))
    block = host.add(SCRIPT)
    name = host.post(block, "problem_get", {})["html"].split('name="input_')[1].split('"')[0]
    assert host.post(block, "problem_check", {f"input_{name}": "42"})["success"] == "correct"
    assert engine is None or {asked["unsafely"] for asked in engine.asked} == {True}


def test_a_sandbox_service_without_an_engine_has_the_library() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("tides.py", "HEIGHT = 42\n")

    class Library:
        def get_python_lib_zip(self) -> bytes:
            return out.getvalue()

    host = host_with(sandbox=Library())
    block = host.add(SCRIPT.replace("import random", "import tides").replace("6 * 7", "tides.HEIGHT"))
    name = host.post(block, "problem_get", {})["html"].split('name="input_')[1].split('"')[0]
    assert host.post(block, "problem_check", {f"input_{name}": "42"})["success"] == "correct"
    assert Calls(object()).python_lib_zip("c") is None and not Calls(object()).can_run_unsafely()


def test_stores_have_a_cage_and_take_replies(write_course: WriteCourse) -> None:
    queue = Queue()
    with xblock_runtime.open("memory:", services={"xqueue": lambda usage, user: queue}) as store:
        store.import_course(write_course({"problem/number.xml": SCRIPT, "problem/choice.xml": CODE}))
        assert store.submit(NUMBER, {"number_2_1": "42"}, user="7").success == "correct"
        store.submit(CHOICE, {"choice_2_1": "print(1)"}, user="8")
        key = queue.sent[0][0]["lms_key"]
        body = json.dumps({"correct": False, "score": 0, "msg": "no"})
        answer = store.take_grader_reply(CHOICE, "score_update", key, body, user="8")
        assert answer.status == 200 and [kind for kind, _ in answer.events] == ["grade"]
        assert store.field_values(CHOICE, user="8")["correct_map"]["choice_2_1"]["correctness"] == "incorrect"
