//! Keys of courses.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use smol_str::SmolStr;

use super::charset::Charset;
use super::recent::ReadAs;
use super::scan::{Dialect, Parts, scan, scan_block, split_at_type};
use super::text::key_text;
use super::{AssetKey, ContextKey, KeyError, ObjectId, Scalar, UsageKey, recent};

/// The parts of a course key, also those of a CCX but its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CourseFields {
    pub(crate) deprecated: bool,
    pub(crate) org: Option<SmolStr>,
    pub(crate) course: Option<SmolStr>,
    pub(crate) run: Option<SmolStr>,
    pub(crate) branch: Option<SmolStr>,
    pub(crate) version: Scalar,
}

impl Hash for CourseFields {
    /// Hashes every part, with the lengths of all in one number, because each write costs.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let parts = [&self.org, &self.course, &self.run, &self.branch];
        let mut shape = u64::from(self.deprecated);
        for part in parts {
            // An absent part is told from an empty one.
            shape = shape.rotate_left(15) ^ part.as_ref().map_or(0, |part| part.len() as u64 + 1);
        }
        state.write_u64(shape);
        for part in parts.into_iter().flatten() {
            state.write(part.as_bytes());
        }
        if !self.version.is_null() {
            self.version.hash(state);
        }
    }
}

/// What a course key is to be built from, not yet checked.
#[derive(Debug, Clone)]
pub(crate) struct CourseArgs {
    pub(crate) deprecated: bool,
    pub(crate) org: Scalar,
    pub(crate) course: Scalar,
    pub(crate) run: Scalar,
    pub(crate) branch: Scalar,
    pub(crate) version: Scalar,
}

/// Takes a text that must be made of ID characters, or null.
pub(crate) fn id_or_null(
    class: &'static str,
    field: &'static str,
    value: &Scalar,
) -> Result<Option<SmolStr>, KeyError> {
    match value {
        Scalar::Null => Ok(None),
        Scalar::Text(text) if Charset::Id.is(text) => Ok(Some(text.clone())),
        Scalar::Text(text) => Err(KeyError::field(class, field, text)),
        other => Err(KeyError::wrong_type(class, field, other)),
    }
}

/// Turns a version into an ObjectId; what Python takes for false is kept as it is.
pub(crate) fn version_guid(class: &'static str, value: Scalar) -> Result<Scalar, KeyError> {
    match value {
        Scalar::ObjectId(_) => Ok(value),
        _ if value.is_falsy() => Ok(value),
        Scalar::Text(text) => match ObjectId::from_hex(&text) {
            Some(id) => Ok(Scalar::ObjectId(id)),
            None => Err(KeyError::field(class, "version_guid", text)),
        },
        other => Err(KeyError::wrong_type(class, "version_guid", other)),
    }
}

impl CourseFields {
    /// Applies the constructor's rules.
    pub(crate) fn check(class: &'static str, args: CourseArgs) -> Result<CourseFields, KeyError> {
        if args.deprecated {
            return CourseFields::check_deprecated(class, args);
        }
        let version = version_guid(class, args.version)?;
        let org = id_or_null(class, "org", &args.org)?;
        let course = id_or_null(class, "course", &args.course)?;
        let run = id_or_null(class, "run", &args.run)?;
        let branch = id_or_null(class, "branch", &args.branch)?;
        if version.is_null() && (org.is_none() || course.is_none() || run.is_none()) {
            return Err(KeyError::Incomplete { class, needs: "a version, or org, course and run" });
        }
        Ok(CourseFields { deprecated: false, org, course, run, branch, version })
    }

