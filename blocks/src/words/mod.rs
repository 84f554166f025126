//! What native blocks say themselves, in the learner's language: buttons, verdicts, notices.
//!
//! A text goes through the host's service `i18n` by `Words::gettext` and its relatives, in templates by the functions
//! of the same names. Its placeholders are names in braces. What authors wrote is never translated. [`messages`] finds
//! the texts in the crate's files, for the catalogue in `blocks/locale`.

mod extract;
mod saying;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Kwargs;
use serde_json::{Map, Value as Json};
use xblock_core::block::BlockContext;
use xblock_core::services::I18nService;

pub use self::extract::{Message, messages};
pub use self::saying::Saying;

/// The host's translations; English where it has none.
#[derive(Clone, Default)]
pub(crate) struct Words(Option<Arc<dyn I18nService>>);

impl Words {
    /// Takes the service of the surroundings, where there is one.
    pub(crate) fn of(context: &dyn BlockContext) -> Self {
        // A text in English is better than none, whatever is wrong with the service.
        Self(context.want::<dyn I18nService>().ok().flatten())
    }

    /// Takes a service.
    pub(crate) fn new(service: Option<Arc<dyn I18nService>>) -> Self {
        Self(service)
    }

    /// Says a text.
    pub(crate) fn gettext<'t>(&'t self, text: &'t str) -> Cow<'t, str> {
        match &self.0 {
            Some(service) => service.gettext(text),
            None => Cow::Borrowed(text),
        }
    }

    /// Says a text that depends on a number.
    pub(crate) fn ngettext<'t>(&'t self, singular: &'t str, plural: &'t str, number: u64) -> Cow<'t, str> {
        match &self.0 {
            Some(service) => service.ngettext(singular, plural, number),
            None => Cow::Borrowed(if number == 1 { singular } else { plural }),
        }
    }

    /// Says a text that depends on a number of points, which may be a fraction: only one point is singular.
    pub(crate) fn ngettext_of<'t>(&'t self, singular: &'t str, plural: &'t str, number: f64) -> Cow<'t, str> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "plural forms go by whole numbers; what has a fraction is never one"
        )]
        let count = if number.fract() == 0.0 { number.abs() as u64 } else { (number.abs() as u64).max(2) };
        self.ngettext(singular, plural, count)
    }

    /// Returns what scripts say in the learner's language, by what they say in English; nothing where that is the same.
    pub(crate) fn of_scripts(&self, scripts: &[&str]) -> Option<Json> {
        let service = self.0.as_ref().filter(|service| service.language() != "en")?;
        let texts = scripts.iter().flat_map(|script| messages(script)).map(|message| message.text);
        let said: Map<String, Json> = texts
            .filter_map(|text| {
                let said = service.gettext(&text).into_owned();
                (said != text).then(|| (text, said.into()))
            })
            .collect();
        (!said.is_empty()).then_some(Json::Object(said))
    }

    /// Returns the functions templates call: `gettext(text, name=value ...)` and `ngettext(one, many, number, ...)`.
    pub(crate) fn functions(&self) -> Value {
        let (one, many) = (self.clone(), self.clone());
        let gettext = move |text: &str, values: Kwargs| named(&one.gettext(text), &values);
        let ngettext = move |singular: &str, plural: &str, number: u64, values: Kwargs| {
            named(&many.ngettext(singular, plural, number), &values)
        };
        minijinja::context! {
            gettext => Value::from_function(gettext),
            ngettext => Value::from_function(ngettext),
        }
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Words").field(&self.0.as_ref().map(|service| service.language())).finish()
    }
}

/// Marks a text that is said elsewhere, for the catalogue.
pub(crate) const fn marked(text: &'static str) -> &'static str {
    text
}

/// Marks a text in both its forms, singular and plural, that is said elsewhere.
pub(crate) const fn marked_forms(
    singular: &'static str,
    plural: &'static str,
) -> (&'static str, &'static str) {
    (singular, plural)
}

/// Puts values in the place of their names in braces.
pub(crate) fn fill(text: &str, values: &[(&str, &dyn fmt::Display)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    // One pass, so that braces in a value stay what they are.
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let name = rest.find('}').map(|close| &rest[1..close]);
        match name.and_then(|name| values.iter().find(|(known, _)| *known == name)) {
            Some((name, value)) => {
                filled.push_str(&value.to_string());
                rest = &rest[name.len() + 2..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn named(text: &str, values: &Kwargs) -> Result<String, minijinja::Error> {
    let values: Vec<(&str, Value)> =
        values.args().map(|name| Ok((name, values.get(name)?))).collect::<Result<_, minijinja::Error>>()?;
    let values: Vec<(&str, &dyn fmt::Display)> =
        values.iter().map(|(name, value)| (*name, value as &dyn fmt::Display)).collect();
    Ok(fill(text, &values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_filled_once() {
        assert_eq!(fill("{a} of {b}, {c} {", &[("a", &"{b}"), ("b", &2)]), "{b} of 2, {c} {");
    }

    #[test]
    fn only_one_point_is_singular() {
        let words = Words::default();
        let said =
            [0.0, 0.5, 1.0, 1.5, 2.0].map(|points| words.ngettext_of("point", "points", points).into_owned());
        assert_eq!(said, ["points", "points", "point", "points", "points"]);
    }
}
