//! The families of keys, and the Python classes of which each is made up.

/// A family of keys (`KEY_TYPE`): what a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyFamily {
    /// Learning contexts.
    Context,
    /// Usages.
    Usage,
    /// Definitions.
    Definition,
    /// Assets.
    Asset,
    /// Block types.
    BlockType,
    /// Collections.
    Collection,
    /// Containers.
    Container,
}

impl KeyFamily {
    /// Returns the name of the Python class that stands for the family.
    pub const fn name(self) -> &'static str {
        match self {
            KeyFamily::Context => "LearningContextKey",
            KeyFamily::Usage => "UsageKey",
            KeyFamily::Definition => "DefinitionKey",
            KeyFamily::Asset => "AssetKey",
            KeyFamily::BlockType => "BlockTypeKey",
            KeyFamily::Collection => "CollectionKey",
            KeyFamily::Container => "ContainerKey",
        }
    }
}

/// A concrete class of keys, under its Python name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the Python classes, described in `name`")]
pub enum KeyClass {
    CourseLocator,
    LibraryLocator,
    LibraryLocatorV2,
    CcxLocator,
    BlockUsageLocator,
    LibraryUsageLocator,
    LibraryUsageLocatorV2,
    DeprecatedLocation,
    CcxBlockUsageLocator,
    AsideUsageKeyV1,
    AsideUsageKeyV2,
    DefinitionLocator,
    BundleDefinitionLocator,
    AsideDefinitionKeyV1,
    AsideDefinitionKeyV2,
    AssetLocator,
    BlockTypeKeyV1,
    LibraryCollectionLocator,
    LibraryContainerLocator,
}

use KeyClass::{
    AsideDefinitionKeyV1, AsideDefinitionKeyV2, AsideUsageKeyV1, AsideUsageKeyV2, AssetLocator,
    BlockTypeKeyV1, BlockUsageLocator, BundleDefinitionLocator, CcxBlockUsageLocator, CcxLocator,
    CourseLocator, DefinitionLocator, DeprecatedLocation, LibraryCollectionLocator, LibraryContainerLocator,
    LibraryLocator, LibraryLocatorV2, LibraryUsageLocator, LibraryUsageLocatorV2,
};

impl KeyClass {
    /// All classes.
    pub const ALL: [KeyClass; 19] = [
        CourseLocator,
        LibraryLocator,
        LibraryLocatorV2,
        CcxLocator,
        BlockUsageLocator,
        LibraryUsageLocator,
        LibraryUsageLocatorV2,
        DeprecatedLocation,
        CcxBlockUsageLocator,
        AsideUsageKeyV1,
        AsideUsageKeyV2,
        DefinitionLocator,
        BundleDefinitionLocator,
        AsideDefinitionKeyV1,
        AsideDefinitionKeyV2,
        AssetLocator,
        BlockTypeKeyV1,
        LibraryCollectionLocator,
        LibraryContainerLocator,
    ];

    /// Returns the name of the Python class.
    pub const fn name(self) -> &'static str {
        match self {
            CourseLocator => "CourseLocator",
            LibraryLocator => "LibraryLocator",
            LibraryLocatorV2 => "LibraryLocatorV2",
            CcxLocator => "CCXLocator",
            BlockUsageLocator => "BlockUsageLocator",
            LibraryUsageLocator => "LibraryUsageLocator",
            LibraryUsageLocatorV2 => "LibraryUsageLocatorV2",
            DeprecatedLocation => "DeprecatedLocation",
            CcxBlockUsageLocator => "CCXBlockUsageLocator",
            AsideUsageKeyV1 => "AsideUsageKeyV1",
            AsideUsageKeyV2 => "AsideUsageKeyV2",
            DefinitionLocator => "DefinitionLocator",
            BundleDefinitionLocator => "BundleDefinitionLocator",
            AsideDefinitionKeyV1 => "AsideDefinitionKeyV1",
            AsideDefinitionKeyV2 => "AsideDefinitionKeyV2",
            AssetLocator => "AssetLocator",
            BlockTypeKeyV1 => "BlockTypeKeyV1",
            LibraryCollectionLocator => "LibraryCollectionLocator",
            LibraryContainerLocator => "LibraryContainerLocator",
        }
    }

    /// Finds a class by the name of the Python class.
    pub fn by_name(name: &str) -> Option<KeyClass> {
        KeyClass::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Returns the family the class is registered with.
    pub const fn family(self) -> KeyFamily {
        match self {
            CourseLocator | LibraryLocator | LibraryLocatorV2 | CcxLocator => KeyFamily::Context,
            BlockUsageLocator
            | LibraryUsageLocator
            | LibraryUsageLocatorV2
            | DeprecatedLocation
            | CcxBlockUsageLocator
            | AsideUsageKeyV1
            | AsideUsageKeyV2 => KeyFamily::Usage,
            DefinitionLocator | BundleDefinitionLocator | AsideDefinitionKeyV1 | AsideDefinitionKeyV2 => {
                KeyFamily::Definition
            }
            AssetLocator => KeyFamily::Asset,
            BlockTypeKeyV1 => KeyFamily::BlockType,
            LibraryCollectionLocator => KeyFamily::Collection,
            LibraryContainerLocator => KeyFamily::Container,
        }
    }

    /// Finds the class registered for a namespace in a family.
    pub(crate) fn by_namespace(family: KeyFamily, namespace: &str) -> Option<KeyClass> {
        Some(match (family, namespace) {
            (KeyFamily::Context, "course-v1" | "slashes") => CourseLocator,
            (KeyFamily::Context, "library-v1") => LibraryLocator,
            (KeyFamily::Context, "lib") => LibraryLocatorV2,
            (KeyFamily::Context, "ccx-v1") => CcxLocator,
            (KeyFamily::Usage, "block-v1") => BlockUsageLocator,
            (KeyFamily::Usage, "lib-block-v1") => LibraryUsageLocator,
            (KeyFamily::Usage, "lb") => LibraryUsageLocatorV2,
            (KeyFamily::Usage, "location") => DeprecatedLocation,
            (KeyFamily::Usage, "ccx-block-v1") => CcxBlockUsageLocator,
            (KeyFamily::Usage, "aside-usage-v1") => AsideUsageKeyV1,
            (KeyFamily::Usage, "aside-usage-v2") => AsideUsageKeyV2,
            (KeyFamily::Definition, "def-v1") => DefinitionLocator,
            (KeyFamily::Definition, "bundle-olx") => BundleDefinitionLocator,
            (KeyFamily::Definition, "aside-def-v1") => AsideDefinitionKeyV1,
            (KeyFamily::Definition, "aside-def-v2") => AsideDefinitionKeyV2,
            (KeyFamily::Asset, "asset-v1") => AssetLocator,
            (KeyFamily::BlockType, "block-type-v1") => BlockTypeKeyV1,
            (KeyFamily::Collection, "lib-collection") => LibraryCollectionLocator,
            (KeyFamily::Container, "lct") => LibraryContainerLocator,
            _ => return None,
        })
    }
}

