//! Keys of definitions: the content of blocks, wherever they are used.

use std::cmp::Ordering;
use std::sync::Arc;

use smol_str::SmolStr;
use uuid::Uuid;

use super::charset::{Charset, is_ascii_slug, is_decimal, is_digit};
use super::library::checked;
use super::plugin::PluginKey;
use super::scalar::Integer;
use super::text::key_text;
use super::{AsideDefinitionKey, KeyError, ObjectId, Scalar};

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SplitDefinitionFields {
    pub(crate) definition_id: Scalar,
    pub(crate) block_type: Scalar,
}

/// The key of a definition document of the Split modulestore: `def-v1:<24 hex digits>+type@<type>` (`DefinitionLocator`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SplitDefinitionKey(pub(crate) Arc<SplitDefinitionFields>);

pub(crate) const CLASS: &str = "DefinitionLocator";

impl SplitDefinitionKey {
    /// Namespace of these keys.
    pub const NAMESPACE: &str = "def-v1";

    /// Makes the key of a definition document. The block type is not checked.
    pub fn new(block_type: &str, definition_id: ObjectId) -> SplitDefinitionKey {
        SplitDefinitionKey(Arc::new(SplitDefinitionFields {
            definition_id: definition_id.into(),
            block_type: block_type.into(),
        }))
    }

    pub(crate) fn build(block_type: Scalar, definition_id: Scalar) -> Result<SplitDefinitionKey, KeyError> {
        let definition_id = match definition_id {
            Scalar::Text(text) => match ObjectId::from_hex(&text) {
                Some(id) => Scalar::ObjectId(id),
                None => return Err(KeyError::field(CLASS, "definition_id", text)),
            },
            Scalar::Uuid(_) => return Err(KeyError::wrong_type(CLASS, "definition_id", definition_id)),
            other => other,
        };
        let block_type = super::block_usage::unchecked_type(CLASS, "block_type", block_type)?;
        Ok(SplitDefinitionKey(Arc::new(SplitDefinitionFields { definition_id, block_type })))
    }

    /// Reads the text after `def-v1:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<SplitDefinitionKey> {
        let (id, block_type) = rest.split_once("+type@")?;
        let lower = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !lower || !Charset::Id.is(block_type) {
            return None;
        }
        Some(SplitDefinitionKey::new(block_type, ObjectId::from_hex(id)?))
    }

    /// Returns the block type, `None` when there is none.
    pub fn block_type(&self) -> &str {
        self.0.block_type.shown()
    }

    /// Returns the id of the document; none when it is not saved yet.
    pub fn definition_id(&self) -> Option<ObjectId> {
        match self.0.definition_id {
            Scalar::ObjectId(id) => Some(id),
            _ => None,
        }
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str("def-v1:");
        self.0.definition_id.write_to(out);
        out.push_str("+type@");
        self.0.block_type.write_to(out);
        Ok(())
    }
}

key_text!(SplitDefinitionKey, "SplitDefinitionKey", |text| {
    match super::KeyRegistry::BUILTIN.definition_key(text) {
        Ok(DefinitionKey::Split(key)) => Ok(key),
        _ => Err(KeyError::invalid(CLASS, text)),
    }
});

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BundleDefinitionFields {
    pub(crate) bundle_uuid: Uuid,
    pub(crate) block_type: SmolStr,
    pub(crate) olx_path: SmolStr,
    pub(crate) version_or_draft: Scalar,
}

/// The key of an OLX file of a bundle: `bundle-olx:<uuid>:<version or draft>:<type>:<path>` (`BundleDefinitionLocator`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleDefinitionKey(pub(crate) Arc<BundleDefinitionFields>);

/// Which state of a bundle is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BundleState<'a> {
    /// A committed version.
    Version(u64),
    /// A draft, by its name.
    Draft(&'a str),
}

pub(crate) const BUNDLE_CLASS: &str = "BundleDefinitionLocator";

impl BundleDefinitionKey {
    /// Namespace of these keys.
    pub const NAMESPACE: &str = "bundle-olx";

