//! Every mistake that the XML parser can report: with its place, its code and a way out of its own.

use xblock_core::olx::{Document, OlxError, ParseErrorKind, ParseOptions, SyntaxError};

/// Returns the name of a situation, and the code it is reported under.
fn situation(kind: &ParseErrorKind) -> (&'static str, &'static str) {
    const XML: &str = "invalid-xml";
    const LARGE: &str = "too-large";
    match kind {
        ParseErrorKind::Encoding => ("encoding", XML),
        ParseErrorKind::UnknownEncoding { .. } => ("unknown encoding", XML),
        ParseErrorKind::Empty => ("empty", XML),
        ParseErrorKind::TrailingContent => ("trailing content", XML),
        ParseErrorKind::Ampersand => ("ampersand", XML),
        ParseErrorKind::Attribute(_) => ("attribute", XML),
        ParseErrorKind::Name { .. } => ("name", XML),
        ParseErrorKind::Character { .. } => ("character", XML),
        ParseErrorKind::Mismatch { .. } => ("mismatch", XML),
        ParseErrorKind::Unopened { .. } => ("unopened", XML),
        ParseErrorKind::Unclosed { .. } => ("unclosed", XML),
        ParseErrorKind::DuplicateAttribute { .. } => ("duplicate attribute", XML),
        ParseErrorKind::UnknownPrefix { .. } => ("unknown prefix", XML),
        ParseErrorKind::UnknownEntity { .. } => ("unknown entity", XML),
        ParseErrorKind::EntityLoop { .. } => ("entity loop", XML),
        ParseErrorKind::Expansion => ("expansion", LARGE),
        ParseErrorKind::TooDeep { .. } => ("too deep", LARGE),
        ParseErrorKind::TooLarge { .. } => ("too large", LARGE),
        ParseErrorKind::TooManyAttributes { .. } => ("too many attributes", LARGE),
        ParseErrorKind::Syntax(error) => match error {
            SyntaxError::UnclosedTag => ("unclosed tag", XML),
            SyntaxError::UnclosedValue { .. } => ("unclosed value", XML),
            SyntaxError::UnclosedComment => ("unclosed comment", XML),
            SyntaxError::UnclosedCData => ("unclosed section", XML),
            SyntaxError::UnclosedInstruction => ("unclosed instruction", XML),
            SyntaxError::UnclosedDoctype => ("unclosed doctype", XML),
            SyntaxError::UnknownMarkup => ("unknown markup", XML),
            SyntaxError::CommentHyphens => ("comment hyphens", XML),
            SyntaxError::DeclarationWithoutVersion => ("declaration without version", XML),
            SyntaxError::MisplacedDeclaration => ("misplaced declaration", XML),
            SyntaxError::MisplacedDoctype => ("misplaced doctype", XML),
            SyntaxError::IllFormedDoctype => ("ill-formed doctype", XML),
            SyntaxError::IllFormed { .. } => ("ill-formed", XML),
            SyntaxError::SectionEnd => ("section end", XML),
            SyntaxError::TextBeforeRoot => ("text before root", XML),
            SyntaxError::ReservedNamespace { .. } => ("reserved namespace", XML),
            SyntaxError::UnclosedReference => ("unclosed reference", XML),
            SyntaxError::NumericReference { .. } => ("numeric reference", XML),
            other => panic!("{other:?} has no fixture"),
        },
        other => panic!("{other:?} has no fixture"),
    }
}

