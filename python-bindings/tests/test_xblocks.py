"""Native blocks inside the XBlock package's own runtime, with its class loading, field data and mixins."""

from __future__ import annotations

import datetime
import io
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
import simplejson
import xblock.fields
from fs.memoryfs import MemoryFS
from lxml import etree
from web_fragments.fragment import Fragment
from webob import Request
from xblock.core import XBlock, XBlockAside, XBlockMixin
from xblock.exceptions import NoSuchHandlerError, NoSuchViewError
from xblock.fields import UNIQUE_ID, Date, Integer, Scope, String
from xblock.runtime import DictKeyValueStore, KvsFieldData, MemoryIdManager
from xblock.scorable import Score
from xblock.test.tools import TestRuntime, blocks_are_equivalent
from xblock_runtime import OlxError
from xblock_runtime.xblocks import HtmlBlock, ProblemBlock, VideoBlock, native_class
from xblock_runtime.xblocks.fields import make_field

NUMBER = """<problem display_name="Count" max_attempts="2" weight="3">
  <numericalresponse answer="42">
    <label>How many?</label>
    <formulaequationinput/>
  </numericalresponse>
</problem>"""


class Clicks(XBlockMixin):  # type: ignore[misc]
    """What a host mixes into every block."""

    clicks = Integer(default=0, scope=Scope.user_state)
    colour = String(default="red", scope=Scope.settings)
    visible_to_staff_only = xblock.fields.Boolean(default=False, scope=Scope.settings)
    count = Integer(default=0, scope=Scope.settings, enforce_type=True)
    limits = xblock.fields.Dict(default={}, scope=Scope.settings)
    pause = xblock.fields.Timedelta(default=None, scope=Scope.settings)

    def shout(self) -> str:
        """Returns the name, loud."""
        return str(self.display_name).upper()


class User:
    """A user as the service describes one."""

    def __init__(self, is_staff: bool) -> None:
        self.opt_attrs = {"edx-platform.user_is_staff": is_staff}


class UserService:
    """The user service of a host."""

    def __init__(self, is_staff: bool) -> None:
        self.is_staff = is_staff

    def get_current_user(self) -> User:
        """Returns the user."""
        return User(self.is_staff)


class StateStore(DictKeyValueStore):  # type: ignore[misc]
    """Keeps learner state as edx-platform does: as the text that simplejson makes of it, scores as mappings."""

    def get(self, key: Any) -> Any:
        """Reads a text anew each time, so that nobody changes what is kept."""
        value = super().get(key)
        return simplejson.loads(value) if key.scope is Scope.user_state else value

    def set(self, key: Any, value: Any) -> None:
        """Refuses what is no JSON."""
        super().set(key, simplejson.dumps(value) if key.scope is Scope.user_state else value)

    def set_many(self, update_dict: dict[Any, Any]) -> None:
        """Sets all, each on its own."""
        for key, value in update_dict.items():
            self.set(key, value)


class Host(TestRuntime):  # type: ignore[misc]
    """A runtime of the XBlock package with what it leaves to hosts."""

    is_author_mode = False

    def __init__(self, user_id: str | None = None, is_staff: bool = False, like: Host | None = None) -> None:
        self.store: Any = like.store if like else StateStore()
        ids = like.id_generator if like else MemoryIdManager()
        super().__init__(
            id_reader=ids,
            id_generator=ids,
            services={"field-data": KvsFieldData(self.store), "user": UserService(is_staff)},
            mixins=(Clicks,),
        )
        self.published: list[tuple[str, Any]] = []
        if user_id is not None:
            self._deprecated_per_instance_user_id = user_id

    def handler_url(self, block: Any, handler_name: str, suffix: str = "", *_: Any, **__: Any) -> str:
        """Makes addresses as the LMS does, which looks the handler up on the class first."""
        if getattr(type(block), handler_name, None) is None:
            raise ValueError(f"{handler_name!r} is not a function name")
        return f"/handler/{block.scope_ids.usage_id}/{handler_name}/{suffix}"

    def publish(self, block: Any, event_type: str, event_data: Any) -> None:
        """Remembers what was published."""
        self.published.append((event_type, event_data))

    def add(self, xml: str | bytes) -> Any:
        """Parses a block and returns it as the user sees it."""
        return self.get_block(self.parse_xml_string(xml))

    def post(self, block: Any, handler: str, form: dict[str, str]) -> Any:
        """Sends a form to a handler and returns the JSON that comes back."""
        request = Request.blank("/", method="POST", POST=urlencode(form))
        return json.loads(self.handle(block, handler, request).body)