    /// Makes the key of an OLX file of a version or draft of a bundle.
    ///
    /// # Errors
    /// [`KeyError::InvalidValue`] when the type is not made of `[a-zA-Z0-9_\-.]`, the path not of `[\w\-./]`, or the name of
    /// the draft is empty or made of digits.
    pub fn new(
        bundle_uuid: Uuid,
        state: &BundleState<'_>,
        block_type: &str,
        olx_path: &str,
    ) -> Result<BundleDefinitionKey, KeyError> {
        let state = match state {
            BundleState::Version(version) => Scalar::Int(
                Integer::parse(&version.to_string()).expect("a number is written in its canonical form"),
            ),
            BundleState::Draft(name) => Scalar::text(name),
        };
        BundleDefinitionKey::build(&Scalar::Uuid(bundle_uuid), &block_type.into(), &olx_path.into(), state)
    }

    pub(crate) fn build(
        bundle_uuid: &Scalar,
        block_type: &Scalar,
        olx_path: &Scalar,
        version_or_draft: Scalar,
    ) -> Result<BundleDefinitionKey, KeyError> {
        let bundle_uuid = match bundle_uuid {
            Scalar::Uuid(uuid) => *uuid,
            Scalar::Text(text) => canonical_uuid(text)?,
            Scalar::Null => return Err(KeyError::wrong_type(BUNDLE_CLASS, "bundle_uuid", "None")),
            other => return Err(KeyError::no_attribute("bundle_uuid", other.to_string())),
        };
        let block_type = checked(BUNDLE_CLASS, "block_type", block_type, is_ascii_slug)?;
        let olx_path = checked(BUNDLE_CLASS, "olx_path", olx_path, |path| Charset::OlxPath.is_line(path))?;
        match &version_or_draft {
            Scalar::Int(_) => {}
            Scalar::Text(name) if !name.is_empty() && !name.chars().all(is_digit) => {}
            other => return Err(KeyError::value(BUNDLE_CLASS, "draft_name", other)),
        }
        Ok(BundleDefinitionKey(Arc::new(BundleDefinitionFields {
            bundle_uuid,
            block_type,
            olx_path,
            version_or_draft,
        })))
    }

    /// Reads the text after `bundle-olx:`.
    ///
    /// # Errors
    /// As in Python, a version that counts as digits and is no number (superscripts, or more than 4300 digits) is
    /// [`KeyError::InvalidValue`]; everything else is none.
    pub(crate) fn parse_rest(rest: &str) -> Result<Option<BundleDefinitionKey>, KeyError> {
        let mut parts = rest.splitn(4, ':');
        let (Some(uuid), Some(state), Some(block_type), Some(olx_path)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(None);
        };
        let version_or_draft = if !state.is_empty() && state.chars().all(is_digit) {
            let number = state.chars().all(is_decimal) && state.chars().count() <= MAX_DIGITS;
            if !number {
                return Err(KeyError::value(BUNDLE_CLASS, "bundle_version", state));
            }
            match Integer::parse(state) {
                Some(version) => Scalar::Int(version),
                None => return Ok(None),
            }
        } else {
            Scalar::text(state)
        };
        let key =
            BundleDefinitionKey::build(&uuid.into(), &block_type.into(), &olx_path.into(), version_or_draft);
        Ok(key.ok())
    }

    /// Returns the bundle.
    pub fn bundle_uuid(&self) -> Uuid {
        self.0.bundle_uuid
    }

    /// Returns the version; none for a draft.
    pub fn bundle_version(&self) -> Option<u64> {
        match &self.0.version_or_draft {
            Scalar::Int(version) => version.as_str().parse().ok(),
            _ => None,
        }
    }

    /// Returns the name of the draft; none for a version.
    pub fn draft_name(&self) -> Option<&str> {
        self.0.version_or_draft.as_text()
    }

    /// Returns the block type.
    pub fn block_type(&self) -> &str {
        &self.0.block_type
    }

    /// Returns the path of the file within the bundle.
    pub fn olx_path(&self) -> &str {
        &self.0.olx_path
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str("bundle-olx:");
        Scalar::Uuid(self.0.bundle_uuid).write_to(out);
        out.push(':');
        self.0.version_or_draft.write_to(out);
        for part in [&self.0.block_type, &self.0.olx_path] {
            out.push(':');
            out.push_str(part);
        }
        Ok(())
    }
}

/// How many digits Python is ready to read as one integer.
const MAX_DIGITS: usize = 4300;

