//! Keys of asides: an inner key and the type of the aside, in two ways of writing.

use std::sync::Arc;

use super::text::key_text;
use super::{ContextKey, DefinitionKey, KeyError, KeyRegistry, Scalar, UsageKey};

/// How the texts of asides begin.
const NAMESPACES: [&str; 4] = ["aside-usage-v1:", "aside-usage-v2:", "aside-def-v1:", "aside-def-v2:"];

/// How the text of an aside key keeps its two parts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AsideVersion {
    /// `::` is escaped and the first one separates; cannot hold every inner key.
    V1,
    /// Every `:` is escaped and the last `::` separates. What edx-platform writes.
    V2,
}

impl AsideVersion {
    /// Escapes a part.
    fn encode(self, text: &str) -> String {
        let mut encoded = String::with_capacity(text.len() + 8);
        self.encode_into(text, &mut encoded);
        encoded
    }

    fn encode_into(self, text: &str, out: &mut String) {
        match self {
            AsideVersion::V1 => out.push_str(&text.replace('$', "$$").replace("::", "$::")),
            AsideVersion::V2 => {
                let mut from = 0;
                for (at, byte) in text.bytes().enumerate() {
                    if matches!(byte, b'$' | b':') {
                        out.push_str(&text[from..at]);
                        out.push('$');
                        from = at;
                    }
                }
                out.push_str(&text[from..]);
            }
        }
    }

    /// Takes a part's escapes back; none when they are wrong.
    fn decode(self, text: &str) -> Option<String> {
        match self {
            AsideVersion::V1 => {
                let decoded = text.replace("$::", "::").replace("$$", "$");
                (self.encode(&decoded) == text).then_some(decoded)
            }
            AsideVersion::V2 => {
                if let Some(decoded) = decode_colons(text) {
                    return Some(decoded);
                }
                let bytes = text.as_bytes();
                let bare_colon = |at: usize| bytes[at] == b':' && (at == 0 || bytes[at - 1] != b'$');
                if (0..bytes.len()).any(bare_colon) {
                    return None;
                }
                let text = text.replace("$:", ":");
                let mut run = 0;
                for byte in text.bytes().chain([0]) {
                    if byte == b'$' {
                        run += 1;
                    } else if run % 2 == 1 {
                        return None;
                    } else {
                        run = 0;
                    }
                }
                Some(text.replace("$$", "$"))
            }
        }
    }

    /// Takes the text after the namespace apart into inner key and aside type.
    fn split(self, text: &str) -> Option<(String, String)> {
        let (left, right) = match self {
            AsideVersion::V1 => text.split_once("::").unwrap_or((text, "")),
            AsideVersion::V2 => {
                let at = text.as_bytes().windows(2).rposition(|pair| pair == b"::")?;
                (&text[..at], &text[at + 2..])
            }
        };
        let inner = self.decode(left)?;
        // An aside's text contains `::`, which the first way of writing cannot hold; seeing that here keeps a long text of
        // nested namespaces from being read level by level.
        if self == AsideVersion::V1 && NAMESPACES.iter().any(|namespace| inner.starts_with(namespace)) {
            return None;
        }
        Some((inner, self.decode(right)?))
    }

    /// Appends inner key and aside type.
    pub(crate) fn join(self, inner: &str, aside_type: &Scalar, out: &mut String) {
        self.encode_into(inner, out);
        out.push_str("::");
        match aside_type.as_text() {
            Some(text) => self.encode_into(text, out),
            None => self.encode_into(&aside_type.to_string(), out),
        }
    }

    /// Refuses inner keys that the first way of writing cannot hold.
    pub(crate) fn check_inner(self, class: &'static str, inner: &str) -> Result<(), KeyError> {
        if self == AsideVersion::V1 && (inner.contains("::") || inner.ends_with(':')) {
            return Err(KeyError::value(class, "inner key", inner));
        }
        Ok(())
    }
}

/// Takes the escapes of colons back; none when a `$` is anything else, or a `:` is bare.
fn decode_colons(text: &str) -> Option<String> {
    let mut pieces = text.split('$');
    let first = pieces.next()?;
    if first.contains(':') {
        return None;
    }
    let mut decoded = String::with_capacity(text.len());
    decoded.push_str(first);
    for piece in pieces {
        if piece.strip_prefix(':')?.contains(':') {
            return None;
        }
        decoded.push_str(piece);
    }
    Some(decoded)
}

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Aside<K> {
    pub(crate) version: AsideVersion,
    pub(crate) inner: K,
    pub(crate) aside_type: Scalar,
}

/// The key of the usage of an aside: `aside-usage-v2:<usage>::<aside type>` (`AsideUsageKeyV1`, `AsideUsageKeyV2`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AsideUsageKey(pub(crate) Arc<Aside<UsageKey>>);

impl AsideUsageKey {
    /// Makes the key of an aside of a usage.
    ///
    /// # Errors
    /// [`KeyError::InvalidValue`] when the first way of writing cannot hold the inner key: it contains `::` or ends in `:`.
    pub fn new(
        version: AsideVersion,
        usage_key: UsageKey,
        aside_type: &str,
    ) -> Result<AsideUsageKey, KeyError> {
        AsideUsageKey::build(version, usage_key, aside_type.into())
    }