@pytest.fixture
def host() -> Host:
    """A host whose user is called ada."""
    return Host("ada")


def the_input(host: Host, block: Any) -> str:
    """Returns the name of a problem's only input."""
    name: str
    (name,) = set(re.findall(r'name="(input_[^"]+)"', host.post(block, "problem_get", {})["html"]))
    return name


def set_fields(block: Any) -> dict[str, Any]:
    """Returns the fields that are set, but for the parent."""
    return {name: getattr(block, name) for name, f in block.fields.items() if f.is_set_on(block) and name != "parent"}


@pytest.mark.parametrize(
    ("block_type", "cls", "icon", "has_score"),
    [
        ("html", HtmlBlock, "other", False),
        ("problem", ProblemBlock, "problem", True),
        ("video", VideoBlock, "video", False),
    ],
)
def test_classes_are_loaded_by_entry_point(block_type: str, cls: Any, icon: str, has_score: bool) -> None:
    loaded = XBlock.load_class(block_type)
    assert loaded is cls and issubclass(loaded, XBlock) and loaded.plugin_name == block_type
    assert (loaded.icon_class, loaded.has_score, loaded.has_children) == (icon, has_score, False)
    assert loaded.completion_mode == "completable"
    assert loaded.service_declaration("user") == "want"
    assert loaded.student_view._supports == {"multi_device"}


def test_fields_come_from_the_declaration() -> None:
    fields = ProblemBlock.fields
    assert {"name", "tags", "parent", "data", "attempts", "score", "xml_attributes"} <= set(fields)
    assert isinstance(fields["data"], xblock.fields.XMLString) and fields["data"].scope == Scope.content
    assert fields["data"].enforce_type and fields["data"].default == "<problem></problem>"
    assert isinstance(fields["attempts"], Integer) and fields["attempts"].scope == Scope.user_state
    assert fields["attempts"].default == 0
    assert fields["max_attempts"].display_name == "Maximum Attempts" and fields["max_attempts"].values == {"min": 0}
    assert fields["weight"].values == {"min": 0, "step": 0.1} and fields["weight"].default is None
    assert {"display_name": "Always", "value": "always"} in fields["showanswer"].values
    assert fields["source_code"].runtime_options == {"hidden": True}
    assert fields["done"].values[0] == {"display_name": "True", "value": True}
    assert isinstance(fields["due"], Date) and fields["due"].default is None
    assert isinstance(fields["score"], xblock.fields.ScoreField)
    assert (
        fields["rerandomize"].from_json("true") == "always" and fields["rerandomize"].from_json("onreset") == "onreset"
    )
    assert fields["correct_map"].default == {} and fields["student_answers_history"].default == []
    assert VideoBlock.fields["start_time"].default == datetime.timedelta(0)
    assert VideoBlock.fields["speed"].scope == Scope.user_state
    assert VideoBlock.fields["global_speed"].scope == Scope.preferences
    assert HtmlBlock.fields["data"].default == "" and HtmlBlock.fields["data"].help


def test_every_native_type_without_children_has_good_fields() -> None:
    for block_type in ("about", "static_tab", "word_cloud", "poll_question", "discussion", "lti"):
        assert native_class(block_type, "Block").native_type == block_type
    with pytest.raises(ValueError, match="has children"):
        native_class("vertical", "VerticalBlock")


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"type": "Integer", "default": 3}, lambda field: field.default == 3),
        ({"type": "String", "unique_id": True}, lambda field: field._default is UNIQUE_ID),
        (
            {"type": "Date", "default": "2030-01-02T00:00:00Z"},
            lambda field: field.default == datetime.datetime(2030, 1, 2, tzinfo=datetime.UTC),
        ),
        (
            {"type": "Boolean", "values": [{"display_name": "True", "value": True}]},
            lambda field: len(field.values) == 2,
        ),
        (
            {"type": "Any", "scope": {"name": "one_type", "user": "one", "block": "definition"}},
            lambda field: field.scope == Scope(xblock.fields.UserScope.ONE, xblock.fields.BlockScope.DEFINITION),
        ),
        ({"type": "TextbookList", "default": [["a", "b"]]}, lambda field: field.default == [["a", "b"]]),
        (
            {"type": "String", "options": {"multiline_editor": "html"}},
            lambda f: f.runtime_options["multiline_editor"] == "html",
        ),
    ],
)
def test_declarations_become_fields(changes: dict[str, Any], check: Any) -> None:
    declared = {
        "name": "x", "scope": {"name": "settings", "user": "none", "block": "usage"}, "help": "", "display_name": None,
        "values": None, "enforce_type": False, "xml_node": False, "force_export": False, "hidden": False,
        "deprecated": False, "options": {}, **changes,
    }  # fmt: skip
    assert check(make_field(declared))


