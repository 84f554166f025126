//! Links in the text of a file. The platform finds them between quotation marks, wherever they stand; browsers also follow
//! those in attributes without quotation marks, in lists of images and in `url(..)`, which the platform leaves as they are.

use std::ops::Range;

/// What a link begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkKind {
    /// `/static/PATH`.
    Static,
    /// `/jump_to_id/NAME`.
    JumpToId,
    /// `/jump_to/KEY`.
    JumpTo,
    /// `/course/..`: a page of this course.
    Course,
    /// `/courses/KEY/..`: a page of any course.
    Courses,
    /// `/asset-v1:..`, with or without the slash.
    Asset,
    /// `/c4x/ORG/COURSE/asset/NAME`.
    OldAsset,
}

/// What links begin with, longer ones before those they begin with.
const PREFIXES: [(&str, LinkKind); 8] = [
    ("/static/", LinkKind::Static),
    ("/jump_to_id/", LinkKind::JumpToId),
    ("/jump_to/", LinkKind::JumpTo),
    ("/courses/", LinkKind::Courses),
    ("/course/", LinkKind::Course),
    ("/asset-v1:", LinkKind::Asset),
    ("asset-v1:", LinkKind::Asset),
    ("/c4x/", LinkKind::OldAsset),
];

/// The forms a quotation mark has in texts, and in texts inside XML.
const QUOTES: [&str; 12] = [
    "\\\"",
    "\\'",
    "\\&quot;",
    "\"",
    "'",
    "&quot;",
    "&#34;",
    "&#x22;",
    "&apos;",
    "&#39;",
    "&#x27;",
    "&amp;quot;",
];

/// Attributes that hold nothing but an address.
const ATTRIBUTES: [&str; 5] = ["href", "src", "poster", "data", "action"];

/// How long a link may be.
const LIMIT: usize = 2_000;

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) kind: LinkKind,
    /// Where the link begins.
    pub(super) offset: usize,
    /// What follows the prefix, with references replaced and `%20` and the like decoded, without query and fragment.
    pub(super) target: String,
    /// What follows the prefix as it is written.
    pub(super) written: String,
    /// Whether the platform makes it real.
    pub(super) is_replaced: bool,
}

/// Finds the links of a text, except in comments.
pub(super) fn find(text: &str) -> Vec<Link> {
    let comments = comments(text);
    let lists = lists(text);
    let mut links = Vec::new();
    for (prefix, kind) in PREFIXES {
        for (offset, _) in text.match_indices(prefix) {
            let found = match lists.iter().find(|list| list.contains(&offset)) {
                Some(list) => listed(text, offset, prefix, kind, list),
                None => link(text, offset, prefix, kind).or_else(|| bare(text, offset, prefix, kind)),
            };
            if let Some(link) = found
                && !is_inside(&comments, offset)
            {
                links.push(link);
            }
        }
    }
    let relative = text.match_indices("static/").filter_map(|(offset, _)| relative(text, offset));
    links.extend(relative.filter(|link| !is_inside(&comments, link.offset)));
    links.sort_by_key(|link| link.offset);
    links
}

/// Takes a link to a static file without the slash it needs, where an attribute leaves no doubt that it is one.
fn relative(text: &str, offset: usize) -> Option<Link> {
    let before = &text[..offset];
    let quote = QUOTES.into_iter().find(|quote| before.ends_with(quote))?;
    let name = before.strip_suffix(quote)?.trim_end_matches([' ', '\t']).strip_suffix('=')?;
    ATTRIBUTES.iter().find(|attribute| ends_with_word(name.trim_end_matches([' ', '\t']), attribute))?;
    let link = link(text, offset, "static/", LinkKind::Static)?;
    Some(Link { is_replaced: false, ..link })
}

fn link(text: &str, offset: usize, prefix: &str, kind: LinkKind) -> Option<Link> {
    let before = &text[..offset];
    let quote = QUOTES.into_iter().find(|quote| before.ends_with(quote))?;
    let rest = after(text, offset + prefix.len());
    let written = &rest[..rest.find(quote)?];
    if written.contains(['<', '\n']) {
        return None;
    }
    Some(make(offset, kind, written, true))
}