    pub(crate) fn build(
        version: AsideVersion,
        inner: UsageKey,
        aside_type: Scalar,
    ) -> Result<AsideUsageKey, KeyError> {
        let class = usage_class(version);
        if version == AsideVersion::V1 {
            version.check_inner(class, &inner.to_text()?)?;
        }
        let aside_type = super::block_usage::unchecked_type(class, "aside_type", aside_type)?;
        Ok(AsideUsageKey(Arc::new(Aside { version, inner, aside_type })))
    }

    pub(crate) fn parse_rest(
        registry: &KeyRegistry,
        version: AsideVersion,
        rest: &str,
    ) -> Option<AsideUsageKey> {
        let (inner, aside_type) = version.split(rest)?;
        let inner = registry.usage_key(&inner).ok()?;
        AsideUsageKey::build(version, inner, aside_type.as_str().into()).ok()
    }

    /// Returns the way of writing.
    pub fn version(&self) -> AsideVersion {
        self.0.version
    }

    /// Returns the namespace.
    pub fn namespace(&self) -> &'static str {
        match self.0.version {
            AsideVersion::V1 => "aside-usage-v1",
            AsideVersion::V2 => "aside-usage-v2",
        }
    }

    /// Returns the usage the aside belongs to.
    pub fn usage_key(&self) -> &UsageKey {
        &self.0.inner
    }

    /// Returns the type of the aside.
    pub fn aside_type(&self) -> &str {
        self.0.aside_type.shown()
    }

    /// Returns the key of the same aside in another context.
    ///
    /// # Errors
    /// As [`UsageKey::map_into_course`], and as [`AsideUsageKey::new`].
    pub fn map_into_course(&self, context: &ContextKey) -> Result<AsideUsageKey, KeyError> {
        let inner = self.0.inner.map_into_course(context)?;
        AsideUsageKey::build(self.0.version, inner, self.0.aside_type.clone())
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str(self.namespace());
        out.push(':');
        let mut inner = String::with_capacity(96);
        let result = self.0.inner.write_to(&mut inner);
        self.0.version.join(&inner, &self.0.aside_type, out);
        result
    }
}

pub(crate) const fn usage_class(version: AsideVersion) -> &'static str {
    match version {
        AsideVersion::V1 => "AsideUsageKeyV1",
        AsideVersion::V2 => "AsideUsageKeyV2",
    }
}

key_text!(AsideUsageKey, "AsideUsageKey", |text| match KeyRegistry::BUILTIN.usage_key(text) {
    Ok(UsageKey::Aside(key)) => Ok(key),
    _ => Err(KeyError::invalid("AsideUsageKey", text)),
});

/// The key of the definition of an aside: `aside-def-v2:<definition>::<aside type>` (`AsideDefinitionKeyV1`,
/// `AsideDefinitionKeyV2`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AsideDefinitionKey(pub(crate) Arc<Aside<DefinitionKey>>);

impl AsideDefinitionKey {
    /// Makes the key of an aside of a definition.
    ///
    /// # Errors
    /// [`KeyError::InvalidValue`] when the first way of writing cannot hold the inner key: it contains `::` or ends in `:`.
    pub fn new(
        version: AsideVersion,
        definition_key: DefinitionKey,
        aside_type: &str,
    ) -> Result<AsideDefinitionKey, KeyError> {
        AsideDefinitionKey::build(version, definition_key, aside_type.into())
    }

    pub(crate) fn build(
        version: AsideVersion,
        inner: DefinitionKey,
        aside_type: Scalar,
    ) -> Result<AsideDefinitionKey, KeyError> {
        let class = definition_class(version);
        if version == AsideVersion::V1 {
            version.check_inner(class, &inner.to_text()?)?;
        }
        let aside_type = super::block_usage::unchecked_type(class, "aside_type", aside_type)?;
        Ok(AsideDefinitionKey(Arc::new(Aside { version, inner, aside_type })))
    }

    pub(crate) fn parse_rest(
        registry: &KeyRegistry,
        version: AsideVersion,
        rest: &str,
    ) -> Option<AsideDefinitionKey> {
        let (inner, aside_type) = version.split(rest)?;
        let inner = registry.definition_key(&inner).ok()?;
        AsideDefinitionKey::build(version, inner, aside_type.as_str().into()).ok()
    }

    /// Returns the way of writing.
    pub fn version(&self) -> AsideVersion {
        self.0.version
    }

    /// Returns the namespace.
    pub fn namespace(&self) -> &'static str {
        match self.0.version {
            AsideVersion::V1 => "aside-def-v1",
            AsideVersion::V2 => "aside-def-v2",
        }
    }

    /// Returns the definition the aside belongs to.
    pub fn definition_key(&self) -> &DefinitionKey {
        &self.0.inner
    }

    /// Returns the type of the aside.
    pub fn aside_type(&self) -> &str {
        self.0.aside_type.shown()
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str(self.namespace());
        out.push(':');
        let mut inner = String::with_capacity(96);
        let result = self.0.inner.write_to(&mut inner);
        self.0.version.join(&inner, &self.0.aside_type, out);
        result
    }
}

pub(crate) const fn definition_class(version: AsideVersion) -> &'static str {
    match version {
        AsideVersion::V1 => "AsideDefinitionKeyV1",
        AsideVersion::V2 => "AsideDefinitionKeyV2",
    }
}

key_text!(AsideDefinitionKey, "AsideDefinitionKey", |text| {
    match KeyRegistry::BUILTIN.definition_key(text) {
        Ok(DefinitionKey::Aside(key)) => Ok(key),
        _ => Err(KeyError::invalid("AsideDefinitionKey", text)),
    }
});
