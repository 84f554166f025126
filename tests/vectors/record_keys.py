"""Records what edx-opaque-keys and edx-ccx-keys do with random texts and arguments, in the format of keys.json.

    pip install edx-opaque-keys==4.0.1 edx-ccx-keys==2.1.0      # Python 3.12
    python record_keys.py SEED COUNT > keys-random.json

COUNT is the number of texts; the other lists grow with it.
"""

import json
import random
import string
import sys
import unicodedata
import uuid
import warnings

import bson
from ccx_keys import locator as ccx
from opaque_keys import OpaqueKey
from opaque_keys.edx import asides, block_types, keys, locations, locator

warnings.simplefilter("ignore")

KINDS = {
    "course_key": keys.CourseKey,
    "learning_context_key": keys.LearningContextKey,
    "usage_key": keys.UsageKey,
    "usage_key_v2": keys.UsageKeyV2,
    "aside_usage_key": keys.AsideUsageKey,
    "definition_key": keys.DefinitionKey,
    "aside_definition_key": keys.AsideDefinitionKey,
    "asset_key": keys.AssetKey,
    "block_type_key": keys.BlockTypeKey,
    "collection_key": keys.CollectionKey,
    "container_key": keys.ContainerKey,
}
CLASSES = {
    cls.__name__: cls
    for cls in [
        locator.CourseLocator,
        locator.LibraryLocator,
        locator.LibraryLocatorV2,
        ccx.CCXLocator,
        locator.BlockUsageLocator,
        locator.LibraryUsageLocator,
        locator.LibraryUsageLocatorV2,
        locations.DeprecatedLocation,
        ccx.CCXBlockUsageLocator,
        asides.AsideUsageKeyV1,
        asides.AsideUsageKeyV2,
        locator.DefinitionLocator,
        locator.BundleDefinitionLocator,
        asides.AsideDefinitionKeyV1,
        asides.AsideDefinitionKeyV2,
        locator.AssetLocator,
        block_types.BlockTypeKeyV1,
        locator.LibraryCollectionLocator,
        locator.LibraryContainerLocator,
    ]
}
FAMILY = {
    "context_key": keys.LearningContextKey,
    "usage_key": keys.UsageKey,
    "definition_key": keys.DefinitionKey,
    "asset_key": keys.AssetKey,
    "block_type": keys.BlockTypeKey,
    "collection_key": keys.CollectionKey,
    "container_key": keys.ContainerKey,
}
GUID = "519665f6223ebd6980884f2b"
UUID = "22222222-2222-2222-2222-222222222222"
CONTEXT = ["org", "course", "run", "branch", "version_guid"]
BLOCK = CONTEXT + [
    "block_type",
    "block_id",
    "course_key",
    "context_key",
    "definition_key",
    "deprecated",
    "offering",
    "version",
    "name",
    "category",
    "revision",
    "is_course",
    "library_key",
]
ASIDE = ["aside_type", "block_id", "block_type", "course_key", "context_key", "definition_key", "deprecated", "org"]
PROPERTIES = {
    "CourseLocator": CONTEXT + ["is_course", "offering", "deprecated", "version", "library"],
    "CCXLocator": CONTEXT + ["is_course", "offering", "deprecated", "ccx"],
    "LibraryLocator": CONTEXT + ["library", "is_course", "deprecated", "version", "offering"],
    "LibraryLocatorV2": ["org", "slug", "is_course", "deprecated", "branch", "course"],
    "BlockUsageLocator": BLOCK,
    "CCXBlockUsageLocator": BLOCK + ["ccx"],
    "LibraryUsageLocator": BLOCK,
    "DeprecatedLocation": BLOCK,
    "LibraryUsageLocatorV2": [
        "block_type",
        "block_id",
        "usage_id",
        "context_key",
        "course_key",
        "definition_key",
        "deprecated",
        "lib_key",
        "org",
    ],
    "AssetLocator": BLOCK + ["asset_type", "path", "tag"],
    "DefinitionLocator": ["definition_id", "block_type", "version", "deprecated", "org"],
    "BundleDefinitionLocator": ["bundle_uuid", "block_type", "olx_path", "bundle_version", "draft_name", "deprecated"],
    "AsideUsageKeyV1": ASIDE,
    "AsideUsageKeyV2": ASIDE,
    "AsideDefinitionKeyV1": ["aside_type", "block_type", "deprecated", "block_id"],
    "AsideDefinitionKeyV2": ["aside_type", "block_type", "deprecated", "block_id"],
    "BlockTypeKeyV1": ["block_family", "block_type", "deprecated"],
    "LibraryCollectionLocator": ["org", "collection_id", "context_key", "deprecated", "slug"],
    "LibraryContainerLocator": ["org", "container_type", "container_id", "context_key", "deprecated", "slug"],
}
ODD = "éß²½٣Ⅰⅷ〇Курс実行\u0301\u093e\u200d\u203f\u24b6😀\u0660ªµʰ"