/// What a text is to be read as: the class on which Python's `from_string` is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Any key of a family.
    Family(KeyFamily),
    /// `CourseKey`: a course, custom course or modulestore library.
    Course,
    /// `UsageKeyV2`: a block of a library of the second generation.
    UsageV2,
    /// `AsideUsageKey`: an aside's usage.
    AsideUsage,
    /// `AsideDefinitionKey`: an aside's definition.
    AsideDefinition,
    /// One class, with what Python derives from it.
    Class(KeyClass),
}

impl KeyKind {
    /// Returns the name of the Python class.
    pub const fn name(self) -> &'static str {
        match self {
            KeyKind::Family(family) => family.name(),
            KeyKind::Course => "CourseKey",
            KeyKind::UsageV2 => "UsageKeyV2",
            KeyKind::AsideUsage => "AsideUsageKey",
            KeyKind::AsideDefinition => "AsideDefinitionKey",
            KeyKind::Class(class) => class.name(),
        }
    }

    /// Returns the family whose namespaces are looked up.
    pub const fn family(self) -> KeyFamily {
        match self {
            KeyKind::Family(family) => family,
            KeyKind::Course => KeyFamily::Context,
            KeyKind::UsageV2 | KeyKind::AsideUsage => KeyFamily::Usage,
            KeyKind::AsideDefinition => KeyFamily::Definition,
            // The class inherits from usage keys first, so that this is where it looks.
            KeyKind::Class(AssetLocator) => KeyFamily::Usage,
            KeyKind::Class(class) => class.family(),
        }
    }

    /// Tells whether the class is one of this kind: the same, or derived from it.
    pub(crate) fn accepts(self, class: KeyClass) -> bool {
        match self {
            KeyKind::Family(family) => class.family() == family,
            KeyKind::Course => matches!(class, CourseLocator | LibraryLocator | CcxLocator),
            KeyKind::UsageV2 => class == LibraryUsageLocatorV2,
            KeyKind::AsideUsage => matches!(class, AsideUsageKeyV1 | AsideUsageKeyV2),
            KeyKind::AsideDefinition => matches!(class, AsideDefinitionKeyV1 | AsideDefinitionKeyV2),
            KeyKind::Class(base) => {
                base == class
                    || match base {
                        CourseLocator => class == CcxLocator,
                        BlockUsageLocator => {
                            matches!(class, LibraryUsageLocator | DeprecatedLocation | CcxBlockUsageLocator)
                        }
                        AsideUsageKeyV2 => class == AsideUsageKeyV1,
                        AsideDefinitionKeyV2 => class == AsideDefinitionKeyV1,
                        _ => false,
                    }
            }
        }
    }

    /// Returns the class that reads the old form, when this kind has one.
    pub(crate) fn fallback(self) -> Option<KeyClass> {
        let class = match self.family() {
            KeyFamily::Context => CourseLocator,
            KeyFamily::Usage => BlockUsageLocator,
            KeyFamily::Asset => AssetLocator,
            KeyFamily::BlockType => BlockTypeKeyV1,
            KeyFamily::Definition | KeyFamily::Collection | KeyFamily::Container => return None,
        };
        self.accepts(class).then_some(class)
    }
}