    fn check_deprecated(class: &'static str, args: CourseArgs) -> Result<CourseFields, KeyError> {
        let parts = [("org", &args.org), ("course", &args.course), ("run", &args.run)];
        for (field, value) in parts {
            match value {
                Scalar::Null => {}
                Scalar::Text(text) if Charset::Old.has_all(text) => {}
                other => return Err(KeyError::field(class, field, other)),
            }
        }
        let id_percent = |field: &'static str, value: &Scalar| match value {
            Scalar::Text(text) if Charset::IdPercent.is(text) => Ok(Some(text.clone())),
            Scalar::Text(text) => Err(KeyError::field(class, field, text)),
            other => Err(KeyError::wrong_type(class, field, other)),
        };
        let org = id_percent("org", &args.org)?;
        let course = id_percent("course", &args.course)?;
        let run = match &args.run {
            Scalar::Text(text) => Some(text.clone()),
            _ => None,
        };
        let branch = if args.branch.is_null() { None } else { id_percent("branch", &args.branch)? };
        Ok(CourseFields { deprecated: true, org, course, run, branch, version: args.version })
    }

    /// Takes what the grammar found; the characters are known to be right.
    pub(crate) fn from_parts(parts: &Parts<'_>) -> Option<CourseFields> {
        let version = match parts.version {
            None => Scalar::Null,
            Some(hex) => Scalar::ObjectId(ObjectId::from_hex(hex)?),
        };
        if version.is_null() && parts.run.is_none() {
            return None;
        }
        Some(CourseFields {
            deprecated: false,
            org: parts.org.map(Into::into),
            course: parts.course.map(Into::into),
            run: parts.run.map(Into::into),
            branch: parts.branch.map(Into::into),
            version,
        })
    }

    pub(crate) fn args(&self) -> CourseArgs {
        CourseArgs {
            deprecated: self.deprecated,
            org: (&self.org).into(),
            course: (&self.course).into(),
            run: (&self.run).into(),
            branch: (&self.branch).into(),
            version: self.version.clone(),
        }
    }

    /// The parts for a branch: the version goes.
    pub(crate) fn for_branch(&self, class: &'static str, branch: Scalar) -> Result<CourseFields, KeyError> {
        if self.org.is_none() {
            return Err(KeyError::Incomplete { class, needs: "org, course and run to have a branch" });
        }
        CourseFields::check(class, CourseArgs { branch, version: Scalar::Null, ..self.args() })
    }

    pub(crate) fn for_version(&self, class: &'static str, version: Scalar) -> Result<CourseFields, KeyError> {
        CourseFields::check(class, CourseArgs { version, ..self.args() })
    }

    pub(crate) fn course_agnostic(&self, class: &'static str) -> Result<CourseFields, KeyError> {
        CourseFields::check(
            class,
            CourseArgs {
                org: Scalar::Null,
                course: Scalar::Null,
                run: Scalar::Null,
                branch: Scalar::Null,
                ..self.args()
            },
        )
    }

    /// Appends the text after the namespace. Always writes something; the error tells that Python would not.
    pub(crate) fn write_part(&self, class: &'static str, out: &mut String) -> Result<(), KeyError> {
        if self.deprecated {
            out.push_str(self.org.as_deref().unwrap_or_default());
            out.push('/');
            out.push_str(self.course.as_deref().unwrap_or_default());
            out.push('/');
            out.push_str(self.run.as_deref().unwrap_or_default());
            return match self.run {
                Some(_) => Ok(()),
                None => Err(KeyError::Unwritable { class, field: "run" }),
            };
        }
        let start = out.len();
        let mut result = Ok(());
        if let (Some(course), Some(run)) = (&self.course, &self.run) {
            if let Some(org) = &self.org {
                for (at, part) in [org, course, run].into_iter().enumerate() {
                    if at > 0 {
                        out.push('+');
                    }
                    out.push_str(part);
                }
                if let Some(branch) = &self.branch {
                    out.push_str("+branch@");
                    out.push_str(branch);
                }
            } else {
                result = Err(KeyError::Unwritable { class, field: "org" });
            }
        }
        write_version(&self.version, start, out);
        result
    }
}

/// Appends `version@..`, with the `+` before it when something has been written since `start`.
pub(crate) fn write_version(version: &Scalar, start: usize, out: &mut String) {
    if !version.is_falsy() {
        if out.len() > start {
            out.push('+');
        }
        out.push_str("version@");
        version.write_to(out);
    }
}

/// The key of a course: `course-v1:Org+Course+Run`, or in its old form `Org/Course/Run` (`CourseLocator`).
///
/// The old form is a different key: it is not equal to the new one, and its text shows neither branch nor version.
///
/// ```
/// use xblock_core::keys::CourseKey;
///
/// let key: CourseKey = "course-v1:OrgX+CS101+2024".parse()?;
/// assert_eq!((key.org(), key.course(), key.run()), ("OrgX", "CS101", "2024"));
/// assert_eq!(key.for_branch(Some("draft-branch"))?.to_string(), "course-v1:OrgX+CS101+2024+branch@draft-branch");
/// # Ok::<(), xblock_core::keys::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CourseKey(pub(crate) Arc<Course>);

