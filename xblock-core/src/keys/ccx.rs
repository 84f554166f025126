//! Keys of custom courses (CCX): a course of their own within a course (package edx-ccx-keys).

use std::sync::Arc;

use super::course::{CourseArgs, CourseFields};
use super::scan::{Dialect, Parts, scan};
use super::text::key_text;
use super::{ContextKey, CourseKey, KeyError, ObjectId, Scalar, UsageKey};

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CcxFields {
    pub(crate) course: CourseFields,
    pub(crate) ccx: Scalar,
}

/// The key of a custom course: `ccx-v1:Org+Course+Run+ccx@1` (`CCXLocator`).
///
/// The number stays the text it was: `ccx@01` is another key than `ccx@1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CcxKey(pub(crate) Arc<CcxFields>);

pub(crate) const CLASS: &str = "CCXLocator";

impl CcxKey {
    /// Namespace of these keys.
    pub const NAMESPACE: &str = "ccx-v1";

    /// Makes the key of a custom course within a course.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the course's key is of the old form.
    pub fn from_course(course: &CourseKey, ccx: &str) -> Result<CcxKey, KeyError> {
        CcxKey::build(course.0.args(), ccx.into())
    }

    pub(crate) fn build(args: CourseArgs, ccx: Scalar) -> Result<CcxKey, KeyError> {
        if args.deprecated {
            return Err(KeyError::field(CLASS, "deprecated", "true"));
        }
        let course = CourseFields::check(CLASS, args)?;
        Ok(CcxKey::from_fields(course, ccx))
    }

    fn from_fields(course: CourseFields, ccx: Scalar) -> CcxKey {
        CcxKey(Arc::new(CcxFields { course, ccx }))
    }

    fn with(&self, course: Result<CourseFields, KeyError>) -> Result<CcxKey, KeyError> {
        Ok(CcxKey::from_fields(course?, self.0.ccx.clone()))
    }

    /// Reads the text after `ccx-v1:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<CcxKey> {
        CcxKey::from_parts(&scan(rest, Dialect::Ccx)?)
    }

    pub(crate) fn from_parts(parts: &Parts<'_>) -> Option<CcxKey> {
        Some(CcxKey::from_fields(CourseFields::from_parts(parts)?, parts.ccx.into()))
    }

    /// Returns the organisation, empty when the key names only a version.
    pub fn org(&self) -> &str {
        self.0.course.org.as_deref().unwrap_or_default()
    }

    /// Returns the number of the custom course as it is written.
    pub fn ccx(&self) -> &str {
        self.0.ccx.shown()
    }

    /// Returns the branch.
    pub fn branch(&self) -> Option<&str> {
        self.0.course.branch.as_deref()
    }

    /// Returns the version.
    pub fn version_guid(&self) -> Option<ObjectId> {
        match self.0.course.version {
            Scalar::ObjectId(id) => Some(id),
            _ => None,
        }
    }

    /// Returns the course this custom course is made from (`to_course_locator`).
    pub fn to_course_key(&self) -> CourseKey {
        CourseKey::from_fields(self.0.course.clone())
    }

    /// Returns this custom course on a branch, or on none; the version is dropped.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when the key names only a version; [`KeyError::InvalidField`] for a bad branch.
    pub fn for_branch(&self, branch: Option<&str>) -> Result<CcxKey, KeyError> {
        self.for_any_branch(branch.into())
    }

    pub(crate) fn for_any_branch(&self, branch: Scalar) -> Result<CcxKey, KeyError> {
        self.with(self.0.course.for_branch(CLASS, branch))
    }

    /// Returns this custom course at a version, or at none; the branch stays.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when nothing would be left.
    pub fn for_version(&self, version: Option<ObjectId>) -> Result<CcxKey, KeyError> {
        self.for_any_version(version.map_or(Scalar::Null, Scalar::ObjectId))
    }

    pub(crate) fn for_any_version(&self, version: Scalar) -> Result<CcxKey, KeyError> {
        self.with(self.0.course.for_version(CLASS, version))
    }

    /// Returns the version and the number alone.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when there is no version.
    pub fn course_agnostic(&self) -> Result<CcxKey, KeyError> {
        self.with(self.0.course.course_agnostic(CLASS))
    }

    /// Returns the key of a block in this custom course (`ccx-block-v1`).
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the id is not made of `[\w\-~.:]`.
    pub fn make_usage_key(&self, block_type: &str, block_id: &str) -> Result<UsageKey, KeyError> {
        ContextKey::from(self.clone()).make_usage_key(block_type, block_id)
    }

    pub(crate) fn write_part(&self, out: &mut String) -> Result<(), KeyError> {
        let result = self.0.course.write_part(CLASS, out);
        out.push_str("+ccx@");
        self.0.ccx.write_to(out);
        result
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str("ccx-v1:");
        self.write_part(out)
    }
}

key_text!(CcxKey, "CcxKey", |text| match super::KeyRegistry::BUILTIN.context_key(text) {
    Ok(ContextKey::Ccx(key)) => Ok(key),
    _ => Err(KeyError::invalid(CLASS, text)),
});
