"""Services a Python host offers to native blocks, under XBlock's names and with its methods.

======================  ==========================================================================================
name                    what blocks call
======================  ==========================================================================================
``user``                ``get_current_user()``, ``get_anonymous_user_id(username, course)``,
                        ``get_user_by_anonymous_id(id)``
``i18n``                ``gettext``, ``ngettext``, ``pgettext``, ``npgettext``, ``strftime(time, format)``; ``language``
``settings``            ``get_settings_bucket(block)``, of which ``block.block_settings_key`` is read
``completion``          ``completion_tracking_enabled()``, ``get_completions(keys)``, ``submit_completion(key, number)``
``replace_urls``        ``replace_urls(text, static_replace_only)``
``cache``               ``get(key)``, ``set(key, value, timeout)``, ``delete(key)``
``publish``             ``publish(usage_key, user, event_type, data)``
``sandbox``             ``safe_exec(code, globals_dict, ...)`` in edx-platform's form; ``get_python_lib_zip()``,
                        ``can_execute_unsafe_code()``. What it lacks, the cage, no library and no trust stand for
``xqueue``              ``construct_callback(dispatch)``, ``default_queuename``, ``waittime``,
                        ``interface.send_to_queue(header, body, files_to_upload)``
======================  ==========================================================================================

Keys are texts. A service that is callable is called with the block's usage key and the user, and gives the service for
that block, or none. What a method raises ends nothing: it is reported through :func:`sys.unraisablehook`, and the block
goes on as without an answer, except for ``replace_urls``, ``completion``, ``sandbox`` and ``xqueue``, whose errors the
block hears of.
"""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

#: The names under which something can be offered.
NAMES = ("cache", "completion", "i18n", "publish", "replace_urls", "sandbox", "settings", "user", "xqueue")