/// The parts of a course key, with what the many keys within the course would work out again and again.
#[derive(Debug)]
pub(crate) struct Course {
    fields: CourseFields,
    /// What is written after the namespace; none for a key that has no text.
    text: Option<Box<str>>,
    /// A hash of all parts.
    digest: u64,
}

impl Course {
    fn new(fields: CourseFields) -> Course {
        let mut hasher = DefaultHasher::new();
        fields.hash(&mut hasher);
        let mut text = String::with_capacity(48);
        let written = fields.write_part(CLASS, &mut text).is_ok();
        Course { fields, text: written.then(|| text.into()), digest: hasher.finish() }
    }
}

impl Deref for Course {
    type Target = CourseFields;

    fn deref(&self) -> &CourseFields {
        &self.fields
    }
}

impl PartialEq for Course {
    fn eq(&self, other: &Course) -> bool {
        self.digest == other.digest && self.fields == other.fields
    }
}

impl Eq for Course {}

impl Hash for Course {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

impl Ord for Course {
    fn cmp(&self, other: &Course) -> Ordering {
        self.fields.cmp(&other.fields)
    }
}

impl PartialOrd for Course {
    fn partial_cmp(&self, other: &Course) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Name of the class in errors.
pub(crate) const CLASS: &str = "CourseLocator";

impl CourseKey {
    /// Namespace of the new form.
    pub const NAMESPACE: &str = "course-v1";

    /// Makes a key of the new form.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when a part is empty or has a character outside `[\w\-~.:]`.
    pub fn new(org: &str, course: &str, run: &str) -> Result<CourseKey, KeyError> {
        CourseKey::build(CourseArgs {
            deprecated: false,
            org: org.into(),
            course: course.into(),
            run: run.into(),
            branch: Scalar::Null,
            version: Scalar::Null,
        })
    }

    /// Makes a key of the old form, `org/course/run`. Without a run it can be used, but not written.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when a part has a character outside `[\w.%-]`, or org or course is empty.
    pub fn new_deprecated(org: &str, course: &str, run: Option<&str>) -> Result<CourseKey, KeyError> {
        CourseKey::build(CourseArgs {
            deprecated: true,
            org: org.into(),
            course: course.into(),
            run: run.into(),
            branch: Scalar::Null,
            version: Scalar::Null,
        })
    }

    /// Makes a key that names a course by one of its versions only.
    pub fn from_version(version: ObjectId) -> CourseKey {
        CourseKey::from_fields(CourseFields {
            deprecated: false,
            org: None,
            course: None,
            run: None,
            branch: None,
            version: version.into(),
        })
    }

    pub(crate) fn build(args: CourseArgs) -> Result<CourseKey, KeyError> {
        CourseFields::check(CLASS, args).map(CourseKey::from_fields)
    }

    pub(crate) fn from_fields(fields: CourseFields) -> CourseKey {
        CourseKey(Arc::new(Course::new(fields)))
    }

    /// Reads the text after `course-v1:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<CourseKey> {
        if let Some(key) = recent::recall(ReadAs::Course, rest) {
            return Some(key);
        }
        let parts = scan(rest, Dialect::Common)?;
        let key = CourseKey::from_fields(CourseFields::from_parts(&parts)?);
        // A text that goes on with a block is read as its course, but is not the course part of another key.
        if parts.block_type.is_none() && parts.block_id.is_none() {
            recent::remember(ReadAs::Course, rest, &key);
        }
        Some(key)
    }

    /// Reads the text after the namespace of something in a course, and returns the course with the parts after it.
    pub(crate) fn parse_with_parts(rest: &str) -> Option<(CourseKey, Parts<'_>)> {
        let split = split_at_type(rest);
        if let Some((course, within)) = split
            && let Some(key) = recent::recall(ReadAs::Course, course)
        {
            return Some((key, scan_block(within)?));
        }
        let parts = scan(rest, Dialect::Common)?;
        let key = CourseKey::from_fields(CourseFields::from_parts(&parts)?);
        if let Some((course, _)) = split {
            recent::remember(ReadAs::Course, course, &key);
        }
        Some((key, parts))
    }

