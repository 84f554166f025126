"""Measures what the Python packages do that this project does too.

Run by the benchmark, which asks for one round of one piece of work at a time: a name on a line of standard input, an
answer as JSON on a line of standard output. So both sides take turns, on the same machine in the same minutes.

    peers.py KEYS COURSE PROBLEMS SPLIT
"""

from __future__ import annotations

import gc
import gettext
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import subprocess
import sys
import time
import types
import warnings
from collections.abc import Callable
from io import BytesIO
from typing import ClassVar

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import django  # noqa: E402
import django.conf  # noqa: E402

CAPA = os.path.join(os.path.dirname(importlib.util.find_spec("xblocks_contrib").origin), "problem", "capa")
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [os.path.join(CAPA, "templates")],
        "OPTIONS": {},
    }
]
django.conf.settings.configure(USE_I18N=False, STATIC_URL="/static/", TEMPLATES=TEMPLATES)
django.setup()

import calc  # noqa: E402
from django.template.loader import render_to_string  # noqa: E402
from lxml import etree  # noqa: E402
from opaque_keys.edx import keys as opaque_keys  # noqa: E402
from opaque_keys.edx.keys import UsageKey  # noqa: E402
from opaque_keys.edx.locator import BlockUsageLocator, CourseLocator  # noqa: E402
from split_documents import split_rounds  # noqa: E402
from xblock.core import XBlock, XBlockAside  # noqa: E402
from xblock.field_data import SplitFieldData  # noqa: E402
from xblock.fields import (  # noqa: E402
    Boolean,
    Dict,
    Float,
    Integer,
    Reference,
    ReferenceList,
    ReferenceValueDict,
    Scope,
    ScopeIds,
    String,
)
from xblock.fields import List as ListField  # noqa: E402
from xblock.runtime import DictKeyValueStore, KeyValueStore, KvsFieldData, MemoryIdManager, Runtime  # noqa: E402
from xblocks_contrib.annotatable import AnnotatableBlock  # noqa: E402
from xblocks_contrib.common.xml_utils import EDX_XML_PARSER, LegacyXmlMixin  # noqa: E402
from xblocks_contrib.discussion import DiscussionXBlock  # noqa: E402
from xblocks_contrib.html import HtmlBlock  # noqa: E402
from xblocks_contrib.lti import LTIBlock  # noqa: E402
from xblocks_contrib.poll import PollBlock  # noqa: E402
from xblocks_contrib.problem import ProblemBlock  # noqa: E402
from xblocks_contrib.problem.capa.capa_problem import LoncapaProblem, LoncapaSystem  # noqa: E402
from xblocks_contrib.video import VideoBlock  # noqa: E402
from xblocks_contrib.video import video as video_module  # noqa: E402
from xblocks_contrib.word_cloud import WordCloudBlock  # noqa: E402

PACKAGES = ["XBlock", "edx-opaque-keys", "xblocks-contrib", "lxml", "openedx-calc", "pymongo"]

# There is no service that videos would be registered with.
video_module.get_edxval_api = lambda: None

#: Returns what one round took: seconds for each thing done.
Round = Callable[[], float]


def each(count: int, work: Callable[[], object]) -> float:
    """Times work that does so many things, per thing; the garbage collector waits, as ``timeit`` lets it."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) / count
    finally:
        gc.enable()


# Keys.


def key_rounds(path: str, module: object) -> dict[str, Round]:
    """The work on a list of keys, with the classes of a module: those of opaque-keys, or of this project's wheel."""
    readers = {
        "asset": module.AssetKey.from_string,
        "context": module.LearningContextKey.from_string,
        "definition": module.DefinitionKey.from_string,
        "usage": module.UsageKey.from_string,
    }
    with open(path, encoding="utf-8") as lines:
        texts = [line.rstrip("\n").split(" ", 1) for line in lines]
    calls = [(readers[family], text) for family, text in texts]
    assert [str(read(text)) for read, text in calls] == [text for _, text in calls]
    ones = [read(text) for read, text in calls]
    others = [read(text) for read, text in calls]
    rounds = range(10)

    def parse_print() -> None:
        for _ in rounds:
            for read, text in calls:
                str(read(text))

    def hash_compare() -> None:
        for _ in rounds:
            for one, other in zip(ones, others, strict=True):
                hash(one)
                one == other  # noqa: B015

    count = len(calls) * len(rounds)
    return {
        "parse_print": lambda: each(count, parse_print),
        "hash_compare": lambda: each(count, hash_compare),
    }