def test_mixins_are_mixed_in(host: Host) -> None:
    block = host.add('<html display_name="Text" colour="blue" visible_to_staff_only="true">x</html>')
    assert type(block).__name__ == "HtmlBlockWithMixins" and isinstance(block, HtmlBlock) and isinstance(block, Clicks)
    assert (block.shout(), block.colour, block.clicks) == ("TEXT", "blue", 0)
    assert block.visible_to_staff_only is True and block.xml_attributes.keys() <= {"filename"}
    block.clicks += 1
    block.save()
    assert host.get_block(block.scope_ids.usage_id).clicks == 1
    assert "x" in host.render(block, "student_view").content


def test_html_is_parsed_and_rendered(host: Host) -> None:
    block = host.add('<html display_name="A text" editor="raw">Before <b>bold</b> &amp; <i>after</i></html>')
    assert (block.display_name, block.editor) == ("A text", "raw")
    assert block.data == "Before <b>bold</b> &amp; <i>after</i>"
    for view in ("student_view", "public_view", "author_view"):
        fragment = host.render(block, view)
        assert block.data in fragment.content and f"xblock-v1-{view}" in fragment.content
    with pytest.raises(NoSuchViewError):
        host.render(block, "no_such_view")


def test_static_links_are_left_to_the_host(host: Host) -> None:
    block = host.add('<html><img src="/static/a.png"/><a href="/jump_to_id/other">there</a></html>')
    content = host.render(block, "student_view").content
    assert "/static/a.png" in content and "/jump_to_id/other" in content


def test_videos_answer_their_handlers(host: Host) -> None:
    block = host.add('<video display_name="V" youtube_id_1_0="abc"><source src="https://example.org/a.mp4"/></video>')
    assert block.html5_sources == ["https://example.org/a.mp4"] and block.youtube_id_1_0 == "abc"
    fragment = host.render(block, "student_view")
    assert "https://example.org/a.mp4" in fragment.content and "data-init='XBlockRuntimeVideo'" in fragment.content
    assert any(resource.mimetype == "application/javascript" for resource in fragment.resources)
    host.handle(block, "publish_completion", Request.blank("/", method="POST", body=b'{"completion": 1.0}'))
    assert host.published == [("completion", {"completion": 1.0})]
    request = Request.blank("/?lang=en", method="GET")
    assert host.handle(block, "transcript", request, suffix="download").status_int == 404


