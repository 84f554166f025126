//! The constructors of the Python classes.

use smol_str::SmolStr;

use crate::keys::aside::AsideVersion;
use crate::keys::block_usage::BlockNamespace;
use crate::keys::course::CourseArgs;
use crate::keys::library::LibraryArgs;
use crate::keys::{
    AnyKey, AsideDefinitionKey, AsideUsageKey, AssetKey, BlockTypeKey, BlockUsageKey, BundleDefinitionKey,
    CcxKey, CollectionKey, ContainerKey, ContextKey, CourseKey, DefinitionKey, KeyClass, KeyError,
    LibraryKey, LibraryKeyV2, LibraryUsageKeyV2, Scalar, SplitDefinitionKey, UsageKey,
};

use super::{KeyValue, StrayAside};

/// The parameters of a constructor.
struct Signature {
    positional: &'static [&'static str],
    /// How many of them must be given.
    required: usize,
    /// Parameters that can only be named.
    named: &'static [&'static str],
    /// Whether other names are taken and forgotten.
    open: bool,
}

/// Properties of course-like keys that refuse to be set by a forgotten argument.
const COURSE_PROPERTIES: [&str; 1] = ["version"];

/// Properties of block-like keys that refuse to be set by a forgotten argument.
const BLOCK_PROPERTIES: [&str; 15] = [
    "course_key",
    "org",
    "course",
    "run",
    "branch",
    "version_guid",
    "offering",
    "version",
    "name",
    "category",
    "revision",
    "context_key",
    "definition_key",
    "path",
    "asset_type",
];

fn signature(class: KeyClass) -> Signature {
    let (positional, required, named, open): (&[&str], usize, &[&str], bool) = match class {
        KeyClass::CourseLocator => {
            (&["org", "course", "run", "branch", "version_guid", "deprecated"], 0, &["offering"], true)
        }
        KeyClass::CcxLocator => (
            &[],
            0,
            &["org", "course", "run", "branch", "version_guid", "deprecated", "offering", "ccx"],
            true,
        ),
        KeyClass::LibraryLocator => (
            &["org", "library", "branch", "version_guid"],
            0,
            &["offering", "course", "run", "deprecated"],
            true,
        ),
        KeyClass::LibraryLocatorV2 => (&["org", "slug"], 2, &[], false),
        KeyClass::BlockUsageLocator | KeyClass::CcxBlockUsageLocator | KeyClass::AssetLocator => {
            (&["course_key", "block_type", "block_id"], 3, &["deprecated"], true)
        }
        KeyClass::LibraryUsageLocator => {
            (&["library_key", "block_type", "block_id"], 3, &["deprecated"], true)
        }
        KeyClass::DeprecatedLocation => (&["course_key", "block_type", "block_id"], 3, &[], false),
        KeyClass::LibraryUsageLocatorV2 => (&["lib_key", "block_type", "usage_id"], 3, &[], false),
        KeyClass::AsideUsageKeyV1 | KeyClass::AsideUsageKeyV2 => {
            (&["usage_key", "aside_type", "deprecated"], 2, &[], false)
        }
        KeyClass::AsideDefinitionKeyV1 | KeyClass::AsideDefinitionKeyV2 => {
            (&["definition_key", "aside_type", "deprecated"], 2, &[], false)
        }
        KeyClass::DefinitionLocator => (&["block_type", "definition_id", "deprecated"], 2, &[], false),
        KeyClass::BundleDefinitionLocator => (
            &["bundle_uuid", "block_type", "olx_path", "bundle_version", "draft_name", "_version_or_draft"],
            3,
            &[],
            false,
        ),
        KeyClass::BlockTypeKeyV1 => (&["block_family", "block_type"], 2, &[], false),
        KeyClass::LibraryCollectionLocator => (&["lib_key", "collection_id"], 2, &[], false),
        KeyClass::LibraryContainerLocator => (&["lib_key", "container_type", "container_id"], 3, &[], false),
    };
    Signature { positional, required, named, open }
}

/// Arguments by the name of their parameter.
struct Arguments {
    class: &'static str,
    given: Vec<(SmolStr, KeyValue)>,
}

