//! Reading and writing XML, compared with what lxml made of the same texts (`resources/lxml/record.py`).

use serde_json::{Value, json};
use xblock_core::olx::{
    BlankText, CDataSections, Charset, Document, Element, Node, ParseErrorKind, ParseOptions, WriteOptions,
};

fn parse(text: &str, options: &ParseOptions) -> Result<Document, Box<xblock_core::olx::ParseError>> {
    Document::parse("t.xml".into(), text.as_bytes(), options)
}

fn elements<'e>(element: &'e Element, all: &mut Vec<Option<&'e Element>>) {
    all.push(Some(element));
    for child in &element.children {
        match child {
            Node::Element(child) => elements(child, all),
            Node::Comment(_) | Node::ProcessingInstruction(_) => all.push(None),
            Node::Text(_) | Node::CData(_) => {}
        }
    }
}

fn described(root: &Element) -> Value {
    let mut all = Vec::new();
    elements(root, &mut all);
    let children: Vec<_> = (0..root.children.len())
        .filter(|at| root.children[*at].as_text().is_none())
        .map(|at| root.child_text(at, Charset::Unicode))
        .collect();
    let attributes: Vec<Vec<_>> = all
        .iter()
        .flatten()
        .map(|e| e.attributes.iter().map(|a| json!([e.attribute_name(a), a.value])).collect())
        .collect();
    json!({
        "unicode": root.to_text(WriteOptions::default()),
        "pretty": root.to_text(WriteOptions::PRETTY),
        "ascii": root.to_text(WriteOptions::default().charset(Charset::Ascii)),
        "children": children,
        "tags": all.iter().map(|e| e.map(|e| e.clark_name())).collect::<Vec<_>>(),
        "attributes": attributes,
        "text": root.text(),
        "all_text": root.all_text(),
    })
}

#[test]
fn texts_are_read_and_written_as_lxml_does() {
    let recorded: Value =
        serde_json::from_str(include_str!("../resources/lxml/cases.json")).expect("the recording is JSON");
    let mut failures = Vec::new();
    for case in recorded["cases"].as_array().expect("a list") {
        let text = case["text"].as_str().expect("a text");
        for (name, options) in [("plain", ParseOptions::default()), ("no_blanks", ParseOptions::platform())] {
            let found = parse(text, &options).map(|d| described(&d.root));
            match (&found, case.get(name)) {
                (Err(_), None) => {}
                (Ok(found), Some(wanted)) if found == wanted => {}
                _ => failures
                    .push(format!("{name} {text:?}\n  found {found:?}\n  wanted {:?}", case.get(name))),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn limits_stop_bad_documents() {
    let kind = |text: &str| parse(text, &ParseOptions::default()).expect_err("beyond a limit").kind.clone();
    let deep = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
    assert!(parse(&deep(256), &ParseOptions::default()).is_ok());
    assert_eq!(kind(&deep(257)), ParseErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind(&deep(1_000_000)), ParseErrorKind::TooDeep { limit: 256 });

    let mut laughs = String::from("<!DOCTYPE a [<!ENTITY e0 'lol'>");
    for n in 1..10 {
        let inner = format!("&e{};", n - 1).repeat(10);
        laughs.push_str(&format!("<!ENTITY e{n} '{inner}'>"));
    }
    assert_eq!(kind(&format!("{laughs}]><a>&e9;</a>")), ParseErrorKind::Expansion);
    assert_eq!(kind(&format!("{laughs}]><a b='&e9;'/>")), ParseErrorKind::Expansion);

    let big = "x".repeat(100_000);
    let quadratic = format!("<!DOCTYPE a [<!ENTITY e '{big}'>]><a>{}</a>", "&e;".repeat(1000));
    assert_eq!(kind(&quadratic), ParseErrorKind::Expansion);
    let small = ParseOptions::default().max_size(9);
    let refused =
        Document::parse("t.xml".into(), b"<a>\xff\xff\xff</a>", &small).expect_err("it is too large");
    assert_eq!(refused.kind, ParseErrorKind::TooLarge { what: "the file", limit: 9 }, "before it is decoded");

    let many: String = (0..10_001).map(|n| format!(" a{n}=''")).collect();
    assert!(matches!(kind(&format!("<a{many}/>")), ParseErrorKind::TooManyAttributes { .. }));
    let long = "x".repeat(10_000_001);
    assert!(matches!(kind(&format!("<a>{long}</a>")), ParseErrorKind::TooLarge { .. }));
    assert!(matches!(kind(&format!("<a b='{long}'/>")), ParseErrorKind::TooLarge { .. }));
}

#[test]
fn errors_say_where_and_in_what() {
    let error =
        |text: &[u8]| *Document::parse("a/b.xml".into(), text, &ParseOptions::default()).expect_err("bad");
    let mismatch = error(b"<vertical>\n  <html>\n</vertical>");
    assert_eq!(mismatch.to_string(), "a/b.xml:3:1: <html> opened at 2:3 is closed by </vertical>");
    assert_eq!(mismatch.element.as_deref(), Some("html"));
    assert_eq!(
        error(b"<a>\n <b c='1'\n   c='2'/></a>").to_string(),
        "a/b.xml:3:4: attribute c stands twice on <b>"
    );
    assert_eq!(
        error("<a>\n é&nbsp;</a>".as_bytes()).to_string(),
        "a/b.xml:2:3: entity &nbsp; is not defined"
    );
    assert_eq!(error(b"<a>\n\xff</a>").to_string(), "a/b.xml:2:1: the file is not UTF-8");
    assert_eq!(error(b"").to_string(), "a/b.xml:1:1: the document is empty");
    let shown = error(b"<a>\n <b>x</c></a>").diagnostic().to_string();
    assert_eq!(
        shown,
        "a/b.xml:2:6: error[invalid-xml]: <b> opened at 2:2 is closed by </c> (inside <b>)\n  |  <b>x</c></a>\n  |      ^\n  = because: The file is not well-formed XML, so nothing in it can be read.\n  = help: add the closing tag"
    );
}

#[test]
fn every_node_knows_its_bytes_and_place() {
    let text = "\u{feff}<a>\n t<b c='1'\td=\"2\"/><!-- x --><![CDATA[y]]></a>";
    let options = ParseOptions::default().blank_text(BlankText::Keep).cdata(CDataSections::Keep);
    let document = parse(text, &options).expect("well-formed");
    let at = |span: xblock_core::olx::Span| &document.source.text[span.range()];
    let spans: Vec<_> = document.root.children.iter().map(|n| at(n.span())).collect();
    assert_eq!(spans, ["\n t", "<b c='1'\td=\"2\"/>", "<!-- x -->", "<![CDATA[y]]>"]);
    let b = document.root.find("b").expect("it is there");
    assert_eq!(b.position().to_string(), "2:3");
    assert_eq!(b.attributes[1].position().to_string(), "2:12");
    assert_eq!(at(b.attributes[1].span()), "d=\"2\"");
    assert_eq!(at(document.root.span()), &text[3..]);
}

#[test]
fn a_name_with_a_namespace_gets_a_prefix_when_it_is_set() {
    let mut element = Element::new("a");
    element.set_clark("{http://www.w3.org/XML/1998/namespace}lang", "en");
    element.set_clark("{u}b", "1");
    element.set_clark("{v}b", "2");
    element.set_clark("c", "3");
    assert_eq!(
        element.to_text(WriteOptions::default()),
        r#"<a xmlns:ns1="v" xmlns:ns0="u" xml:lang="en" ns0:b="1" ns1:b="2" c="3"/>"#
    );
}
