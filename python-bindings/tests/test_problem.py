"""Problems by themselves, and the formulas in them."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from xblock_runtime import exceptions, problem
from xblock_runtime.problem import GradingError, Problem, ProblemError, markdown_from_xml, markdown_to_xml

TEXT = """<problem>
  <stringresponse answer="tides" type="ci"><label>What?</label><textline/></stringresponse>
</problem>"""

SCRIPT = """<problem>
  <script type="loncapa/python">
import random
a = random.randint(1, 1000)
  </script>
  <numericalresponse answer="$a"><label>Which?</label><formulaequationinput/></numericalresponse>
</problem>"""


def run_openly(code: str, globals_dict: dict[str, Any], random_seed: int | None = None, **_: Any) -> None:
    """Runs code as edx-platform's unsafe engine would, near enough for a test."""
    import random

    random.seed(random_seed)
    names = dict(globals_dict)
    exec(code, names)
    for name, value in names.items():
        if name == "__builtins__":
            continue
        try:
            json.dumps(value)
        except TypeError:
            continue
        globals_dict[name] = value


def test_answers_are_graded_and_kept() -> None:
    asked = Problem(TEXT, "q", seed=1)
    assert [described.id for described in asked.inputs] == ["q_2_1"]
    assert asked.grade({"q_2_1": "Tides"})["q_2_1"]["correctness"] == "correct"
    assert asked.score() == (1.0, 1)
    assert asked.correct_answers() == {"q_2_1": "tides"}
    assert 'value="Tides"' in asked.html()


def test_state_opens_unchanged_and_counts_on() -> None:
    asked = Problem(TEXT, "q", seed=5)
    asked.grade({"q_2_1": "wrong"})
    state = asked.state()
    again = Problem(TEXT, "q", seed=7, state=state)
    assert again.state() == state
    assert again.seed == 5
    again.grade({"q_2_1": "tides"})
    assert again.state()["attempts"] == 2


def test_a_usage_key_names_the_problem() -> None:
    asked = Problem(TEXT, "block-v1:O+C+R+type@problem+block@p")
    assert [described.id for described in asked.inputs] == ["p_2_1"]


def test_scripts_run_in_the_cage() -> None:
    asked = Problem(SCRIPT, "q", seed=3)
    number = asked.context["a"]
    verdict = asked.grade({"q_2_1": str(number)})["q_2_1"]
    assert verdict["correctness"] == "correct"
    assert Problem(SCRIPT, "q", seed=3).context["a"] == number


def test_scripts_have_the_packages_of_this_python() -> None:
    script = "<problem><script>import sys\np = [sys.prefix] + sys.path</script></problem>"
    assert any(path.startswith(sys.prefix) for path in Problem(script, "q", seed=1).context["p"])


def test_halves_of_surrogate_pairs_become_replacement_characters() -> None:
    asked = Problem(TEXT, "q", state={"seed": 1, "student_answers": {"q_2_1": "a\ud83d"}, "done": True, "attempts": 1})
    assert asked.state()["student_answers"] == {"q_2_1": "a\ufffd"}
    asked.grade({"q_2_1": "\ud83d\ude00\ud800"})
    assert asked.state()["student_answers"] == {"q_2_1": "\U0001f600\ufffd"}


def test_numbers_that_only_pythons_json_has_are_written_back() -> None:
    entry = {
        "correctness": "incorrect", "npoints": math.nan, "msg": "", "hint": "", "hintmode": None,
        "queuestate": None, "answervariable": None, "of_a_newer_release": [-math.inf],
    }  # fmt: skip
    state = {"seed": 1, "student_answers": {"q_2_1": "b", "q_9_1": {"a": math.inf}}, "correct_map": {"q_2_1": entry}}
    asked = Problem(TEXT, "q", state=json.loads(json.dumps(state)))
    assert json.dumps(asked.state()["correct_map"]) == json.dumps({"q_2_1": entry})
    assert asked.state()["student_answers"] == state["student_answers"]
    assert math.isnan(asked.score().earned)
    asked.grade({"q_2_1": "tides", "q_9_1": math.inf})
    assert asked.state()["student_answers"]["q_9_1"] == math.inf