def test_transcripts_are_read_from_the_course(host: Host) -> None:
    host.resources_fs = MemoryFS()
    host.resources_fs.makedir("static")
    host.resources_fs.writetext("static/en.srt", "1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    block = host.add("""<video transcripts='{"en": "en.srt"}' sub="en.srt"/>""")
    answer = host.handle(block, "transcript", Request.blank("/?lang=en"), suffix="download")
    assert answer.status_int == 200 and b"Hello" in answer.body
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_problem_is_rendered_answered_and_graded(host: Host) -> None:
    block = host.add(NUMBER)
    assert (block.display_name, block.max_attempts, block.weight) == ("Count", 2, 3.0)
    page = host.render(block, "student_view")
    assert "How many?" in page.content
    name = the_input(host, block)
    assert host.post(block, "problem_check", {name: "41"})["success"] == "incorrect"
    assert (block.attempts, block.done, block.score) == (1, True, Score(0, 1))
    assert dict(host.published)["grade"]["value"] == 0
    again = host.get_block(block.scope_ids.usage_id)
    assert host.post(again, "problem_check", {name: "42"})["success"] == "correct"
    assert (again.attempts, again.score) == (2, Score(1, 1))
    assert host.published[-2:] and dict(host.published)["grade"] == {
        "value": 1.0,
        "max_value": 1.0,
        "only_if_higher": None,
    }
    closed = host.get_block(block.scope_ids.usage_id)
    host.post(closed, "problem_check", {name: "42"})
    assert host.get_block(block.scope_ids.usage_id).attempts == 2


def test_the_platforms_own_dispatch_works(host: Host) -> None:
    block = host.add(NUMBER)
    request = Request.blank("/", method="POST", POST=urlencode({the_input(host, block): "42"}))
    answer = json.loads(host.handle(block, "xmodule_handler", request, suffix="problem_check").body)
    assert (answer["success"], answer["current_score"], answer["total_possible"]) == ("correct", 3.0, 3.0)


def test_the_points_are_counted_before_anybody_answers(host: Host) -> None:
    assert host.add(NUMBER).max_score() == 1
    assert host.add(NUMBER.replace("</problem>", NUMBER[NUMBER.index("<num") :])).max_score() == 2
    assert host.add("<problem/>").max_score() == 0
    assert not hasattr(HtmlBlock, "max_score")


def test_users_are_kept_apart(host: Host) -> None:
    block = host.add(NUMBER)
    usage = block.scope_ids.usage_id
    name = the_input(host, block)
    grace = Host("grace", like=host)
    host.post(block, "problem_check", {name: "41"})
    host.post(host.get_block(usage), "problem_check", {name: "42"})
    grace.post(grace.get_block(usage), "problem_check", {name: "7"})
    assert (host.get_block(usage).attempts, host.get_block(usage).score) == (2, Score(1, 1))
    assert (grace.get_block(usage).attempts, grace.get_block(usage).score) == (1, Score(0, 1))
    stored = {key.field_name: key.user_id for key in host.store.db_dict if key.user_id == "grace"}
    assert "attempts" in stored and "data" not in stored


def test_blocks_of_one_type_share_nothing(host: Host) -> None:
    one, two = host.add(NUMBER), host.add(NUMBER)
    host.post(one, "problem_check", {the_input(host, one): "42"})
    assert (one.attempts, two.attempts) == (1, 0)
    assert host.get_block(two.scope_ids.usage_id).student_answers == {}


def test_only_staff_see_answers_early(host: Host) -> None:
    block = host.add(NUMBER)
    assert "answers" not in host.post(block, "problem_show", {})
    staff = Host("prof", is_staff=True, like=host)
    answers = staff.post(staff.get_block(block.scope_ids.usage_id), "problem_show", {})["answers"]
    assert list(answers.values()) == ["42"]


def test_rendering_saves_nothing(host: Host) -> None:
    blocks = [host.add(NUMBER), host.add("<html>x</html>"), host.add('<video youtube_id_1_0="a"/>')]
    before = dict(host.store.db_dict)
    for block in blocks:
        host.render(host.get_block(block.scope_ids.usage_id), "student_view")
    assert host.store.db_dict == before


def test_handlers_are_found_on_the_class(host: Host) -> None:
    block = host.add(NUMBER)
    for name in ("problem_check", "problem_get", "problem_show", "problem_save", "problem_reset", "xmodule_handler"):
        assert getattr(type(block), name)._is_xblock_handler
    assert host.handler_url(block, "problem_check").endswith("/problem_check/")
    with pytest.raises(NoSuchHandlerError):
        host.handle(block, "no_such_handler", Request.blank("/"))
    with pytest.raises(NoSuchHandlerError):
        host.handle(block, "student_view", Request.blank("/"))


def test_blocks_can_be_put_together_without_xml(host: Host) -> None:
    ids = host.id_generator
    usage = ids.create_usage(ids.create_definition("problem"))
    block = host.get_block(usage)
    block.data = NUMBER
    block.display_name = "By hand"
    block.save()
    name = the_input(host, host.get_block(usage))
    assert host.post(host.get_block(usage), "problem_check", {name: "42"})["success"] == "correct"
    with pytest.raises(etree.XMLSyntaxError):
        block.data = "<problem>"


ROUND_TRIPS = [
    "<html/>",
    '<html display_name="Text">Before <b>bold</b> &amp; <i>after</i> &lt;x&gt;</html>',
    '<html display_name="5" editor="raw" foo="bar" visible_to_staff_only="true" colour="blue"><p>é</p></html>',
    "<html><![CDATA[<p>1 < 2 && 3 > 2</p>]]></html>",
    NUMBER,
    '<problem display_name="" showanswer="always" rerandomize="per_student" due="2030-01-02T03:04:05Z" unknown="1"/>',
    '<problem markdown="&gt;&gt;q&lt;&lt;&#10;= 1"><p>text</p><!-- note --><p>more</p></problem>',
    '<video display_name="V" youtube_id_1_0="abc" start_time="00:00:05" download_video="true">'
    '<source src="https://example.org/a.mp4"/><track src="t.srt"/><transcript language="de" src="de.srt"/></video>',
]


@pytest.mark.parametrize("xml", ROUND_TRIPS)
def test_what_is_exported_comes_back(host: Host, xml: str) -> None:
    block = host.add(xml)
    out = io.BytesIO()
    host.export_to_xml(block, out)
    again = host.add(out.getvalue())
    assert set_fields(again) == set_fields(block)
    assert blocks_are_equivalent(again, block)
    second = io.BytesIO()
    host.export_to_xml(again, second)
    assert second.getvalue() == out.getvalue()


@pytest.mark.parametrize("xml", ROUND_TRIPS)
def test_a_host_with_files_gets_files(host: Host, xml: str) -> None:
    block = host.add(xml)
    host.export_fs = MemoryFS()
    node = etree.Element("unknown")
    block.add_xml_to_node(node)
    usage = block.scope_ids.usage_id
    assert dict(node.attrib) == {"url_name": usage} and len(node) == 0 and not node.text
    assert host.export_fs.exists(f"{node.tag}/{usage}.xml")
    reader = Host("ada")
    reader.resources_fs = host.export_fs
    again = reader.add(etree.tostring(node, encoding="unicode"))
    ours, theirs = set_fields(again), set_fields(block)
    for fields in (ours, theirs):
        # Where a block was read from is part of what the platform keeps of it.
        fields.get("xml_attributes", {}).pop("filename", None)
    assert {**ours, "xml_attributes": ours.get("xml_attributes") or {}} == {
        **theirs,
        "xml_attributes": theirs.get("xml_attributes") or {},
    }


def test_a_host_can_have_the_block_inline_beside_its_files(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's clipboard replaces ``export_to_file`` for as long as it serialises a block."""
    block = host.add("<html>text</html>")
    host.export_fs = MemoryFS()
    monkeypatch.setattr(type(block), "export_to_file", lambda self: False)
    node = etree.Element("unknown")
    block.add_xml_to_node(node)
    assert node.text == "text" and list(host.export_fs.walk.files()) == []


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ("max_attempts", "abc"),
        ("due", "{bad"),
        ("weight", "heavy"),
        ("count", "few"),
        ("limits", "none"),
        ("pause", "soon"),
    ],
)
def test_values_their_fields_refuse_are_kept(host: Host, attribute: str, text: str) -> None:
    """The field keeps its default, the block works, and the value is exported as it was written."""
    xml = NUMBER.replace('max_attempts="2" weight="3"', f'{attribute}="{text}" unknown="1"')
    block = host.add(xml)
    assert block.display_name == "Count" and block.xml_attributes["unknown"] == "1"
    out = io.BytesIO()
    if attribute in block.xml_attributes:
        assert block.xml_attributes[attribute] == text
        assert not block.fields[attribute].is_set_on(block)
    assert "How many?" in host.render(block, "student_view").content
    assert host.post(block, "problem_check", {the_input(host, block): "42"})["success"] == "correct"
    host.export_to_xml(block, out)
    node = etree.fromstring(out.getvalue())
    assert node.get(attribute) == text and node.get("unknown") == "1"
    host.export_fs = MemoryFS()
    block.add_xml_to_node(etree.Element("unknown"))
    (path,) = host.export_fs.walk.files()
    assert etree.fromstring(host.export_fs.readbytes(path)).get(attribute) == text


