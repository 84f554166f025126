//! Changes to the text of a file that leave everything else in it as it is.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;

use crate::keys::UsageKey;
use crate::olx::serialise::escape_attribute;
use crate::olx::{Element, Span};

/// More children than this are not compared one by one.
const MOST_CHILDREN: usize = 2_000;

/// What takes the place of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// What stands for a block in its parent, known once the block is written.
    Child(UsageKey),
}

/// The text of a file and what is to be changed in it.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    text: String,
    has_mark: bool,
    changes: Vec<(Range<usize>, Vec<Part>)>,
}

/// The parts of an element's text.
struct Tags {
    /// Behind its name.
    name_end: usize,
    /// At the `>` or `/>` of its start tag.
    close: usize,
    /// Behind its start tag.
    inner: usize,
    /// At its end tag.
    inner_end: usize,
    is_empty: bool,
}

impl Patch {
    /// Begins without changes; none where the bytes are no UTF-8.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let bare = text.strip_prefix('\u{feff}');
        let has_mark = bare.is_some();
        Some(Self { text: bare.unwrap_or(text).to_owned(), has_mark, changes: Vec::new() })
    }

    fn put(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.changes.push((range, vec![Part::Text(text.into())]));
    }

    /// Sets an attribute or takes it away; it must be one that is there, or a new one to be set.
    pub(super) fn attribute(&mut self, element: &Element, name: &str, value: Option<&str>) -> Option<()> {
        let written = value.map(|value| {
            let mut text = format!("{name}=\"");
            escape_attribute(&mut text, value);
            text.push('"');
            text
        });
        match (element.attribute(name), written) {
            (Some(present), Some(written)) => {
                let range = present.span().range();
                self.text.get(range.clone()).filter(|old| old.starts_with(name))?;
                self.put(range, written);
            }
            (Some(present), None) => {
                let range = present.span().range();
                self.text.get(range.clone()).filter(|old| old.starts_with(name))?;
                self.put(self.blank_before(range.start)..range.end, "");
            }
            (None, Some(written)) => {
                let tags = self.tags(element)?;
                // Attributes that have lines of their own get another.
                let (at, blank) = match element.attributes.last() {
                    Some(last) => {
                        let start = last.span().range().start;
                        let blank = self.text.get(self.blank_before(start)..start)?;
                        (last.span().range().end, if blank.is_empty() { " " } else { blank }.to_owned())
                    }
                    None => (tags.name_end, " ".to_owned()),
                };
                // Several new attributes go to one place, one after the other.
                self.put(at..at, format!("{blank}{written}"));
            }
            (None, None) => return None,
        }
        Some(())
    }

    /// Replaces everything between an element's tags.
    pub(super) fn inner(&mut self, element: &Element, inner: &str) -> Option<()> {
        let tags = self.tags(element)?;
        if !tags.is_empty {
            self.put(tags.inner..tags.inner_end, inner);
        } else if !inner.is_empty() {
            self.put(tags.close..tags.inner, format!(">{inner}</{}>", element.name));
        }
        Some(())
    }

    /// Makes the blocks inside an element others; what stays keeps its bytes and what stands around it.
    ///
    /// Returns the blocks that are new there, and the places of those that are gone.
    pub(super) fn children(
        &mut self,
        element: &Element,
        old: &[(UsageKey, Span)],
        new: &[UsageKey],
    ) -> Option<(Vec<UsageKey>, Vec<Span>)> {
        let olds: Vec<&UsageKey> = old.iter().map(|(usage, _)| usage).collect();
        if olds.len().max(new.len()) > MOST_CHILDREN || olds.iter().collect::<HashSet<_>>().len() < old.len()
        {
            return None;
        }
        let tags = self.tags(element)?;
        let stays = common(&olds, new);
        let own_indent = self.indent(element.span().range().start).unwrap_or_default().to_owned();
        let blank = match old.first() {
            Some((_, first)) => self.indent(first.range().start).map(|indent| format!("\n{indent}")),
            None => Some(format!("\n{own_indent}  ")),
        };
        let blank = blank.unwrap_or_default();
        let mut gone = Vec::new();
        for (_, span) in old.iter().filter(|(usage, _)| !stays.contains(usage)) {
            self.put(self.line_before(span.range().start)..span.range().end, "");
            gone.push((*span, ()));
        }
        let mut added = Vec::new();
        let mut anchor = None;
        let mut first = Vec::new();
        for usage in new {
            if stays.contains(usage) {
                anchor = old.iter().find(|(present, _)| present == usage).map(|(_, span)| span.range().end);
                continue;
            }
            let mut parts = vec![Part::Text(blank.clone())];
            match old.iter().find(|(present, _)| present == usage) {
                Some((_, span)) => {
                    gone.retain(|(other, ())| other != span);
                    parts.push(Part::Text(self.text.get(span.range())?.to_owned()));
                }
                None => {
                    parts.push(Part::Child(usage.clone()));
                    added.push(usage.clone());
                }
            }
            match anchor {
                Some(at) => self.changes.push((at..at, parts)),
                None => first.append(&mut parts),
            }
        }
        if !first.is_empty() {
            if tags.is_empty {
                first.insert(0, Part::Text(">".into()));
                first.push(Part::Text(format!("\n{own_indent}</{}>", element.name)));
                self.changes.push((tags.close..tags.inner, first));
            } else {
                if old.is_empty() && self.text[tags.inner..tags.inner_end].trim().is_empty() {
                    first.push(Part::Text(format!("\n{own_indent}")));
                    self.changes.push((tags.inner..tags.inner_end, first));
                } else {
                    self.changes.push((tags.inner..tags.inner, first));
                }
            }
        }
        Some((added, gone.into_iter().map(|(span, ())| span).collect()))
    }

    /// Carries the changes out; none where two of them meet or a child is not known.
    pub(super) fn finish(mut self, child: &dyn Fn(&UsageKey) -> Option<String>) -> Option<Vec<u8>> {
        self.changes.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(self.text.len() + 64);
        if self.has_mark {
            out.push('\u{feff}');
        }
        let mut at = 0;
        for (range, parts) in self.changes {
            out.push_str(self.text.get(at..range.start)?);
            for part in parts {
                match part {
                    Part::Text(text) => out.push_str(&text),
                    Part::Child(usage) => out.write_str(&child(&usage)?).ok()?,
                }
            }
            at = range.end;
        }
        out.push_str(self.text.get(at..)?);
        Some(out.into_bytes())
    }

    /// Finds the tags of an element.
    fn tags(&self, element: &Element) -> Option<Tags> {
        let span = element.span().range();
        let text = self.text.get(span.clone())?;
        let name_end =
            text.strip_prefix('<')?.strip_prefix(element.name.as_str()).map(|_| element.name.len() + 1)?;
        let mut quote = None;
        let close = text.bytes().enumerate().skip(name_end).find_map(|(at, byte)| {
            match (quote, byte) {
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), _) if open == byte => quote = None,
                (None, b'>') => return Some(at),
                _ => {}
            }
            None
        })?;
        let is_empty = text[..close].ends_with('/');
        let inner_end = if is_empty { close + 1 } else { text.rfind("</")? };
        Some(Tags {
            name_end: span.start + name_end,
            close: span.start + close - usize::from(is_empty),
            inner: span.start + close + 1,
            inner_end: span.start + inner_end,
            is_empty,
        })
    }

    /// Returns where the blank text before a place begins.
    fn blank_before(&self, at: usize) -> usize {
        self.text[..at].trim_end_matches([' ', '\t', '\n', '\r']).len()
    }

    /// Returns where the line begins that has nothing but blanks before a place, its newline included; else the place.
    fn line_before(&self, at: usize) -> usize {
        let line = self.text[..at].trim_end_matches([' ', '\t']);
        match line.strip_suffix('\n') {
            Some(above) => above.strip_suffix('\r').unwrap_or(above).len(),
            None => at,
        }
    }

    /// Returns the blanks a line begins with, where nothing else stands before a place.
    fn indent(&self, at: usize) -> Option<&str> {
        let before = self.text.get(..at)?;
        let line = before.trim_end_matches([' ', '\t']);
        (line.is_empty() || line.ends_with('\n')).then(|| &before[line.len()..])
    }
}

