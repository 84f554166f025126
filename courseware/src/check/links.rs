//! Links in the text of a file, found as the platform finds them: between quotation marks, wherever they stand.

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
}

/// Finds the links of a text, except in comments.
pub(super) fn find(text: &str) -> Vec<Link> {
    let comments = comments(text);
    let mut links = Vec::new();
    for (prefix, kind) in PREFIXES {
        for (offset, _) in text.match_indices(prefix) {
            if let Some(link) = link(text, offset, prefix, kind)
                && !is_inside(&comments, offset)
            {
                links.push(link);
            }
        }
    }
    links.sort_by_key(|link| link.offset);
    links
}

fn link(text: &str, offset: usize, prefix: &str, kind: LinkKind) -> Option<Link> {
    let before = &text[..offset];
    let quote = QUOTES.into_iter().find(|quote| before.ends_with(quote))?;
    let rest = &text[offset + prefix.len()..];
    let mut limit = rest.len().min(LIMIT);
    while !rest.is_char_boundary(limit) {
        limit -= 1;
    }
    let written = &rest[..rest[..limit].find(quote)?];
    if written.contains(['<', '\n']) {
        return None;
    }
    let plain = without_references(written);
    let path = plain.split(['?', '#']).next().unwrap_or_default();
    let target =
        percent_encoding::percent_decode_str(path).decode_utf8().map_or_else(|_| path.to_owned(), Into::into);
    Some(Link { kind, offset, target, written: written.to_owned() })
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
            &lt;img src=&quot;/static/c.png&quot;> x = \"/static/d.js\" url(/static/e)"#;
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
