//! The catalogue of what native blocks say is whole, and what they say goes through it.

use std::path::{Path, PathBuf};

use acceptance::catalogue;
use regex::Regex;
use xblock_core::services::Catalogue;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_catalogue_has_every_text() {
    let found = catalogue::template(&root()).expect("the files can be read");
    assert!(found.matches("\nmsgid ").count() > 100, "{found}");
    Catalogue::from_po(found.as_bytes()).expect("it is a catalogue");
    assert!(
        found == read(catalogue::PATH),
        "run `make messages`: {} is not what blocks say",
        catalogue::PATH
    );
}

/// Takes what templates compute out of one, and returns the words that remain, those of attributes people read too.
fn bare_words(template: &str) -> Vec<String> {
    let computed =
        Regex::new(r"(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|\\\(\\\)|`\{::\}`").expect("it is a pattern");
    let read = Regex::new(r#"(?:aria-label|alt|title|placeholder|label|data-value)="([^"]*)""#)
        .expect("it is a pattern");
    let tag = Regex::new(r"(?s)<[^>]*>").expect("it is a pattern");
    let rest = computed.replace_all(template, "");
    let attributes = read.captures_iter(&rest).map(|found| found[1].to_owned()).collect::<Vec<_>>();
    let texts = tag.replace_all(&rest, "\n");
    let all = attributes.iter().map(String::as_str).chain(texts.lines());
    all.filter(|text| text.chars().any(char::is_alphabetic)).map(|text| text.trim().to_owned()).collect()
}

#[test]
fn templates_say_nothing_past_the_catalogue() {
    assert_eq!(
        bare_words("<p title=\"Go\">{{ gettext(\"a\") }} on{% if x %}!{% endif %}</p>"),
        ["Go", "on!"]
    );
    let sources = catalogue::sources(&root()).expect("the folders can be read");
    let mut templates = 0;
    for path in sources.iter().filter(|path| path.extension().is_some_and(|kind| kind == "html")) {
        templates += 1;
        assert_eq!(bare_words(&read(path)), Vec::<String>::new(), "{}", path.display());
    }
    assert!(templates > 25, "{templates}");
}

#[test]
fn scripts_say_nothing_past_the_catalogue() {
    // What a script puts before people, it puts there by one of these.
    let said = Regex::new(
        r#"(?:announce\(|alert\(|textContent = |\.alt = |"aria-(?:label|roledescription)", |new Error\()\s*(?:"([^"]*)"|'([^']*)'|`([^`]*)`)"#,
    )
    .expect("it is a pattern");
    let values = Regex::new(r"\$\{[^}]*\}").expect("it is a pattern");
    for path in catalogue::sources(&root()).expect("the folders can be read") {
        if path.extension().is_none_or(|kind| kind != "js") {
            continue;
        }
        let source = read(&path);
        for found in said.captures_iter(&source) {
            let text = found.iter().skip(1).flatten().next().map_or("", |text| text.as_str());
            // Without the values nothing may remain.
            let words = values.replace_all(text, "");
            assert!(!words.chars().any(char::is_alphabetic), "{}: {text:?}", path.display());
        }
    }
}
