"""Problems by themselves, and the formulas in them."""

from __future__ import annotations

import json
import sys
import threading
import time
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


def test_seeds_beyond_64_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit into 64 bits"):
        Problem("<problem/>", "q", seed=2**70)


def test_a_problem_says_that_its_script_does_not_run() -> None:
    problem = Problem('<problem><script type="loncapa/python">a = 1</script><p>$a</p></problem>', "q", sandbox=None)
    assert "does not run here" in problem.html()


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


def test_what_a_sandbox_raises_is_the_problems_error() -> None:
    def broken(*_: Any, **__: Any) -> None:
        message = "no such engine"
        raise RuntimeError(message)

    with pytest.raises(ProblemError, match="no such engine"):
        Problem(SCRIPT, "q", seed=3, sandbox=broken)


def test_a_broken_problem_says_where() -> None:
    with pytest.raises(ProblemError) as raised:
        Problem("<problem>\n<p></problem>", "q")
    assert raised.value.line == 2
    with pytest.raises(ProblemError):
        Problem(TEXT, "q", state={"student_answers": 5})
    with pytest.raises(ValueError, match="sandbox"):
        Problem(TEXT, "q", sandbox="cave")


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
