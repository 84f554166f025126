//! `.po` files: texts and translations in quotation marks.

use super::{CatalogueError, Key};

#[derive(Default)]
struct Entry {
    line: usize,
    is_fuzzy: bool,
    context: Option<String>,
    text: Option<String>,
    translations: Vec<String>,
}

enum Target {
    Context,
    Text,
    Plural,
    Translation(usize),
}

/// More plural forms than any language has.
const MAX_FORMS: usize = 16;

pub(super) fn read(source: &str) -> Result<Vec<(Key, Vec<String>)>, CatalogueError> {
    let mut messages = Vec::new();
    let mut entry = Entry::default();
    let mut target = None;
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    for (at, line) in source.lines().enumerate() {
        let at = at + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            if entry.text.is_some() {
                finish(std::mem::take(&mut entry), &mut messages)?;
                target = None;
            }
            if let Some(flags) = line.strip_prefix("#,") {
                entry.is_fuzzy |= flags.split(',').any(|flag| flag.trim() == "fuzzy");
            }
            continue;
        }
        let text = if let Some(quoted) = line.strip_prefix('"') {
            unquote(quoted, at)?
        } else {
            let (word, rest) = line
                .split_once('"')
                .ok_or(CatalogueError::Line { line: at, problem: "a text in quotation marks is missing" })?;
            let next = keyword(word.trim(), at)?;
            let begins = matches!(next, Target::Context)
                || matches!(next, Target::Text) && (entry.context.is_none() || entry.text.is_some());
            if begins && entry.text.is_some() {
                finish(std::mem::take(&mut entry), &mut messages)?;
            }
            entry.line = at;
            if let Target::Translation(form) = next {
                entry.translations.resize(entry.translations.len().max(form + 1), String::new());
            }
            target = Some(next);
            unquote(rest, at)?
        };
        match &target {
            Some(Target::Context) => entry.context.get_or_insert_default().push_str(&text),
            Some(Target::Text) => entry.text.get_or_insert_default().push_str(&text),
            Some(Target::Plural) => {}
            Some(Target::Translation(form)) => entry.translations[*form].push_str(&text),
            None => return Err(CatalogueError::Line { line: at, problem: "a text without a keyword" }),
        }
    }
    if entry.text.is_some() || entry.context.is_some() {
        finish(entry, &mut messages)?;
    }
    Ok(messages)
}

fn keyword(word: &str, line: usize) -> Result<Target, CatalogueError> {
    Ok(match word {
        "msgctxt" => Target::Context,
        "msgid" => Target::Text,
        "msgid_plural" => Target::Plural,
        "msgstr" => Target::Translation(0),
        other => {
            let form = other.strip_prefix("msgstr[").and_then(|rest| rest.strip_suffix(']'));
            match form.and_then(|form| form.parse().ok()).filter(|form| *form < MAX_FORMS) {
                Some(form) => Target::Translation(form),
                None => return Err(CatalogueError::Line { line, problem: "an unknown keyword" }),
            }
        }
    })
}

fn finish(entry: Entry, messages: &mut Vec<(Key, Vec<String>)>) -> Result<(), CatalogueError> {
    let Some(text) = entry.text else {
        return Err(CatalogueError::Line { line: entry.line, problem: "an entry without a msgid" });
    };
    if entry.translations.is_empty() {
        return Err(CatalogueError::Line { line: entry.line, problem: "an entry without a msgstr" });
    }
    // The header counts even where it is marked as fuzzy.
    let is_header = entry.context.is_none() && text.is_empty();
    if !entry.is_fuzzy || is_header {
        messages.push(((entry.context, text), entry.translations));
    }
    Ok(())
}

/// Reads up to the closing quotation mark.
fn unquote(rest: &str, line: usize) -> Result<String, CatalogueError> {
    let wrong = |problem| CatalogueError::Line { line, problem };
    let mut text = String::with_capacity(rest.len());
    let mut characters = rest.chars();
    loop {
        match characters.next() {
            None => return Err(wrong("a quotation mark is missing")),
            Some('"') => break,
            Some('\\') => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(other @ ('"' | '\\')) => text.push(other),
                _ => return Err(wrong("an unknown escape")),
            },
            Some(other) => text.push(other),
        }
    }
    if characters.as_str().trim().is_empty() { Ok(text) } else { Err(wrong("text behind a text")) }
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, CatalogueError};

    const POLISH: &str = r#"
# A comment
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\n"

msgid "Hint"
msgstr "Wskazówka"
msgctxt "verb"
msgid "Hint"
msgstr ""
"Podpo"
"wiedz"

#, fuzzy, python-format
msgid "Maybe"
msgstr "Może"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d plik"
msgstr[1] "%d pliki"
msgstr[2] "%d plików"

#~ msgid "Old"
#~ msgstr "Stary"
"#;

    #[test]
    fn entries_are_read() {
        let polish = Catalogue::from_po(POLISH.as_bytes()).expect("a catalogue");
        assert_eq!(polish.message(None, "Hint"), Some("Wskazówka"));
        assert_eq!(polish.message(Some("verb"), "Hint"), Some("Podpowiedz"));
        assert_eq!(polish.message(None, "Maybe"), None);
        assert_eq!(polish.message(None, "Old"), None);
        let files = [1, 2, 5, 12, 22].map(|number| polish.plural(None, "%d file", number));
        assert_eq!(files.map(Option::unwrap), ["%d plik", "%d pliki", "%d plików", "%d plików", "%d pliki"]);
    }

    #[test]
    fn what_is_no_catalogue_is_refused() {
        let read = |text: &str| Catalogue::from_po(text.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(
            read("msgid \"a\nmsgstr \"b\""),
            CatalogueError::Line { line: 1, problem: "a quotation mark is missing" }
        );
        assert!(matches!(read("hello \"a\""), CatalogueError::Line { line: 1, .. }));
        assert!(matches!(read("msgid \"a\"\n\n"), CatalogueError::Line { line: 1, .. }));
        assert!(matches!(read("msgid \"a\"\nmsgstr[99] \"b\""), CatalogueError::Line { line: 2, .. }));
        assert!(matches!(Catalogue::from_po(b"\xff"), Err(CatalogueError::NotUtf8)));
    }
}
