"""The XBlock class behind every native block."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from lxml import etree
from web_fragments.fragment import Fragment
from webob import Response
from xblock.core import XBlock
from xblock.exceptions import NoSuchHandlerError, NoSuchViewError
from xblock.fields import Scope
from xblock.validation import ValidationMessage

from xblock_runtime import _native
from xblock_runtime.exceptions import OlxError
from xblock_runtime.services import NAMES
from xblock_runtime.xblocks.fields import from_stored, make_field, to_stored
from xblock_runtime.xblocks.files import PackageFiles, export_folder
from xblock_runtime.xblocks.surroundings import Surroundings

#: The field that keeps attributes which are no field.
XML_ATTRIBUTES = "xml_attributes"

#: The services native blocks may ask for; what they publish goes to the runtime.
SERVICES = tuple(name for name in NAMES if name != "publish")

#: What fields raise for values that are none of theirs.
REFUSALS = (TypeError, ValueError, OverflowError, RecursionError, SyntaxError)


class NativeXBlock(XBlock):  # type: ignore[misc]
    """A block whose views, handlers and OLX are native; its fields are ordinary XBlock fields.

    The native code asks for field values one by one and says afterwards which it changed, so field data, mixins,
    inheritance and saving stay XBlock's.
    """

    #: The name of the native class.
    native_type: ClassVar[str]

    def _native_render(self, view: str) -> Fragment:
        rendered = _native.render_block(self.native_type, view, Surroundings(self))
        if rendered is None:
            raise NoSuchViewError(self, view)
        return Fragment.from_dict(json.loads(rendered))

    @XBlock.supports("multi_device")  # type: ignore[untyped-decorator]
    def student_view(self, context: Any = None) -> Fragment:
        """Renders the block for a learner."""
        return self._native_render("student_view")

    @XBlock.supports("multi_device")  # type: ignore[untyped-decorator]
    def public_view(self, context: Any = None) -> Fragment:
        """Renders the block for somebody who is not logged in."""
        return self._native_render("public_view")

    def author_view(self, context: Any = None) -> Fragment:
        """Renders the block for its author."""
        return self._native_render("author_view")

    def _native_handle(self, handler: str, request: Any, suffix: str) -> Response:
        answer = _native.handle_block(
            self.native_type,
            handler,
            (request.method, suffix or "", list(request.GET.items()), request.content_type or "", request.body),
            Surroundings(self),
        )
        if answer is None:
            raise NoSuchHandlerError(f"Couldn't find handler {handler!r} for {self!r}")
        return self._take(answer)

    def take_grader_reply(self, dispatch: str, queuekey: str, xqueue_body: str) -> Response:
        """Takes what an external grader says of an answer; the caller saves the block.

        ``dispatch`` is what the callback's address ends with: ``score_update`` or ``ungraded_response``. This is no
        handler, so that learners cannot speak for graders.
        """
        answer = _native.take_grader_reply(self.native_type, dispatch, queuekey, xqueue_body, Surroundings(self))
        if answer is None:
            raise NoSuchHandlerError(f"{self!r} waits for no grader")
        return self._take(answer)

    def handle_ajax(self, dispatch: str, data: Mapping[str, Any]) -> str:
        """Takes an external grader's reply in the form in which edx-platform's queue callback hands it on."""
        reply = self.take_grader_reply(dispatch, str(data["queuekey"]), str(data["xqueue_body"]))
        return str(reply.text)

    def _take(self, answer: _native.Answer) -> Response:
        """Keeps what native code changed, publishes what it published, and makes its answer a response."""
        for name, stored in json.loads(answer.changes).items():
            setattr(self, name, from_stored(self.fields[name], stored))
        for event_type, data in json.loads(answer.events):
            self.runtime.publish(self, event_type, data)
        response = Response(body=answer.body, status=answer.status)
        response.headers["Content-Type"] = answer.content_type
        for name, value in answer.headers:
            response.headers[name] = value
        return response

    def validate(self) -> Any:
        """Collects what an author should hear of the block."""
        validation = super().validate()
        for kind, remark in _native.validate_block(self.native_type, Surroundings(self)):
            # Studio's own kinds are no kinds of XBlock's.
            kind = kind if kind in ValidationMessage.TYPES else ValidationMessage.WARNING
            validation.add(ValidationMessage(kind, remark))
        return validation

    @classmethod
    def parse_xml(cls, node: Any, runtime: Any, keys: Any) -> NativeXBlock:
        """Reads the block from an OLX element, by the rules of its type.

        Pointers and ``filename`` attributes lead into ``runtime.resources_fs``, where the runtime has one. A value that
        its field refuses breaks nothing: the field keeps its default, and ``xml_attributes`` keeps the value as it was
        written, so that it is exported again.
        """
        block: NativeXBlock = runtime.construct_xblock_from_class(cls, keys)
        read = _read_olx(cls.native_type, node, PackageFiles(runtime))
        fields = {**read["settings"], **read["content"]}
        rest = fields.pop(XML_ATTRIBUTES, {})
        for name, stored in list(rest.items()):
            if _is_setting(block, name) and _take(block, name, stored, _from_attribute):
                del rest[name]
        for name, stored in fields.items():
            # The native side knows fields of the platform's mixins, which this host may not have.
            if name not in block.fields or not _take(block, name, stored, _from_stored):
                rest[name] = stored
        if rest:
            block.xml_attributes = rest
        return block

    def add_xml_to_node(self, node: Any) -> None:
        """Writes the block's OLX into an element.

        Where ``runtime.export_fs`` is there and ``export_to_file()`` does not say no, the block goes into files of its
        own and the element becomes the pointer to them; everywhere else all of it is in the element.
        """
        content: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        foreign: dict[str, Any] = {}
        known = _native_fields(self.native_type)
        for name, field in self.fields.items():
            if field.scope not in (Scope.content, Scope.settings) or not field.is_set_on(self):
                continue
            stored = to_stored(field, field.read_from(self))
            if name not in known:
                foreign[name] = stored
            else:
                (content if field.scope == Scope.content else settings)[name] = stored
        # A value that was refused on reading gives way to one that was set since.
        kept = settings.get(XML_ATTRIBUTES) or {}
        kept = {name: value for name, value in kept.items() if name not in settings and name not in content}
        settings[XML_ATTRIBUTES] = {**kept, **foreign}
        folder = export_folder(self)
        text, files = _native.write_olx(
            self.native_type,
            str(self.scope_ids.usage_id),
            json.dumps({"content": content, "settings": settings}),
            folder is not None,
        )
        if folder is not None:
            for path, data in files:
                folder.write(path, data)
        written = etree.fromstring(text)
        node.tag = written.tag
        node.text = written.text
        node.attrib.update(written.attrib)
        node.extend(list(written))
        if folder is None:
            # Without files nothing can point here; whoever reads this chooses the name.
            node.attrib.pop("url_name", None)

    def export_to_file(self) -> bool:
        """Says whether an export with files gives the block files of its own."""
        return True


def _read_olx(native_type: str, node: Any, files: PackageFiles) -> dict[str, Any]:
    element = copy.deepcopy(node)
    # Namespaces that elements above declared for others would become part of what the block says.
    etree.cleanup_namespaces(element)
    xml = etree.tostring(element, encoding="unicode", with_tail=False)
    try:
        read: dict[str, Any] = json.loads(_native.read_olx(native_type, xml, files))
    except OlxError as error:
        # Lines of the element become lines of the document it was taken from.
        if error.file == f"<{native_type}>" and error.line is not None and node.sourceline:
            error.line += node.sourceline - 1
        raise
    return read


def _is_setting(block: NativeXBlock, name: str) -> bool:
    return name in block.fields and block.fields[name].scope == Scope.settings


def _take(block: NativeXBlock, name: str, stored: Any, read: Callable[[Any, Any], Any]) -> bool:
    """Sets a field; says no where the field refuses the value."""
    try:
        value = read(block.fields[name], stored)
        # Durations read as nothing what they cannot read.
        if value is None and stored not in (None, "", "null"):
            return False
        setattr(block, name, value)
    except REFUSALS:
        return False
    return True


def _from_stored(field: Any, stored: Any) -> Any:
    return field.from_json(stored)


def _from_attribute(field: Any, text: Any) -> Any:
    """Reads the text of an attribute that a mixin's field claims: JSON where the field takes it, else the text."""
    if not isinstance(text, str):
        return field.from_json(text)
    try:
        return field.from_json(json.loads(text))
    except REFUSALS:
        return field.from_json(text)


