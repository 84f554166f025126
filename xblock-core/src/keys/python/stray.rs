//! Asides of things that are not of their family, which only the constructors of the Python packages allow.

use crate::keys::aside::AsideVersion;
use crate::keys::{KeyClass, KeyError, Scalar};

use super::KeyValue;

/// An aside key whose inner part is no key of its family: a text, or a usage in the key of a definition.
///
/// It can be written and compared; reading its text gives another key, or none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StrayAside {
    pub(crate) class: KeyClass,
    pub(crate) inner: KeyValue,
    pub(crate) aside_type: Scalar,
}

impl StrayAside {
    pub(crate) fn build(
        class: KeyClass,
        inner: KeyValue,
        aside_type: Scalar,
    ) -> Result<StrayAside, KeyError> {
        let stray = StrayAside { class, inner, aside_type };
        if stray.version() == AsideVersion::V1 {
            stray.version().check_inner(class.name(), &stray.inner.to_python_text()?)?;
        }
        Ok(stray)
    }

    fn version(&self) -> AsideVersion {
        match self.class {
            KeyClass::AsideUsageKeyV1 | KeyClass::AsideDefinitionKeyV1 => AsideVersion::V1,
            _ => AsideVersion::V2,
        }
    }

    pub(crate) fn namespace(&self) -> &'static str {
        match self.class {
            KeyClass::AsideUsageKeyV1 => "aside-usage-v1",
            KeyClass::AsideUsageKeyV2 => "aside-usage-v2",
            KeyClass::AsideDefinitionKeyV1 => "aside-def-v1",
            _ => "aside-def-v2",
        }
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str(self.namespace());
        out.push(':');
        let inner = self.inner.to_python_text();
        let shown = match &inner {
            Ok(text) => text.clone(),
            Err(_) => self.inner.to_string(),
        };
        self.version().join(&shown, &self.aside_type, out);
        inner.map(drop)
    }
}
