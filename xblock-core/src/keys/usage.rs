//! Keys of usages: blocks as they stand in a learning context.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::charset::is_ascii_slug;
use super::library::{checked, is_slug};
use super::plugin::PluginKey;
use super::scan::find;
use super::text::key_text;
use super::within::Within;
use super::{AsideUsageKey, BlockUsageKey, ContextKey, KeyError, LibraryKeyV2, Scalar};

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LibraryUsageV2Fields {
    pub(crate) library: LibraryKeyV2,
    pub(crate) within: Within,
}

/// The key of a block in a library of the second generation: `lb:Org:slug:type:id` (`LibraryUsageLocatorV2`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LibraryUsageKeyV2(pub(crate) Arc<LibraryUsageV2Fields>);

pub(crate) const LIBRARY_V2_CLASS: &str = "LibraryUsageLocatorV2";

impl LibraryUsageKeyV2 {
    /// Namespace of these keys.
    pub const NAMESPACE: &str = "lb";

    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::InvalidValue`] when the type is not made of `[a-zA-Z0-9_\-.]` or the id not of `[\w\-.]`.
    pub fn new(
        library: LibraryKeyV2,
        block_type: &str,
        usage_id: &str,
    ) -> Result<LibraryUsageKeyV2, KeyError> {
        LibraryUsageKeyV2::build(library, &block_type.into(), &usage_id.into())
    }

    pub(crate) fn build(
        library: LibraryKeyV2,
        block_type: &Scalar,
        usage_id: &Scalar,
    ) -> Result<LibraryUsageKeyV2, KeyError> {
        let block_type = checked(LIBRARY_V2_CLASS, "block_type", block_type, is_ascii_slug)?;
        let usage_id = checked(LIBRARY_V2_CLASS, "usage_id", usage_id, is_slug)?;
        let within = Within::of_texts(&block_type, &usage_id);
        Ok(LibraryUsageKeyV2(Arc::new(LibraryUsageV2Fields { library, within })))
    }

    /// Reads the text after `lb:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<LibraryUsageKeyV2> {
        let colon = |from: usize| Some(from + find(&rest[from..], b':')?);
        let org_end = colon(0)?;
        let library_end = colon(org_end + 1)?;
        let type_end = colon(library_end + 1)?;
        let (block_type, usage_id) = (&rest[library_end + 1..type_end], &rest[type_end + 1..]);
        // No part may contain a colon, the last one neither.
        if !is_ascii_slug(block_type) || !is_slug(usage_id) {
            return None;
        }
        let library = LibraryKeyV2::parse_rest(&rest[..library_end])?;
        let within = Within::of_texts(block_type, usage_id);
        Some(LibraryUsageKeyV2(Arc::new(LibraryUsageV2Fields { library, within })))
    }

    /// Returns the library.
    pub fn library_key(&self) -> &LibraryKeyV2 {
        &self.0.library
    }

    /// Returns the block type.
    pub fn block_type(&self) -> &str {
        self.0.within.block_type()
    }

    /// Returns the id of the usage.
    pub fn usage_id(&self) -> &str {
        self.0.within.block_id()
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str("lb:");
        self.0.library.write_part(':', out);
        for part in [self.block_type(), self.usage_id()] {
            out.push(':');
            out.push_str(part);
        }
        Ok(())
    }
}

key_text!(LibraryUsageKeyV2, "LibraryUsageKeyV2", |text| {
    match super::KeyRegistry::BUILTIN.usage_key(text) {
        Ok(UsageKey::LibraryV2(key)) => Ok(key),
        _ => Err(KeyError::invalid(LIBRARY_V2_CLASS, text)),
    }
});

/// The key of a usage (`UsageKey`): a block, or an aside of a block, in a learning context.
///
/// ```
/// use xblock_core::keys::UsageKey;
///
/// let key: UsageKey = "block-v1:OrgX+CS101+2024+type@html+block@intro".parse()?;
/// assert_eq!((key.block_type(), key.block_id()), ("html", "intro"));
/// assert_eq!(key.context_key().to_string(), "course-v1:OrgX+CS101+2024");
/// # Ok::<(), xblock_core::keys::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageKey {
    /// A block in a course, custom course or modulestore library.
    Block(BlockUsageKey),
    /// A block in a library of the second generation.
    LibraryV2(LibraryUsageKeyV2),
    /// An aside of a block.
    Aside(AsideUsageKey),
    /// A usage of a kind that a plugin brings.
    Plugin(PluginKey),
}

impl UsageKey {
    /// Returns the namespace, also for keys of the old form, whose text does not show it.
    pub fn namespace(&self) -> &str {
        match self {
            UsageKey::Block(key) => key.block_namespace().namespace(),
            UsageKey::LibraryV2(_) => LibraryUsageKeyV2::NAMESPACE,
            UsageKey::Aside(key) => key.namespace(),
            UsageKey::Plugin(key) => key.namespace(),
        }
    }

    /// Returns the learning context; of an aside, that of its block.
    pub fn context_key(&self) -> ContextKey {
        match self {
            UsageKey::Block(key) => key.context_key().clone(),
            UsageKey::LibraryV2(key) => ContextKey::LibraryV2(key.library_key().clone()),
            UsageKey::Aside(key) => key.usage_key().context_key(),
            UsageKey::Plugin(key) => key.context_key(),
        }
    }

    /// Returns the block type; of an aside, that of its block. A key read without a type has `None`, as its text says.
    pub fn block_type(&self) -> &str {
        match self {
            UsageKey::Block(key) => key.block_type(),
            UsageKey::LibraryV2(key) => key.block_type(),
            UsageKey::Aside(key) => key.usage_key().block_type(),
            UsageKey::Plugin(key) => key.text_field("block_type").unwrap_or_default(),
        }
    }

