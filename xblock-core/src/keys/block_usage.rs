//! Keys of usages of blocks in courses, custom courses and libraries kept in the modulestore.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::charset::Charset;
use super::course::CourseFields;
use super::recent::ReadAs;
use super::scan::{Dialect, scan};
use super::text::key_text;
use super::within::Within;
use super::{CcxKey, ContextKey, CourseKey, KeyError, LibraryKey, Scalar, UsageKey, recent};

/// Which class of usage key this is; they share their parts and differ in namespace and rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlockNamespace {
    /// `block-v1`, or `i4x` in its old form (`BlockUsageLocator`).
    Block,
    /// `ccx-block-v1` (`CCXBlockUsageLocator`).
    CcxBlock,
    /// `lib-block-v1` (`LibraryUsageLocator`).
    LibraryBlock,
    /// `location` (`DeprecatedLocation`).
    Location,
}

impl BlockNamespace {
    /// Returns the namespace.
    pub const fn namespace(self) -> &'static str {
        match self {
            BlockNamespace::Block => "block-v1",
            BlockNamespace::CcxBlock => "ccx-block-v1",
            BlockNamespace::LibraryBlock => "lib-block-v1",
            BlockNamespace::Location => "location",
        }
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            BlockNamespace::Block => "BlockUsageLocator",
            BlockNamespace::CcxBlock => "CCXBlockUsageLocator",
            BlockNamespace::LibraryBlock => "LibraryUsageLocator",
            BlockNamespace::Location => "DeprecatedLocation",
        }
    }
}

/// The parts of a usage or asset key within a context.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Located {
    pub(crate) context: ContextKey,
    pub(crate) within: Within,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockUsageFields {
    pub(crate) namespace: BlockNamespace,
    pub(crate) located: Located,
}

impl Hash for BlockUsageFields {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.located.hash_with(self.namespace as u64 + 1, state);
    }
}

impl Hash for Located {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_with(0, state);
    }
}

/// The key of the usage of a block in a course, custom course or modulestore library (`BlockUsageLocator` and its kin).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockUsageKey(pub(crate) Arc<BlockUsageFields>);

impl BlockUsageKey {
    /// Compares with a key that shares its context in memory, as the keys of one course mostly do.
    pub(crate) fn cmp_in_context(&self, other: &Self) -> Option<Ordering> {
        let (a, b) = (&self.0.located, &other.0.located);
        let (ContextKey::Course(own), ContextKey::Course(others)) = (&a.context, &b.context) else {
            return None;
        };
        let is_shared = Arc::ptr_eq(&own.0, &others.0) && self.0.namespace == other.0.namespace;
        is_shared.then(|| a.within.cmp(&b.within))
    }
}

/// Refuses values that no text can stand for.
pub(crate) fn unchecked_type(
    class: &'static str,
    field: &'static str,
    value: Scalar,
) -> Result<Scalar, KeyError> {
    match value {
        Scalar::ObjectId(_) | Scalar::Uuid(_) => Err(KeyError::wrong_type(class, field, value)),
        _ => Ok(value),
    }
}

impl Located {
    fn hash_with<H: Hasher>(&self, kind: u64, state: &mut H) {
        // Beyond the lengths, which are the lower bits of the same number.
        let kind = kind << 32;
        match &self.context {
            ContextKey::Course(course) => self.within.hash_with(kind ^ course.digest(), state),
            other => {
                other.hash(state);
                self.within.hash_with(kind, state);
            }
        }
    }

    /// Applies the checks all constructors share; `set` is what ids of the new form may be made of.
    pub(crate) fn check(
        class: &'static str,
        set: Charset,
        context: ContextKey,
        block_type: Scalar,
        block_id: Scalar,
    ) -> Result<Located, KeyError> {
        let deprecated = context.is_deprecated();
        let set = if deprecated { Charset::IdPercent } else { set };
        match &block_id {
            Scalar::Local(_) => {}
            Scalar::Null if deprecated => {}
            Scalar::Text(text) if set.is(text) => {}
            Scalar::Text(text) => return Err(KeyError::field(class, "block_id", text)),
            other => return Err(KeyError::wrong_type(class, "block_id", other)),
        }
        let block_type = unchecked_type(class, "block_type", block_type)?;
        Ok(Located { context, within: Within::new(block_type, block_id) })
    }

