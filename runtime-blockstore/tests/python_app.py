"""What the Blockstore app itself makes of a store: reads all of it, writes to a draft, commits.

Run by tests/it/python_app.rs with a Python that has openedx-blockstore 1.4.0, Django 4.2 and django-crum.
Prints JSON.
"""

import hashlib
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings

folder, step = sys.argv[1:3]


def database():
    """Where the database of the folder is: in it, or on the server it names."""
    place = Path(folder) / "database"
    if not place.exists():
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db.sqlite3"}
    import pymysql  # noqa: PLC0415

    # Django asks for mysqlclient, which needs a compiler; this one does the same.
    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()
    url = urlsplit("mysql:" + place.read_text())
    return {
        "ENGINE": "django.db.backends.mysql",
        "HOST": url.hostname,
        "PORT": url.port,
        "USER": url.username,
        "NAME": url.path[1:],
        "OPTIONS": {"charset": "utf8mb4"},
    }


def assets():
    """Where documents and data files of the folder are: in it, or in the bucket it names, through django-storages."""
    place = Path(folder) / "assets"
    if not place.exists():
        return {}
    url, *lines = place.read_text().splitlines()
    options = dict(line.split(" ", 1) for line in lines)
    bucket, _, location = url.removeprefix("s3://").partition("/")
    return {
        "STORAGE_CLASS": "storages.backends.s3boto3.S3Boto3Storage",
        "STORAGE_KWARGS": {
            "bucket_name": bucket,
            "location": location,
            "endpoint_url": options["aws_endpoint_url"],
            "access_key": options["aws_access_key_id"],
            "secret_key": options["aws_secret_access_key"],
            "region_name": "us-east-1",
            "addressing_style": "path",
            "signature_version": "s3v4",
        },
    }


settings.configure(
    SECRET_KEY="for this test only",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "blockstore.apps.bundles"],
    DATABASES={"default": database()},
    MEDIA_ROOT=f"{folder}/storage",
    MEDIA_URL="/media/",
    BUNDLE_ASSET_STORAGE_SETTINGS=assets(),
    LMS_ROOT_URL="https://lms.example.org",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from blockstore.apps import api  # noqa: E402
from blockstore.apps.bundles.models import Bundle  # noqa: E402
from blockstore.apps.bundles.store import Snapshot, SnapshotRepo  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402


def digest(data):
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def links_of(links):
    def target(dependency):
        return {
            "bundle_uuid": str(dependency.bundle_uuid),
            "snapshot_digest": dependency.snapshot_digest.hex(),
            "version": dependency.version,
        }

    return {
        name: {"direct": target(link.direct), "indirect": [target(each) for each in link.indirect]}
        for name, link in links.items()
    }


def read_all():
    executor = MigrationExecutor(connection)
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "bundles"]
    answer = {"unapplied": len(executor.migration_plan(targets)), "bundles": []}
    for bundle in api.get_bundles():
        drafts = {
            name: {
                file.path: digest(api.get_bundle_file_data(bundle.uuid, file.path, use_draft=name))
                for file in api.get_bundle_files(bundle.uuid, use_draft=name)
            }
            for name in bundle.drafts
        }
        versions = []
        for number in range(1, bundle.latest_version + 1):
            row = Bundle.objects.get(uuid=bundle.uuid).versions.get(version_num=number)
            snapshot = row.snapshot()
            again = Snapshot.create(bundle.uuid, snapshot.files, snapshot.links, snapshot.created_at)
            files = {}
            for path in snapshot.files:
                with SnapshotRepo().open(snapshot, path) as data:
                    files[path] = digest(data.read())
            versions.append({
                "digest_agrees": again.hash_digest == snapshot.hash_digest,
                "digest": snapshot.hash_digest.hex(),
                "files": files,
                "links": links_of(api.get_bundle_version_links(bundle.uuid, number)),
            })
        draft_links = {name: links_of(api.get_bundle_links(bundle.uuid, use_draft=name)) for name in bundle.drafts}
        answer["bundles"].append({
            "uuid": str(bundle.uuid),
            "title": bundle.title,
            "drafts": drafts,
            "draft_links": draft_links,
            "versions": versions,
        })
    return answer


def write():
    bundle = api.get_bundles()[0]
    draft = api.get_or_create_bundle_draft(bundle.uuid, "studio_draft")
    api.write_draft_file(draft.uuid, "html/h1/definition.xml", "<html><![CDATA[by the app]]></html>")
    api.write_draft_file(draft.uuid, "html/fresh/definition.xml", "<html><![CDATA[fresh]]></html>")
    return {}


def commit():
    bundle = api.get_bundles()[0]
    api.commit_draft(bundle.drafts["studio_draft"])
    return {}


def author():
    """Makes a bundle with links, odd names and several versions, and goes on in every bundle there is."""
    others = api.get_bundles()
    collection = api.create_collection("By the app \u2693")
    bundle = api.create_bundle(collection.uuid, slug="by-the-app", title="Mar\u00e9es", description="x")
    draft = api.get_or_create_bundle_draft(bundle.uuid, "studio_draft")
    for path, content in {
        "html/a/definition.xml": "<html>a</html>",
        "html/a/static/mar\u00e9e \U0001f30a.txt": "wave",
        "notes/empty": b"",
        "copy/of-a.xml": "<html>a</html>",
        "table.xlsm": b"\x00\x01",
        "script.js": "1;",
    }.items():
        api.write_draft_file(draft.uuid, path, content)
    for at, other in enumerate(others):
        if other.latest_version:
            api.set_draft_link(draft.uuid, f"link-{at}", other.uuid, other.latest_version)
    api.commit_draft(draft.uuid)
    api.write_draft_file(draft.uuid, "html/a/definition.xml", "<html>b</html>")
    api.write_draft_file(draft.uuid, "script.js", None)
    api.set_draft_link(draft.uuid, "link-0", None, None)
    api.commit_draft(draft.uuid)
    api.write_draft_file(draft.uuid, "staged", "only")
    for other in others:
        mine = api.get_or_create_bundle_draft(other.uuid, "by_the_app")
        api.write_draft_file(mine.uuid, "notes/app", "was here")
        api.commit_draft(mine.uuid)
    return {}


def migrate():
    """Makes the app's tables as the app does."""
    executor = MigrationExecutor(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] == "bundles"])
    return {}


steps = {"author": author, "read": read_all, "write": write, "commit": commit, "migrate": migrate}
print(json.dumps(steps[step]()))
