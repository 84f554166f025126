//! Keys of libraries: those kept with courses, and those of the second generation.

use std::sync::Arc;

use smol_str::SmolStr;

use super::charset::{Charset, is_ascii_slug};
use super::course::{id_or_null, version_guid, write_version};
use super::recent::ReadAs;
use super::scan::{Dialect, Parts, scan, scan_block, split_at_type};
use super::text::key_text;
use super::{AssetKey, ContextKey, KeyError, ObjectId, Scalar, UsageKey, recent};

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LibraryFields {
    pub(crate) org: Option<SmolStr>,
    pub(crate) library: Option<SmolStr>,
    pub(crate) branch: Option<SmolStr>,
    pub(crate) version: Scalar,
}

/// What a library key is to be built from, not yet checked.
#[derive(Debug, Clone)]
pub(crate) struct LibraryArgs {
    pub(crate) org: Scalar,
    pub(crate) library: Scalar,
    pub(crate) branch: Scalar,
    pub(crate) version: Scalar,
}

/// The key of a library kept in the modulestore: `library-v1:Org+Library` (`LibraryLocator`).
///
/// It counts as a course key where courses and libraries are treated alike; its run is always `library`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LibraryKey(pub(crate) Arc<LibraryFields>);

pub(crate) const CLASS: &str = "LibraryLocator";

impl LibraryKey {
    /// Namespace of these keys.
    pub const NAMESPACE: &str = "library-v1";

    /// What takes the place of a run.
    pub const RUN: &str = "library";

    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when a part is empty or has a character outside `[\w\-~.:]`.
    pub fn new(org: &str, library: &str) -> Result<LibraryKey, KeyError> {
        LibraryKey::build(LibraryArgs {
            org: org.into(),
            library: library.into(),
            branch: Scalar::Null,
            version: Scalar::Null,
        })
    }

    pub(crate) fn build(args: LibraryArgs) -> Result<LibraryKey, KeyError> {
        let version = version_guid(CLASS, args.version)?;
        let org = id_or_null(CLASS, "org", &args.org)?;
        let library = id_or_null(CLASS, "library", &args.library)?;
        let branch = id_or_null(CLASS, "branch", &args.branch)?;
        if version.is_null() && (org.is_none() || library.is_none()) {
            return Err(KeyError::Incomplete { class: CLASS, needs: "a version, or org and library" });
        }
        Ok(LibraryKey(Arc::new(LibraryFields { org, library, branch, version })))
    }

    fn from_parts(parts: &Parts<'_>) -> Option<LibraryKey> {
        let version = match parts.version {
            None => Scalar::Null,
            Some(hex) => Scalar::ObjectId(ObjectId::from_hex(hex)?),
        };
        if version.is_null() && parts.course.is_none() {
            return None;
        }
        Some(LibraryKey(Arc::new(LibraryFields {
            org: parts.org.map(Into::into),
            library: parts.course.map(Into::into),
            branch: parts.branch.map(Into::into),
            version,
        })))
    }

