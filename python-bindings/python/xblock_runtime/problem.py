"""Problems by themselves: put together from XML, shown and graded, without a store.

>>> from xblock_runtime.problem import Problem
>>> xml = '<problem><stringresponse answer="tides"><label>What?</label><textline/></stringresponse></problem>'
>>> problem = Problem(xml, "q", seed=1)
>>> problem.grade({"q_2_1": "tides"})["q_2_1"]["correctness"]
'correct'
>>> problem.score()
Score(earned=1.0, possible=1)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from xblock_runtime import _native
from xblock_runtime.exceptions import GradingError, ProblemError
from xblock_runtime.numbers import marked, unmarked


def _json(value: object) -> str:
    """Writes JSON as the engine has it: halves of surrogate pairs are U+FFFD, NaN and infinity marked."""
    text = json.dumps(marked(value), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class SafeExec(Protocol):
    """What edx-platform's ``safe_exec`` looks like: it runs code and leaves its names in ``globals_dict``."""

    def __call__(
        self,
        code: str,
        globals_dict: dict[str, Any],
        *,
        random_seed: int | None = None,
        python_path: list[str] | None = None,
        extra_files: list[tuple[str, bytes]] | None = None,
        limit_overrides_context: str | None = None,
        slug: str | None = None,
        unsafely: bool = False,
    ) -> None:
        """Runs code."""


class HasSafeExec(Protocol):
    """An object with a method ``safe_exec``."""

    @property
    def safe_exec(self) -> Callable[..., None]:
        """Runs code."""


#: The sandbox that is used where none is named: a confined Python process, started with the first script.
CAGE = "cage"


class Score(NamedTuple):
    """Points."""

    earned: float
    possible: int


class Input(NamedTuple):
    """One input of a problem."""

    id: str
    #: Its element: ``textline``, ``choicegroup`` ...
    tag: str
    #: The element of its question: ``stringresponse`` ...
    response_tag: str
    #: Its label, as HTML.
    label: str


class Problem:
    """A problem with one learner's work on it.

    ``problem_id`` is what ids of inputs begin with, or a usage key. ``state`` is the learner's state in the form in
    which it is stored: what :meth:`state` returned, or what a platform stored before. The ``seed`` counts where the
    state holds none.

    Scripts run in ``sandbox``: :data:`CAGE`, with the packages of the Python of this process, a function in the form
    of edx-platform's ``safe_exec`` (:class:`SafeExec`; also an object with a method of that name), or ``None``.
    What such a function raises is the author's error where its class is ``SafeExecException`` or it comes out of the
    code itself; anything else is a failure of the engine. Without an engine that works a problem is shown all the
    same, with a word about it, and grading says what is missing. ``python_lib`` is the bytes of a
    ``python_lib.zip`` with modules for scripts; ``include`` returns the bytes of an included file, or ``None``, by
    the path its author wrote.

    Raises :class:`ProblemError` where the problem cannot be put together.
    """

    def __init__(
        self,
        xml: str,
        problem_id: str,
        seed: int | None = None,
        state: Mapping[str, Any] | None = None,
        *,
        sandbox: str | SafeExec | HasSafeExec | None = CAGE,
        python_lib: bytes | None = None,
        include: Callable[[str], bytes | None] | None = None,
        anonymous_student_id: str = "",
        grading_method: str = "last_score",
    ) -> None:
        if isinstance(sandbox, str) and sandbox != CAGE:
            message = f"{sandbox!r} is no sandbox"
            raise ValueError(message)
        if seed is not None and not -(2**63) <= seed < 2**63:
            message = f"the seed {seed} does not fit into 64 bits"
            raise ValueError(message)
        self._native = _native.Problem(
            xml,
            str(problem_id),
            {
                "seed": seed,
                "state": None if state is None else _json(state),
                "anonymous_student_id": anonymous_student_id,
                "grading_method": grading_method,
                "sandbox": "none" if sandbox is None else sandbox,
                "python_lib": python_lib,
                "include": include,
            },
        )
        self._overall_message = ""

    def grade(self, answers: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Grades answers by input id, each a text, a list or a dict, counts the attempt, and returns the correct map.

        Raises :class:`GradingError`; then nothing was counted.
        """
        outcome = unmarked(json.loads(self._native.grade(_json(dict(answers)))))
        self._overall_message = outcome["overall_message"]
        correct_map: dict[str, dict[str, Any]] = outcome["correct_map"]
        return correct_map

    def save(self, answers: Mapping[str, Any]) -> None:
        """Keeps answers without grading them."""
        self._native.save(_json(dict(answers)))

    def score(self) -> Score:
        """Returns the learner's points, and how many there are."""
        return Score(*self._native.score())

    def correct_answers(self) -> dict[str, Any]:
        """Returns the right answers by input id."""
        found: dict[str, Any] = json.loads(self._native.correct_answers())
        return found

    def question_answers(self) -> dict[str, Any]:
        """Returns the right answers and the solutions by id, as they are shown to learners."""
        found: dict[str, Any] = json.loads(self._native.question_answers())
        return found

    def html(self) -> str:
        """Renders the questions with the learner's answers and what grading said of them.

        Inputs without a label are named by the heading of the page around it, whose id is ``q-problem-title`` where the
        problem's is ``q``.
        """
        return self._native.html()

    def state(self) -> dict[str, Any]:
        """Returns the learner's state in the form in which it is stored."""
        found: dict[str, Any] = unmarked(json.loads(self._native.state()))
        return found

    @property
    def context(self) -> dict[str, Any]:
        """The names of the problem's script with their values."""
        return self._native.context()

    @property
    def demand_hints(self) -> list[str]:
        """The hints learners can ask for, as HTML."""
        return self._native.demand_hints()

    @property
    def seed(self) -> int:
        """The number the variant comes from."""
        return self._native.seed()

    @property
    def inputs(self) -> list[Input]:
        """The inputs in the order of the questions."""
        return [Input(*described) for described in self._native.inputs()]

    @property
    def overall_message(self) -> str:
        """What a grader said of the whole at the last grading, as HTML."""
        return self._overall_message

    def __repr__(self) -> str:
        """Names the inputs."""
        return f"<Problem {', '.join(described.id for described in self.inputs)}>"


def markdown_to_xml(text: str) -> str:
    """Converts a text of the simple editor to a problem, exactly as the platform's editor does.

    Raises :class:`ProblemError` with the editor's message.
    """
    return _native.markdown_to_xml(text)


def markdown_from_xml(xml: str) -> str:
    """Converts a problem to a text of the simple editor, where :func:`markdown_to_xml` makes a problem of it that means
    the same.

    Raises :class:`ProblemError` with the reason where there is no such text.
    """
    return _native.markdown_from_xml(xml)


__all__ = [
    "CAGE",
    "GradingError",
    "HasSafeExec",
    "Input",
    "Problem",
    "ProblemError",
    "SafeExec",
    "Score",
    "markdown_from_xml",
    "markdown_to_xml",
]