impl Arguments {
    fn bind(
        class: KeyClass,
        args: Vec<KeyValue>,
        kwargs: Vec<(SmolStr, KeyValue)>,
    ) -> Result<Arguments, KeyError> {
        let signature = signature(class);
        let class = class.name();
        if args.len() > signature.positional.len() {
            return Err(KeyError::wrong_type(class, "arguments", "more than the constructor takes"));
        }
        let mut given: Vec<_> =
            signature.positional.iter().map(|name| SmolStr::new_static(name)).zip(args).collect();
        for (name, value) in kwargs {
            if given.iter().any(|(other, _)| *other == name) {
                return Err(KeyError::wrong_type(class, name.as_str(), "given twice"));
            }
            let known =
                signature.positional.contains(&name.as_str()) || signature.named.contains(&name.as_str());
            if !known && !signature.open {
                return Err(KeyError::wrong_type(class, name.as_str(), "an argument"));
            }
            given.push((name, value));
        }
        for name in &signature.positional[..signature.required] {
            if !given.iter().any(|(other, _)| other == name) {
                return Err(KeyError::wrong_type(class, *name, "left out"));
            }
        }
        Ok(Arguments { class, given })
    }

    /// Takes an argument that may be left out.
    fn optional(&mut self, name: &str) -> Option<KeyValue> {
        let at = self.given.iter().position(|(other, _)| other == name)?;
        Some(self.given.remove(at).1)
    }

    /// Takes an argument, nothing when it is left out.
    fn take(&mut self, name: &str) -> KeyValue {
        self.optional(name).unwrap_or(KeyValue::NULL)
    }

    /// Takes an argument that is no key.
    fn scalar(&mut self, name: &str) -> Result<Scalar, KeyError> {
        let class = self.class;
        self.take(name).into_scalar(class, name)
    }

    fn library_v2(&mut self) -> Result<LibraryKeyV2, KeyError> {
        match self.take("lib_key") {
            KeyValue::Key(AnyKey::Context(ContextKey::LibraryV2(key))) => Ok(key),
            other => Err(KeyError::wrong_type(self.class, "lib_key", other)),
        }
    }

    /// Refuses leftover arguments that name read-only properties; others would become plain attributes.
    fn forget(&self, properties: &[&str]) -> Result<(), KeyError> {
        match self.given.iter().find(|(name, _)| properties.contains(&name.as_str())) {
            Some((name, _)) => Err(KeyError::no_attribute(self.class, format!("setter for {name}"))),
            None => Ok(()),
        }
    }