    /// Reads the text after `library-v1:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<LibraryKey> {
        if let Some(key) = recent::recall(ReadAs::Library, rest) {
            return Some(key);
        }
        let parts = scan(rest, Dialect::Common)?;
        let key = LibraryKey::from_parts(&parts)?;
        if parts.block_type.is_none() && parts.block_id.is_none() {
            recent::remember(ReadAs::Library, rest, &key);
        }
        Some(key)
    }

    /// Reads the text after the namespace of a block in a library, and returns the library with the parts after it.
    pub(crate) fn parse_with_parts(rest: &str) -> Option<(LibraryKey, Parts<'_>)> {
        let split = split_at_type(rest);
        if let Some((library, within)) = split
            && let Some(key) = recent::recall(ReadAs::Library, library)
        {
            return Some((key, scan_block(within)?));
        }
        let parts = scan(rest, Dialect::Common)?;
        let key = LibraryKey::from_parts(&parts)?;
        if let Some((library, _)) = split {
            recent::remember(ReadAs::Library, library, &key);
        }
        Some((key, parts))
    }

    pub(crate) fn args(&self) -> LibraryArgs {
        LibraryArgs {
            org: (&self.0.org).into(),
            library: (&self.0.library).into(),
            branch: (&self.0.branch).into(),
            version: self.0.version.clone(),
        }
    }

    /// Returns the organisation, empty when the key names only a version.
    pub fn org(&self) -> &str {
        self.0.org.as_deref().unwrap_or_default()
    }

    /// Returns the library's code, empty when the key names only a version.
    pub fn library(&self) -> &str {
        self.0.library.as_deref().unwrap_or_default()
    }

    /// Returns the branch.
    pub fn branch(&self) -> Option<&str> {
        self.0.branch.as_deref()
    }

    /// Returns the version.
    pub fn version_guid(&self) -> Option<ObjectId> {
        match self.0.version {
            Scalar::ObjectId(id) => Some(id),
            _ => None,
        }
    }

    /// Returns this library on a branch, or on none; the version is dropped.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when the key names only a version; [`KeyError::InvalidField`] for a bad branch.
    pub fn for_branch(&self, branch: Option<&str>) -> Result<LibraryKey, KeyError> {
        self.for_any_branch(branch.into())
    }

    pub(crate) fn for_any_branch(&self, branch: Scalar) -> Result<LibraryKey, KeyError> {
        if self.0.org.is_none() && !branch.is_null() {
            return Err(KeyError::Incomplete { class: CLASS, needs: "org and library to have a branch" });
        }
        LibraryKey::build(LibraryArgs { branch, version: Scalar::Null, ..self.args() })
    }

    /// Returns this library at a version, or at none; the branch stays.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when nothing would be left.
    pub fn for_version(&self, version: Option<ObjectId>) -> Result<LibraryKey, KeyError> {
        self.for_any_version(version.map_or(Scalar::Null, Scalar::ObjectId))
    }

    pub(crate) fn for_any_version(&self, version: Scalar) -> Result<LibraryKey, KeyError> {
        LibraryKey::build(LibraryArgs { version, ..self.args() })
    }

    /// Returns this library without the version.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when the key names only a version.
    pub fn version_agnostic(&self) -> Result<LibraryKey, KeyError> {
        self.for_version(None)
    }

    /// Returns the version alone.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when there is no version.
    pub fn course_agnostic(&self) -> Result<LibraryKey, KeyError> {
        LibraryKey::build(LibraryArgs {
            org: Scalar::Null,
            library: Scalar::Null,
            branch: Scalar::Null,
            version: self.0.version.clone(),
        })
    }

    /// Returns the key of a block in this library (`lib-block-v1`).
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when type or id is not made of `[\w\-~.:]`.
    pub fn make_usage_key(&self, block_type: &str, block_id: &str) -> Result<UsageKey, KeyError> {
        ContextKey::from(self.clone()).make_usage_key(block_type, block_id)
    }

    /// Returns the key of an asset of this library. Its text cannot be read back: that needs a run.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the path is not made of `[\w\-~.:%]`.
    pub fn make_asset_key(&self, asset_type: &str, path: &str) -> Result<AssetKey, KeyError> {
        AssetKey::new(self.clone().into(), asset_type, path)
    }

    pub(crate) fn write_part(&self, out: &mut String) -> Result<(), KeyError> {
        let start = out.len();
        let mut result = Ok(());
        if let Some(library) = &self.0.library {
            if let Some(org) = &self.0.org {
                out.push_str(org);
                out.push('+');
                out.push_str(library);
                if let Some(branch) = &self.0.branch {
                    out.push_str("+branch@");
                    out.push_str(branch);
                }
            } else {
                result = Err(KeyError::Unwritable { class: CLASS, field: "org" });
            }
        }
        write_version(&self.0.version, start, out);
        result
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str("library-v1:");
        self.write_part(out)
    }
}