    /// Reads `org/course/category/name[@revision]`, what follows `i4x://` and `/c4x/`.
    pub(crate) fn parse_deprecated(class: &'static str, text: &str) -> Result<Located, KeyError> {
        let invalid = || KeyError::invalid(class, text);
        let mut parts = text.splitn(4, '/');
        let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or_else(invalid);
        let (org, course, category, name) = (part()?, part()?, part()?, part()?);
        let (name, revision) = match name.split_once('@') {
            None => (name, None),
            Some((name, revision)) => (name, Some(revision)),
        };
        if name.is_empty() || revision.is_some_and(|revision| revision.is_empty() || revision.contains('/')) {
            return Err(invalid());
        }
        // Without a revision the course is what comes before the second slash.
        let course_text = revision.is_none().then(|| &text[..=org.len() + course.len()]);
        let known = course_text.and_then(|text| recent::recall(ReadAs::OldCourseOfBlock, text));
        let course = match known {
            Some(course) => course,
            None => {
                let fields = CourseFields::check(
                    super::course::CLASS,
                    super::course::CourseArgs {
                        deprecated: true,
                        org: org.into(),
                        course: course.into(),
                        run: Scalar::Null,
                        branch: revision.into(),
                        version: Scalar::Null,
                    },
                )?;
                let course = CourseKey::from_fields(fields);
                if let Some(text) = course_text {
                    recent::remember(ReadAs::OldCourseOfBlock, text, &course);
                }
                course
            }
        };
        if !Charset::IdPercent.is(name) {
            return Err(KeyError::field(class, "block_id", name));
        }
        Ok(Located { context: ContextKey::Course(course), within: Within::of_texts(category, name) })
    }

    /// Appends `org/course/type/id[@branch]`.
    pub(crate) fn write_deprecated(&self, out: &mut String) {
        if let ContextKey::Course(key) = &self.context {
            out.push_str(key.org());
            out.push('/');
            out.push_str(key.course());
        }
        out.push('/');
        out.push_str(self.block_type());
        out.push('/');
        out.push_str(self.block_id());
        if let Some(branch) = self.context.branch() {
            out.push('@');
            out.push_str(branch);
        }
    }

    /// Appends the context's text, `+type@` and `+block@`.
    pub(crate) fn write_part(&self, out: &mut String) -> Result<(), KeyError> {
        let result = self.context.write_part(out);
        out.push_str("+type@");
        out.push_str(self.block_type());
        out.push_str("+block@");
        out.push_str(self.block_id());
        result
    }

    pub(crate) fn block_id(&self) -> &str {
        self.within.block_id()
    }

    pub(crate) fn block_type(&self) -> &str {
        self.within.block_type()
    }

    /// The id a page element of this block has; `tag` starts those of the old form.
    pub(crate) fn html_id(&self, tag: &str) -> String {
        if !self.context.is_deprecated() {
            return self.block_id().to_owned();
        }
        let ContextKey::Course(course) = &self.context else { return String::new() };
        let mut parts = vec![tag.to_owned(), course.org().to_owned(), course.course().to_owned()];
        let (block_type, block_id) = self.within.values();
        for part in [&block_type, &block_id, &course.0.version] {
            if !part.is_null() {
                parts.push(part.to_string());
            }
        }
        super::clean_for_html(&parts.join("-"))
    }
}

impl BlockUsageKey {
    /// Makes the key of a block in a course, custom course or modulestore library, in the namespace that goes with it.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the id is not made of `[\w\-~.:]` (with `%` too in a course of the old form) or, in a
    /// library, the type is not.
    pub fn new(context: ContextKey, block_type: &str, block_id: &str) -> Result<BlockUsageKey, KeyError> {
        BlockUsageKey::in_context(context, block_type.into(), block_id.into())
    }

    /// Makes the key of a block in a course from texts, without a way over values; nothing where a rule is broken.
    pub(crate) fn in_course(context: &ContextKey, block_type: &str, block_id: &str) -> Option<BlockUsageKey> {
        let set = if context.is_deprecated() { Charset::IdPercent } else { Charset::Id };
        if !set.is(block_id) {
            return None;
        }
        let located = Located { context: context.clone(), within: Within::of_texts(block_type, block_id) };
        Some(BlockUsageKey(Arc::new(BlockUsageFields { namespace: BlockNamespace::Block, located })))
    }

