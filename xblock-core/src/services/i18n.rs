//! Service `i18n`: texts and times in the learner's language (XBlock's `NullI18nService`, the platform's
//! `XBlockI18nService`).

use std::borrow::Cow;

use chrono::{DateTime, FixedOffset};

use crate::keys::UsageKey;

use super::catalogue::Catalogue;
use super::{Service, strftime};

/// Translates texts and writes times.
///
/// A text nobody translated comes back as it is.
pub trait I18nService: Send + Sync {
    /// Returns the language texts come in, as a language tag: `en`, `pt-br`.
    fn language(&self) -> &str;

    /// Translates a text.
    fn gettext<'t>(&'t self, text: &'t str) -> Cow<'t, str>;

    /// Translates a text that depends on a number.
    fn ngettext<'t>(&'t self, singular: &'t str, plural: &'t str, number: u64) -> Cow<'t, str>;

    /// Translates a text that means different things in different places.
    fn pgettext<'t>(&'t self, context: &str, text: &'t str) -> Cow<'t, str>;

    /// Translates a text that depends on a number and on the place.
    fn npgettext<'t>(
        &'t self,
        context: &str,
        singular: &'t str,
        plural: &'t str,
        number: u64,
    ) -> Cow<'t, str>;

    /// Writes a time by a format of C's `strftime` or one of XBlock's names for one: `SHORT_DATE`, `LONG_DATE`, `TIME`,
    /// `DATE_TIME`.
    fn strftime(&self, time: &DateTime<FixedOffset>, format: &str) -> String;

    /// Returns the address of the translations that scripts use, none where there is none.
    fn javascript_catalog_url(&self, usage: &UsageKey) -> Option<String> {
        let _ = usage;
        None
    }
}

impl Service for dyn I18nService {
    const NAME: &'static str = "i18n";
}

/// Translates nothing; times are in English.
///
/// ```
/// use xblock_core::services::{I18nService, NullI18n};
///
/// assert_eq!(NullI18n.gettext("Submit"), "Submit");
/// assert_eq!(NullI18n.ngettext("{} point", "{} points", 2), "{} points");
/// let time = "2031-03-01T15:04:00+00:00".parse().unwrap();
/// assert_eq!(NullI18n.strftime(&time, "DATE_TIME"), "Mar 01, 2031 at 15:04");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NullI18n;

impl I18nService for NullI18n {
    fn language(&self) -> &str {
        "en"
    }

    fn gettext<'t>(&'t self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }

    fn ngettext<'t>(&'t self, singular: &'t str, plural: &'t str, number: u64) -> Cow<'t, str> {
        Cow::Borrowed(if number == 1 { singular } else { plural })
    }

    fn pgettext<'t>(&'t self, _: &str, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }

    fn npgettext<'t>(&'t self, _: &str, singular: &'t str, plural: &'t str, number: u64) -> Cow<'t, str> {
        self.ngettext(singular, plural, number)
    }

    fn strftime(&self, time: &DateTime<FixedOffset>, format: &str) -> String {
        strftime::write(time, format, self)
    }
}

/// Translates from catalogues, the first that has a text.
///
/// Names of months and days come from the catalogue under the contexts the platform uses (`month name`, `weekday name`,
/// `abbreviated month name`, ...), formats of dates under XBlock's names with `_FORMAT` behind.
///
/// ```
/// use xblock_core::services::{Catalogue, CatalogueI18n, I18nService};
///
/// let po = br#"
/// msgid ""
/// msgstr "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n > 1;\n"
///
/// msgid "Submit"
/// msgstr "Envoyer"
///
/// msgid "{} point"
/// msgid_plural "{} points"
/// msgstr[0] "{} point"
/// msgstr[1] "{} points en tout"
/// "#;
/// let french = CatalogueI18n::new("fr", [Catalogue::from_po(po)?]);
/// assert_eq!(french.gettext("Submit"), "Envoyer");
/// assert_eq!(french.gettext("Reset"), "Reset");
/// assert_eq!(french.ngettext("{} point", "{} points", 0), "{} point");
/// assert_eq!(french.ngettext("{} point", "{} points", 5), "{} points en tout");
/// # Ok::<(), xblock_core::services::CatalogueError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CatalogueI18n {
    language: String,
    catalogues: Vec<Catalogue>,
}

impl CatalogueI18n {
    /// Translates into a language, from catalogues in the order in which they are asked: a block's own first, then the
    /// platform's.
    pub fn new(language: impl Into<String>, catalogues: impl IntoIterator<Item = Catalogue>) -> Self {
        Self { language: language.into(), catalogues: catalogues.into_iter().collect() }
    }

    fn find<'t>(&'t self, context: Option<&str>, text: &'t str) -> Cow<'t, str> {
        let found = self.catalogues.iter().find_map(|catalogue| catalogue.message(context, text));
        Cow::Borrowed(found.unwrap_or(text))
    }

    fn find_plural<'t>(
        &'t self,
        context: Option<&str>,
        (singular, plural): (&'t str, &'t str),
        number: u64,
    ) -> Cow<'t, str> {
        let found = self.catalogues.iter().find_map(|catalogue| catalogue.plural(context, singular, number));
        Cow::Borrowed(found.unwrap_or(if number == 1 { singular } else { plural }))
    }
}

impl I18nService for CatalogueI18n {
    fn language(&self) -> &str {
        &self.language
    }

    fn gettext<'t>(&'t self, text: &'t str) -> Cow<'t, str> {
        self.find(None, text)
    }

    fn ngettext<'t>(&'t self, singular: &'t str, plural: &'t str, number: u64) -> Cow<'t, str> {
        self.find_plural(None, (singular, plural), number)
    }

    fn pgettext<'t>(&'t self, context: &str, text: &'t str) -> Cow<'t, str> {
        self.find(Some(context), text)
    }

    fn npgettext<'t>(
        &'t self,
        context: &str,
        singular: &'t str,
        plural: &'t str,
        number: u64,
    ) -> Cow<'t, str> {
        self.find_plural(Some(context), (singular, plural), number)
    }

    fn strftime(&self, time: &DateTime<FixedOffset>, format: &str) -> String {
        strftime::write(time, format, self)
    }
}