    /// Reads `org/course/run`.
    pub(crate) fn parse_deprecated(text: &str) -> Result<CourseKey, KeyError> {
        if let Some(key) = recent::recall(ReadAs::OldCourse, text) {
            return Ok(key);
        }
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(org), Some(course), Some(run), None) => {
                let key = CourseKey::new_deprecated(org, course, Some(run))?;
                recent::remember(ReadAs::OldCourse, text, &key);
                Ok(key)
            }
            _ => Err(KeyError::invalid(CLASS, text)),
        }
    }

    /// A hash of all parts, worked out once.
    pub(crate) fn digest(&self) -> u64 {
        self.0.digest
    }

    /// Appends the text after the namespace, as the keys within the course contain it.
    pub(crate) fn write_part(&self, out: &mut String) -> Result<(), KeyError> {
        match &self.0.text {
            Some(text) => {
                out.push_str(text);
                Ok(())
            }
            None => self.0.fields.write_part(CLASS, out),
        }
    }

    /// Returns the organisation, empty when the key names only a version.
    pub fn org(&self) -> &str {
        self.0.org.as_deref().unwrap_or_default()
    }

    /// Returns the course's code, empty when the key names only a version.
    pub fn course(&self) -> &str {
        self.0.course.as_deref().unwrap_or_default()
    }

    /// Returns the run, empty when the key has none.
    pub fn run(&self) -> &str {
        self.0.run.as_deref().unwrap_or_default()
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

    /// Tells whether the key is of the old form.
    pub fn is_deprecated(&self) -> bool {
        self.0.deprecated
    }

    /// Returns this course on a branch, or on none; the version is dropped.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when the key names only a version; [`KeyError::InvalidField`] for a bad branch.
    pub fn for_branch(&self, branch: Option<&str>) -> Result<CourseKey, KeyError> {
        if branch == self.branch() && self.0.version.is_null() && self.0.org.is_some() {
            return Ok(self.clone());
        }
        self.0.for_branch(CLASS, branch.into()).map(CourseKey::from_fields)
    }

    /// Returns this course at a version, or at none; the branch stays.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when nothing would be left.
    pub fn for_version(&self, version: Option<ObjectId>) -> Result<CourseKey, KeyError> {
        let version = version.map_or(Scalar::Null, Scalar::ObjectId);
        self.0.for_version(CLASS, version).map(CourseKey::from_fields)
    }

    /// Returns this course without the version.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when the key names only a version.
    pub fn version_agnostic(&self) -> Result<CourseKey, KeyError> {
        self.for_version(None)
    }

    /// Returns the version alone, without the course it belongs to.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when there is no version; [`KeyError::WrongType`] for a key of the old form.
    pub fn course_agnostic(&self) -> Result<CourseKey, KeyError> {
        self.0.course_agnostic(CLASS).map(CourseKey::from_fields)
    }

    /// Returns the key of a block in this course, of the same form.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the id is not made of `[\w\-~.:]` (with `%` too in the old form).
    pub fn make_usage_key(&self, block_type: &str, block_id: &str) -> Result<UsageKey, KeyError> {
        ContextKey::from(self.clone()).make_usage_key(block_type, block_id)
    }

    /// Returns the key of an asset of this course, of the same form.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the path is not made of `[\w\-~.:%]`; clean it first
    /// ([`clean_asset_name`](super::clean_asset_name)).
    pub fn make_asset_key(&self, asset_type: &str, path: &str) -> Result<AssetKey, KeyError> {
        AssetKey::new(self.clone().into(), asset_type, path)
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        if !self.0.deprecated {
            out.push_str("course-v1:");
        }
        self.write_part(out)
    }
}

key_text!(CourseKey, "CourseKey", |text| match super::KeyRegistry::BUILTIN.context_key(text) {
    Ok(ContextKey::Course(key)) => Ok(key),
    Ok(_) => Err(KeyError::invalid(CLASS, text)),
    Err(error) => Err(error),
});