    fn course(&mut self) -> Result<CourseArgs, KeyError> {
        let deprecated = self.take("deprecated").is_truthy();
        let class = self.class;
        // In the old form everything that is no text is an invalid key, except nothing.
        let part = |value: KeyValue, name: &'static str| match value {
            KeyValue::Scalar(scalar) => Ok(scalar),
            other if deprecated => Err(KeyError::field(class, name, other)),
            other => Err(KeyError::wrong_type(class, name, other)),
        };
        let mut args = CourseArgs {
            deprecated,
            org: part(self.take("org"), "org")?,
            course: part(self.take("course"), "course")?,
            run: part(self.take("run"), "run")?,
            branch: self.scalar("branch")?,
            version: self.scalar("version_guid")?,
        };
        match self.take("offering") {
            KeyValue::Scalar(Scalar::Text(offering)) if !offering.is_empty() => {
                let (course, run) = offering.split_once('/').unwrap_or((&offering, ""));
                args.course = course.into();
                args.run = run.into();
            }
            offering if offering.is_truthy() => {
                return Err(KeyError::no_attribute("offering", "partition"));
            }
            _ => {}
        }
        Ok(args)
    }

    fn library(&mut self) -> Result<LibraryKey, KeyError> {
        let class = self.class;
        if let Some(offering) = self.optional("offering") {
            return Err(KeyError::value(class, "offering", offering));
        }
        if let Some(course) = self.optional("course") {
            if self.given.iter().any(|(name, value)| name == "library" && *value != KeyValue::NULL) {
                return Err(KeyError::value(class, "course", course));
            }
            self.given.retain(|(name, _)| name != "library");
            self.given.push((SmolStr::new_static("library"), course));
        }
        if let Some(run) = self.optional("run")
            && run != KeyValue::from(LibraryKey::RUN)
        {
            return Err(KeyError::value(class, "run", run));
        }
        let deprecated = self.take("deprecated").is_truthy();
        let key = LibraryKey::build(LibraryArgs {
            org: self.scalar("org")?,
            library: self.scalar("library")?,
            branch: self.scalar("branch")?,
            version: self.scalar("version_guid")?,
        })?;
        if deprecated {
            return Err(KeyError::field(class, "deprecated", "True"));
        }
        self.forget(&COURSE_PROPERTIES)?;
        Ok(key)
    }

    fn block(&mut self, namespace: BlockNamespace) -> Result<BlockUsageKey, KeyError> {
        let context = if namespace == BlockNamespace::LibraryBlock { "library_key" } else { "course_key" };
        let context = self.take(context).into_context()?;
        let deprecated = self.take("deprecated").is_truthy();
        if deprecated && namespace == BlockNamespace::LibraryBlock {
            return Err(KeyError::field(self.class, "deprecated", "True"));
        }
        let (block_type, block_id) = (self.scalar("block_type")?, self.scalar("block_id")?);
        let key = BlockUsageKey::build(namespace, context, block_type, block_id)?;
        self.forget(&BLOCK_PROPERTIES[..BLOCK_PROPERTIES.len() - 2])?;
        Ok(key)
    }

    fn asset(&mut self) -> Result<AssetKey, KeyError> {
        let context = self.take("course_key").into_context()?;
        self.take("deprecated");
        let key = AssetKey::build(context, self.scalar("block_type")?, self.scalar("block_id")?)?;
        self.forget(&BLOCK_PROPERTIES)?;
        Ok(key)
    }

    fn aside(&mut self, class: KeyClass, version: AsideVersion, inner: &str) -> Result<AnyKey, KeyError> {
        let inner = self.take(inner);
        let aside_type = self.scalar("aside_type")?;
        if self.take("deprecated").is_truthy() {
            return Err(KeyError::no_attribute(class.name(), "deprecated form"));
        }
        let usage = matches!(class, KeyClass::AsideUsageKeyV1 | KeyClass::AsideUsageKeyV2);
        match inner {
            KeyValue::Key(AnyKey::Usage(key)) if usage => {
                let key = AsideUsageKey::build(version, key, aside_type)?;
                Ok(UsageKey::Aside(key).into())
            }
            KeyValue::Key(AnyKey::Definition(key)) if !usage => {
                let key = AsideDefinitionKey::build(version, key, aside_type)?;
                Ok(DefinitionKey::Aside(key).into())
            }
            inner => {
                let stray = StrayAside::build(class, inner, aside_type)?;
                Ok(AnyKey::StrayAside(std::sync::Arc::new(stray)))
            }
        }
    }

    fn bundle(&mut self) -> Result<BundleDefinitionKey, KeyError> {
        let class = self.class;
        let uuid = match self.take("bundle_uuid") {
            KeyValue::Scalar(uuid) => uuid,
            other => return Err(KeyError::no_attribute("bundle_uuid", other.to_string())),
        };
        let (block_type, olx_path) = (self.scalar("block_type")?, self.scalar("olx_path")?);
        let states =
            [self.scalar("bundle_version")?, self.scalar("draft_name")?, self.scalar("_version_or_draft")?];
        let given = states.iter().filter(|state| !state.is_null()).count();
        // What is checked before the state is checked first here too, by way of a state that is fine.
        let build = |state| BundleDefinitionKey::build(&uuid, &block_type, &olx_path, state);
        build("draft".into())?;
        let [version, draft, either] = states;
        if given != 1 {
            return Err(KeyError::value(class, "bundle_version", "not one of version and draft"));
        }
        match (version, draft, either) {
            (Scalar::Null, Scalar::Null, either) => build(either),
            (Scalar::Null, Scalar::Int(draft), _) => {
                Err(KeyError::value(class, "draft_name", draft.as_str()))
            }
            (Scalar::Null, draft, _) => build(draft),
            (Scalar::Int(version), ..) => build(Scalar::Int(version)),
            _ => Err(KeyError::NotAnInteger { class, field: "bundle_version" }),
        }
    }
}