    pub(crate) fn in_context(
        context: ContextKey,
        block_type: Scalar,
        block_id: Scalar,
    ) -> Result<BlockUsageKey, KeyError> {
        let namespace = match context {
            ContextKey::Library(_) => BlockNamespace::LibraryBlock,
            ContextKey::Ccx(_) => BlockNamespace::CcxBlock,
            _ => BlockNamespace::Block,
        };
        BlockUsageKey::build(namespace, context, block_type, block_id)
    }

    /// Applies the rules of one class. None of them checks of what class the context is.
    pub(crate) fn build(
        namespace: BlockNamespace,
        context: ContextKey,
        block_type: Scalar,
        block_id: Scalar,
    ) -> Result<BlockUsageKey, KeyError> {
        let class = namespace.class();
        if namespace == BlockNamespace::Location {
            match context {
                ContextKey::LibraryV2(_) | ContextKey::Plugin(_) => {
                    return Err(KeyError::no_attribute(context.class(), "version_guid"));
                }
                _ if !context.version().is_null() => {
                    return Err(KeyError::value(class, "version_guid", context.version()));
                }
                _ => {}
            }
            if let Some(branch) = context.branch() {
                return Err(KeyError::value(class, "branch", branch));
            }
        }
        if namespace == BlockNamespace::LibraryBlock && context.is_deprecated() {
            return Err(KeyError::field(class, "deprecated", "true"));
        }
        let located = Located::check(class, Charset::Id, context, block_type, block_id)?;
        if namespace == BlockNamespace::LibraryBlock {
            let (block_type, block_id) = located.within.values();
            for (field, value) in [("block_type", &block_type), ("block_id", &block_id)] {
                if !value.as_text().is_some_and(|text| Charset::Id.is(text)) {
                    return Err(KeyError::field(class, field, value));
                }
            }
        }
        Ok(BlockUsageKey(Arc::new(BlockUsageFields { namespace, located })))
    }

    /// Reads the text after the namespace.
    pub(crate) fn parse_rest(namespace: BlockNamespace, rest: &str) -> Option<BlockUsageKey> {
        if namespace == BlockNamespace::Location {
            return BlockUsageKey::parse_location(rest);
        }
        if namespace == BlockNamespace::Block {
            let (course, parts) = CourseKey::parse_with_parts(rest)?;
            let block_id = parts.block_id.filter(|_| parts.block_id_is_id)?;
            let located = Located { context: ContextKey::Course(course), within: parts.within(block_id) };
            return Some(BlockUsageKey(Arc::new(BlockUsageFields { namespace, located })));
        }
        let (context, parts) = if namespace == BlockNamespace::CcxBlock {
            let parts = scan(rest, Dialect::Ccx)?;
            (ContextKey::Ccx(CcxKey::from_parts(&parts)?), parts)
        } else {
            let (library, parts) = LibraryKey::parse_with_parts(rest)?;
            parts.block_type?;
            (ContextKey::Library(library), parts)
        };
        let block_id = parts.block_id.filter(|_| parts.block_id_is_id)?;
        let located = Located { context, within: parts.within(block_id) };
        Some(BlockUsageKey(Arc::new(BlockUsageFields { namespace, located })))
    }

    /// Reads `org+course+run+type+id`.
    fn parse_location(rest: &str) -> Option<BlockUsageKey> {
        let mut parts = rest.split('+');
        let mut part = || parts.next().filter(|part| Charset::Id.is(part));
        let (org, course, run, block_type, block_id) = (part()?, part()?, part()?, part()?, part()?);
        if parts.next().is_some() {
            return None;
        }
        let context = CourseKey::new(org, course, run).ok()?.into();
        BlockUsageKey::build(BlockNamespace::Location, context, block_type.into(), block_id.into()).ok()
    }

