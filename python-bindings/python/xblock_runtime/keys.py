"""Opaque keys: the identities of courses, libraries, blocks, definitions and assets.

The classes, attributes and methods have the names that code written for ``opaque_keys.edx`` knows, and mean the same;
``docs/differences.md`` lists what differs. Keys are immutable, hashable, ordered, and can be copied and pickled.

>>> from xblock_runtime.keys import UsageKey
>>> key = UsageKey.from_string("block-v1:OrgX+CS101+2024+type@html+block@intro")
>>> key.block_type, key.block_id, str(key.course_key)
('html', 'intro', 'course-v1:OrgX+CS101+2024')
"""

from xblock_runtime._native import (
    AsideDefinitionKey,
    AsideDefinitionKeyV1,
    AsideDefinitionKeyV2,
    AsideUsageKey,
    AsideUsageKeyV1,
    AsideUsageKeyV2,
    AssetKey,
    AssetLocator,
    BlockTypeKey,
    BlockTypeKeyV1,
    BlockUsageLocator,
    BundleDefinitionLocator,
    CCXBlockUsageLocator,
    CCXLocator,
    CollectionKey,
    ContainerKey,
    CourseKey,
    CourseLocator,
    DefinitionKey,
    DefinitionLocator,
    DeprecatedLocation,
    LearningContextKey,
    LibraryCollectionLocator,
    LibraryContainerLocator,
    LibraryLocator,
    LibraryLocatorV2,
    LibraryUsageLocator,
    LibraryUsageLocatorV2,
    OpaqueKey,
    UsageKey,
    UsageKeyV2,
)
from xblock_runtime.exceptions import InvalidKey as InvalidKeyError

__all__ = [
    "AsideDefinitionKey",
    "AsideDefinitionKeyV1",
    "AsideDefinitionKeyV2",
    "AsideUsageKey",
    "AsideUsageKeyV1",
    "AsideUsageKeyV2",
    "AssetKey",
    "AssetLocator",
    "BlockTypeKey",
    "BlockTypeKeyV1",
    "BlockUsageLocator",
    "BundleDefinitionLocator",
    "CCXBlockUsageLocator",
    "CCXLocator",
    "CollectionKey",
    "ContainerKey",
    "CourseKey",
    "CourseLocator",
    "DefinitionKey",
    "DefinitionLocator",
    "DeprecatedLocation",
    "InvalidKeyError",
    "LearningContextKey",
    "LibraryCollectionLocator",
    "LibraryContainerLocator",
    "LibraryLocator",
    "LibraryLocatorV2",
    "LibraryUsageLocator",
    "LibraryUsageLocatorV2",
    "OpaqueKey",
    "UsageKey",
    "UsageKeyV2",
]