# Blocks in a runtime, with inheritance as the platform has it.


class Inheritable(XBlock):
    """Settings that flow down the course tree, mixed into every block."""

    course_edit_method = String(scope=Scope.settings, default="Studio")
    days_early_for_beta = Float(scope=Scope.settings, default=None)
    due = String(scope=Scope.settings, default=None)
    edxnotes = Boolean(scope=Scope.settings, default=False)
    edxnotes_visibility = Boolean(scope=Scope.user_info, default=True)
    giturl = String(scope=Scope.settings)
    graceperiod = String(scope=Scope.settings)
    graded = Boolean(scope=Scope.settings, default=False)
    group_access = Dict(scope=Scope.settings, default={})
    hide_from_toc = Boolean(scope=Scope.settings, default=False)
    in_entrance_exam = Boolean(scope=Scope.settings, default=False)
    matlab_api_key = String(scope=Scope.settings)
    max_attempts = Integer(scope=Scope.settings)
    relative_weeks_due = Integer(scope=Scope.settings, default=None)
    rerandomize = String(scope=Scope.settings, default="never")
    self_paced = Boolean(scope=Scope.settings, default=False)
    show_correctness = String(scope=Scope.settings, default="always")
    show_reset_button = Boolean(scope=Scope.settings, default=False)
    showanswer = String(scope=Scope.settings, default="finished")
    start = String(scope=Scope.settings, default="2030-01-01T00:00:00Z")
    static_asset_path = String(scope=Scope.settings, default="")
    use_latex_compiler = Boolean(scope=Scope.settings, default=False)
    user_partitions = ListField(scope=Scope.settings, default=[])
    video_auto_advance = Boolean(scope=Scope.settings, default=False)
    video_bumper = Dict(scope=Scope.settings, default={})
    video_speed_optimizations = Boolean(scope=Scope.settings, default=True)
    visible_to_staff_only = Boolean(scope=Scope.settings, default=False)
    xqa_key = String(scope=Scope.settings)


class LmsFields(XBlock):
    """The other settings that the platform mixes into every block."""

    chrome = String(scope=Scope.settings)
    default_tab = String(scope=Scope.settings)
    format = String(scope=Scope.settings)
    source_file = String(scope=Scope.settings)


INHERITABLE = frozenset(name for name, field in Inheritable.fields.items() if field.scope == Scope.settings)


class Inheriting(KvsFieldData):
    """What authors wrote; an inheritable setting that is not set comes from the nearest block above that has it."""

    def default(self, block: XBlock, name: str) -> object:
        if name in INHERITABLE:
            above = block.get_parent()
            while above is not None:
                if self.has(above, name):
                    return self.get(above, name)
                above = above.get_parent()
        return super().default(block, name)


class BenchRuntime(Runtime):
    """The least a runtime needs for its blocks to be read and written."""

    def handler_url(self, *args: object, **kwargs: object) -> str:
        raise NotImplementedError

    def resource_url(self, *args: object, **kwargs: object) -> str:
        raise NotImplementedError

    local_resource_url = handler_url

    def publish(self, *args: object, **kwargs: object) -> None:
        raise NotImplementedError


