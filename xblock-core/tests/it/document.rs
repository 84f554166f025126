//! A document that was read is written as it was, and an edit changes its own place only.

use proptest::prelude::*;
use xblock_core::olx::{
    BlankText, CDataSections, Chars, Document, Element, Node, ParseErrorKind, ParseOptions, Text,
    WriteOptions,
};

fn options() -> impl Strategy<Value = ParseOptions> {
    (any::<bool>(), any::<bool>()).prop_map(|(keep_blanks, keep_cdata)| {
        let blanks = if keep_blanks { BlankText::Keep } else { BlankText::Remove };
        let cdata = if keep_cdata { CDataSections::Keep } else { CDataSections::AsText };
        ParseOptions::default().blank_text(blanks).cdata(cdata)
    })
}

fn blanks() -> impl Strategy<Value = String> {
    "[ \t]{0,2}|\r\n|\n {0,4}"
}

fn attribute() -> impl Strategy<Value = String> {
    let value = r#"([a-z0-9 é<>'"&\n\t]|😀){0,8}"#;
    (blanks(), blanks(), blanks(), any::<bool>(), value).prop_map(|(before, left, right, single, value)| {
        let mut raw = value.replace('&', "&amp;").replace('<', if single { "&lt;" } else { "&#x3C;" });
        let quote = if single { '\'' } else { '"' };
        raw = raw.replace(quote, if single { "&apos;" } else { "&quot;" });
        format!(" {before}NAME{left}={right}{quote}{raw}{quote}")
    })
}

fn attributes() -> impl Strategy<Value = String> {
    (proptest::collection::vec(attribute(), 0..4), any::<bool>(), blanks()).prop_map(|(list, space, end)| {
        let mut all: String =
            list.iter().enumerate().map(|(n, a)| a.replace("NAME", ["a", "b-c", "é", "d.e"][n])).collect();
        if space {
            all.push_str(" xmlns:p='u'");
        }
        all + &end
    })
}

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z é\u{feff}>]{1,6}".prop_map(|text| text.replace("]]>", "")),
        3 => blanks(),
        1 => Just("&lt;&#65;&amp;&e;".to_owned()),
        1 => Just("&m;".to_owned()),
        1 => "<!-- [a-z<&\r\n]{0,5} -->",
        1 => r"<!\[CDATA\[[a-z<&\r\n]{0,5}\]\]>",
        1 => "<\\?pi [a-z<&\r\n]{0,5}\\?>",
    ]
}

fn element() -> impl Strategy<Value = String> {
    let tag = |(name, attributes, end): (&'static str, String, String), content: Option<String>| match content
    {
        None => format!("<{name}{attributes}/>"),
        Some(content) => format!("<{name}{attributes}>{content}</{name}{end}>"),
    };
    let head = || (prop_oneof![Just("a"), Just("b"), Just("html"), Just("é")], attributes(), blanks());
    let alone = head().prop_map(move |head| tag(head, None));
    prop_oneof![1 => alone, 4 => leaf()].prop_recursive(4, 40, 6, move |inner| {
        (head(), proptest::collection::vec(inner, 0..6))
            .prop_map(move |(head, content)| tag(head, Some(content.concat())))
    })
}

fn document() -> impl Strategy<Value = String> {
    let declaration = prop_oneof![
        Just(""),
        Just("<?xml version=\"1.0\"?>"),
        Just("<?xml version='1.0' encoding='UTF-8' ?>\r\n")
    ];
    let outside = || prop_oneof![Just(String::new()), blanks(), "[ \n]?<!-- [a-z]* -->[ \n]?".boxed()];
    let doctype = "<!DOCTYPE r [ <!ENTITY e 'x'>\n<!ENTITY m '<i>y</i>z<!--c-->'> ]>";
    (any::<bool>(), declaration, outside(), outside(), attributes(), element(), blanks(), outside()).prop_map(
        move |(mark, declaration, first, second, attributes, content, end, last)| {
            let mark = if mark { "\u{feff}" } else { "" };
            format!("{mark}{declaration}{first}{doctype}{second}<r{attributes}>{content}</r{end}>{last}")
        },
    )
}

/// Joins neighbouring texts, which is what writing and reading again does to them, and drops empty ones.
fn joined(element: &Element) -> Element {
    let mut copy = element.without_content();
    for node in &element.children {
        match (copy.children.last_mut(), node) {
            (_, Node::Element(child)) => copy.children.push(joined(child).into()),
            (_, Node::Text(chars)) if chars.value.is_empty() => {}
            (Some(Node::Text(last)), Node::Text(chars)) => {
                *last = Chars::from(format!("{}{}", last.value, chars.value));
            }
            (_, node) => copy.children.push(node.clone()),
        }
    }
    copy
}

/// The elements of a tree in document order, as paths of indexes.
fn paths(element: &Element, at: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    all.push(at.clone());
    for (n, node) in element.children.iter().enumerate() {
        if let Node::Element(child) = node {
            at.push(n);
            paths(child, at, all);
            at.pop();
        }
    }
}

fn at_path<'e>(root: &'e mut Element, path: &[usize]) -> &'e mut Element {
    path.iter().fold(root, |element, at| element.children[*at].as_element_mut().expect("an element"))
}

