"""The Blockstore app's side of the benchmark of bundles: does one round when it is asked to, and says what it took.

Run by a Python that has openedx-blockstore 1.4.0 (`make .venv-blockstore/.made`), with a folder for SQLite and files.
"""

import json
import sys
import time
from pathlib import Path

import django
from django.conf import settings

folder = Path(sys.argv[1])
settings.configure(
    SECRET_KEY="for this benchmark only",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "blockstore.apps.bundles"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}},
    MEDIA_ROOT=str(folder / "storage"),
    MEDIA_URL="/media/",
    BUNDLE_ASSET_STORAGE_SETTINGS={},
    LMS_ROOT_URL="https://lms.example.org",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from blockstore.apps import api  # noqa: E402
from django.core.management import call_command  # noqa: E402

FILES = 500
made = []


def content(at):
    return f"<html>{at} {'tide ' * 60}</html>"


def path(at):
    return f"html/b{at}/definition.xml"


def write():
    collection = api.create_collection("Benchmark")
    start = time.perf_counter()
    bundle = api.create_bundle(collection.uuid, slug="b", title="b")
    draft = api.get_or_create_bundle_draft(bundle.uuid, "studio_draft")
    for at in range(FILES):
        api.write_draft_file(draft.uuid, path(at), content(at))
    api.commit_draft(draft.uuid)
    taken = time.perf_counter() - start
    made.append((bundle.uuid, draft.uuid))
    return taken


def read():
    bundle, _ = made[0]
    start = time.perf_counter()
    files = api.get_bundle_version_files(bundle, 1)
    for file in files:
        api.get_bundle_file_data(bundle, file.path)
    taken = time.perf_counter() - start
    assert len(files) == FILES
    return taken


def commit_one():
    _, draft = made[0]
    start = time.perf_counter()
    api.write_draft_file(draft, path(0), f"<html>{start}</html>")
    api.commit_draft(draft)
    return time.perf_counter() - start


call_command("migrate", verbosity=0)
rounds = {"write": write, "read": read, "commit_one": commit_one}
print(json.dumps(sorted(rounds)), flush=True)
for line in sys.stdin:
    if not made:
        write()
    print(json.dumps(rounds[line.strip()]()), flush=True)
