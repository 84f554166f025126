"""What a native block sees of the Python runtime around it.

Native code calls these methods; their names are a contract.
"""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

from xblock.exceptions import NoSuchServiceError
from xblock.fields import ScoreField

from xblock_runtime.services import NAMES, Calls, calls
from xblock_runtime.xblocks.fields import plain, to_stored

if TYPE_CHECKING:
    from xblock_runtime.xblocks.base import NativeXBlock


class Surroundings:
    """One block's surroundings while it renders or handles a request."""

    def __init__(self, block: NativeXBlock) -> None:
        self._block = block

    def usage(self) -> str:
        """Returns the usage id as text."""
        return str(self._block.scope_ids.usage_id)

    def user(self) -> tuple[str, bool] | None:
        """Returns the user's id and whether the user is staff, or none."""
        user_id = self._block.scope_ids.user_id
        if user_id is None:
            return None
        service = self._block.runtime.service(self._block, "user")
        staff = False
        if service is not None:
            staff = bool(service.get_current_user().opt_attrs.get("edx-platform.user_is_staff", False))
        return str(user_id), staff

    def service(self, name: str) -> Calls | None:
        """Returns a service of the runtime, or none where it has no such service."""
        if name not in NAMES:
            return None
        try:
            service = self._block.runtime.service(self._block, name)
        except NoSuchServiceError:
            return None
        return calls(name, service)

    def now(self) -> float:
        """Returns the present moment in seconds since 1970."""
        return datetime.datetime.now(datetime.UTC).timestamp()

    def is_author_mode(self) -> bool:
        """Tells whether the runtime is that of Studio's preview, as the platform's own blocks ask."""
        return bool(getattr(self._block.runtime, "is_author_mode", False))

    def field(self, name: str) -> str | None:
        """Returns a field's value in its stored form as JSON text, or none where the block has no such field."""
        field = self._block.fields.get(name)
        if field is None:
            return None
        try:
            stored = to_stored(field, getattr(self._block, name))
        except (TypeError, ValueError):
            # A grade out of its range was kept all the same, and its field refuses it from then on.
            if not isinstance(field, ScoreField):
                raise
            stored = plain(self._block._field_data.get(self._block, name))
        return json.dumps(stored)

    def children(self) -> list[tuple[str, str, str]]:
        """Lists the children: usage id, block type, display name."""
        listed = []
        for child_id in getattr(self._block, "children", None) or []:
            child = self._block.get_child(child_id)
            name = getattr(child, "display_name", None) or str(child_id)
            listed.append((str(child_id), str(child.scope_ids.block_type), str(name)))
        return listed

    def render_child(self, usage: str, view: str) -> str:
        """Renders a child; returns its fragment as JSON text."""
        for child_id in self._block.children:
            if str(child_id) == usage:
                child = self._block.get_child(child_id)
                return json.dumps(self._block.runtime.render_child(child, view).to_dict())
        raise KeyError(usage)

    def handler_url(self, handler: str, suffix: str) -> str:
        """Returns the address of one of the block's handlers."""
        return str(self._block.runtime.handler_url(self._block, handler, suffix))

    def asset_url(self, path: str) -> str:
        """Returns the address of a static file, in the form the host's URL rewriting understands."""
        return f"/static/{path}"

    def jump_url(self, block_id: str) -> str:
        """Returns the address of another block, in the form the host's URL rewriting understands."""
        return f"/jump_to_id/{block_id}"

    def read_asset(self, path: str) -> bytes | None:
        """Reads a static file where the runtime has the files of its course, else returns none."""
        files: Any = getattr(self._block.runtime, "resources_fs", None)
        if files is None or not files.isfile(f"static/{path}"):
            return None
        return bytes(files.readbytes(f"static/{path}"))
