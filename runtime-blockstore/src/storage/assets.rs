//! Where the documents and data files of a store lie: beside its database, in a folder, in an object store.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The schemes, as messages list them.
const SCHEMES: &str = "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, or a folder";

/// Names the place of a store's documents and data files.
///
/// Names of objects are those the Blockstore app gives them, below the prefix, so a Django storage of the same bucket
/// and location finds them. Credentials and endpoints come from the environment: `AWS_*`, `GOOGLE_*`, `AZURE_*`.
///
/// ```
/// use runtime_blockstore::Assets;
///
/// let assets: Assets = "s3://courses/blockstore".parse()?;
/// assert_eq!(assets.to_string(), "s3://courses/blockstore");
/// # Ok::<(), runtime_blockstore::NoAssets>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Assets {
    /// In the folder `storage` beside the database.
    #[default]
    BesideDatabase,
    /// In this folder, as Django's `FileSystemStorage` lays them out.
    Folder(PathBuf),
    /// In an object store.
    Objects(Box<ObjectPlace>),
}

/// A place in an object store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectPlace {
    /// Which kind of object store it is.
    pub service: ObjectService,
    /// The bucket or container.
    pub bucket: String,
    /// What the names of objects begin with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// What is said of the client before the environment is asked.
    pub options: ObjectOptions,
}

/// Options of an object store's client, by the names of the environment in lower case: `aws_endpoint_url` and the like;
/// `blockstore_assets_timeout` is the number of seconds an operation may take with all its retries.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct ObjectOptions(BTreeMap<String, String>);

impl fmt::Debug for ObjectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl ObjectOptions {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A kind of object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectService {
    /// Amazon S3, and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl ObjectService {
    const fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

/// A text that names no place for documents and data files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoAssets {
    /// It is empty.
    #[error("assets need a place: {SCHEMES}")]
    Empty,
    /// Nobody knows the scheme.
    #[error("nothing keeps assets at {scheme}://; a place is one of {SCHEMES}")]
    UnknownScheme {
        /// What stands before `://`.
        scheme: String,
    },
    /// The scheme of a service without its two slashes: a folder of that name is hardly meant.
    #[error(
        "{text:?} is no place: a bucket is written {scheme}://BUCKET/PREFIX, a folder of that name ./{text}"
    )]
    NoSlashes {
        /// What stands before the colon.
        scheme: String,
        /// The text.
        text: String,
    },
    /// There is no bucket.
    #[error("{text:?} names no bucket")]
    NoBucket {
        /// The text.
        text: String,
    },
    /// The prefix has parts that are no names.
    #[error("the prefix of {text:?} has a part that is empty, . or .., or has a control character")]
    Prefix {
        /// The text.
        text: String,
    },
}

impl FromStr for Assets {
    type Err = NoAssets;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(NoAssets::Empty);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
            if ["s3", "gs", "az", "file"].contains(&scheme) {
                return Err(NoAssets::NoSlashes { scheme: scheme.to_owned(), text: text.to_owned() });
            }
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        let service = match scheme {
            "file" if !rest.is_empty() => return Ok(Self::Folder(PathBuf::from(rest))),
            "s3" => ObjectService::S3,
            "gs" => ObjectService::Google,
            "az" => ObjectService::Azure,
            scheme => return Err(NoAssets::UnknownScheme { scheme: scheme.to_owned() }),
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(NoAssets::NoBucket { text: text.to_owned() });
        }
        let prefix = prefix.trim_end_matches('/');
        let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
        if !prefix.is_empty() && !prefix.split('/').all(is_name) {
            return Err(NoAssets::Prefix { text: text.to_owned() });
        }
        let options = ObjectOptions::default();
        Ok(Self::Objects(Box::new(ObjectPlace {
            service,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            options,
        })))
    }
}

impl fmt::Display for Assets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BesideDatabase => f.write_str("storage"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Objects(place) => {
                let ObjectPlace { service, bucket, prefix, .. } = &**place;
                write!(f, "{}://{bucket}", service.scheme())?;
                if prefix.is_empty() { Ok(()) } else { write!(f, "/{prefix}") }
            }
        }
    }
}

impl Assets {
    /// Says something of the client of an object store before the environment is asked; of folders there is nothing to say.
    ///
    /// ```
    /// use runtime_blockstore::Assets;
    ///
    /// let assets: Assets = "s3://courses".parse()?;
    /// let assets = assets.with_option("aws_endpoint_url", "https://objects.example.org");
    /// assert_eq!(assets.to_string(), "s3://courses");
    /// # Ok::<(), runtime_blockstore::NoAssets>(())
    /// ```
    #[must_use]
    pub fn with_option(mut self, name: &str, value: &str) -> Self {
        if let Self::Objects(place) = &mut self {
            place.options.0.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// Returns the folder of files, given that of the database; none for objects.
    pub(crate) fn folder(&self, beside: &Path) -> Option<PathBuf> {
        match self {
            Self::BesideDatabase => Some(beside.join("storage")),
            Self::Folder(folder) => Some(folder.clone()),
            Self::Objects(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_read_and_written_alike() {
        for text in ["s3://b", "s3://b/p", "s3://b/p/q r", "gs://b/p", "az://c/p", "/var/assets", "assets"] {
            assert_eq!(text.parse::<Assets>().map(|assets| assets.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("s3://b/p/".parse::<Assets>(), "s3://b/p".parse());
        assert_eq!("file:///var/assets".parse(), Ok(Assets::Folder("/var/assets".into())));
    }

    #[test]
    fn what_is_no_place_says_why() {
        assert_eq!("".parse::<Assets>(), Err(NoAssets::Empty));
        assert_eq!("ftp://x".parse::<Assets>(), Err(NoAssets::UnknownScheme { scheme: "ftp".into() }));
        assert!(matches!("s3:///p".parse::<Assets>(), Err(NoAssets::NoBucket { .. })));
        for text in ["s3:/b", "s3:b", "gs:b/p", "az:", "file:/var/assets"] {
            assert!(matches!(text.parse::<Assets>(), Err(NoAssets::NoSlashes { .. })), "{text}");
        }
        assert_eq!("./s3:b".parse(), Ok(Assets::Folder("./s3:b".into())));
        for text in ["s3://b//p", "s3://b/../p", "s3://b/./p", "s3://b/p\n"] {
            assert!(matches!(text.parse::<Assets>(), Err(NoAssets::Prefix { .. })), "{text}");
        }
    }
}