/// Calls the constructor of a class with positional and named arguments.
///
/// # Errors
/// Those of the constructor; [`KeyError::WrongType`] for arguments it does not take.
pub fn construct(
    class: KeyClass,
    args: Vec<KeyValue>,
    kwargs: Vec<(SmolStr, KeyValue)>,
) -> Result<AnyKey, KeyError> {
    let mut arguments = Arguments::bind(class, args, kwargs)?;
    let arguments = &mut arguments;
    let name = class.name();
    Ok(match class {
        KeyClass::CourseLocator => {
            let key = CourseKey::build(arguments.course()?)?;
            arguments.forget(&COURSE_PROPERTIES)?;
            ContextKey::Course(key).into()
        }
        KeyClass::CcxLocator => {
            let Some(ccx) = arguments.optional("ccx") else {
                return Err(KeyError::Incomplete { class: name, needs: "ccx" });
            };
            let key = CcxKey::build(arguments.course()?, ccx.into_scalar(name, "ccx")?)?;
            arguments.forget(&COURSE_PROPERTIES)?;
            ContextKey::Ccx(key).into()
        }
        KeyClass::LibraryLocator => ContextKey::Library(arguments.library()?).into(),
        KeyClass::LibraryLocatorV2 => {
            let key = LibraryKeyV2::build(&arguments.scalar("org")?, &arguments.scalar("slug")?)?;
            ContextKey::LibraryV2(key).into()
        }
        KeyClass::BlockUsageLocator => UsageKey::Block(arguments.block(BlockNamespace::Block)?).into(),
        KeyClass::CcxBlockUsageLocator => UsageKey::Block(arguments.block(BlockNamespace::CcxBlock)?).into(),
        KeyClass::LibraryUsageLocator => {
            UsageKey::Block(arguments.block(BlockNamespace::LibraryBlock)?).into()
        }
        KeyClass::DeprecatedLocation => UsageKey::Block(arguments.block(BlockNamespace::Location)?).into(),
        KeyClass::LibraryUsageLocatorV2 => {
            let library = arguments.library_v2()?;
            let (block_type, usage_id) = (arguments.scalar("block_type")?, arguments.scalar("usage_id")?);
            UsageKey::LibraryV2(LibraryUsageKeyV2::build(library, &block_type, &usage_id)?).into()
        }
        KeyClass::AsideUsageKeyV1 => arguments.aside(class, AsideVersion::V1, "usage_key")?,
        KeyClass::AsideUsageKeyV2 => arguments.aside(class, AsideVersion::V2, "usage_key")?,
        KeyClass::AsideDefinitionKeyV1 => arguments.aside(class, AsideVersion::V1, "definition_key")?,
        KeyClass::AsideDefinitionKeyV2 => arguments.aside(class, AsideVersion::V2, "definition_key")?,
        KeyClass::DefinitionLocator => {
            let (block_type, id) = (arguments.scalar("block_type")?, arguments.scalar("definition_id")?);
            DefinitionKey::Split(SplitDefinitionKey::build(block_type, id)?).into()
        }
        KeyClass::BundleDefinitionLocator => DefinitionKey::Bundle(arguments.bundle()?).into(),
        KeyClass::AssetLocator => arguments.asset()?.into(),
        KeyClass::BlockTypeKeyV1 => {
            BlockTypeKey::build(&arguments.scalar("block_family")?, arguments.scalar("block_type")?)?.into()
        }
        KeyClass::LibraryCollectionLocator => {
            let library = arguments.library_v2()?;
            CollectionKey::build(library, &arguments.scalar("collection_id")?)?.into()
        }
        KeyClass::LibraryContainerLocator => {
            let library = arguments.library_v2()?;
            let (kind, id) = (arguments.scalar("container_type")?, arguments.scalar("container_id")?);
            ContainerKey::build(library, &kind, &id)?.into()
        }
    })
}
