//! Any bytes, read as XML.

use xblock_core::olx::{
    BlankText, CDataSections, Chars, Document, Element, Node, ParseOptions, Span, WriteOptions,
};

/// What edits put into a document: everything that has to be escaped somewhere.
const NEW: &str = "'\"<&>]]>\n\t\r \u{e9}";

/// Reads bytes as an XML file under all options: nothing panics or runs away, what was not edited is written as it was, an
/// edit changes its place only, and the canonical form reads as the same.
pub fn olx_document(data: &[u8]) {
    for options in [
        ParseOptions::default(),
        ParseOptions::platform(),
        ParseOptions::default().cdata(CDataSections::Keep),
    ] {
        let document = match Document::parse("fuzz.xml".into(), data, &options) {
            Ok(document) => document,
            Err(error) => {
                let _ = error.to_string();
                continue;
            }
        };
        assert_eq!(document.to_bytes(), data, "what was read is written as it was");
        edits(&document, data, &options);
        let text = document.root.to_text(WriteOptions::default());
        let again = Document::parse("again.xml".into(), text.as_bytes(), &options);
        let again = again.unwrap_or_else(|error| panic!("what is written is XML: {error}\n{text:?}"));
        // What is taken for indentation depends on references, which are written as what they stand for.
        if options.blank_text == BlankText::Keep {
            assert_eq!(again.root.to_text(WriteOptions::default()), text);
        }
        let _ = document.root.to_text(WriteOptions::PRETTY);
    }
}

/// Makes each kind of change to one element, which the input chooses.
fn edits(document: &Document, data: &[u8], options: &ParseOptions) {
    let sum = data.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let count = count(&document.root);
    let edit = |change: &dyn Fn(&mut Element) -> Option<Place>| {
        let mut edited = document.clone();
        let element = nth(&mut edited.root, sum % count);
        if let Some(place) = change(element) {
            check(document, &edited, &place, options);
        }
    };
    edit(&|element| {
        let (start, end) = (element.span().start, element.span().end);
        element.name = "renamed".into();
        Some(Place::Inside(Span { start, end }))
    });
    edit(&|element| {
        let at = sum % element.attributes.len().max(1);
        let attribute = element.attributes.get_mut(at)?;
        let place = attribute.value.span().map_or(Place::Anywhere, Place::Inside);
        attribute.value = NEW.into();
        Some(place)
    });
    edit(&|element| {
        let at = sum % element.attributes.len().max(1);
        let removed = (at < element.attributes.len()).then(|| element.attributes.remove(at))?;
        Some(Place::Removed(removed.span()))
    });
    edit(&|element| {
        let is_new = element.get("added").is_none();
        element.set("added", NEW);
        is_new.then_some(Place::Added(element.span()))
    });
    edit(&|element| {
        let at = sum % element.children.len().max(1);
        match element.children.get_mut(at)? {
            Node::Text(chars) => Some(replace(chars, NEW)),
            // A section has no references for carriage returns and for what the encoding lacks.
            Node::CData(chars) => Some(replace(chars, &NEW.replace(['\r', '\u{e9}'], ""))),
            Node::Comment(chars) => Some(replace(chars, "changed")),
            _ => None,
        }
    });
    edit(&|element| {
        let at = sum % element.children.len().max(1);
        let removed = (at < element.children.len()).then(|| element.children.remove(at))?;
        Some(Place::Removed(removed.span()))
    });
    edit(&|element| {
        let has_end_tag = !element.children.is_empty();
        element.children.push(Node::from(Element::new("added")));
        Some(if has_end_tag { Place::Added(element.span()) } else { Place::Inside(element.span()) })
    });
}

fn replace(chars: &mut Chars, new: &str) -> Place {
    let span = chars.span;
    *chars = Chars::from(new);
    Place::Inside(span)
}

/// Where a file may be different after an edit.
#[derive(Debug)]
enum Place {
    /// Within these bytes.
    Inside(Span),
    /// These bytes are gone, and at most blanks before them.
    Removed(Span),
    /// Something came to stand within these bytes, all of which are still there.
    Added(Span),
    Anywhere,
}

fn check(document: &Document, edited: &Document, place: &Place, options: &ParseOptions) {
    let bytes = edited.to_bytes();
    let again = Document::parse("edited.xml".into(), &bytes, options);
    let again = again.unwrap_or_else(|error| {
        panic!("an edited document is XML: {error}\n{place:?}\n{}", String::from_utf8_lossy(&bytes))
    });
    // With another content, other blanks may be taken for indentation.
    if options.blank_text == BlankText::Keep {
        let text = |document: &Document| document.root.to_text(WriteOptions::default());
        assert_eq!(text(&again), text(edited), "{place:?}\n{}", String::from_utf8_lossy(&bytes));
    }
    // Ends of lines that come to stand beside each other are written so that they stay two.
    let lines = |text: &str| text.replace('\r', "\n");
    let (before, after) = (&*lines(&document.source.text), &*lines(&edited.to_text()));
    // What came out of an entity has the bytes of the reference, or none.
    if before.contains("<!ENTITY") {
        return;
    }
    let same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let is_right = match place {
        Place::Inside(span) => {
            let (mut head, mut tail) = (&before[..span.range().start], &before[span.range().end..]);
            // Blanks beside a section are indentation, and would be text beside text.
            if options.blank_text == BlankText::Remove {
                (head, tail) = (head.trim_end(), tail.trim_start());
            }
            after.starts_with(head) && after[head.len()..].ends_with(tail)
        }
        Place::Removed(span) => {
            let rest = &before[span.range().end..];
            let is_right = |after: &str, rest: &str| {
                let head = after.strip_suffix(rest).unwrap_or("\0");
                before[..span.range().start].strip_prefix(head).is_some_and(|gone| gone.trim().is_empty())
            };
            // What was apart must not become the end of a section.
            let meets = (rest.starts_with('>') || rest.starts_with("]>"))
                && is_right(&after.replacen("]]&gt;", "]]>", 1), rest);
            is_right(after, rest) || meets
        }
        Place::Added(span) => {
            span.range().contains(&same) && after.len() > before.len() && after.ends_with(&before[same..])
        }
        Place::Anywhere => true,
    };
    assert!(is_right, "{place:?}\n{before:?}\n{after:?}");
}

fn count(root: &Element) -> usize {
    let mut count = 0;
    let mut open = vec![root];
    while let Some(element) = open.pop() {
        count += 1;
        open.extend(element.elements());
    }
    count
}

/// Returns an element by its number in the order of [`count`].
fn nth(root: &mut Element, mut index: usize) -> &mut Element {
    let mut open = vec![root];
    loop {
        let element = open.pop().expect("there are more elements than the index");
        if index == 0 {
            return element;
        }
        index -= 1;
        open.extend(element.children.iter_mut().filter_map(Node::as_element_mut));
    }
}
