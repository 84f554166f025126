//! The texts that a file of this crate says, found by the calls around them.

/// A text to be translated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// The text; of two forms the singular.
    pub text: String,
    /// The plural, where the text depends on a number.
    pub plural: Option<String>,
}

/// The calls whose first arguments are texts, with whether there are two.
const CALLS: [(&str, bool); 5] = [
    ("gettext", false),
    ("ngettext", true),
    ("ngettext_of", true),
    ("marked", false),
    ("marked_forms", true),
];

/// Finds the texts of a template, a script or a Rust file, in their order. What stands behind `#[cfg(test)]` and in
/// comments of Rust is left out.
#[must_use]
pub fn messages(source: &str) -> Vec<Message> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, _) in source.match_indices('(') {
        let line = source[..at].rsplit('\n').next().unwrap_or_default().trim_start();
        if line.starts_with("//") {
            continue;
        }
        let name = line.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let Some((_, has_plural)) = CALLS.iter().find(|(call, _)| *call == name) else {
            continue;
        };
        let Some((text, rest)) = literal(&source[at + 1..]) else {
            continue;
        };
        let plural = has_plural
            .then(|| rest.trim_start().strip_prefix(',').and_then(literal).map(|(plural, _)| plural))
            .flatten();
        found.push(Message { text, plural });
    }
    found
}

/// Reads a text in quotation marks; returns it with what follows.
fn literal(source: &str) -> Option<(String, &str)> {
    let source = source.trim_start();
    let quote = source.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut text = String::new();
    let mut rest = source[1..].chars();
    loop {
        match rest.next()? {
            c if c == quote => return Some((text, rest.as_str())),
            '\\' => match rest.next()? {
                'n' => text.push('\n'),
                '\n' => rest = rest.as_str().trim_start().chars(),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_where_they_are_said() {
        let source = "/// gettext(\"no\")\nlet a = words.gettext(\n    \"one\\\"s \\\n     {x}\",\n);\nngettext(\"{n} b\", \"{n} bs\", n);
            {{ gettext('two') }} gettext(name) xgettext(\"no\")\nmarked(\"three\")\n#[cfg(test)]\nmod t { gettext(\"no\") }";
        let found: Vec<_> = messages(source).into_iter().map(|m| (m.text, m.plural)).collect();
        let expected = [("one\"s {x}", None), ("{n} b", Some("{n} bs")), ("two", None), ("three", None)];
        let expected =
            expected.map(|(text, plural): (&str, Option<&str>)| (text.to_owned(), plural.map(str::to_owned)));
        assert_eq!(found, expected);
    }
}
