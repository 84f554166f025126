//! What is said of something in a learner's language, once the language is known.

use std::fmt;

use super::{Words, fill};

/// A text that can still be said in any language: sentences in English, each with the values of its names in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying(Vec<Sentence>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sentence {
    text: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Saying {
    /// Makes a text of a sentence marked for the catalogue.
    pub(crate) fn new(text: &'static str, values: &[(&'static str, &str)]) -> Self {
        Self(Vec::new()).and(text, values)
    }

    /// Adds another sentence, without a blank between.
    pub(crate) fn and(mut self, text: &'static str, values: &[(&'static str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.push(Sentence { text, values });
        self
    }

    /// Says it in the learner's language.
    pub(crate) fn said(&self, words: &Words) -> String {
        let sentence = |sentence: &Sentence| {
            let values: Vec<(&str, &dyn fmt::Display)> =
                sentence.values.iter().map(|(name, value)| (*name, value as &dyn fmt::Display)).collect();
            fill(&words.gettext(sentence.text), &values)
        };
        self.0.iter().map(sentence).collect()
    }
}

/// Says it in English.
impl fmt::Display for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said(&Words::default()))
    }
}