def _native_fields(native_type: str) -> frozenset[str]:
    """Lists the settings and content fields native code reads and writes, platform mixins included."""
    return _NATIVE_FIELDS.setdefault(
        native_type, frozenset(json.loads(_native.block_class(native_type))["known_fields"])
    )


_NATIVE_FIELDS: dict[str, frozenset[str]] = {}


def _make_handler(name: str) -> Callable[..., Response]:
    def handler(self: NativeXBlock, request: Any, suffix: str = "") -> Response:
        return self._native_handle(name, request, suffix)

    handler.__name__ = name
    handler.__qualname__ = f"NativeXBlock.{name}"
    handler.__doc__ = f"Hands the request to the native handler ``{name}``."
    marked: Callable[..., Response] = XBlock.handler(handler)
    return marked


def _max_score(self: NativeXBlock) -> float | None:
    """Returns how many points the block's questions give together, before any weight."""
    return _native.max_score(self.native_type, Surroundings(self))


def native_class(native_type: str, name: str, **members: Any) -> type[NativeXBlock]:
    """Makes the XBlock class of a native type without children, with the fields and handlers it declares.

    Further ``members`` are put into the class as they are.
    """
    declared = json.loads(_native.block_class(native_type))
    if declared["has_children"]:
        raise ValueError(f"{native_type} has children; only native types without children can be XBlock classes")
    made: dict[str, Any] = {field["name"]: make_field(field) for field in declared["fields"]}
    made.update((handler, _make_handler(handler)) for handler in declared["handlers"])
    made.update(
        __doc__=f"The native ``{native_type}`` block.",
        __module__="xblock_runtime.xblocks",
        native_type=native_type,
        icon_class=declared["icon_class"],
        has_score=declared["has_score"],
        completion_mode=declared["completion_mode"],
        has_custom_completion=declared["has_custom_completion"],
    )
    if declared["has_score"]:
        made["max_score"] = _max_score
    made.update(members)
    cls = type(name, (NativeXBlock,), made)
    return XBlock.wants(*SERVICES)(cls)  # type: ignore[no-any-return]
