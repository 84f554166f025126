//! Keys of learning contexts: courses, libraries, custom courses.

use std::cmp::Ordering;

use super::plugin::PluginKey;
use super::text::key_text;
use super::{
    AssetKey, BlockUsageKey, CcxKey, CourseKey, KeyError, LibraryKey, LibraryKeyV2, LibraryUsageKeyV2,
    ObjectId, Scalar, UsageKey, ccx, course, library,
};

/// The key of a learning context (`LearningContextKey`).
///
/// ```
/// use xblock_core::keys::ContextKey;
///
/// let key: ContextKey = "lib:SchoolX:ALG-1".parse()?;
/// assert_eq!(key.make_usage_key("problem", "p1")?.to_string(), "lb:SchoolX:ALG-1:problem:p1");
/// assert!(!key.is_course());
/// # Ok::<(), xblock_core::keys::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextKey {
    /// A custom course.
    Ccx(CcxKey),
    /// A course.
    Course(CourseKey),
    /// A library of the second generation.
    LibraryV2(LibraryKeyV2),
    /// A library kept in the modulestore.
    Library(LibraryKey),
    /// A context of a kind that a plugin brings.
    Plugin(PluginKey),
}

impl ContextKey {
    /// Returns the namespace, also for keys of the old form, whose text does not show it.
    pub fn namespace(&self) -> &str {
        match self {
            ContextKey::Course(_) => CourseKey::NAMESPACE,
            ContextKey::Library(_) => LibraryKey::NAMESPACE,
            ContextKey::LibraryV2(_) => LibraryKeyV2::NAMESPACE,
            ContextKey::Ccx(_) => CcxKey::NAMESPACE,
            ContextKey::Plugin(key) => key.namespace(),
        }
    }