def test_a_refused_value_gives_way_to_a_new_one(host: Host) -> None:
    block = host.add(NUMBER.replace('max_attempts="2"', 'max_attempts="abc"'))
    assert block.max_attempts is None and block.xml_attributes["max_attempts"] == "abc"
    block.max_attempts = 5
    out = io.BytesIO()
    host.export_to_xml(block, out)
    again = host.add(out.getvalue())
    assert again.max_attempts == 5 and "max_attempts" not in again.xml_attributes


def test_broken_olx_says_where(host: Host) -> None:
    with pytest.raises(OlxError) as caught:
        host.add('\n\n<html filename="gone"/>')
    assert caught.value.code == "missing-file"
    assert (caught.value.file, caught.value.line) == ("<html>", 3)


def test_search_gets_the_words(host: Host) -> None:
    html = host.add('<html display_name="T"><p>some <b>bold</b></p><script>var x;</script>\n text</html>')
    assert html.index_dictionary() == {
        "content": {"display_name": "T", "html_content": "some bold text"},
        "content_type": "Text",
    }
    problem = host.add(NUMBER).index_dictionary()
    assert problem == {
        "content": {"display_name": "Count", "capa_content": "How many?"},
        "content_type": "CAPA",
        "problem_types": ["numericalresponse"],
    }
    assert host.add('<video display_name="V"/>').index_dictionary()["content_type"] == "Video"