    /// Reads `i4x://org/course/category/name[@revision]`.
    pub(crate) fn parse_deprecated(text: &str) -> Result<BlockUsageKey, KeyError> {
        let class = BlockNamespace::Block.class();
        let rest = text.strip_prefix("i4x://").ok_or_else(|| KeyError::invalid(class, text))?;
        let located = Located::parse_deprecated(class, rest)?;
        Ok(BlockUsageKey(Arc::new(BlockUsageFields { namespace: BlockNamespace::Block, located })))
    }

    /// Returns the class of the key.
    pub fn block_namespace(&self) -> BlockNamespace {
        self.0.namespace
    }

    /// Returns the learning context.
    pub fn context_key(&self) -> &ContextKey {
        &self.0.located.context
    }

    /// Returns the block type, `None` when the key has none.
    pub fn block_type(&self) -> &str {
        self.0.located.block_type()
    }

    /// Returns the block id.
    pub fn block_id(&self) -> &str {
        self.0.located.block_id()
    }

    /// Tells whether the key is of the old form, `i4x://..`.
    pub fn is_deprecated(&self) -> bool {
        self.0.located.context.is_deprecated()
    }

    /// Returns the key of the same block in another context; the namespace stays.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the id does not fit the form of the new context; [`KeyError::NotReplaceable`] for
    /// `location` keys.
    pub fn map_into_course(&self, context: &ContextKey) -> Result<BlockUsageKey, KeyError> {
        let Located { context: own, within } = &self.0.located;
        if context == own {
            return Ok(self.clone());
        }
        let (block_type, block_id) = within.values();
        self.rebuild(context.clone(), block_type, block_id)
    }

    /// Builds a key of the same class from other parts.
    pub(crate) fn rebuild(
        &self,
        context: ContextKey,
        block_type: Scalar,
        block_id: Scalar,
    ) -> Result<BlockUsageKey, KeyError> {
        if self.0.namespace == BlockNamespace::Location {
            return Err(KeyError::NotReplaceable { class: self.0.namespace.class() });
        }
        BlockUsageKey::build(self.0.namespace, context, block_type, block_id)
    }

    /// Returns the block of the course that this block of a custom course stands for (`to_block_locator`).
    ///
    /// # Errors
    /// [`KeyError::NoAttribute`] when the context is no custom course.
    pub fn to_block_key(&self) -> Result<BlockUsageKey, KeyError> {
        let Located { context, within } = &self.0.located;
        match context {
            ContextKey::Ccx(key) => {
                let (block_type, block_id) = within.values();
                let course = key.to_course_key().into();
                BlockUsageKey::build(BlockNamespace::Block, course, block_type, block_id)
            }
            other => Err(KeyError::no_attribute(other.class(), "to_course_locator")),
        }
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        let located = &self.0.located;
        let namespace = self.0.namespace;
        if located.context.is_deprecated() {
            out.push_str("i4x://");
            located.write_deprecated(out);
            return match namespace {
                BlockNamespace::CcxBlock => {
                    Err(KeyError::NotImplemented { class: namespace.class(), name: "_to_deprecated_string" })
                }
                _ => Ok(()),
            };
        }
        out.push_str(namespace.namespace());
        out.push(':');
        if namespace != BlockNamespace::Location {
            return located.write_part(out);
        }
        let (course, run) = match &located.context {
            ContextKey::Course(key) => (key.course(), key.run()),
            ContextKey::Library(key) => (key.library(), LibraryKey::RUN),
            ContextKey::Ccx(key) => (
                key.0.course.course.as_deref().unwrap_or_default(),
                key.0.course.run.as_deref().unwrap_or_default(),
            ),
            ContextKey::LibraryV2(_) | ContextKey::Plugin(_) => ("", ""),
        };
        let parts = [located.context.org(), course, run, located.block_type(), located.block_id()];
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                out.push('+');
            }
            out.push_str(part);
        }
        let (block_type, block_id) = located.within.values();
        for (field, value) in [("block_type", &block_type), ("block_id", &block_id)] {
            if value.as_text().is_none() {
                return Err(KeyError::Unwritable { class: namespace.class(), field });
            }
        }
        Ok(())
    }
}

key_text!(BlockUsageKey, "BlockUsageKey", |text| match super::KeyRegistry::BUILTIN.usage_key(text) {
    Ok(UsageKey::Block(key)) => Ok(key),
    _ => Err(KeyError::invalid(BlockNamespace::Block.class(), text)),
});