/// Returns the text from a byte on, no longer than a link may be.
fn after(text: &str, offset: usize) -> &str {
    let rest = &text[offset..];
    let mut limit = rest.len().min(LIMIT);
    while !rest.is_char_boundary(limit) {
        limit -= 1;
    }
    &rest[..limit]
}

/// Takes a link that stands without quotation marks in an attribute or in `url(..)`.
fn bare(text: &str, offset: usize, prefix: &str, kind: LinkKind) -> Option<Link> {
    // An address by its key is real as it stands.
    if matches!(kind, LinkKind::Asset | LinkKind::OldAsset | LinkKind::Courses) {
        return None;
    }
    let before = text[..offset].trim_end_matches([' ', '\t']);
    let rest = after(text, offset + prefix.len());
    let end = if ends_with_word(before, "url(") {
        rest.find([')', '\n'])?
    } else {
        let name = before.strip_suffix('=')?.trim_end_matches([' ', '\t']);
        ATTRIBUTES.iter().find(|attribute| ends_with_word(name, attribute))?;
        rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '"' | '\'' | '`'))?
    };
    Some(make(offset, kind, rest[..end].trim_end(), false))
}

/// Says whether a text ends with a word of ASCII letters, in any case, and not with a longer one.
fn ends_with_word(text: &str, word: &str) -> bool {
    let Some(start) = text.len().checked_sub(word.len()) else { return false };
    text.is_char_boundary(start)
        && text[start..].eq_ignore_ascii_case(word)
        && !text[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$'))
}

/// Takes a link of a list of images; the first one is real only where it is the whole list.
fn listed(text: &str, offset: usize, prefix: &str, kind: LinkKind, list: &Range<usize>) -> Option<Link> {
    let before = text[list.start..offset].trim_end();
    let is_first = before.is_empty();
    if !is_first && !before.ends_with(',') {
        return None;
    }
    let rest = &text[offset + prefix.len()..list.end];
    let end = rest.find(|c: char| c.is_ascii_whitespace() || c == ',').unwrap_or(rest.len());
    let is_replaced = is_first && offset == list.start && end == rest.len()
        || matches!(kind, LinkKind::Asset | LinkKind::OldAsset | LinkKind::Courses);
    Some(make(offset, kind, &rest[..end], is_replaced))
}

/// Finds the lists of images: what stands between the quotation marks of `srcset` attributes.
fn lists(text: &str) -> Vec<Range<usize>> {
    let mut lists = Vec::new();
    for (at, name) in text.match_indices("srcset") {
        let rest = text[at + name.len()..].trim_start();
        let Some(rest) = rest.strip_prefix('=').map(str::trim_start) else { continue };
        let Some(quote) = QUOTES.into_iter().find(|quote| rest.starts_with(quote)) else { continue };
        let start = text.len() - rest.len() + quote.len();
        if let Some(length) = text[start..].find(quote) {
            lists.push(start..start + length);
        }
    }
    lists
}

fn make(offset: usize, kind: LinkKind, written: &str, is_replaced: bool) -> Link {
    let plain = without_references(written);
    let path = plain.split(['?', '#']).next().unwrap_or_default();
    let target =
        percent_encoding::percent_decode_str(path).decode_utf8().map_or_else(|_| path.to_owned(), Into::into);
    Link { kind, offset, target, written: written.to_owned(), is_replaced }
}

/// Replaces `&amp;` and numeric references; what is none stays.
fn without_references(written: &str) -> String {
    let mut plain = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find("&#") {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let character = rest.find(';').and_then(|end| {
            let digits = &rest[2..end];
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            Some((char::from_u32(code.ok()?)?, end + 1))
        });
        let (character, length) = character.unwrap_or(('&', 1));
        plain.push(character);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    plain.replace("&amp;", "&")
}

/// Finds the comments of XML and HTML, those inside escaped HTML included.
fn comments(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (open, close) in [("<!--", "-->"), ("&lt;!--", "--&gt;")] {
        let mut from = 0;
        while let Some(start) = text[from..].find(open).map(|at| from + at) {
            let end = text[start..].find(close).map_or(text.len(), |at| start + at + close.len());
            found.push((start, end));
            from = end;
        }
    }
    found.sort_unstable();
    found
}

fn is_inside(ranges: &[(usize, usize)], offset: usize) -> bool {
    let before = ranges.partition_point(|(start, _)| *start <= offset);
    // Those of the two forms may lie inside one another, so the last one that begins before need not be the longest.
    ranges[..before].iter().rev().take(8).any(|(_, end)| offset < *end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stand_between_quotation_marks() {
        let text = r#"<a href="/static/a%20b.png?x=1&amp;y"> <!-- "/static/old.png" --> '/jump_to_id/b1#top' /static/no
            &lt;img src=&quot;/static/c.png&quot;> x = \"/static/d.js\" f(/static/e)"#;
        let found: Vec<_> = find(text).into_iter().map(|link| (link.kind, link.target)).collect();
        let expected = [
            (LinkKind::Static, "a b.png"),
            (LinkKind::JumpToId, "b1"),
            (LinkKind::Static, "c.png"),
            (LinkKind::Static, "d.js"),
        ];
        assert_eq!(found, expected.map(|(kind, target)| (kind, target.to_owned())));
    }

    #[test]
    fn links_without_quotation_marks_are_found_and_not_replaced() {
        let text = "<a href=/static/a.png> <img SRC = /static/b.png?x=1 alt=''> <p style=\"background: url( /static/c.png )\">\
            <img srcset='/static/d.png 1x, /static/e.png 2x' src=\"/static/f.png\"> <source srcset=\"/static/g.png\">\
            <style>p { background: url(/static/h.png); q: url('/static/i.png') }</style> x=/static/no> curl(/static/no)\
            a.src=/static/no> <a href=/jump_to_id/b>";
        let found: Vec<_> = find(text).into_iter().map(|link| (link.target, link.is_replaced)).collect();
        let expected = [
            ("a.png", false),
            ("b.png", false),
            ("c.png", false),
            ("d.png", false),
            ("e.png", false),
            ("f.png", true),
            ("g.png", true),
            ("h.png", false),
            ("i.png", true),
            ("b", false),
        ];
        assert_eq!(found, expected.map(|(target, is_replaced)| (target.to_owned(), is_replaced)));
    }

    #[test]
    fn links_without_the_slash_are_found_in_attributes() {
        let text = "<a href=\"static/a.png\"> <img src = 'static/b.png?x'> x(\"static/no\") <p class='static/no'> static/no\
            &lt;img src=&quot;static/c.png&quot;> <!-- <a href='static/no'> --> <a href='x/static/no'> hyper-href='static/no'";
        let found: Vec<_> = find(text).into_iter().map(|link| (link.target, link.is_replaced)).collect();
        assert_eq!(found, ["a.png", "b.png", "c.png"].map(|target| (target.to_owned(), false)));
    }

    #[test]
    fn references_in_links_are_replaced() {
        for (written, plain) in [
            ("unit&#95;welcome", "unit_welcome"),
            ("a&#x5F;b&amp;c&#38;d", "a_b&c&d"),
            ("a&#;b&#zz;c&#", "a&#;b&#zz;c&#"),
            ("&#99999999999;&#xD800;", "&#99999999999;&#xD800;"),
        ] {
            assert_eq!(without_references(written), plain);
        }
    }

    #[test]
    fn the_place_is_that_of_the_link() {
        let links = find("é \"/course/x\" '/courses/y/z'");
        assert_eq!(
            links.iter().map(|l| (l.kind, l.offset)).collect::<Vec<_>>(),
            [(LinkKind::Course, 4), (LinkKind::Courses, 16)]
        );
    }
}