def test_seeds_beyond_64_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit into 64 bits"):
        Problem("<problem/>", "q", seed=2**70)


def test_a_problem_says_that_its_script_does_not_run() -> None:
    problem = Problem('<problem><script type="loncapa/python">a = 1</script><p>$a</p></problem>', "q", sandbox=None)
    assert "not complete right now" in problem.html()


def test_without_a_sandbox_a_script_is_not_run() -> None:
    asked = Problem(SCRIPT, "q", seed=3, sandbox=None)
    assert "a" not in asked.context
    with pytest.raises(GradingError) as raised:
        asked.grade({"q_2_1": "1"})
    assert raised.value.learner_message


@pytest.mark.parametrize("as_object", [False, True])
def test_python_may_bring_its_own_sandbox(as_object: bool) -> None:
    class Engine:
        safe_exec = staticmethod(run_openly)

    asked = Problem(SCRIPT, "q", seed=3, sandbox=Engine() if as_object else run_openly)
    assert asked.grade({"q_2_1": str(asked.context["a"])})["q_2_1"]["correctness"] == "correct"


CHECKED = """<problem>
  <script type="loncapa/python">
big = 10 ** 30
small = -(2 ** 63)
parts = (1, 2.5, None, True, {"n": 2 ** 64})
def check(expect, ans, big):
    return ans == "15" and type(big) is int and big == 10 ** 30
  </script>
  <customresponse cfn="check" cfn_extra_args="big"><textline/></customresponse>
</problem>"""


@pytest.mark.parametrize("engine", ["cage", run_openly])
def test_names_of_scripts_are_values_of_python(engine: Any) -> None:
    asked = Problem(CHECKED, "q", seed=1, sandbox=engine)
    assert asked.context["big"] == 10**30
    assert asked.context["small"] == -(2**63)
    assert asked.context["parts"] == [1, 2.5, None, True, {"n": 2**64}]
    assert asked.grade({"q_2_1": "15"})["q_2_1"]["correctness"] == "correct"


def test_what_a_sandbox_cannot_give_back_stays_there() -> None:
    def engine(code: str, globals_dict: dict[str, Any], **_: Any) -> None:
        deep: list[Any] = []
        for _level in range(300):
            deep = [deep]
        recursive: dict[str, Any] = {}
        recursive["self"] = recursive
        globals_dict.update(
            a=b"\xc3\xa9", deep=deep, f=print, half="\ud800", nan=float("nan"), s={1}, raw=b"\xff", huge=7**9000,
            keys={2.5: 2, None: 3, True: 4, 2**70: 5}, recursive=recursive, __builtins__={},
        )  # fmt: skip

    names = Problem(SCRIPT.replace("$a", "1"), "q", seed=3, sandbox=engine).context
    assert names["a"] == "\u00e9"
    assert names["huge"] == 7**9000
    assert names["keys"] == {"true": 4, "2.5": 2, "null": 3, str(2**70): 5}
    assert not {"deep", "f", "half", "nan", "s", "raw", "recursive", "__builtins__"} & set(names)


class SafeExecException(Exception):
    """As the platform's."""


class JailedException(SafeExecException):
    """As a kind of the platform's."""


#: What codejail says of code that fails on its third line.
JAILED = (
    "Couldn't execute jailed code: stdout: b'', stderr: b'Traceback (most recent call last):\\n"
    '  File "<string>", line 3, in <module>\\nZeroDivisionError: division by zero\\n\' with status code: 1'
)


def raising(error: BaseException) -> Any:
    def engine(*_: Any, **__: Any) -> None:
        raise error

    return engine