    /// Returns the name of the Python class.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            ContextKey::Course(_) => course::CLASS,
            ContextKey::Library(_) => library::CLASS,
            ContextKey::LibraryV2(_) => library::CLASS_V2,
            ContextKey::Ccx(_) => ccx::CLASS,
            ContextKey::Plugin(_) => "LearningContextKey",
        }
    }

    /// Returns the organisation, empty when the key names only a version.
    pub fn org(&self) -> &str {
        match self {
            ContextKey::Course(key) => key.org(),
            ContextKey::Library(key) => key.org(),
            ContextKey::LibraryV2(key) => key.org(),
            ContextKey::Ccx(key) => key.org(),
            ContextKey::Plugin(key) => key.text_field("org").unwrap_or_default(),
        }
    }

    /// Tells whether this is a course or a custom course.
    pub fn is_course(&self) -> bool {
        match self {
            ContextKey::Course(_) | ContextKey::Ccx(_) => true,
            ContextKey::Library(_) | ContextKey::LibraryV2(_) => false,
            ContextKey::Plugin(key) => key.is_course(),
        }
    }

    /// Tells whether the key is of the old form `Org/Course/Run`.
    pub fn is_deprecated(&self) -> bool {
        matches!(self, ContextKey::Course(key) if key.is_deprecated())
    }

    /// Returns the course key when this is one.
    pub fn as_course(&self) -> Option<&CourseKey> {
        match self {
            ContextKey::Course(key) => Some(key),
            _ => None,
        }
    }

    /// Returns the library key when this is one.
    pub fn as_library(&self) -> Option<&LibraryKey> {
        match self {
            ContextKey::Library(key) => Some(key),
            _ => None,
        }
    }

    /// Returns the key of the library of the second generation when this is one.
    pub fn as_library_v2(&self) -> Option<&LibraryKeyV2> {
        match self {
            ContextKey::LibraryV2(key) => Some(key),
            _ => None,
        }
    }

    /// Returns the branch.
    pub fn branch(&self) -> Option<&str> {
        match self {
            ContextKey::Course(key) => key.branch(),
            ContextKey::Library(key) => key.branch(),
            ContextKey::Ccx(key) => key.branch(),
            ContextKey::LibraryV2(_) | ContextKey::Plugin(_) => None,
        }
    }

    /// Returns the version.
    pub fn version_guid(&self) -> Option<ObjectId> {
        match self {
            ContextKey::Course(key) => key.version_guid(),
            ContextKey::Library(key) => key.version_guid(),
            ContextKey::Ccx(key) => key.version_guid(),
            ContextKey::LibraryV2(_) | ContextKey::Plugin(_) => None,
        }
    }

    /// Returns the version as it is kept: a key of the old form may hold any value.
    pub(crate) fn version(&self) -> &Scalar {
        match self {
            ContextKey::Course(key) => &key.0.version,
            ContextKey::Library(key) => &key.0.version,
            ContextKey::Ccx(key) => &key.0.course.version,
            ContextKey::LibraryV2(_) | ContextKey::Plugin(_) => &Scalar::Null,
        }
    }

    /// Returns this context on a branch, or on none; the version is dropped.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when the key names only a version, [`KeyError::InvalidField`] for a bad branch,
    /// [`KeyError::InvalidValue`] for a context that has no branches.
    pub fn for_branch(&self, branch: Option<&str>) -> Result<ContextKey, KeyError> {
        self.for_any_branch(branch.into())
    }

    pub(crate) fn for_any_branch(&self, branch: Scalar) -> Result<ContextKey, KeyError> {
        match self {
            ContextKey::Course(key) => {
                let fields = key.0.for_branch(course::CLASS, branch)?;
                Ok(ContextKey::Course(CourseKey::from_fields(fields)))
            }
            ContextKey::Library(key) => key.for_any_branch(branch).map(ContextKey::Library),
            ContextKey::Ccx(key) => key.for_any_branch(branch).map(ContextKey::Ccx),
            ContextKey::LibraryV2(_) | ContextKey::Plugin(_) if branch.is_null() => Ok(self.clone()),
            ContextKey::LibraryV2(_) | ContextKey::Plugin(_) => {
                Err(KeyError::value(self.class(), "branch", branch))
            }
        }
    }

    /// Returns this context at a version, or at none; the branch stays.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when nothing would be left; [`KeyError::NoAttribute`] for a context without versions.
    pub fn for_version(&self, version: Option<ObjectId>) -> Result<ContextKey, KeyError> {
        self.for_any_version("for_version", version.map_or(Scalar::Null, Scalar::ObjectId))
    }

    pub(crate) fn for_any_version(&self, method: &str, version: Scalar) -> Result<ContextKey, KeyError> {
        match self {
            ContextKey::Course(key) => {
                let fields = key.0.for_version(course::CLASS, version)?;
                Ok(ContextKey::Course(CourseKey::from_fields(fields)))
            }
            ContextKey::Library(key) => key.for_any_version(version).map(ContextKey::Library),
            ContextKey::Ccx(key) => key.for_any_version(version).map(ContextKey::Ccx),
            ContextKey::LibraryV2(_) | ContextKey::Plugin(_) => {
                Err(KeyError::no_attribute(self.class(), method))
            }
        }
    }

    /// Returns this context without the version.
    ///
    /// # Errors
    /// As [`ContextKey::for_version`].
    pub fn version_agnostic(&self) -> Result<ContextKey, KeyError> {
        self.for_any_version("version_agnostic", Scalar::Null)
    }

    /// Returns the version alone, without the context it belongs to.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when there is no version, [`KeyError::WrongType`] for a key of the old form,
    /// [`KeyError::NoAttribute`] for a context without versions.
    pub fn course_agnostic(&self) -> Result<ContextKey, KeyError> {
        match self {
            ContextKey::Course(key) => key.course_agnostic().map(ContextKey::Course),
            ContextKey::Library(key) => key.course_agnostic().map(ContextKey::Library),
            ContextKey::Ccx(key) => key.course_agnostic().map(ContextKey::Ccx),
            ContextKey::LibraryV2(_) | ContextKey::Plugin(_) => {
                Err(KeyError::no_attribute(self.class(), "course_agnostic"))
            }
        }
    }

    /// Tells whether the key names a branch or a version.
    pub fn is_plain(&self) -> bool {
        self.branch().is_none() && self.version().is_null()
    }

    /// Returns the context without branch and version.
    ///
    /// A key that names nothing but a version is returned as it is, for nothing would be left; where that must not pass, ask
    /// for a [`Plain`](super::Plain) key.
    pub fn plain(&self) -> ContextKey {
        if self.is_plain() {
            return self.clone();
        }
        self.for_branch(None).unwrap_or_else(|_| self.clone())
    }

    /// Returns the key of a block in this context: `block-v1`, `i4x`, `lib-block-v1`, `lb` or `ccx-block-v1`.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] or [`KeyError::InvalidValue`] when type or id do not fit; [`KeyError::NoAttribute`] for a
    /// plugin's context that has no blocks.
    pub fn make_usage_key(&self, block_type: &str, block_id: &str) -> Result<UsageKey, KeyError> {
        // A structure of a course has many thousands.
        if let ContextKey::Course(_) = self
            && let Some(key) = BlockUsageKey::in_course(self, block_type, block_id)
        {
            return Ok(UsageKey::Block(key));
        }
        self.make_any_usage_key(block_type.into(), block_id.into())
    }

    pub(crate) fn make_any_usage_key(
        &self,
        block_type: Scalar,
        block_id: Scalar,
    ) -> Result<UsageKey, KeyError> {
        match self {
            ContextKey::LibraryV2(key) => {
                LibraryUsageKeyV2::build(key.clone(), &block_type, &block_id).map(UsageKey::LibraryV2)
            }
            ContextKey::Plugin(key) => key.make_usage_key(&block_type, &block_id),
            _ => BlockUsageKey::in_context(self.clone(), block_type, block_id).map(UsageKey::Block),
        }
    }

    /// Returns the key of an asset of this context, of type `asset`.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the path is not made of `[\w\-~.:%]`; clean it first
    /// ([`clean_asset_name`](super::clean_asset_name)).
    pub fn make_asset_key(&self, path: &str) -> Result<AssetKey, KeyError> {
        self.make_any_asset_key("asset".into(), path.into())
    }

    /// As Python's `make_asset_key`: assets of a custom course belong to the course it is made from.
    pub(crate) fn make_any_asset_key(&self, asset_type: Scalar, path: Scalar) -> Result<AssetKey, KeyError> {
        let context = match self {
            ContextKey::Ccx(key) => ContextKey::Course(key.to_course_key()),
            _ => self.clone(),
        };
        AssetKey::build(context, asset_type, path)
    }

    /// Appends the text after the namespace, as block and asset keys contain it.
    pub(crate) fn write_part(&self, out: &mut String) -> Result<(), KeyError> {
        match self {
            ContextKey::Course(key) => key.write_part(out),
            ContextKey::Library(key) => key.write_part(out),
            ContextKey::LibraryV2(key) => {
                key.write_part(':', out);
                Ok(())
            }
            ContextKey::Ccx(key) => key.write_part(out),
            ContextKey::Plugin(key) => {
                out.push_str(&key.rest());
                Ok(())
            }
        }
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        match self {
            ContextKey::Course(key) => key.write_to(out),
            ContextKey::Library(key) => key.write_to(out),
            ContextKey::LibraryV2(key) => key.write_to(out),
            ContextKey::Ccx(key) => key.write_to(out),
            ContextKey::Plugin(key) => key.write_to(out),
        }
    }
}

