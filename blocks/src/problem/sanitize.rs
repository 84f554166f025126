//! Markup of external graders, made safe for pages (capa reference, section 2.4): what is not allowed goes, what is open
//! is closed, and what comes out is XML, too.

use super::index::end_of_tag;

/// The elements that may stay.
const TAGS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "article",
    "aside",
    "audio",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "rtc",
    "ruby",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];

/// The elements without content.
const VOID: &[&str] = &["br", "col", "hr", "img", "wbr"];

/// The elements that go with all that is in them.
const SILENT: &[&str] = &["script", "style"];

/// Tells whether an element may have an attribute.
fn is_allowed(tag: &str, name: &str) -> bool {
    if matches!(name, "class" | "style" | "id") {
        return tag != "img" || name == "class";
    }
    match tag {
        "a" => matches!(name, "href" | "hreflang"),
        "audio" => matches!(name, "controls" | "autobuffer" | "autoplay" | "src"),
        "img" => matches!(name, "src" | "width" | "height"),
        "bdo" => name == "dir",
        "blockquote" | "q" => name == "cite",
        "del" | "ins" => matches!(name, "cite" | "datetime"),
        "ol" => name == "start",
        "col" | "colgroup" => matches!(name, "align" | "span"),
        "td" | "th" => matches!(name, "align" | "colspan" | "rowspan" | "headers" | "scope"),
        "table" | "tbody" | "thead" | "tr" | "hr" => name == "align",
        _ => false,
    }
}

/// Tells whether an address is a web page, a mail or a file beside this page; scripts and data are none.
fn is_safe_address(address: &str) -> bool {
    let address: String = address.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
    match address.split_once(':') {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => {
            let scheme = scheme.to_ascii_lowercase();
            matches!(scheme.as_str(), "http" | "https" | "mailto" | "ftp" | "tel")
        }
        _ => true,
    }
}

/// Takes out of markup what could do harm.
pub(super) fn sanitized(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        push_text(&rest[..at], &mut out);
        rest = &rest[at..];
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if !is_tag {
            push_text("<", &mut out);
            rest = &rest[1..];
            continue;
        }
        let tag = &rest[..end_of_tag(rest)];
        rest = &rest[tag.len()..];
        let is_end = tag.starts_with("</");
        let inside = tag[1..].trim_start_matches('/').trim_end_matches('>');
        let name_length = inside.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inside.len());
        let name = inside[..name_length].to_ascii_lowercase();
        if is_end {
            close(&name, &mut open, &mut out);
        } else if SILENT.contains(&name.as_str()) {
            let end = rest.to_ascii_lowercase().find(&format!("</{name}")).unwrap_or(rest.len());
            rest = &rest[end..];
        } else if TAGS.contains(&name.as_str()) {
            push_start_tag(&name, &inside[name_length..], &mut out);
            if !VOID.contains(&name.as_str()) {
                open.push(name);
            }
        }
    }
    push_text(rest, &mut out);
    while let Some(name) = open.pop() {
        out.push_str(&format!("</{name}>"));
    }
    out
}

/// Closes an element with all that is open inside it; an end without a beginning is none.
fn close(name: &str, open: &mut Vec<String>, out: &mut String) {
    let Some(at) = open.iter().rposition(|known| known == name) else {
        return;
    };
    for name in open.drain(at..).rev() {
        out.push_str(&format!("</{name}>"));
    }
}

fn push_start_tag(name: &str, attributes: &str, out: &mut String) {
    out.push('<');
    out.push_str(name);
    let mut seen: Vec<String> = Vec::new();
    for (attribute, value) in read_attributes(attributes) {
        let is_address = matches!(attribute.as_str(), "href" | "src" | "cite");
        let is_bad = !is_allowed(name, &attribute) || (is_address && !is_safe_address(&value));
        if is_bad || seen.contains(&attribute) {
            continue;
        }
        out.push_str(&format!(" {attribute}=\""));
        escape(&value, out);
        out.push('"');
        seen.push(attribute);
    }
    if name == "a" {
        out.push_str(" rel=\"noopener noreferrer\"");
    }
    out.push_str(if VOID.contains(&name) { "/>" } else { ">" });
}

/// Reads attributes as browsers do: with a value in quotation marks or without them, or without a value.
fn read_attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
    while !rest.is_empty() {
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '/')).unwrap_or(rest.len()).max(1);
        let end = (end..=rest.len()).find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (start, end) = match quote {
                Some(quote) => (1, after[1..].find(quote).map_or(after.len(), |at| at + 1)),
                None => (0, after.find(char::is_whitespace).unwrap_or(after.len())),
            };
            value = &after[start..end];
            rest = after.get(end + usize::from(quote.is_some())..).unwrap_or_default();
        }
        found.push((name, htmlize::unescape(value).into_owned()));
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
    }
    found
}

fn push_text(text: &str, out: &mut String) {
    escape(&htmlize::unescape(text), out);
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\t' | '\n' | '\r' => out.push(character),
            // XML holds no other control characters, and none of them can be seen.
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::problem::tree::is_markup;

    #[test]
    fn harm_is_taken_out_and_the_rest_closed() {
        let html = "<div>fig<script>bad('</b>')</script><img src=\"a.png\" alt=\"1>2\" onerror=\"x\"><br>&nbsp;<b>open";
        assert_eq!(sanitized(html), "<div>fig<img src=\"a.png\"/><br/>\u{a0}<b>open</b></div>");
        let link =
            "<a href='java&#10;script:x' title=\"a>b\">y</a><A HREF=http://b.example/?q=1&amp;r onclick=x>z";
        assert_eq!(
            sanitized(link),
            "<a rel=\"noopener noreferrer\">y</a><a href=\"http://b.example/?q=1&amp;r\" rel=\"noopener noreferrer\">z</a>"
        );
        assert_eq!(sanitized("1 < 2 </p><svg><p>x</svg></i>"), "1 &lt; 2 <p>x</p>");
        assert_eq!(sanitized("<audio controls src=data:x>"), "<audio controls=\"\"></audio>");
    }

    proptest! {
        #[test]
        fn what_comes_out_is_markup(parts in proptest::collection::vec(
            prop_oneof!["<[a-z]{1,3}", "</?[bip]>", "[a-z]*=", "\"|'|>|&|<!--|-->", "\\PC{0,3}", "<(img|a|script) "], 0..12)) {
            let clean = sanitized(&parts.concat());
            prop_assert!(is_markup(&clean), "{}", clean);
            prop_assert!(!clean.contains("<script"));
        }
    }
}
