//! Catalogues of translations, read from the bytes of `.po` and `.mo` files (GNU gettext).

mod mo;
mod plural;
mod po;

use std::collections::HashMap;

use plural::PluralRule;

/// Why a catalogue cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file is not in UTF-8.
    #[error("the catalogue is not in UTF-8")]
    NotUtf8,
    /// A line of a `.po` file that means nothing.
    #[error("line {line}: {problem}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A `.mo` file that is damaged, or none at all.
    #[error("no .mo file: {problem}")]
    Binary {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The formula of the plural forms cannot be read.
    #[error("the plural formula `{formula}` cannot be read")]
    PluralFormula {
        /// The formula.
        formula: String,
    },
}

/// Translations of texts into one language.
#[derive(Debug, Clone)]
pub struct Catalogue {
    messages: HashMap<Key, Vec<String>>,
    plural: PluralRule,
}

/// Context and text.
type Key = (Option<String>, String);

impl Catalogue {
    /// Reads a `.po` file. Fuzzy and empty translations are left out, as `msgfmt` does.
    ///
    /// # Errors
    /// [`CatalogueError`] where it is none.
    pub fn from_po(bytes: &[u8]) -> Result<Self, CatalogueError> {
        let text = std::str::from_utf8(bytes).map_err(|_| CatalogueError::NotUtf8)?;
        Self::from_messages(po::read(text)?)
    }

    /// Reads a `.mo` file.
    ///
    /// # Errors
    /// [`CatalogueError`] where it is none.
    pub fn from_mo(bytes: &[u8]) -> Result<Self, CatalogueError> {
        Self::from_messages(mo::read(bytes)?)
    }

    fn from_messages(messages: Vec<(Key, Vec<String>)>) -> Result<Self, CatalogueError> {
        let mut catalogue = Self { messages: HashMap::new(), plural: PluralRule::default() };
        for ((context, text), translations) in messages {
            if context.is_none() && text.is_empty() {
                if let Some(header) = translations.first() {
                    catalogue.plural = PluralRule::from_header(header)?;
                }
            } else if translations.iter().any(|translation| !translation.is_empty()) {
                catalogue.messages.insert((context, text), translations);
            }
        }
        Ok(catalogue)
    }

    /// Returns the translation of a text.
    #[must_use]
    pub fn message(&self, context: Option<&str>, text: &str) -> Option<&str> {
        self.find(context, text, 0)
    }

    /// Returns the translation of a text for a number, given its singular.
    #[must_use]
    pub fn plural(&self, context: Option<&str>, singular: &str, number: u64) -> Option<&str> {
        self.find(context, singular, self.plural.form(number))
    }

    fn find(&self, context: Option<&str>, text: &str, form: usize) -> Option<&str> {
        let translations = self.messages.get(&(context.map(str::to_owned), text.to_owned()))?;
        translations.get(form).map(String::as_str).filter(|translation| !translation.is_empty())
    }
}