def field_data() -> SplitFieldData:
    """Authored values in one store, learners' in another, as the platform divides them."""
    authored = Inheriting(DictKeyValueStore())
    learner = KvsFieldData(DictKeyValueStore())
    return SplitFieldData(
        {
            Scope.content: authored,
            Scope.settings: authored,
            Scope.parent: authored,
            Scope.children: authored,
            Scope.user_state: learner,
            Scope.user_state_summary: learner,
            Scope.user_info: learner,
            Scope.preferences: learner,
        }
    )


class Container(XBlock):
    """A block that only holds others."""

    has_children = True
    display_name = String(scope=Scope.settings)


class Problem(XBlock):
    """A block with a little of everything."""

    display_name = String(scope=Scope.settings, default="Problem")
    data = String(scope=Scope.content, default="")
    attempts = Integer(scope=Scope.user_state, default=0)
    student_answers = Dict(scope=Scope.user_state, default={})


class Ids(MemoryIdManager):
    """Hands out usage keys, as the platform does."""

    COURSE = CourseLocator("OpenedX", "DemoX", "DemoCourse")

    def create_definition(self, block_type: str, slug: str | None = None) -> object:
        slug = slug or f"anonymous{next(self._ids)}"
        key = BlockUsageLocator(self.COURSE, block_type, slug.replace("/", "_"))
        self._definitions[key] = block_type
        return key

    def create_usage(self, def_id: object) -> object:
        self._usages[def_id] = def_id
        return def_id


INHERITED = {
    "graded": True,
    "max_attempts": 3,
    "showanswer": "attempted",
    "days_early_for_beta": 2.5,
    "giturl": "https://git.example.com/course",
    "visible_to_staff_only": False,
}


def field_rounds() -> dict[str, Round]:
    """Fields of a problem below a unit, subsection, section and course; the values are set on the subsection."""
    ids = Ids()
    types = {name: Container for name in ["course", "chapter", "sequential", "vertical"]} | {"problem": ProblemBlock}

    class Blocks(BenchRuntime):
        def load_block_type(self, block_type: str) -> type[XBlock]:
            return types[block_type]

    runtime = Blocks(ids, ids, mixins=[Inheritable], services={"field-data": field_data()})
    runtime._deprecated_per_instance_user_id = "student-7"

    above = None
    for block_type in types:
        usage = ids.create_usage(ids.create_definition(block_type, f"the_{block_type}"))
        block = runtime.get_block(usage, for_parent=above)
        if above is not None:
            block.parent = above.scope_ids.usage_id
        if block_type == "sequential":
            for name, value in INHERITED.items():
                setattr(block, name, value)
        block.save()
        if block_type == "problem":
            break
        above = block
    vertical = above
    names = list(INHERITED)
    loads = 100

    def load() -> list[XBlock]:
        return [runtime.get_block(usage, for_parent=vertical) for _ in range(loads)]

    def read(blocks: list[XBlock]) -> None:
        for one in blocks:
            for name in names:
                getattr(one, name)

    assert {name: getattr(load()[0], name) for name in names} == INHERITED

    def cold() -> float:
        blocks = load()
        return each(loads * len(names), lambda: read(blocks))

    def warm() -> float:
        blocks = load()
        read(blocks)
        return each(loads * len(names), lambda: read(blocks))

    def save() -> float:
        blocks = load()
        for at, one in enumerate(blocks):
            one.attempts = at

        def write() -> None:
            for at, one in enumerate(blocks):
                one.attempts = at + 1
                one.save()

        return each(loads, write)

    return {
        "field_cold": cold,
        "field_warm": warm,
        "field_save": save,
        "block_load": lambda: each(loads, load),
    }


# A course.