@pytest.mark.parametrize(
    ("engine", "line"),
    [
        (raising(SafeExecException(JAILED)), None),
        (raising(JailedException("ZeroDivisionError: division by zero")), None),
        (run_openly, 4),
    ],
)
def test_errors_of_code_are_the_problems(engine: Any, line: int | None) -> None:
    script = SCRIPT.replace("import random", "import random\n1 / 0")
    with pytest.raises(ProblemError, match="ZeroDivisionError: division by zero") as raised:
        Problem(script, "q", seed=3, sandbox=engine)
    assert raised.value.line == line


def test_code_that_is_no_python_names_its_line() -> None:
    with pytest.raises(ProblemError, match="SyntaxError") as raised:
        Problem(SCRIPT.replace("import random", "import random\n1 = = 0"), "q", seed=3, sandbox=run_openly)
    assert raised.value.line == 4


class CodejailServiceUnavailable(Exception):
    """As the platform's."""


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("safe_exec has not been configured for Python"),
        CodejailServiceUnavailable("Codejail API Service is unavailable."),
        OSError(2, "No such file"),
        SyntaxError("in the engine itself"),
        ZeroDivisionError("in the engine itself"),
        SystemExit(3),
    ],
)
def test_an_engine_that_fails_is_no_error_of_the_author(error: BaseException) -> None:
    asked = Problem(SCRIPT, "q", seed=3, sandbox=raising(error))
    said = f"the sandbox failed: {type(error).__name__}: "
    # The learner reads that it cannot be graded, not why.
    page = asked.html()
    assert 'class="problem-unsupported"' in page
    assert type(error).__name__ not in page
    with pytest.raises(GradingError, match=said):
        asked.grade({"q_2_1": "1"})
    # Nothing was counted, so the learner loses no attempt.
    assert asked.state().get("attempts", 0) == 0


def test_an_engine_cannot_come_back_to_its_problem() -> None:
    xml = '<problem><customresponse cfn="f"><textline/></customresponse></problem>'
    met: list[BaseException] = []
    calls: list[Callable[[Problem], object]] = [
        Problem.html,
        Problem.state,
        Problem.score,
        Problem.correct_answers,
        lambda asked: asked.grade({"q_2_1": "2"}),
    ]

    def engine(code: str, globals_dict: dict[str, Any], random_seed: int | None = None, **_: Any) -> None:
        for call in calls:
            try:
                call(asked)
            except RuntimeError as error:
                met.append(error)
        globals_dict["cfn_return"] = True

    asked = Problem(xml, "q", sandbox=engine)
    # A problem that waited for itself would wait for ever.
    worker = threading.Thread(target=lambda: asked.grade({"q_2_1": "1"}), daemon=True)
    worker.start()
    worker.join(60)
    assert not worker.is_alive()
    assert {str(error) for error in met} == {"the problem is in use by its own sandbox"}
    assert len(met) == len(calls)
    assert asked.score() == (1.0, 1)


def test_programs_are_shown_where_nobody_grades_them() -> None:
    xml = "<problem><coderesponse><textbox/><codeparam/></coderesponse></problem>"
    state = {
        "seed": 1,
        "student_answers": {"q_2_1": "print(1)"},
        "correct_map": {"q_2_1": {"correctness": "incorrect", "msg": "<b>Try again.</b>"}},
        "attempts": 1,
        "done": True,
    }
    asked = Problem(xml, "q", state=state)
    page = asked.html()
    for said in (">print(1)</textarea>", "<b>Try again.</b>", 'disabled="disabled"', 'class="problem-unsupported"'):
        assert said in page
    with pytest.raises(GradingError):
        asked.grade({"q_2_1": "print(2)"})


def test_an_interrupt_stops_the_program_not_only_the_engine() -> None:
    with pytest.raises(KeyboardInterrupt):
        Problem(SCRIPT, "q", seed=3, sandbox=raising(KeyboardInterrupt()))
        time.sleep(1)