    /// Returns the block id; of an aside, that of its block.
    pub fn block_id(&self) -> &str {
        match self {
            UsageKey::Block(key) => key.block_id(),
            UsageKey::LibraryV2(key) => key.usage_id(),
            UsageKey::Aside(key) => key.usage_key().block_id(),
            UsageKey::Plugin(key) => {
                key.text_field("block_id").or_else(|| key.text_field("usage_id")).unwrap_or_default()
            }
        }
    }

    /// Tells whether the key is of the old form, `i4x://..`.
    pub fn is_deprecated(&self) -> bool {
        matches!(self, UsageKey::Block(key) if key.is_deprecated())
    }

    /// Returns the aside key when this is one.
    pub fn as_aside(&self) -> Option<&AsideUsageKey> {
        match self {
            UsageKey::Aside(key) => Some(key),
            _ => None,
        }
    }

    /// Returns the block's key when this is one.
    pub fn as_block(&self) -> Option<&BlockUsageKey> {
        match self {
            UsageKey::Block(key) => Some(key),
            _ => None,
        }
    }

    /// Returns the key of the same block in another context.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the id does not fit the form of the new context, [`KeyError::InvalidValue`] when a
    /// block of a library is to be mapped out of it, [`KeyError::NotReplaceable`] for `location` keys.
    pub fn map_into_course(&self, context: &ContextKey) -> Result<UsageKey, KeyError> {
        match self {
            UsageKey::Block(key) => key.map_into_course(context).map(UsageKey::Block),
            UsageKey::LibraryV2(key) => match context {
                ContextKey::LibraryV2(library) if library == key.library_key() => Ok(self.clone()),
                _ => Err(KeyError::value(LIBRARY_V2_CLASS, "lib_key", context)),
            },
            UsageKey::Aside(key) => key.map_into_course(context).map(UsageKey::Aside),
            UsageKey::Plugin(key) => key.map_into_course(context),
        }
    }

    /// Returns the branch of the context.
    pub fn branch(&self) -> Option<&str> {
        match self {
            UsageKey::Block(key) => key.context_key().branch(),
            UsageKey::Aside(key) => key.usage_key().branch(),
            UsageKey::LibraryV2(_) | UsageKey::Plugin(_) => None,
        }
    }

    /// Returns this usage on a branch of its context, or on none; the version is dropped.
    ///
    /// # Errors
    /// As [`ContextKey::for_branch`] and [`UsageKey::map_into_course`].
    pub fn for_branch(&self, branch: Option<&str>) -> Result<UsageKey, KeyError> {
        self.map_into_course(&self.context_key().for_branch(branch)?)
    }

    /// Tells whether the key names neither branch nor version.
    pub fn is_plain(&self) -> bool {
        match self {
            UsageKey::Block(key) => key.context_key().is_plain(),
            UsageKey::Aside(key) => key.usage_key().is_plain(),
            UsageKey::LibraryV2(_) | UsageKey::Plugin(_) => true,
        }
    }

    /// Returns the usage without branch and version; as it is when its context is named only by a version (see
    /// [`ContextKey::plain`]).
    pub fn plain(&self) -> UsageKey {
        if self.is_plain() {
            return self.clone();
        }
        self.map_into_course(&self.context_key().plain()).unwrap_or_else(|_| self.clone())
    }

    /// Returns the id a page element of this block has.
    pub fn html_id(&self) -> String {
        match self {
            UsageKey::Block(key) => key.0.located.html_id("i4x"),
            _ => self.to_string(),
        }
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        match self {
            UsageKey::Block(key) => key.write_to(out),
            UsageKey::LibraryV2(key) => key.write_to(out),
            UsageKey::Aside(key) => key.write_to(out),
            UsageKey::Plugin(key) => key.write_to(out),
        }
    }
}

key_text!(UsageKey, "UsageKey", |text| super::KeyRegistry::BUILTIN.usage_key(text));

impl Hash for UsageKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Blocks, which most keys are, go without a number for their kind, because each number costs.
        match self {
            UsageKey::Block(key) => key.hash(state),
            UsageKey::LibraryV2(key) => (1_u8, key).hash(state),
            UsageKey::Aside(key) => (2_u8, key).hash(state),
            UsageKey::Plugin(key) => (3_u8, key).hash(state),
        }
    }
}

impl Ord for UsageKey {
    /// Compares by namespace, then old form, then the parts.
    fn cmp(&self, other: &UsageKey) -> Ordering {
        match (self, other) {
            (UsageKey::Block(a), UsageKey::Block(b)) => a
                .cmp_in_context(b)
                .unwrap_or_else(|| self.namespace().cmp(other.namespace()).then_with(|| a.cmp(b))),
            (UsageKey::LibraryV2(a), UsageKey::LibraryV2(b)) => a.cmp(b),
            (UsageKey::Aside(a), UsageKey::Aside(b)) => a.cmp(b),
            (UsageKey::Plugin(a), UsageKey::Plugin(b)) => a.cmp(b),
            _ => self.namespace().cmp(other.namespace()),
        }
    }
}

impl PartialOrd for UsageKey {
    fn partial_cmp(&self, other: &UsageKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<BlockUsageKey> for UsageKey {
    fn from(key: BlockUsageKey) -> UsageKey {
        UsageKey::Block(key)
    }
}

impl From<LibraryUsageKeyV2> for UsageKey {
    fn from(key: LibraryUsageKeyV2) -> UsageKey {
        UsageKey::LibraryV2(key)
    }
}

impl From<AsideUsageKey> for UsageKey {
    fn from(key: AsideUsageKey) -> UsageKey {
        UsageKey::Aside(key)
    }
}