/// A file with one mistake: what it is, the file, the line and column of the mistake, and words of the way out.
type Mistake = (&'static str, &'static [u8], (u32, u32), &'static str);

const MISTAKES: &[Mistake] = &[
    ("encoding", b"<a>\n\xff</a>", (2, 1), "UTF-8"),
    ("unknown encoding", b"<?xml version='1.0' encoding='koi8-r'?>\n<a>\xc1</a>", (1, 1), "UTF-8"),
    ("empty", b"\n<!-- nothing -->", (1, 1), "write the element"),
    ("trailing content", b"<a/>\n<b/>", (2, 1), "root element"),
    ("trailing content", b"<a/>\nb", (2, 1), "root element"),
    ("ampersand", b"<p>Fish & chips</p>", (1, 9), "&amp;"),
    ("ampersand", b"<p title='Fish & chips'/>", (1, 4), "&amp;"),
    ("attribute", b"<p\n title='<b>'/>", (2, 2), "&lt;"),
    ("attribute", b"<p a='1'b='2'/>", (1, 9), "blanks between"),
    ("attribute", b"<p checked/>", (1, 4), "name=\"value\""),
    ("attribute", b"<p a=1/>", (1, 4), "name=\"value\""),
    ("name", b"<p>a <2 b</p>", (1, 7), "&lt;"),
    ("name", b"<p 1='a'/>", (1, 4), "names"),
    ("character", b"<p>a\x0bb</p>", (1, 5), "delete the character"),
    ("character", b"<p>&#11;</p>", (1, 4), "delete the character"),
    ("mismatch", b"<p>\n<b></p>", (2, 4), "closing tag"),
    ("unopened", b"</p>", (1, 1), "delete the closing tag"),
    ("unclosed", b"<p>\n <b>", (2, 5), "add the closing tag"),
    ("duplicate attribute", b"<p a='1' b='2' a='3'/>", (1, 16), "delete one"),
    ("unknown prefix", b"<p><x:y/></p>", (1, 4), "xmlns:PREFIX"),
    ("unknown entity", b"<p>a&nbsp;b</p>", (1, 5), "numbers"),
    ("entity loop", b"<!DOCTYPE p [<!ENTITY a '&a;'>]><p>&a;</p>", (1, 36), "in place of the entities"),
    ("unclosed tag", b"<p>\n<b", (2, 1), "&lt;"),
    ("unclosed value", b"<p>\n<b a=\"x></b></p>", (2, 1), "quotation mark"),
    ("unclosed value", b"<p>\n<b a='x></b></p>", (2, 1), "quotation mark"),
    ("unclosed comment", b"<p>\n<!-- a </p>", (2, 1), "-->"),
    ("unclosed section", b"<p>\n<![CDATA[ a </p>", (2, 1), "]]>"),
    ("unclosed instruction", b"<p>\n<?php a </p>", (2, 1), "?>"),
    ("unclosed doctype", b"<!DOCTYPE p [<!ENTITY a 'b'>\n<p/>", (1, 1), "courseware needs none"),
    ("unknown markup", b"<p>\n<!a></p>", (2, 1), "<!-- -->"),
    ("unclosed comment", b"<p>\n<!--></p>", (2, 1), "-->"),
    ("unclosed instruction", b"<p>\n<?></p>", (2, 1), "?>"),
    ("ill-formed doctype", b"<!DOCTYPE><p/>", (1, 10), "courseware needs none"),
    ("ill-formed", b"<!doctype p><p/>", (1, 1), "in capitals"),
    ("comment hyphens", b"<p>\n<!-- a -- b --></p>", (2, 1), "blanks between"),
    ("declaration without version", b"<?xml encoding='UTF-8'?><p/>", (1, 1), "version"),
    ("misplaced declaration", b"\n<?xml version='1.0'?><p/>", (2, 1), "delete what stands before"),
    ("misplaced doctype", b"<p>\n<!DOCTYPE p></p>", (2, 1), "courseware needs none"),
    ("ill-formed doctype", b"<!DOCTYPE p [ what ]><p/>", (1, 1), "courseware needs none"),
    ("section end", b"<p>a ]]> b</p>", (1, 6), "]]&gt;"),
    ("text before root", b"a <p/>", (1, 1), "root element"),
    ("reserved namespace", b"<p xmlns:xml='urn:a'/>", (1, 4), "prefix"),
    ("unclosed reference", b"<!DOCTYPE p [<!ENTITY a '&#65'>]><p/>", (1, 1), "semicolon"),
    ("numeric reference", b"<p>&#x;</p>", (1, 4), "&#NUMBER;"),
    ("numeric reference", b"<p>&#a;</p>", (1, 4), "&#NUMBER;"),
];

#[test]
fn every_mistake_has_a_place_and_a_way_out() {
    let mut wrong = Vec::new();
    let large = |text: String| text.into_bytes();
    let attributes: String = (0..10_001).map(|n| format!(" a{n}=''")).collect();
    let bomb = format!(
        "<!DOCTYPE p [<!ENTITY a '{}'><!ENTITY b '{}'>]><p>{}</p>",
        "x".repeat(1000),
        "&a;".repeat(100),
        "&b;".repeat(100)
    );
    let sized = [
        ("expansion", large(bomb), "entities"),
        ("too deep", large("<p>".repeat(300)), "divide"),
        ("too large", large(format!("<p a='{}'/>", "x".repeat(10_000_001))), "divide"),
        ("too many attributes", large(format!("<p{attributes}/>")), "divide"),
    ];
    let mistakes = MISTAKES.iter().map(|(name, file, place, fix)| (*name, file.to_vec(), Some(*place), *fix));
    let sized = sized.into_iter().map(|(name, file, fix)| (name, file, None, fix));
    for (name, file, place, fix) in mistakes.chain(sized) {
        let shown = String::from_utf8_lossy(&file[..file.len().min(80)]).into_owned();
        let Err(error) = Document::parse("a.xml".into(), &file, &ParseOptions::default()) else {
            wrong.push(format!("{shown:?} is read"));
            continue;
        };
        let (found, code) = situation(&error.kind);
        let diagnostic = OlxError::from(error).diagnostic();
        let position = diagnostic.position.map(|position| (position.line, position.column));
        let way = diagnostic.fix.as_deref().unwrap_or_default();
        let is_right = found == name
            && diagnostic.code == code
            && diagnostic.excerpt.is_some()
            && (place.is_none() || position == place)
            && !way.is_empty()
            && way.contains(fix);
        if !is_right {
            wrong.push(format!(
                "{shown:?}: {found} at {position:?}: {}, to mend it: {way}",
                diagnostic.message
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