#[derive(Debug, Clone)]
enum Edit {
    SetAttribute(usize, String),
    AddAttribute(String),
    RemoveAttribute(usize),
    Rename,
    SetText(String),
    Insert(usize, bool),
    Remove(usize),
    Move(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let value = r#"[a-z<>&'"\n\r é]{0,6}"#;
    prop_oneof![
        (0..4usize, value).prop_map(|(at, value)| Edit::SetAttribute(at, value)),
        value.prop_map(Edit::AddAttribute),
        (0..4usize).prop_map(Edit::RemoveAttribute),
        Just(Edit::Rename),
        value.prop_map(Edit::SetText),
        (0..4usize, any::<bool>()).prop_map(|(at, element)| Edit::Insert(at, element)),
        (0..6usize).prop_map(Edit::Remove),
        (0..6usize, 0..6usize).prop_map(|(from, to)| Edit::Move(from, to)),
    ]
}

fn apply(element: &mut Element, edit: &Edit) {
    let (attributes, children) = (element.attributes.len(), element.children.len());
    match edit {
        Edit::SetAttribute(at, value) if *at < attributes => {
            element.attributes[*at].value = value.as_str().into();
        }
        Edit::AddAttribute(value) => element.set("new", value.as_str()),
        Edit::RemoveAttribute(at) if *at < attributes => drop(element.attributes.remove(*at)),
        Edit::Rename => element.name = "renamed".into(),
        Edit::SetText(text) => element.set_text(text.as_str()),
        Edit::Insert(at, true) if *at <= children => {
            let mut new = Element::new("new");
            new.set("x", "<'\"");
            element.children.insert(*at, new.into());
        }
        Edit::Insert(at, false) if *at <= children => element.children.insert(*at, Node::text("t & u")),
        Edit::Remove(at) if *at < children => drop(element.children.remove(*at)),
        Edit::Move(from, to) if *from < children && *to < children => {
            let node = element.children.remove(*from);
            element.children.insert(*to, node);
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_was_read_is_written_as_it_was(text in document(), options in options()) {
        let document = Document::parse("d.xml".into(), text.as_bytes(), &options)
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        let written = document.to_bytes();
        prop_assert_eq!(String::from_utf8_lossy(&written), text.as_str());
        let copy = document.clone();
        prop_assert!(copy == document);
        prop_assert_eq!(copy.to_bytes(), text.into_bytes());
    }

    #[test]
    fn an_edit_changes_its_place_only(
        before in document(), options in options(), pick in any::<prop::sample::Index>(), edit in edit()
    ) {
        let mut document = Document::parse("d.xml".into(), before.as_bytes(), &options).expect("it is XML");
        let mut all = Vec::new();
        paths(&document.root, &mut Vec::new(), &mut all);
        let path = &all[pick.index(all.len())];
        let mark = before.len() - document.source.text.len();
        // What came out of an entity is written into the element that holds the reference.
        let mut holder = document.root.span();
        let mut element = &document.root;
        for at in path {
            element = element.children[*at].as_element().expect("an element");
            if !document.source.text[element.span().range()].starts_with('&') {
                holder = element.span();
            }
        }
        apply(at_path(&mut document.root, path), &edit);
        let after = String::from_utf8(document.to_bytes()).expect("it is UTF-8");
        let range = holder.range();
        prop_assert!(after.starts_with(&before[..mark + range.start]), "{:?}\n{}\n{}", edit, before, after);
        prop_assert!(after.ends_with(&before[mark + range.end..]), "{:?}\n{}\n{}", edit, before, after);

        // With blank text kept nothing depends on what stands beside it.
        if options.blank_text == BlankText::Keep {
            let again = Document::parse("d.xml".into(), after.as_bytes(), &options);
            let again = again.unwrap_or_else(|error| panic!("{error}\n{after}"));
            let (found, wanted) = (joined(&again.root), joined(&document.root));
            prop_assert!(found == wanted, "{:?}\n{}\n{}\n{}\n{}", edit, before, after,
                found.to_text(Default::default()), wanted.to_text(Default::default()));
        }
    }
}

fn edited(text: &str, options: &ParseOptions, change: impl FnOnce(&mut Document)) -> String {
    let mut document = Document::parse("d.xml".into(), text.as_bytes(), options).expect("it is XML");
    change(&mut document);
    document.to_text()
}

#[test]
fn edits_keep_quotes_order_and_spacing() {
    let keep = ParseOptions::default();
    let text = "<?xml version='1.0'?>\r\n<!--x--><a  p = 'it&apos;s'\n q=\"&#65;\"  xmlns:n='u' ><b/ >";
    assert!(Document::parse("d.xml".into(), text.as_bytes(), &keep).is_err());
    let text = "<?xml version='1.0'?>\r\n<!--x--><a  p = 'it&apos;s'\n q=\"&#65;\"  xmlns:n='u' ><b />&lt;</a\n><!--y-->\r\n";
    assert_eq!(edited(text, &keep, |_| {}), text);
    assert_eq!(edited(text, &keep, |d| d.root.set("q", "A")), text, "the same value changes nothing");
    assert_eq!(edited(text, &keep, |d| d.root.set("p", "'\"")), text.replace("it&apos;s", "&apos;&quot;"));
    assert_eq!(edited(text, &keep, |d| drop(d.root.remove("p"))), text.replace("  p = 'it&apos;s'", ""));
    assert_eq!(
        edited(text, &keep, |d| d.root.set("r", "1\n")),
        text.replace("xmlns:n='u' ", "r=\"1&#10;\"  xmlns:n='u' ").replace("  r=", " r="),
    );
    assert_eq!(
        edited(text, &keep, |d| d.root.name = "c".into()),
        text.replace("<a ", "<c ").replace("</a", "</c")
    );
    assert_eq!(
        edited(text, &keep, |d| d.root.find_mut("b").expect("b").children.push(Node::text("&"))),
        text.replace("<b />", "<b>&amp;</b>")
    );
    assert_eq!(edited(text, &keep, |d| d.prolog.clear()), text.replace("\r\n<!--x-->", ""));
    assert_eq!(edited(text, &keep, |d| d.epilog.clear()), text.replace("<!--y-->", ""));
    let comment = || Node::Comment("z".into());
    assert_eq!(
        edited(text, &keep, |d| d.prolog.insert(0, comment())),
        text.replace("?>\r\n", "?>\n<!--z-->\n\r\n")
    );
}

#[test]
fn children_keep_and_get_their_indentation() {
    let text = "<u>\n  <a/>\n  <b/>\n</u>\n";
    let options = ParseOptions::platform();
    let new = || Node::from(Element::new("n"));
    assert_eq!(edited(text, &options, |_| {}), text);
    assert_eq!(edited(text, &options, |d| drop(d.root.children.remove(0))), "<u>\n  <b/>\n</u>\n");
    assert_eq!(
        edited(text, &options, |d| d.root.children.push(new())),
        "<u>\n  <a/>\n  <b/>\n  <n/>\n</u>\n"
    );
    assert_eq!(edited(text, &options, |d| d.root.children.swap(0, 1)), "<u>\n  <b/>\n  <a/>\n</u>\n");
}

#[test]
fn what_an_entity_brings_is_written_out_only_where_it_is_changed() {
    let text = "<!DOCTYPE a [<!ENTITY m '<i/>x'>]><a><b>&m;</b><c>&m; &m;</c></a>";
    let options = ParseOptions::default();
    assert_eq!(edited(text, &options, |_| {}), text);
    assert_eq!(
        edited(text, &options, |d| {
            let c = d.root.find_mut("c").expect("c");
            c.find_mut("i").expect("i").set("k", "v");
        }),
        text.replace("<c>&m; &m;</c>", "<c><i k=\"v\"/>x <i/>x</c>")
    );
}

#[test]
fn a_moved_element_takes_its_bytes_and_its_namespaces_along() {
    let text = "<a><b xmlns:p='u'><p:c  x='1'/></b><d/></a>";
    let moved = edited(text, &ParseOptions::default(), |document| {
        let c = document.root.find_mut("b").expect("b").children.remove(0);
        document.root.find_mut("d").expect("d").children.push(c);
    });
    assert_eq!(moved, "<a><b xmlns:p='u'></b><d><p:c xmlns:p=\"u\"  x='1'/></d></a>");

    let text = "<a><b  x='1'/><svg xmlns='u'><g/></svg></a>";
    let moved = edited(text, &ParseOptions::default(), |document| {
        let b = document.root.children.remove(0);
        document.root.find_mut("svg").expect("svg").children.push(b);
    });
    assert_eq!(moved, "<a><svg xmlns='u'><g/><b xmlns=\"\"  x='1'/></svg></a>");
    let made = edited(text, &ParseOptions::default(), |document| {
        document.root.find_mut("svg").expect("svg").children.push(Element::new("path").into());
    });
    assert_eq!(made, "<a><b  x='1'/><svg xmlns='u'><g/><path/></svg></a>");
}

#[test]
fn elements_of_another_document_are_written_anew() {
    let other = Document::parse("o.xml".into(), b"<o  k='&lt;'>x<i  /></o>", &ParseOptions::default());
    let other = other.expect("it is XML").root;
    let text = edited("<a> <b  /></a>", &ParseOptions::default(), |d| d.root.children.push(other.into()));
    assert_eq!(text, "<a> <b  /><o k=\"&lt;\">x<i/></o></a>");
}

#[test]
fn every_encoding_is_edited_in_place() {
    let bytes = b"<?xml version='1.0' encoding='iso-8859-1'?><a b='\xe9'>\xe8</a>";
    let mut document = Document::parse("d.xml".into(), bytes, &ParseOptions::default()).expect("it is XML");
    assert_eq!(document.root.get("b"), Some("é"));
    assert_eq!(document.to_bytes(), bytes);
    document.root.set("c", "é\u{20AC}");
    assert_eq!(
        document.to_bytes(),
        b"<?xml version='1.0' encoding='iso-8859-1'?><a b='\xe9' c=\"\xe9&#8364;\">\xe8</a>"
    );
}

#[test]
fn what_an_encoding_lacks_stands_between_sections() {
    let options = ParseOptions::default().cdata(CDataSections::Keep);
    let bytes = b"<?xml version='1.0' encoding='iso-8859-1'?><a><![CDATA[\xe9]]></a>";
    let mut document = Document::parse("d.xml".into(), bytes, &options).expect("it is XML");
    document.root.children.push(Node::CData("\u{20AC}\u{20AC} \u{e9}<\u{20AC}".into()));
    let bytes = document.to_bytes();
    let again = Document::parse("d.xml".into(), &bytes, &options).expect("it is XML");
    assert_eq!(again.root.all_text(), "\u{e9}\u{20AC}\u{20AC} \u{e9}<\u{20AC}");
    assert!(bytes.starts_with(b"<?xml version='1.0' encoding='iso-8859-1'?><a><![CDATA[\xe9]]><![CDATA["));
}

#[test]
fn a_million_levels_take_no_stack() {
    const LEVELS: usize = 1_000_000;
    let text = "<a b='1'>".repeat(LEVELS) + &"</a>".repeat(LEVELS);
    let refused = Document::parse("d.xml".into(), text.as_bytes(), &ParseOptions::default());
    assert_eq!(refused.expect_err("too deep").kind, ParseErrorKind::TooDeep { limit: 256 });

    let options = ParseOptions::default().max_depth(usize::MAX).max_size(usize::MAX);
    let mut document = Document::parse("d.xml".into(), text.as_bytes(), &options).expect("it is XML");
    let copy = document.clone();
    assert!(copy == document);
    assert_eq!(copy.to_text(), text);
    assert_eq!(document.root.all_text(), "");
    let canonical = document.root.to_text(xblock_core::olx::WriteOptions::default());
    assert!(canonical.ends_with("</a></a>"));
    let mut innermost = &mut document.root;
    while !innermost.children.is_empty() {
        innermost = innermost.children[0].as_element_mut().expect("an element");
    }
    innermost.set("b", "2");
    let edited = document.to_text();
    assert_eq!(edited.len(), text.len());
    assert_eq!(edited.matches("b='2'").count(), 1);
    assert!(copy != document);
    drop(copy);

    let text = "<a xmlns:p='u'>".repeat(100_000);
    let unclosed = Document::parse("d.xml".into(), text.as_bytes(), &options).expect_err("it has no end");
    assert!(matches!(unclosed.kind, ParseErrorKind::Unclosed { .. }), "dropping the scopes takes no stack");
}

#[test]
fn a_tree_built_in_memory_may_be_as_deep() {
    let mut element = Element::new("a");
    for _ in 0..1_000_000 {
        let mut outer = Element::new(Text::from("a"));
        outer.children.push(element.into());
        element = outer;
    }
    assert!(element.clone() == element);
}

#[test]
fn what_a_removal_brings_together_stays_two_things() {
    for (file, expected) in [
        ("<a>x\r<b/>\ny</a>", "<a>x\n\ny</a>"),
        ("<a>x\r\r<?b c?>\ny</a>", "<a>x\n\n\ny</a>"),
        ("<a>x\r\n<!-- b -->\ny</a>", "<a>x\r\n\ny</a>"),
        ("<a>]]<b/>></a>", "<a>]]&gt;</a>"),
        ("<a>]<b/>]></a>", "<a>]]&gt;</a>"),
        ("<a><![CDATA[x]]><b/>></a>", "<a><![CDATA[x]]>></a>"),
    ] {
        let options = ParseOptions::default().cdata(CDataSections::Keep);
        let mut document = Document::parse("a.xml".into(), file.as_bytes(), &options).unwrap();
        let second = document.root.children.iter().position(|node| node.as_text().is_none()).unwrap();
        document.root.children.remove(if file.contains("CDATA") { 1 } else { second });
        assert_eq!(document.to_text(), expected, "{file:?}");
        let again = Document::parse("b.xml".into(), expected.as_bytes(), &options).unwrap();
        let text = |document: &Document| document.root.to_text(WriteOptions::default());
        assert_eq!(text(&again), text(&document), "{file:?}");
    }
    let mut document = Document::parse("a.xml".into(), b"<a>x\r<b/></a>", &ParseOptions::default()).unwrap();
    document.root.children[1] = Node::Text("\nz".into());
    assert_eq!(document.to_text(), "<a>x\n\nz</a>");
}