class BlockStore(KeyValueStore):
    """The values of one block, and those it inherits, as the platform keeps them while it reads a course."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.inherited: dict[str, object] = {}

    def get(self, key: KeyValueStore.Key) -> object:
        return self.values[key.field_name]

    def set(self, key: KeyValueStore.Key, value: object) -> None:
        self.values[key.field_name] = value

    def delete(self, key: KeyValueStore.Key) -> None:
        del self.values[key.field_name]

    def has(self, key: KeyValueStore.Key) -> bool:
        return key.field_name in self.values

    def default(self, key: KeyValueStore.Key) -> object:
        return self.inherited[key.field_name]


class CourseContainer(LegacyXmlMixin, XBlock):
    """Reads the tags that only hold others: attributes are settings, elements are blocks.

    As in the platform, each element is written out as text and handed to the runtime, which reads it again.
    """

    has_children = True
    display_name = String(scope=Scope.settings)

    @classmethod
    def definition_from_xml(
        cls, element: etree._Element, runtime: CourseRuntime
    ) -> tuple[dict[str, object], list[BlockUsageLocator]]:
        children = []
        for child in element.iterchildren(tag=etree.Element):
            if child.tag in runtime.TYPES:
                block = runtime.process_xml(etree.tostring(child, encoding="unicode"))
                children.append(block.scope_ids.usage_id)
        return {}, children


class CourseRuntime(BenchRuntime):
    """Reads a course's blocks out of files that are in memory."""

    TYPES: ClassVar[dict[str, type[XBlock]]] = {
        "annotatable": AnnotatableBlock,
        "chapter": CourseContainer,
        "course": CourseContainer,
        "discussion": DiscussionXBlock,
        "html": HtmlBlock,
        "item_bank": CourseContainer,
        "itembank": CourseContainer,
        "library_content": CourseContainer,
        "lti": LTIBlock,
        "poll_question": PollBlock,
        "problem": ProblemBlock,
        "sequential": CourseContainer,
        "vertical": CourseContainer,
        "video": VideoBlock,
        "word_cloud": WordCloudBlock,
    }

    def __init__(self, files: Files, policies: dict[str, dict[str, object]], aside_types: list[str] | None) -> None:
        ids = Ids()
        self.aside_types = aside_types
        super().__init__(ids, ids, mixins=[LmsFields, Inheritable])
        self.resources_fs = files
        self.policies = policies
        self.blocks: dict[BlockUsageLocator, XBlock] = {}
        self.stores: dict[BlockUsageLocator, BlockStore] = {}
        self.names: set[tuple[str, str]] = set()

    def load_block_type(self, block_type: str) -> type[XBlock]:
        return self.TYPES[block_type]

    def construct_xblock_from_class(self, cls: type[XBlock], scope_ids: ScopeIds, *_: object, **__: object) -> XBlock:
        store = self.stores[scope_ids.usage_id] = BlockStore()
        return super().construct_xblock_from_class(cls, scope_ids, KvsFieldData(store))

    def get_policy(self, usage_id: BlockUsageLocator) -> dict[str, object]:
        return self.policies.get(f"{usage_id.block_type}/{usage_id.block_id}", {})

    def parse_asides(self, node: etree._Element, *_: object) -> list[etree._Element]:
        """Takes the asides out of an element; the families of other elements in it are taken note of."""
        families = [(child, child.attrib.pop("xblock-family", None)) for child in node.iterchildren(tag=etree.Element)]
        asides = [child for child, family in families if family == XBlockAside.entry_point]
        for aside in asides:
            node.remove(aside)
        return asides

    def applicable_aside_types(self, block: XBlock) -> list[str]:
        """Lists the types of asides: found out once, though the platform looks for them with every block."""
        return self.aside_types if self.aside_types is not None else super().applicable_aside_types(block)

    def get_block(self, usage_id: BlockUsageLocator, for_parent: XBlock | None = None) -> XBlock:
        return self.blocks[usage_id]

    def process_xml(self, xml: str | bytes) -> XBlock:
        """Reads a block and what is in it, sets its fields and keeps it, in the steps of the platform's loader."""
        node = etree.fromstring(xml, parser=EDX_XML_PARSER)
        name = self.unique_name(node, xml)
        node.attrib.pop("xblock-family", None)
        def_id = self.id_generator.create_definition(node.tag, name)
        usage_id = self.id_generator.create_usage(def_id)
        block_class = self.mixologist.mix(self.load_block_type(node.tag))
        found = {aside.tag for aside in self.parse_asides(node)}
        block = block_class.parse_xml(node, self, ScopeIds(None, node.tag, def_id, usage_id))
        self.adapt_references(block)
        block.parent = None
        block.save()
        for aside in self.get_asides(block):
            if aside.scope_ids.block_type in found:
                block.add_aside(aside)
        self.blocks[usage_id] = block
        if block.has_children:
            for child in block.get_children():
                if child.parent is None or child.parent > usage_id:
                    child.parent = usage_id
                    child.save()
        block.save()
        return block

    def adapt_references(self, block: XBlock) -> None:
        """Turns the texts of other blocks' keys in a block's fields into keys, in this course.

        As in the platform, every field that is set is read to see what it holds.
        """

        def adapted(value: object) -> object:
            key = UsageKey.from_string(value) if isinstance(value, str) else value
            return key if key is None else key.map_into_course(Ids.COURSE)

        for field in block.fields.values():
            if not field.is_set_on(block):
                continue
            value = field.read_from(block)
            if value is not None and isinstance(field, (Reference, ReferenceList, ReferenceValueDict)):
                if isinstance(field, ReferenceList):
                    value = [adapted(one) for one in value]
                elif isinstance(field, ReferenceValueDict):
                    value = {name: adapted(one) for name, one in value.items()}
                else:
                    value = adapted(value)
                field.write_to(block, value)

    def unique_name(self, node: etree._Element, xml: str | bytes) -> str:
        """Makes sure that the element has a name, of its text where it has none, or one that is taken."""
        name = node.get("url_name") or node.get("slug") or node.get("name") or node.get("display_name")
        if name is None or (node.tag, name) in self.names:
            content = xml.encode() if isinstance(xml, str) else xml
            name = f"{node.tag}_{hashlib.sha1(content).hexdigest()[:12]}"
        elif "url_name" not in node.attrib:
            name = BlockUsageLocator.clean(name)
        self.names.add((node.tag, name))
        node.set("url_name", name)
        return name

    def add_node_as_child(self, block: XBlock, node: etree._Element) -> None:
        child = self.process_xml(etree.tostring(node, encoding="unicode"))
        block.children.append(child.scope_ids.usage_id)

    def inherit(self, course: XBlock) -> None:
        """Hands the settings that flow down the course tree from block to block."""
        below: list[tuple[BlockUsageLocator, dict[str, object]]] = [(course.scope_ids.usage_id, {})]
        while below:
            usage_id, above = below.pop()
            block = self.blocks[usage_id]
            self.stores[usage_id].inherited = above
            if block.has_children:
                own = {
                    name: block.fields[name].read_json(block)
                    for name in INHERITABLE
                    if block.fields[name].is_set_on(block)
                }
                settings = above | own
                below.extend((child, settings) for child in block.children)