key_text!(LibraryKey, "LibraryKey", |text| match super::KeyRegistry::BUILTIN.context_key(text) {
    Ok(ContextKey::Library(key)) => Ok(key),
    _ => Err(KeyError::invalid(CLASS, text)),
});

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LibraryV2Fields {
    pub(crate) org: SmolStr,
    pub(crate) slug: SmolStr,
}

/// The key of a content library of the second generation: `lib:Org:slug` (`LibraryLocatorV2`).
///
/// ```
/// use xblock_core::keys::LibraryKeyV2;
///
/// let key = LibraryKeyV2::new("SchoolX", "ALG-1")?;
/// assert_eq!(key.to_string(), "lib:SchoolX:ALG-1");
/// # Ok::<(), xblock_core::keys::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LibraryKeyV2(pub(crate) Arc<LibraryV2Fields>);

pub(crate) const CLASS_V2: &str = "LibraryLocatorV2";

/// Takes text that the check allows; errors are those of the second generation of keys.
pub(crate) fn checked(
    class: &'static str,
    field: &'static str,
    value: &Scalar,
    check: impl Fn(&str) -> bool,
) -> Result<SmolStr, KeyError> {
    match value {
        Scalar::Text(text) if check(text) => Ok(text.clone()),
        Scalar::Text(text) => Err(KeyError::value(class, field, text)),
        other => Err(KeyError::wrong_type(class, field, other)),
    }
}

/// Tells whether the text is `[\w\-.]+`, then possibly one line feed.
pub(crate) fn is_slug(text: &str) -> bool {
    Charset::Slug.is_line(text)
}

impl LibraryKeyV2 {
    /// Namespace of these keys.
    pub const NAMESPACE: &str = "lib";

    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::InvalidValue`] when the org is not made of `[a-zA-Z0-9_\-.]` or the slug not of `[\w\-.]`.
    pub fn new(org: &str, slug: &str) -> Result<LibraryKeyV2, KeyError> {
        LibraryKeyV2::build(&org.into(), &slug.into())
    }

    pub(crate) fn build(org: &Scalar, slug: &Scalar) -> Result<LibraryKeyV2, KeyError> {
        let org = checked(CLASS_V2, "org", org, is_ascii_slug)?;
        let slug = checked(CLASS_V2, "slug", slug, is_slug)?;
        Ok(LibraryKeyV2(Arc::new(LibraryV2Fields { org, slug })))
    }

    /// Reads the text after `lib:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<LibraryKeyV2> {
        if let Some(key) = recent::recall(ReadAs::LibraryV2, rest) {
            return Some(key);
        }
        let (org, slug) = rest.split_once(':')?;
        let key = LibraryKeyV2::new(org, slug).ok()?;
        recent::remember(ReadAs::LibraryV2, rest, &key);
        Some(key)
    }

    /// Returns the organisation.
    pub fn org(&self) -> &str {
        &self.0.org
    }

    /// Returns the library's slug.
    pub fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Returns the key of a block in this library (`lb`).
    ///
    /// # Errors
    /// [`KeyError::InvalidValue`] when the type is not made of `[a-zA-Z0-9_\-.]` or the id not of `[\w\-.]`.
    pub fn make_usage_key(&self, block_type: &str, block_id: &str) -> Result<UsageKey, KeyError> {
        ContextKey::from(self.clone()).make_usage_key(block_type, block_id)
    }

    pub(crate) fn write_part(&self, separator: char, out: &mut String) {
        out.push_str(&self.0.org);
        out.push(separator);
        out.push_str(&self.0.slug);
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str("lib:");
        self.write_part(':', out);
        Ok(())
    }
}

key_text!(LibraryKeyV2, "LibraryKeyV2", |text| match super::KeyRegistry::BUILTIN.context_key(text) {
    Ok(ContextKey::LibraryV2(key)) => Ok(key),
    _ => Err(KeyError::invalid(CLASS_V2, text)),
});