/// Reads a UUID that is written as UUIDs are: lower case, with hyphens. Any other spelling of one is an invalid key, any
/// other text a bad value.
fn canonical_uuid(text: &str) -> Result<Uuid, KeyError> {
    // Python's uuid.UUID drops `urn:`, `uuid:`, outer braces and all hyphens, then wants 32 hexadecimal digits.
    let bare = text.replace("urn:", "").replace("uuid:", "");
    let digits = bare.trim_matches(['{', '}']).replace('-', "");
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(KeyError::value(BUNDLE_CLASS, "bundle_uuid", text));
    }
    match Uuid::try_parse(text) {
        Ok(uuid) if uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text => Ok(uuid),
        _ => Err(KeyError::field(BUNDLE_CLASS, "bundle_uuid", text)),
    }
}

key_text!(BundleDefinitionKey, "BundleDefinitionKey", |text| {
    match super::KeyRegistry::BUILTIN.definition_key(text) {
        Ok(DefinitionKey::Bundle(key)) => Ok(key),
        Ok(_) => Err(KeyError::invalid(BUNDLE_CLASS, text)),
        Err(error) => Err(error),
    }
});

/// The key of a definition (`DefinitionKey`).
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DefinitionKey {
    /// A definition document of the Split modulestore.
    Split(SplitDefinitionKey),
    /// An OLX file of a bundle.
    Bundle(BundleDefinitionKey),
    /// The definition of an aside.
    Aside(AsideDefinitionKey),
    /// A definition of a kind that a plugin brings.
    Plugin(PluginKey),
}

impl DefinitionKey {
    /// Returns the namespace.
    pub fn namespace(&self) -> &str {
        match self {
            DefinitionKey::Split(_) => SplitDefinitionKey::NAMESPACE,
            DefinitionKey::Bundle(_) => BundleDefinitionKey::NAMESPACE,
            DefinitionKey::Aside(key) => key.namespace(),
            DefinitionKey::Plugin(key) => key.namespace(),
        }
    }

    /// Returns the block type; of an aside, that of its block.
    pub fn block_type(&self) -> &str {
        match self {
            DefinitionKey::Split(key) => key.block_type(),
            DefinitionKey::Bundle(key) => key.block_type(),
            DefinitionKey::Aside(key) => key.definition_key().block_type(),
            DefinitionKey::Plugin(key) => key.text_field("block_type").unwrap_or_default(),
        }
    }

    /// Returns the key of a Split definition when this is one.
    pub fn as_split(&self) -> Option<&SplitDefinitionKey> {
        match self {
            DefinitionKey::Split(key) => Some(key),
            _ => None,
        }
    }

    /// Returns the key of a bundle's file when this is one.
    pub fn as_bundle(&self) -> Option<&BundleDefinitionKey> {
        match self {
            DefinitionKey::Bundle(key) => Some(key),
            _ => None,
        }
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        match self {
            DefinitionKey::Split(key) => key.write_to(out),
            DefinitionKey::Bundle(key) => key.write_to(out),
            DefinitionKey::Aside(key) => key.write_to(out),
            DefinitionKey::Plugin(key) => key.write_to(out),
        }
    }
}

key_text!(DefinitionKey, "DefinitionKey", |text| super::KeyRegistry::BUILTIN.definition_key(text));

impl Ord for DefinitionKey {
    /// Compares by namespace, then the parts.
    fn cmp(&self, other: &DefinitionKey) -> Ordering {
        match (self, other) {
            (DefinitionKey::Split(a), DefinitionKey::Split(b)) => a.cmp(b),
            (DefinitionKey::Bundle(a), DefinitionKey::Bundle(b)) => a.cmp(b),
            (DefinitionKey::Aside(a), DefinitionKey::Aside(b)) => a.cmp(b),
            (DefinitionKey::Plugin(a), DefinitionKey::Plugin(b)) => a.cmp(b),
            _ => self.namespace().cmp(other.namespace()),
        }
    }
}

impl PartialOrd for DefinitionKey {
    fn partial_cmp(&self, other: &DefinitionKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<SplitDefinitionKey> for DefinitionKey {
    fn from(key: SplitDefinitionKey) -> DefinitionKey {
        DefinitionKey::Split(key)
    }
}

impl From<BundleDefinitionKey> for DefinitionKey {
    fn from(key: BundleDefinitionKey) -> DefinitionKey {
        DefinitionKey::Bundle(key)
    }
}

impl From<AsideDefinitionKey> for DefinitionKey {
    fn from(key: AsideDefinitionKey) -> DefinitionKey {
        DefinitionKey::Aside(key)
    }
}