class Calls:
    """One service, in the form native code calls: texts in, texts out."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def current_user(self) -> str:
        """Returns the user as JSON text."""
        return _user(self._service.get_current_user())

    def anonymous_user_id(self, username: str, context: str) -> str | None:
        """Returns the id that says nothing of the person."""
        found = self._service.get_anonymous_user_id(username, context)
        return None if found is None else str(found)

    def user_by_anonymous_id(self, anonymous_id: str) -> str | None:
        """Finds a user; returns it as JSON text."""
        found = self._service.get_user_by_anonymous_id(anonymous_id)
        return None if found is None else _user(found)

    def language(self) -> str:
        """Returns the language texts come in; services of XBlock do not say it."""
        return str(getattr(self._service, "language", None) or "und")

    def gettext(self, text: str) -> str:
        """Translates a text."""
        return str(self._service.gettext(text))

    def ngettext(self, singular: str, plural: str, number: str) -> str:
        """Translates a text that depends on a number."""
        return str(self._service.ngettext(singular, plural, int(number)))

    def pgettext(self, context: str, text: str) -> str:
        """Translates a text in its context; services of XBlock have no contexts."""
        if hasattr(self._service, "pgettext"):
            return str(self._service.pgettext(context, text))
        return self.gettext(text)

    def npgettext(self, context: str, singular: str, plural: str, number: str) -> str:
        """Translates a text that depends on a number, in its context."""
        if hasattr(self._service, "npgettext"):
            return str(self._service.npgettext(context, singular, plural, int(number)))
        return self.ngettext(singular, plural, number)

    def strftime(self, time: str, form: str) -> str:
        """Writes a time."""
        return str(self._service.strftime(datetime.datetime.fromisoformat(time), form))

    def settings_bucket(self, settings_key: str) -> str | None:
        """Returns the settings of a class of blocks as JSON text."""
        found = self._service.get_settings_bucket(SimpleNamespace(block_settings_key=settings_key))
        return None if found is None else json.dumps(found)

    def is_enabled(self) -> bool:
        """Says whether completion is tracked."""
        return bool(self._service.completion_tracking_enabled())

    def completions(self, keys: str) -> str:
        """Returns how far blocks are completed, as JSON text, given their keys as JSON text."""
        found: Mapping[Any, float] = self._service.get_completions(json.loads(keys))
        return json.dumps({str(key): float(value) for key, value in found.items()})

    def submit_completion(self, key: str, completion: str) -> None:
        """Keeps how far a block is completed."""
        self._service.submit_completion(key, float(completion))

    def replace_urls(self, text: str, static_replace_only: str) -> str:
        """Replaces the addresses in a text."""
        return str(self._service.replace_urls(text, static_replace_only == "true"))

    def get(self, key: str) -> str | None:
        """Returns what is kept under a key as JSON text."""
        found = self._service.get(key)
        return None if found is None else json.dumps(found)

    def set(self, key: str, value: str, timeout: str) -> None:
        """Keeps a value under a key for some seconds, or as long as the host likes."""
        self._service.set(key, json.loads(value), float(timeout) if timeout else None)

    def delete(self, key: str) -> None:
        """Forgets what is kept under a key."""
        self._service.delete(key)

    def has_safe_exec(self) -> bool:
        """Says whether the service runs code itself."""
        return callable(getattr(self._service, "safe_exec", None))

    def safe_exec(self, code: str, globals_dict: dict[str, Any], **settings: Any) -> None:
        """Runs code, and leaves its names in ``globals_dict``."""
        self._service.safe_exec(code, globals_dict, **settings)

    def can_run_unsafely(self) -> bool:
        """Says whether the course is trusted so much that its code may run anywhere."""
        trusts = getattr(self._service, "can_execute_unsafe_code", None)
        return bool(trusts is not None and trusts())

    def python_lib_zip(self, _course: str) -> bytes | None:
        """Returns the course's modules for scripts."""
        library = getattr(self._service, "get_python_lib_zip", None)
        found = None if library is None else library()
        return None if found is None else bytes(found)

    def has_queue(self) -> bool:
        """Says whether there is a queue behind the service."""
        return getattr(self._service, "interface", None) is not None

    def callback_url(self, dispatch: str) -> str:
        """Returns where a grader's reply is taken."""
        return str(self._service.construct_callback(dispatch))

    def default_queue_name(self) -> str:
        """Returns the queue of answers that name none."""
        return str(self._service.default_queuename)

    def wait_between_requests(self) -> float:
        """Returns how many seconds learners wait between submissions."""
        return float(self._service.waittime)

    def send_to_queue(self, header: str, body: str, files: list[tuple[str, bytes]]) -> tuple[bool, str]:
        """Sends an answer to the queue; returns whether it was taken, and what the queue says."""
        uploads = []
        for name, content in files:
            upload = io.BytesIO(content)
            upload.name = name
            uploads.append(upload)
        error, message = self._service.interface.send_to_queue(
            header=header, body=json.dumps(json.loads(body)), files_to_upload=uploads or None
        )
        return not error, str(message)

    def publish(self, usage_key: str, user: str, event_type: str, data: str) -> None:
        """Takes an event."""
        self._service.publish(usage_key, json.loads(user), event_type, json.loads(data))


def calls(name: str, service: Any) -> Calls | None:
    """Takes a service, or none where it is none; a queue service without a queue is none."""
    if service is None:
        return None
    made = Calls(service)
    return None if name == "xqueue" and not made.has_queue() else made


class HostServices:
    """The services of a store; native code asks for them by name."""

    def __init__(self, services: Mapping[str, Any | Callable[[str, str | None], Any]]) -> None:
        unknown = sorted(set(services) - set(NAMES))
        if unknown:
            raise ValueError(f"blocks know no service {unknown[0]!r}; there are {', '.join(NAMES)}")
        self._services = dict(services)

    def names(self) -> list[str]:
        """Lists what is offered."""
        return sorted(self._services)

    def find(self, name: str, usage_key: str, user: str) -> Calls | None:
        """Returns a service for a block and a user, given as JSON text."""
        service = self._services[name]
        if callable(service):
            service = service(usage_key, json.loads(user))
        return calls(name, service)


def _user(user: Any) -> str:
    attributes = getattr(user, "opt_attrs", None) or {}
    return json.dumps(
        {
            "emails": [str(one) for one in getattr(user, "emails", None) or []],
            "full_name": getattr(user, "full_name", None),
            "display_name": getattr(user, "display_name", None),
            "is_current_user": bool(getattr(user, "is_current_user", True)),
            "opt_attrs": dict(attributes),
        },
        default=str,
    )