key_text!(ContextKey, "ContextKey", |text| super::KeyRegistry::BUILTIN.context_key(text));

impl Ord for ContextKey {
    /// Compares by namespace, then old form, then the parts.
    fn cmp(&self, other: &ContextKey) -> Ordering {
        match (self, other) {
            (ContextKey::Course(a), ContextKey::Course(b)) => a.cmp(b),
            (ContextKey::Library(a), ContextKey::Library(b)) => a.cmp(b),
            (ContextKey::LibraryV2(a), ContextKey::LibraryV2(b)) => a.cmp(b),
            (ContextKey::Ccx(a), ContextKey::Ccx(b)) => a.cmp(b),
            (ContextKey::Plugin(a), ContextKey::Plugin(b)) => a.cmp(b),
            _ => self.namespace().cmp(other.namespace()),
        }
    }
}

impl PartialOrd for ContextKey {
    fn partial_cmp(&self, other: &ContextKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<CourseKey> for ContextKey {
    fn from(key: CourseKey) -> ContextKey {
        ContextKey::Course(key)
    }
}

impl From<LibraryKey> for ContextKey {
    fn from(key: LibraryKey) -> ContextKey {
        ContextKey::Library(key)
    }
}

impl From<LibraryKeyV2> for ContextKey {
    fn from(key: LibraryKeyV2) -> ContextKey {
        ContextKey::LibraryV2(key)
    }
}

impl From<CcxKey> for ContextKey {
    fn from(key: CcxKey) -> ContextKey {
        ContextKey::Ccx(key)
    }
}
