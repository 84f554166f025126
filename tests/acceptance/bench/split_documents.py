"""What edx-platform does with Split's documents, without a database: the other side of `bench --only split`.

Written from the description of its formats and behaviour. Documents are decoded and encoded by pymongo's own BSON, in
C; a structure becomes a dictionary of blocks by type and id, as in the platform, and one that is to be changed is
copied whole.
"""

from __future__ import annotations

import copy
import datetime
import functools
import os
from collections import namedtuple
from collections.abc import Callable

import bson
from bson.codec_options import CodecOptions
from bson.objectid import ObjectId
from opaque_keys.edx.locator import BlockUsageLocator, CourseLocator

OPTIONS = CodecOptions(tz_aware=True)
BlockKey = namedtuple("BlockKey", "type id")


class EditInfo:
    """When a block changed last."""

    __slots__ = (
        "edited_by",
        "edited_on",
        "original_usage",
        "original_usage_version",
        "previous_version",
        "source_version",
        "update_version",
    )

    def __init__(self, stored: dict) -> None:
        for name in self.__slots__:
            setattr(self, name, stored.get(name))

    def to_storable(self) -> dict:
        return {name: getattr(self, name) for name in self.__slots__}


class BlockData:
    """A block of a structure."""

    __slots__ = ("asides", "defaults", "definition", "edit_info", "fields")

    def __init__(self, stored: dict) -> None:
        self.fields = stored.get("fields", {})
        if "children" in self.fields:
            self.fields["children"] = [BlockKey(*child) for child in self.fields["children"]]
        self.definition = stored.get("definition")
        self.defaults = stored.get("defaults", {})
        self.asides = stored.get("asides", {})
        self.edit_info = EditInfo(stored.get("edit_info", {}))

    def to_storable(self) -> dict:
        return {
            "fields": self.fields,
            "definition": self.definition,
            "defaults": self.defaults,
            "asides": self.asides,
            "edit_info": self.edit_info.to_storable(),
        }


def open_structure(stored: bytes) -> dict:
    """Decodes a structure, with its blocks in a dictionary."""
    structure = bson.decode(stored, OPTIONS)
    blocks = structure["blocks"]
    structure["blocks"] = {BlockKey(block["block_type"], block["block_id"]): BlockData(block) for block in blocks}
    return structure


def to_storable(structure: dict) -> bytes:
    """Encodes it again."""
    blocks = []
    for key, block in structure["blocks"].items():
        stored = {"block_type": key.type, "block_id": key.id}
        stored.update(block.to_storable())
        blocks.append(stored)
    return bson.encode({**structure, "blocks": blocks})


def id_of(raw: bytes) -> ObjectId:
    """Finds a document's id without decoding the rest."""
    at = raw.index(b"_id\0") + 4
    return ObjectId(raw[at : at + 12])


class Course:
    """The documents of one course, as bytes, by id."""

    def __init__(self, folder: str) -> None:
        def documents(name: str) -> list[bytes]:
            with open(os.path.join(folder, f"modulestore.{name}.bson"), "rb") as file:
                data = file.read()
            found, at = [], 0
            while at < len(data):
                length = int.from_bytes(data[at : at + 4], "little")
                found.append(data[at : at + length])
                at += length
            return found

        index = bson.decode(documents("active_versions")[0])
        self.key = CourseLocator(index["org"], index["course"], index["run"])
        structures = {id_of(raw): raw for raw in documents("structures")}
        self.draft = structures[index["versions"]["draft-branch"]]
        self.published = structures[index["versions"]["published-branch"]]
        self.definitions = {id_of(raw): raw for raw in documents("definitions")}
        draft = open_structure(self.draft)
        self.leaf = next(key for key in draft["blocks"] if key.type == "html")
        self.unit = next(key for key in draft["blocks"] if key.type == "vertical")

    def usage(self, key: BlockKey) -> BlockUsageLocator:
        return self.key.make_usage_key(key.type, key.id)

    def read_block(self, structure: dict, key: BlockKey) -> dict:
        """One block with its content and its children's keys."""
        block = structure["blocks"][key]
        fields = dict(bson.decode(self.definitions[block.definition], OPTIONS)["fields"])
        fields.update(block.fields)
        fields["children"] = [self.usage(child) for child in block.fields.get("children", ())]
        return {"usage": self.usage(key), "fields": fields}

    def walk(self, structure: dict) -> int:
        """Everything from the root on: keys, names, keys of children. No content."""
        blocks, seen, left = structure["blocks"], 0, [BlockKey(*structure["root"])]
        while left:
            key = left.pop()
            block = blocks.get(key)
            if block is None:
                continue
            self.usage(key)
            block.fields.get("display_name")
            children = block.fields.get("children", ())
            for child in children:
                self.usage(child)
            left.extend(reversed(children))
            seen += 1
        return seen

    def version(self, structure: dict) -> dict:
        """Makes the next structure: a copy of the whole."""
        new = copy.deepcopy(structure)
        new["_id"], new["previous_version"] = ObjectId(), structure["_id"]
        new["edited_by"], new["edited_on"] = 7, datetime.datetime.now(datetime.UTC)
        return new

    @staticmethod
    def version_block(structure: dict, block: BlockData) -> None:
        info = block.edit_info
        info.edited_on, info.edited_by = structure["edited_on"], 7
        info.previous_version, info.update_version = info.update_version, structure["_id"]

    def edit(self) -> bytes:
        new = self.version(open_structure(self.draft))
        block = new["blocks"][self.leaf]
        block.fields["display_name"] = "Changed"
        self.version_block(new, block)
        return to_storable(new)

    def publish(self) -> bytes:
        draft, new = open_structure(self.draft), self.version(open_structure(self.published))
        left = [self.unit]
        while left:
            key = left.pop()
            old, block = new["blocks"].get(key), copy.deepcopy(draft["blocks"][key])
            block.edit_info.source_version = block.edit_info.source_version or block.edit_info.update_version
            if old is not None:
                block.edit_info.update_version = old.edit_info.update_version
            self.version_block(new, block)
            new["blocks"][key] = block
            left.extend(block.fields.get("children", ()))
        return to_storable(new)


SIZES = ("001000", "010000", "100000")


def split_rounds(folder: str, each: Callable) -> dict:
    """The rounds for each size of course; its dump, which lies in the folder by then, is loaded with the first."""

    @functools.cache
    def course(size: str) -> Course:
        return Course(os.path.join(folder, size, "dump"))

    @functools.cache
    def held(size: str) -> dict:
        return open_structure(course(size).draft)

    def read(size: str) -> dict:
        return course(size).read_block(open_structure(course(size).draft), course(size).leaf)

    def every(size: str) -> None:
        structure = open_structure(course(size).draft)
        for key in structure["blocks"]:
            course(size).read_block(structure, key)

    works = {
        "open": lambda size: open_structure(course(size).draft),
        "read": read,
        "walk": lambda size: course(size).walk(held(size)),
        "request": lambda size: course(size).walk(open_structure(course(size).draft)),
        "every": every,
        "edit": lambda size: course(size).edit(),
        "publish": lambda size: course(size).publish(),
    }

    def round_of(work: Callable[[str], object], size: str) -> Callable[[], float]:
        def measured() -> float:
            held(size)
            return each(1, lambda: work(size))

        return measured

    return {f"split_{name}_{size}": round_of(work, size) for name, work in works.items() for size in SIZES}