def encode_key(key):
    out = {"type": type(key).__name__, "deprecated": key.deprecated}
    same = False
    try:
        out["str"] = str(key)
        try:
            # An asset key is registered with assets, but takes itself for a usage.
            family = keys.AssetKey if isinstance(key, keys.AssetKey) else FAMILY[key.KEY_TYPE]
            same = family.from_string(out["str"]) == key
        except Exception:
            same = False
    except Exception as error:
        out["str"] = None
        out["str_error"] = type(error).__name__
    if not same:
        out["fields"] = {name: encode(getattr(key, name)) for name in key.KEY_FIELDS}
    return {"$key": out}


def encode(value):
    if isinstance(value, OpaqueKey):
        return encode_key(value)
    if isinstance(value, bson.ObjectId):
        return {"$oid": str(value)}
    if isinstance(value, uuid.UUID):
        return {"$uuid": str(value)}
    if isinstance(value, locator.LocalId):
        return {"$local_id": value.block_id}
    if isinstance(value, dict):
        return {name: encode(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.nested = False

    def chance(self, p):
        return self.r.random() < p

    def word(self):
        r = self.r
        p = r.random()
        if p < 0.62:
            return "".join(r.choice(string.ascii_letters + string.digits + "_-.") for _ in range(r.randint(1, 6)))
        if p < 0.70:
            return "".join(r.choice(string.ascii_letters + "_-.:~%") for _ in range(r.randint(1, 5)))
        if p < 0.78:
            return "".join(r.choice(ODD + "ab_") for _ in range(r.randint(1, 4)))
        if p < 0.86:
            return r.choice(
                [
                    "None",
                    "library",
                    "draft-branch",
                    "branch",
                    "type",
                    "version",
                    "block",
                    "problem",
                    "ccx",
                    "localid_x",
                    "05",
                    "12",
                    "0",
                    "xblock.v1",
                    "xmodule.v1",
                    "unit",
                    "::",
                    "$",
                    "a$:b",
                    ":",
                ]
            )
        if p < 0.93:
            return "".join(r.choice("ab:$") for _ in range(r.randint(1, 6)))
        if p < 0.97:
            return r.choice(["", " ", "a b", "a\n", "\n", "a/b", "a@b", "a+b", "a%20b", "a\tb"])
        return "".join(chr(r.choice([r.randrange(0x20, 0x250), r.randrange(0x300, 0x3100)])) for _ in range(2))

    def guid(self):
        r = self.r
        text = "".join(r.choice("0123456789abcdef") for _ in range(24))
        p = r.random()
        if p < 0.7:
            return GUID
        if p < 0.85:
            return text
        return r.choice([text.upper(), text[:-1], text + "0", "", "xyz", "519665f6223ebd6980884f "])

    def course_part(self, ci=False, parts=None):
        r = self.r
        out = []
        n = parts if parts is not None else r.choice([3, 3, 3, 3, 3, 2, 0, 1, 4])
        out += [self.word() for _ in range(n)]
        if self.chance(0.3):
            out.append(self.tag("branch", ci) + self.word())
        if self.chance(0.3 if n == 3 else 0.7):
            out.append(self.tag("version", ci) + self.guid())
        return out

    def tag(self, name, ci):
        if ci and self.chance(0.3):
            name = "".join(self.r.choice([c, c.upper()]) for c in name)
            if self.chance(0.2):
                name = name.replace("s", "ſ").replace("k", "\u212a").replace("i", "ı")
        return name + "@"

    def block_part(self, ci=False):
        out = []
        if self.chance(0.85):
            out.append(self.tag("type", ci) + self.word())
        if self.chance(0.9):
            out.append(self.tag("block", ci) + self.word())
        return out

    def text(self, depth=0):
        r = self.r
        p = r.randrange(22)
        if p == 0:
            return r.choice(["course-v1:", "slashes:"]) + self.plus(
                self.course_part() + (self.block_part() if self.chance(0.1) else [])
            )
        if p == 1:
            return "/".join(self.word() for _ in range(r.choice([3, 3, 3, 3, 2, 4])))
        if p == 2:
            return "library-v1:" + self.plus(self.course_part(parts=r.choice([2, 2, 2, 3, 1, 0])))
        if p == 3:
            return "lib:" + ":".join(self.word() for _ in range(r.choice([2, 2, 2, 2, 1, 3])))
        if p == 4:
            return "ccx-v1:" + self.ccx(False)
        if p in (5, 6):
            return "block-v1:" + self.plus(self.course_part() + self.block_part())
        if p == 7:
            return "lib-block-v1:" + self.plus(self.course_part(parts=r.choice([2, 2, 2, 3, 0])) + self.block_part())
        if p == 8:
            return "lb:" + ":".join(self.word() for _ in range(r.choice([4, 4, 4, 4, 3, 5])))
        if p == 9:
            return "location:" + "+".join(self.word() for _ in range(r.choice([5, 5, 5, 4, 6])))
        if p == 10:
            return "ccx-block-v1:" + self.ccx(True)
        if p in (11, 12):
            rev = "@" + self.word() if self.chance(0.3) else ""
            return (
                r.choice(["i4x://", "i4x://", "/c4x/", "/c4x/", "i4x:/", "c4x/"])
                + "/".join(self.word() for _ in range(r.choice([4, 4, 4, 3, 5])))
                + rev
            )
        if p == 13:
            return "asset-v1:" + self.plus(self.course_part() + self.block_part())
        if p == 14:
            return "def-v1:" + self.guid() + r.choice(["+type@"] * 5 + ["+", "+TYPE@", ""]) + self.word()
        if p == 15:
            uid = r.choice([UUID] * 5 + [UUID.replace("-", ""), "nope", UUID.replace("2", "A"), UUID.replace("2", "a")])
            state = r.choice([self.word(), str(r.randrange(10)), "05", "²", "٣", "½", "-1", "a b", "", "9" * 25, "1²"])
            return "bundle-olx:" + ":".join(
                [uid, state, self.word(), r.choice([self.word(), "p/x.xml", "a/../b", "x\n"])]
            )
        if p == 16:
            return r.choice(["block-type-v1:", ""]) + ":".join(self.word() for _ in range(r.choice([1, 2, 3])))
        if p == 17:
            return "lib-collection:" + ":".join(self.word() for _ in range(r.choice([3, 3, 3, 2, 4])))
        if p == 18:
            return "lct:" + ":".join(self.word() for _ in range(r.choice([4, 4, 4, 3, 5])))
        namespace = r.choice(["aside-usage-v1", "aside-usage-v2", "aside-def-v1", "aside-def-v2"])
        inner = self.text(depth + 1) if depth < 3 else self.word()
        if not self.nested and self.chance(0.75):
            self.nested = self.chance(0.8)
            inner = str(self.of(keys.UsageKey if "usage" in namespace else keys.DefinitionKey))
            self.nested = False
        aside = self.word()
        if self.chance(0.85):
            if namespace.endswith("v2"):
                enc = lambda t: t.replace("$", "$$").replace(":", "$:")
            else:
                enc = lambda t: t.replace("$", "$$").replace("::", "$::")
            inner, aside = enc(inner), enc(aside)
        return namespace + ":" + inner + r.choice(["::"] * 6 + ["", ":"]) + aside

    def plus(self, parts):
        if self.chance(0.03):
            self.r.shuffle(parts)
        text = "+".join(parts)
        if self.chance(0.02):
            text += self.r.choice(["+", "\n", " ", "++x"])
        return text

    def ccx(self, block):
        number = self.r.choice(["1", "007", "٣1", "10", "x", "", "²"])
        course = self.course_part(ci=True)
        return self.plus(
            course + [self.tag("ccx", True) + number] + (self.block_part(True) if block or self.chance(0.05) else [])
        )

    def mutated(self):
        text = self.text()
        if self.chance(0.12) and text:
            at = self.r.randrange(len(text))
            text = self.r.choice(
                [
                    text[:at] + text[at + 1 :],
                    text[:at] + self.r.choice("+@:/%~$ \né²") + text[at:],
                    text.upper(),
                    text.swapcase(),
                    text[at:],
                ]
            )
        return text

    def key(self):
        """A random valid key."""
        while True:
            text = self.mutated()
            for family in self.r.sample(list(FAMILY.values()), len(FAMILY)):
                if family is keys.BlockTypeKey and self.chance(0.9):
                    continue
                try:
                    return family.from_string(text)
                except Exception:
                    continue

    def context(self):
        fixed = [
            locator.CourseLocator("OtherOrg", "Crs", "2030"),
            locator.CourseLocator("Old", "C", "R", deprecated=True),
            locator.LibraryLocator("LOrg", "LLib"),
            locator.LibraryLocatorV2("Org", "slug"),
            ccx.CCXLocator(org="o", course="c", run="r", ccx="5"),
            locator.CourseLocator(version_guid=GUID),
            locator.CourseLocator("Old", "C", None, deprecated=True),
            locator.CourseLocator("o", "c", "r", "b", GUID),
            locator.LibraryLocator("o", "l", "b", GUID),
        ]
        if self.chance(0.7):
            return self.r.choice(fixed)
        while True:
            try:
                return keys.LearningContextKey.from_string(self.mutated())
            except Exception:
                continue

    def value(self, name):
        r = self.r
        if self.chance(0.06):
            return None
        if self.chance(0.03):
            return r.choice([5, 0, -3])
        if name in ("course_key", "library_key", "context"):
            return self.context()
        if name == "lib_key":
            return r.choice([locator.LibraryLocatorV2("o", "s")] * 5 + [self.context()])
        if name in ("version_guid", "version"):
            return r.choice([GUID, self.guid(), bson.ObjectId(GUID)])
        if name == "definition_id":
            return r.choice([GUID, self.guid(), bson.ObjectId(GUID), locator.LocalId("x")])
        if name in ("block_id", "aside_type") and self.chance(0.05):
            return locator.LocalId("x")
        if name == "usage_key":
            return r.choice([self.key(), "str"]) if self.chance(0.2) else self.of(keys.UsageKey)
        if name == "definition_key":
            return r.choice([self.key(), "str"]) if self.chance(0.2) else self.of(keys.DefinitionKey)
        if name == "bundle_uuid":
            return r.choice([UUID, UUID, uuid.UUID(UUID), UUID.replace("-", ""), "nope", UUID.upper()])
        if name == "ccx":
            return r.choice(["1", "007", 1, "x", ""])
        if name == "run" and self.chance(0.2):
            return "library"
        if name == "offering":
            return r.choice(["c/r", "c", "c/r/x", "", None])
        return self.word()

    def of(self, family):
        while True:
            try:
                return family.from_string(self.mutated())
            except Exception:
                continue


def attempt(call):
    try:
        return {"result": encode(call())}
    except Exception as error:
        return {"error": type(error).__name__}


REPLACE = {
    "CourseLocator": CONTEXT,
    "CCXLocator": CONTEXT + ["ccx"],
    "LibraryLocator": ["org", "library", "branch", "version_guid", "run", "course"],
    "LibraryLocatorV2": ["org", "slug"],
    "BlockUsageLocator": CONTEXT + ["course_key", "block_type", "block_id", "name", "category", "revision", "version"],
    "LibraryUsageLocator": [
        "org",
        "library",
        "branch",
        "version",
        "version_guid",
        "library_key",
        "course_key",
        "block_type",
        "block_id",
        "name",
        "category",
        "run",
        "revision",
    ],
    "LibraryUsageLocatorV2": ["lib_key", "block_type", "usage_id", "block_id"],
    "DefinitionLocator": ["definition_id", "block_type"],
    "BundleDefinitionLocator": ["block_type", "olx_path", "bundle_uuid"],
    "AsideUsageKeyV1": ["usage_key", "aside_type", "block_id", "block_type", "course_key"],
    "AsideDefinitionKeyV1": ["definition_key", "aside_type", "block_type"],
    "BlockTypeKeyV1": ["block_family", "block_type"],
    "LibraryCollectionLocator": ["collection_id", "lib_key"],
    "LibraryContainerLocator": ["container_id", "container_type", "lib_key"],
}
REPLACE["CCXBlockUsageLocator"] = REPLACE["BlockUsageLocator"] + ["ccx"]
REPLACE["AssetLocator"] = REPLACE["BlockUsageLocator"] + ["path", "asset_type"]
REPLACE["DeprecatedLocation"] = REPLACE["BlockUsageLocator"]
REPLACE["AsideUsageKeyV2"] = REPLACE["AsideUsageKeyV1"]
REPLACE["AsideDefinitionKeyV2"] = REPLACE["AsideDefinitionKeyV1"]


def conversions(gen, key):
    out = []

    def op(name, /, *args, **kwargs):
        record = {"op": name}
        if args:
            record["args"] = encode(args)
        if kwargs:
            record["kwargs"] = encode(kwargs)
        record.update(attempt(lambda: getattr(key, name)(*args, **kwargs)))
        out.append(record)

    kind = type(key).__name__
    for name in gen.r.sample(
        [
            "version_agnostic",
            "course_agnostic",
            "html_id",
            "to_course_locator",
            "to_block_locator",
            "to_deprecated_son",
            "to_deprecated_list_repr",
        ],
        4,
    ):
        op(name)
    op("for_branch", gen.r.choice([None, "draft-branch", gen.word()]))
    op("for_version", gen.r.choice([None, GUID, gen.guid()]))
    op("make_usage_key", gen.word(), gen.word()) if hasattr(key, "make_usage_key") else None
    op("make_asset_key", gen.word(), gen.word()) if hasattr(key, "make_asset_key") else None
    op("map_into_course", gen.context())
    if hasattr(key, "context_key") and gen.chance(0.3):
        try:
            op("map_into_course", key.context_key)
        except Exception:
            pass
    for _ in range(2):
        names = gen.r.sample(REPLACE[kind], gen.r.choice([1, 1, 1, 2]))
        kwargs = {name: gen.value(name) for name in names}
        if gen.chance(0.1):
            kwargs = {name: getattr(key, name, "x") for name in names}
        if gen.chance(0.04):
            kwargs["bogus"] = 1
        op("replace", **kwargs)
    return out


def case(gen, number):
    text = gen.mutated()
    kind = gen.r.choice(list(KINDS) + ["class:" + name for name in CLASSES])
    # Mostly ask for what the text is.
    if gen.chance(0.8):
        for name in gen.r.sample(list(KINDS), len(KINDS)):
            try:
                if name != "block_type_key":
                    KINDS[name].from_string(text)
                    kind = name
                    break
            except Exception:
                pass
    cls = KINDS.get(kind) or CLASSES[kind.split(":")[1]]
    out = {"id": f"r{number:05}", "kind": kind, "input": text}
    try:
        key = cls.from_string(text)
    except Exception as error:
        return {**out, "valid": False, "error": type(error).__name__}
    out.update(
        valid=True,
        type=type(key).__name__,
        deprecated=key.deprecated,
        fields={name: encode(getattr(key, name)) for name in key.KEY_FIELDS},
    )
    canonical = str(key)
    again = None
    try:
        again = cls.from_string(canonical)
        reparse = "equal" if again == key else "different"
    except Exception as error:
        reparse = "error:" + type(error).__name__
    out.update(canonical=canonical, reparse=reparse, input_is_canonical=canonical == text)
    if reparse == "different":
        out["reparsed_key"] = encode(again)
    properties = {}
    for name in PROPERTIES[type(key).__name__]:
        try:
            properties[name] = encode(getattr(key, name))
        except Exception as error:
            properties[name] = {"$error": type(error).__name__}
    out["properties"] = properties
    out["conversions"] = conversions(gen, key)
    return out


PARAMETERS = {
    "CourseLocator": (["org", "course", "run", "branch", "version_guid"], 2, ["deprecated", "offering", "bogus"]),
    "CCXLocator": ([], 0, ["org", "course", "run", "branch", "version_guid", "ccx", "deprecated"]),
    "LibraryLocator": (["org", "library", "branch", "version_guid"], 1, ["course", "run", "deprecated", "offering"]),
    "LibraryLocatorV2": (["org", "slug"], 2, []),
    "BlockUsageLocator": (["course_key", "block_type", "block_id"], 3, ["deprecated", "bogus"]),
    "CCXBlockUsageLocator": (["course_key", "block_type", "block_id"], 3, ["deprecated"]),
    "LibraryUsageLocator": (["library_key", "block_type", "block_id"], 3, ["deprecated"]),
    "DeprecatedLocation": (["course_key", "block_type", "block_id"], 3, []),
    "AssetLocator": (["course_key", "block_type", "block_id"], 3, ["deprecated"]),
    "LibraryUsageLocatorV2": (["lib_key", "block_type", "usage_id"], 3, []),
    "AsideUsageKeyV1": (["usage_key", "aside_type"], 2, []),
    "AsideUsageKeyV2": (["usage_key", "aside_type"], 2, []),
    "AsideDefinitionKeyV1": (["definition_key", "aside_type"], 2, []),
    "AsideDefinitionKeyV2": (["definition_key", "aside_type"], 2, []),
    "DefinitionLocator": (["block_type", "definition_id"], 2, []),
    "BundleDefinitionLocator": (
        ["bundle_uuid", "block_type", "olx_path"],
        3,
        ["bundle_version", "draft_name", "_version_or_draft"],
    ),
    "BlockTypeKeyV1": (["block_family", "block_type"], 2, []),
    "LibraryCollectionLocator": (["lib_key", "collection_id"], 2, []),
    "LibraryContainerLocator": (["lib_key", "container_type", "container_id"], 3, []),
}


def constructor(gen, number):
    name = gen.r.choice(list(CLASSES))
    positional, least, named = PARAMETERS[name]
    count = gen.r.randint(least, len(positional)) if not gen.chance(0.03) else gen.r.randint(0, len(positional))
    args = [gen.value(parameter) for parameter in positional[:count]]
    kwargs = {}
    if name == "CCXLocator":
        for parameter in named[:-1]:
            if gen.chance(0.9 if parameter in ("org", "course", "run", "ccx") else 0.2):
                kwargs[parameter] = gen.value(parameter)
        if gen.chance(0.1):
            kwargs["deprecated"] = True
    elif name == "BundleDefinitionLocator":
        chosen = gen.r.sample(named, gen.r.choice([0, 1, 1, 1, 1, 1, 2]))
        for parameter in chosen:
            kwargs[parameter] = {
                "bundle_version": gen.r.choice([1, 5, "5", None]),
                "draft_name": gen.r.choice(["d", "12", "", "²", gen.word()]),
                "_version_or_draft": gen.r.choice([1, "d", "", "12", gen.word()]),
            }[parameter]
    else:
        for parameter in positional[count:] + named:
            if gen.chance(0.12):
                kwargs[parameter] = gen.chance(0.7) if parameter == "deprecated" else gen.value(parameter)
    out = {"id": f"rc{number:05}", "class": name}
    if args:
        out["args"] = encode(args)
    if kwargs:
        out["kwargs"] = encode(kwargs)
    out.update(attempt(lambda: CLASSES[name](*args, **kwargs)))
    return out


def compare(gen, number):
    left = gen.key()
    right = gen.key()
    if gen.chance(0.85):
        for _ in range(20):
            other = gen.r.choice(REPLACE[type(left).__name__])
            try:
                right = left.replace(**{other: gen.value(other)})
                break
            except Exception:
                right = left
    out = {
        "id": f"re{number:05}",
        "left": encode(left),
        "right": encode(right),
        "eq": left == right,
        "same_hash": hash(left) == hash(right),
    }
    for name, call in [
        ("lt", lambda: left < right),
        ("gt", lambda: left > right),
        ("le", lambda: left <= right),
        ("ge", lambda: left >= right),
    ]:
        try:
            out[name] = call()
        except Exception as error:
            out[name] = {"error": type(error).__name__}
    return out


def clean(gen, number):
    name = gen.r.choice(["clean", "clean_keeping_underscores", "clean_for_url_name", "clean_for_html"])
    text = "".join(gen.word() + gen.r.choice(["", " ", "_", "/", "\n", "😀"]) for _ in range(gen.r.randint(0, 4)))
    return {"id": f"rf{number:05}", "fn": name, "input": text, "output": getattr(locator.BlockUsageLocator, name)(text)}


def word_char(gen, number):
    c = None
    while c is None or unicodedata.category(c) in ("Cs", "Co"):
        c = chr(gen.r.choice([gen.r.randrange(0x3000), gen.r.randrange(0x20000), gen.r.randrange(0x110000)]))
    return {
        "id": f"rw{number:05}",
        "char": c,
        "codepoint": f"U+{ord(c):04X}",
        "category": unicodedata.category(c),
        "word": locator.BlockUsageLocator.clean_for_html(c) == c and c != "-",
        "isdigit": c.isdigit(),
        "isdecimal": c.isdecimal(),
        "isnumeric": c.isnumeric(),
        "isalpha": c.isalpha(),
    }


def has_local(value):
    return "$local_id" in json.dumps(value)


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    gen = Gen(seed)
    made = {
        "cases": [case(gen, n) for n in range(count)],
        "constructor_cases": [constructor(gen, n) for n in range(count // 2)],
        # Placeholder ids are equal only to themselves, which a file cannot say.
        "compare_cases": [c for c in (compare(gen, n) for n in range(count // 6)) if not has_local(c)],
        "clean_cases": [clean(gen, n) for n in range(count // 10)],
        "word_char_cases": [word_char(gen, n) for n in range(count // 10)],
    }
    meta = {
        "recorded_by": f"record_keys.py {seed} {count}",
        "python": sys.version.split()[0],
        "edx-opaque-keys": "4.0.1",
        "edx-ccx-keys": "2.1.0",
    }
    json.dump({"meta": meta, **made}, sys.stdout, ensure_ascii=False, indent=0)
    print()


if __name__ == "__main__":
    main()
