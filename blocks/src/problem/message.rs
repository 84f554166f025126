//! Messages that the code of authors says to learners, made well-formed (capa reference, section 3.8).

use super::tree::Node;

/// The elements of HTML that have no content.
const VOID: [&str; 15] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "keygen", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Makes well-formed markup of a message: what is not closed is closed at the end of what it stands in, end tags of
/// nothing are dropped, other signs are text; what is not ASCII becomes references.
pub(super) fn clean(message: &str) -> String {
    let mut open = vec![Node::new("html")];
    let mut rest = message;
    while !rest.is_empty() {
        let markup = rest.find('<').unwrap_or(rest.len());
        add_text(&mut open, &htmlize::unescape(&rest[..markup]));
        rest = &rest[markup..];
        if rest.is_empty() {
            break;
        }
        rest = match Tag::read(rest) {
            Some((tag, after)) => {
                take(tag, &mut open);
                after
            }
            None => {
                add_text(&mut open, "<");
                &rest[1..]
            }
        };
    }
    while open.len() > 1 {
        close(&mut open);
    }
    let html = open.pop().unwrap_or_default();
    let mut out = String::new();
    super::tree::escape_text(&html.text, &mut out);
    for child in &html.children {
        child.write(&mut out);
        super::tree::escape_text(&child.tail, &mut out);
    }
    ascii(&out).trim().to_owned()
}

/// Writes characters beyond ASCII as references; carriage returns go.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars().filter(|character| *character != '\r') {
        if character.is_ascii() {
            out.push(character);
        } else {
            out.push_str(&format!("&#{};", u32::from(character)));
        }
    }
    out
}

/// A tag as it is written.
enum Tag {
    Start {
        node: Node,
        is_empty: bool,
    },
    End(String),
    /// A comment, a declaration or an instruction.
    Other,
}

impl Tag {
    /// Reads a tag at the beginning of a text; returns it with what follows, nothing where there is none.
    fn read(text: &str) -> Option<(Self, &str)> {
        let inside = &text[1..];
        if let Some(comment) = inside.strip_prefix("!--") {
            return Some((Self::Other, comment.find("-->").map_or("", |end| &comment[end + 3..])));
        }
        if inside.starts_with(['!', '?']) {
            return Some((Self::Other, inside.find('>').map_or("", |end| &inside[end + 1..])));
        }
        if let Some(name) = inside.strip_prefix('/').filter(|name| starts_name(name)) {
            let end = name.find('>')?;
            let word = name[..end].split_whitespace().next().unwrap_or_default();
            return Some((Self::End(word.to_lowercase()), &name[end + 1..]));
        }
        if !starts_name(inside) {
            return None;
        }
        let end = inside.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(inside.len());
        let mut node = Node::new(&inside[..end].to_lowercase());
        let mut rest = &inside[end..];
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix("/>") {
                return Some((Self::Start { node, is_empty: true }, after));
            }
            if let Some(after) = rest.strip_prefix('>') {
                return Some((Self::Start { node, is_empty: false }, after));
            }
            if let Some(after) = rest.strip_prefix('/') {
                rest = after;
                continue;
            }
            // A tag without its end is none.
            let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'))?;
            let name = rest[..length].to_lowercase();
            rest = rest[length..].trim_start();
            let mut value = String::new();
            if let Some(after) = rest.strip_prefix('=') {
                let after = after.trim_start();
                let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
                let (raw, after) = match quote {
                    Some(quote) => after[1..].split_once(quote)?,
                    None => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>')?),
                };
                value = htmlize::unescape_attribute(raw).into_owned();
                rest = after;
            }
            if is_xml_name(&name) {
                node.set(&name, value);
            }
        }
    }
}

fn starts_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Tells whether XML takes a name, too.
fn is_xml_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

fn take(tag: Tag, open: &mut Vec<Node>) {
    match tag {
        Tag::Other => {}
        Tag::End(name) => {
            if let Some(at) = open.iter().rposition(|node| node.name == name).filter(|at| *at > 0) {
                while open.len() > at {
                    close(open);
                }
            }
        }
        Tag::Start { mut node, is_empty } => {
            if !is_xml_name(&node.name) {
                node.name.retain(|c| c.is_ascii_alphanumeric());
            }
            let is_empty = is_empty || VOID.contains(&node.name.as_str());
            open.push(node);
            if is_empty {
                close(open);
            }
        }
    }
}

/// Ends the innermost element.
fn close(open: &mut Vec<Node>) {
    if let Some(node) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        parent.children.push(node);
    }
}

fn add_text(open: &mut [Node], text: &str) {
    if let Some(node) = open.last_mut() {
        // XML holds no other control characters.
        let text = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r'));
        let target = node.children.last_mut().map_or(&mut node.text, |last| &mut last.tail);
        target.extend(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_well_formed() {
        for (message, cleaned) in [
            ("", ""),
            ("plain <b>bold", "plain <b>bold</b>"),
            ("a < b & c &eacute; ü", "a &lt; b &amp; c &#233; &#252;"),
            ("<p>one<br>two</p></div>", "<p>one<br/>two</p>"),
            ("<a href=x title='\"'>l</a>", "<a href=\"x\" title=\"&#34;\">l</a>"),
            ("<b><i>x</b>y", "<b><i>x</i></b>y"),
            ("<unfinished", "&lt;unfinished"),
            ("<!-- c -->t", "t"),
            ("&nbsp;x ", "&#160;x"),
        ] {
            assert_eq!(clean(message), cleaned, "{message}");
        }
    }
}