class Files:
    """The files of a course, from memory or each from the disk when it is asked for."""

    def __init__(self, root: str, contents: dict[str, bytes] | None) -> None:
        self.root = root
        self.contents = contents

    def exists(self, path: str) -> bool:
        if self.contents is None:
            return os.path.exists(os.path.join(self.root, path))
        return path in self.contents

    def open(self, path: str, *args: object, **kwargs: object) -> BytesIO:
        if self.contents is None:
            with open(os.path.join(self.root, path), "rb") as file:
                return BytesIO(file.read())
        return BytesIO(self.contents[path])


def course_rounds(root: str) -> dict[str, Round]:
    """Reading a whole course to blocks whose fields are set and saved, per block."""
    contents = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                contents[os.path.relpath(path, root)] = file.read()
    pages = [content for path, content in contents.items() if path.endswith(".xml")]
    policies = [content for path, content in contents.items() if path.endswith("/policy.json")]

    aside_types = [name for name, _ in XBlockAside.load_classes()]

    def load(files: Files, asides: list[str] | None = aside_types) -> int:
        runtime = CourseRuntime(files, json.loads(policies[0]) if policies else {}, asides)
        with files.open("course.xml") as file:
            runtime.inherit(runtime.process_xml(file.read()))
        return len(runtime.blocks)

    def read_pages() -> None:
        for page in pages:
            etree.fromstring(page)

    memory, disk = Files(root, contents), Files(root, None)
    blocks = load(memory)
    rounds: dict[str, Round] = {
        "course_memory": lambda: each(blocks, lambda: load(memory)),
        "course_asides": lambda: each(blocks, lambda: load(memory, None)),
        "course_disk": lambda: each(blocks, lambda: load(disk)),
        "lxml_course": lambda: each(1, read_pages),
    }
    return rounds