def test_what_cannot_be_called_is_an_engine_that_fails() -> None:
    asked = Problem(SCRIPT, "q", seed=3, sandbox=object())  # type: ignore[arg-type]
    with pytest.raises(GradingError, match="the sandbox failed: TypeError: 'object' object is not callable"):
        asked.grade({"q_2_1": "1"})


def test_a_broken_problem_says_where() -> None:
    with pytest.raises(ProblemError) as raised:
        Problem("<problem>\n<p></problem>", "q")
    assert raised.value.line == 2
    with pytest.raises(ProblemError):
        Problem(TEXT, "q", state={"student_answers": 5})
    with pytest.raises(ValueError, match="sandbox"):
        Problem(TEXT, "q", sandbox="cave")


RECURSIVE: dict[str, Any] = {}
RECURSIVE["q_2_1"] = RECURSIVE
DEEP: Any = 1
for _ in range(300):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "garbage",
    [None, b"x", 5, [], [1], object(), "", "\ud800", "a\0b", RECURSIVE, {"q_2_1": DEEP}, {5: {1}}, "<" * 10**6],
)
def test_garbage_raises_and_never_panics(garbage: Any) -> None:
    def attempt(action: Any) -> None:
        try:
            action()
        except Exception as error:
            assert type(error).__name__ != "PanicException", garbage

    attempt(lambda: Problem(garbage, "q"))
    attempt(lambda: Problem(TEXT, garbage))
    attempt(lambda: Problem(TEXT, "q", seed=garbage))
    attempt(lambda: Problem(TEXT, "q", state=garbage))
    attempt(lambda: Problem(TEXT, "q", sandbox=garbage))
    attempt(lambda: Problem(SCRIPT, "q", sandbox=None, python_lib=garbage))
    attempt(lambda: Problem('<problem><include file="x"/></problem>', "q", include=lambda _: garbage))

    def leave(code: str, globals_dict: dict[str, Any], **_: Any) -> None:
        globals_dict["a"] = garbage

    attempt(lambda: Problem(SCRIPT, "q", sandbox=leave).grade({"q_2_1": "1"}))
    for work in ("grade", "save"):
        problem = Problem(TEXT, "q", seed=1)
        attempt(lambda work=work, problem=problem: getattr(problem, work)(garbage))
        attempt(lambda work=work, problem=problem: getattr(problem, work)({"q_2_1": garbage}))
        # It goes on afterwards.
        assert problem.grade({"q_2_1": "tides"})["q_2_1"]["correctness"] == "correct"
        assert problem.html() and problem.state()
    attempt(lambda: markdown_to_xml(garbage))
    attempt(lambda: markdown_from_xml(garbage))


def test_other_threads_go_on_while_a_script_runs() -> None:
    slow = SCRIPT.replace("a = random", "import time\ntime.sleep(0.3)\na = random")
    done = threading.Event()

    def load() -> None:
        Problem(slow, "q", seed=1)
        done.set()

    thread = threading.Thread(target=load)
    thread.start()
    ticks = 0
    while not done.is_set() and ticks < 10_000:
        time.sleep(0.01)
        ticks += 1
    thread.join()
    assert ticks > 5


def test_markdown_becomes_a_problem() -> None:
    assert '<numericalresponse answer="5">' in markdown_to_xml("= 5")
    with pytest.raises(ProblemError, match="left blank"):
        markdown_to_xml("( )\n(x) b")


def test_a_problem_becomes_markdown_where_nothing_is_lost() -> None:
    text = ">>Two and two?<<\n\n= 4\n"
    assert markdown_from_xml(markdown_to_xml(text)).strip() == text.strip()
    with pytest.raises(ProblemError, match="line 2") as raised:
        markdown_from_xml("<problem>\n<p></problem>")
    assert raised.value.line == 2


def test_names_are_exported() -> None:
    assert set(problem.__all__) <= set(dir(problem))
    assert issubclass(exceptions.GradingError, exceptions.CoursewareError)