/// Finds a longest common subsequence: the blocks that can stay where they are.
fn common(old: &[&UsageKey], new: &[UsageKey]) -> HashSet<UsageKey> {
    let width = new.len() + 1;
    let mut length = vec![0_u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            length[i * width + j] = if *old[i] == new[j] {
                length[(i + 1) * width + j + 1] + 1
            } else {
                length[(i + 1) * width + j].max(length[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut stays = HashSet::new();
    while i < old.len() && j < new.len() {
        if *old[i] == new[j] {
            stays.insert(new[j].clone());
            (i, j) = (i + 1, j + 1);
        } else if length[(i + 1) * width + j] >= length[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::olx::{Document, ParseOptions};

    fn usage(name: &str) -> UsageKey {
        format!("block-v1:O+C+R+type@html+block@{name}").parse().expect("a key")
    }

    fn root(text: &str) -> Element {
        Document::parse("a.xml".into(), text.as_bytes(), &ParseOptions::default()).expect("XML").root
    }

    fn finish(patch: Patch) -> String {
        let text = patch.finish(&|usage| Some(format!("<html url_name=\"{}\"/>", usage.block_id())));
        String::from_utf8(text.expect("changes that do not meet")).expect("text")
    }

    #[test]
    fn attributes_change_where_they_stand() {
        let text = "<!-- a --><p  b='1'\n   c = \"x &lt; y\"  d=\"3\" >&#65;<!-- z --></p>\n";
        let element = root(text);
        let mut patch = Patch::new(text.as_bytes()).expect("text");
        patch.attribute(&element, "b", Some("two \"<>\"")).expect("set");
        patch.attribute(&element, "d", None).expect("removed");
        patch.attribute(&element, "e", Some("5")).expect("added");
        assert_eq!(patch.attribute(&element, "f", None), None);
        assert_eq!(
            finish(patch),
            "<!-- a --><p  b=\"two &quot;&lt;&gt;&quot;\"\n   c = \"x &lt; y\"  e=\"5\" >&#65;<!-- z --></p>\n"
        );
    }

    #[test]
    fn children_come_and_go_on_lines_of_their_own() {
        let text = "<v>\n\t<html url_name='a'/>\n\t<!-- b is next -->\n\t<html url_name='b'/>\n\t<html url_name='c'/>\n</v>";
        let element = root(text);
        let old: Vec<_> = element
            .elements()
            .map(|child| (usage(child.get("url_name").expect("a name")), child.span()))
            .collect();
        let cases: [(&[&str], &str); 5] = [
            (&["a", "c"], "<v>\n\t<html url_name='a'/>\n\t<!-- b is next -->\n\t<html url_name='c'/>\n</v>"),
            (
                &["a", "n", "b", "c"],
                "<v>\n\t<html url_name='a'/>\n\t<html url_name=\"n\"/>\n\t<!-- b is next -->\n\t<html url_name='b'/>\n\t<html url_name='c'/>\n</v>",
            ),
            (
                &["c", "a", "b"],
                "<v>\n\t<html url_name='c'/>\n\t<html url_name='a'/>\n\t<!-- b is next -->\n\t<html url_name='b'/>\n</v>",
            ),
            (&["n"], "<v>\n\t<html url_name=\"n\"/>\n\t<!-- b is next -->\n</v>"),
            (&[], "<v>\n\t<!-- b is next -->\n</v>"),
        ];
        for (new, wanted) in cases {
            let new: Vec<_> = new.iter().map(|name| usage(name)).collect();
            let mut patch = Patch::new(text.as_bytes()).expect("text");
            patch.children(&element, &old, &new).expect("children");
            assert_eq!(finish(patch), wanted);
        }
    }

    #[test]
    fn an_empty_element_opens_for_children_and_text() {
        for (text, wanted) in [
            ("  <v a='>'/>", "  <v a='>'>\n    <html url_name=\"n\"/>\n  </v>"),
            ("<v>\n</v>", "<v>\n  <html url_name=\"n\"/>\n</v>"),
        ] {
            let mut patch = Patch::new(text.as_bytes()).expect("text");
            patch.children(&root(text), &[], &[usage("n")]).expect("children");
            assert_eq!(finish(patch), wanted);
        }
        let mut patch = Patch::new(b"\xef\xbb\xbf<p a=\"1\" />").expect("text");
        patch.inner(&root("<p a=\"1\" />"), "x").expect("an inner text");
        assert_eq!(finish(patch), "\u{feff}<p a=\"1\" >x</p>");
    }
}