# Problems.


def problem_rounds(path: str) -> dict[str, Round]:
    """Putting problems together and showing them, grading, computing formulas, and a Python for each script."""
    with open(path, encoding="utf-8") as file:
        questions = json.load(file)
    system = LoncapaSystem(
        ajax_url="/ajax",
        anonymous_student_id="anon",
        cache=None,
        can_execute_unsafe_code=lambda: False,
        get_python_lib_zip=lambda: None,
        DEBUG=False,
        i18n=gettext.NullTranslations(),
        render_template=render_to_string,
        resources_fs=None,
        seed=1,
        xqueue=None,
    )
    runtime = types.SimpleNamespace(publish=lambda *_: None)
    block = types.SimpleNamespace(location="q", scope_ids=None, runtime=runtime)

    def load(question: dict) -> LoncapaProblem:
        return LoncapaProblem(question["xml"], "q", system, block, state={"seed": 1}, seed=1)

    def show() -> None:
        for question in questions["problems"]:
            load(question).get_html()

    def grader(name: str) -> Round:
        question = next(one for one in questions["problems"] if one["name"] == name)
        assert load(question).grade_answers(question["answers"]).get_correctness("q_2_1") == "correct"
        problems = [load(question) for _ in range(5)]

        def grade() -> None:
            for problem in problems:
                problem.grade_answers(question["answers"])

        return lambda: each(len(problems), grade)

    formula = questions["formula"]

    def compute() -> None:
        for _ in range(10):
            calc.evaluator(formula["variables"], {}, formula["text"], case_sensitive=True)

    def script(name: str) -> Round:
        command = [sys.executable, "-E", "-B", "-c", questions["scripts"][name]]

        def median() -> float:
            times = sorted(each(1, lambda: subprocess.run(command, check=True)) for _ in range(5))
            return times[2]

        return median

    return {
        "problem_show": lambda: each(len(questions["problems"]), show),
        "problem_grade_choice": grader("choice"),
        "problem_grade_number": grader("number"),
        "problem_grade_formula": grader("formula"),
        "formula_compute": lambda: each(10, compute),
        "script_nothing": script("nothing"),
        "script_numpy": script("numpy"),
    }


def main() -> None:
    keys, course, problems, split = sys.argv[1:5]
    rounds = {f"key_{name}": work for name, work in key_rounds(keys, opaque_keys).items()}
    rounds |= field_rounds()
    rounds |= course_rounds(course)
    rounds |= problem_rounds(problems)
    rounds |= split_rounds(split, each)
    try:
        from xblock_runtime import keys as native_keys
    except ImportError:
        pass
    else:
        rounds |= {f"wheel_key_{name}": work for name, work in key_rounds(keys, native_keys).items()}
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    print(json.dumps({"python": sys.version.split()[0], "packages": versions, "rounds": sorted(rounds)}), flush=True)
    for line in sys.stdin:
        print(json.dumps(rounds[line.strip()]()), flush=True)


if __name__ == "__main__":
    main()
