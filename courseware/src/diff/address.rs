//! How the command line names a side of a difference: a package, or a state of a course in a store.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, VersionId};

use crate::store_url::{StoreUrl, StoreUrlError};

/// The beginnings by which a store is told from a path.
const SCHEMES: [&str; 4] = ["memory:", "blockstore:", "blockstore+mysql:", "modulestore:"];

/// A state of a course in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateName {
    /// What a branch is now.
    Branch(Branch),
    /// A version that the history lists.
    Version(VersionId),
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(branch) => branch.fmt(f),
            Self::Version(version) => version.fmt(f),
        }
    }
}

impl FromStr for StateName {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let branch = Branch::ALL.into_iter().find(|branch| branch.name() == text);
        Ok(branch.map_or_else(|| Self::Version(VersionId(Arc::from(text))), Self::Branch))
    }
}

/// Names a side of a difference: `PATH`, or `URL[#CONTEXT][@STATE]`.
///
/// ```
/// use courseware::{CourseAddress, StateName};
/// use xblock_core::runtime::Branch;
///
/// let address: CourseAddress = "blockstore:bundles#course-v1:Harbour+TIDES+2031@draft".parse()?;
/// let CourseAddress::Store { context, state, .. } = address else { panic!("a store") };
/// assert_eq!(context, Some("course-v1:Harbour+TIDES+2031".parse()?));
/// assert_eq!(state, Some(StateName::Branch(Branch::Draft)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CourseAddress {
    /// A package: a directory or an archive.
    Package(PathBuf),
    /// A course or library in a store.
    Store {
        /// The store.
        url: StoreUrl,
        /// The course or library; where there is none, the only one of the store.
        context: Option<ContextKey>,
        /// Its state; where there is none, both branches.
        state: Option<StateName>,
    },
}

/// A text that names no side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// What stands before the `#` names no store.
    #[error(transparent)]
    Url(#[from] StoreUrlError),
    /// What stands behind the `#` is no key.
    #[error("{text:?} is no course or library, nor one with @draft, @published or @VERSION behind it")]
    Context {
        /// What stands there.
        text: String,
    },
}

impl FromStr for CourseAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Self::Package(text.into()));
        }
        let Some((url, rest)) = text.rsplit_once('#') else {
            return Ok(Self::Store { url: text.parse()?, context: None, state: None });
        };
        let url = url.parse()?;
        // A key may hold a branch or version of its own, with an `@`; both are ignored.
        let (context, state) = match (rest.parse::<ContextKey>(), rest.rsplit_once('@')) {
            (Ok(context), _) => (Some(context), None),
            (Err(_), Some((context, state))) if !state.is_empty() => {
                (context.parse().ok().or(None), state.parse().ok())
            }
            _ => (None, None),
        };
        match context {
            Some(context) => Ok(Self::Store { url, context: Some(context.plain()), state }),
            None if rest.starts_with('@') && state.is_some() => Ok(Self::Store { url, context: None, state }),
            None => Err(AddressError::Context { text: rest.to_owned() }),
        }
    }
}

impl fmt::Display for CourseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(path) => path.display().fmt(f),
            Self::Store { url, context, state } => {
                url.fmt(f)?;
                if context.is_some() || state.is_some() {
                    f.write_str("#")?;
                }
                if let Some(context) = context {
                    context.fmt(f)?;
                }
                state.iter().try_for_each(|state| write!(f, "@{state}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for text in [
            "courses/tides",
            "a#b@c.tar.gz",
            "blockstore:bundles",
            "blockstore:a#b#course-v1:O+C+R",
            "modulestore:split.db#O/C/R@published",
            "blockstore:b#library-v1:O+L@12-0123456789abcdef",
            "blockstore:b#@draft",
        ] {
            let address: CourseAddress = text.parse().expect("an address");
            assert_eq!(address.to_string(), text);
        }
        let with_branch: CourseAddress =
            "blockstore:b#course-v1:O+C+R+branch@x@draft".parse().expect("an address");
        assert_eq!(with_branch.to_string(), "blockstore:b#course-v1:O+C+R@draft");
        for text in ["blockstore:", "blockstore:b#", "blockstore:b#nothing", "blockstore:b#course-v1:O+C+R@"]
        {
            assert!(text.parse::<CourseAddress>().is_err(), "{text}");
        }
    }
}