def test_authors_hear_of_missing_transcripts(host: Host) -> None:
    block = host.add("""<video transcripts='{"de": ""}'/>""")
    (message,) = block.validate().to_json()["messages"]
    assert message["type"] == "warning" and "Deutsch" in message["text"]
    assert host.add("<html>x</html>").validate()


def test_what_the_host_raises_comes_through(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    block = host.add('<html><img src="/static/a.png"/></html>')

    class Trouble(Exception):
        pass

    def fail(*_: Any) -> str:
        raise Trouble

    from xblock_runtime.xblocks.surroundings import Surroundings

    for method in ("usage", "user", "now", "asset_url"):
        with monkeypatch.context() as patch:
            patch.setattr(Surroundings, method, fail)
            with pytest.raises(Trouble):
                host.render(block, "student_view")
    for answer in (None, 3, "x" * 100_000, object()):
        for method in ("usage", "user", "now", "asset_url", "field"):
            with monkeypatch.context() as patch:
                patch.setattr(Surroundings, method, lambda *_, answer=answer: answer)
                try:
                    host.render(block, "student_view")
                except Exception as error:
                    assert type(error).__name__ != "PanicException"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"[" * 100_000, b"input_=&%zz", b"a" * 1_000_000, b"input_x_2_1%5B%5D=1&input_x_2_1=2"],
    ids=lambda body: repr(body[:10]),
)
def test_garbage_requests_never_panic(host: Host, body: bytes) -> None:
    block = host.add(NUMBER)
    for handler in ("problem_check", "problem_save", "problem_show", "hint_button", "xmodule_handler"):
        for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            request = Request.blank("/", method="POST", body=body, content_type=kind)
            try:
                host.handle(block, handler, request, suffix="problem_check")
            except Exception as error:
                assert type(error).__name__ != "PanicException"


@pytest.mark.parametrize(
    "xml",
    ["<html>" + "<b>" * 300 + "</b>" * 300 + "</html>", "<video start_time='x'/>", '<problem max_attempts="many"/>'],
)
def test_odd_olx_never_panics(host: Host, xml: str) -> None:
    try:
        block = host.add(xml)
        host.render(block, "student_view")
    except Exception as error:
        assert type(error).__name__ != "PanicException"


class Note(XBlockAside):  # type: ignore[misc]
    """A host's aside, beside every block."""

    prompt = String(default="Notes", scope=Scope.settings)
    text = String(default="", scope=Scope.user_state)

    @XBlockAside.aside_for("student_view")  # type: ignore[untyped-decorator]
    def beside(self, block: XBlock, context: Any = None) -> Fragment:
        """Shows the note."""
        return Fragment(f"<aside>{self.prompt} on {block.scope_ids.block_type}: {self.text}</aside>")

    @XBlockAside.json_handler  # type: ignore[untyped-decorator]
    def keep(self, data: str, suffix: str = "") -> bool:
        """Keeps a note."""
        self.text = data
        return True


class Annotated(Host):
    """A host whose blocks have notes beside them."""

    def applicable_aside_types(self, block: XBlock) -> list[str]:
        """Every block has one."""
        return ["note"]


@XBlockAside.register_temp_plugin(Note, "note")  # type: ignore[untyped-decorator]
def test_asides_of_python_stand_beside_native_blocks() -> None:
    host = Annotated("ada")
    block = host.add('<html>hello<note xblock-family="xblock_asides.v1" prompt="Thoughts"/></html>')
    assert block.data == "hello"
    shown = host.render(block, "student_view").content
    assert "hello" in shown and "<aside>Thoughts on html: </aside>" in shown
    (aside,) = host.get_asides(block)
    request = Request.blank("/", method="POST", body=b'"mine"', content_type="application/json")
    assert json.loads(host.handle(aside, "keep", request).body) is True
    assert "<aside>Thoughts on html: mine</aside>" in host.render(block, "student_view").content
