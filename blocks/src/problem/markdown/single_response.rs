//! A part with one question: what stands beside the question moves into it, as the platform's editor saves it.

use std::sync::Arc;

use xblock_core::olx::{CDataSections, Document, Element, FileName, Node, ParseOptions, Source};

use super::MarkdownError;
use super::text::{between, ends_line, find, from, line_end, remove_after_blank};

/// The questions the editor's language has.
pub(super) const RESPONSES: [&str; 5] =
    ["optionresponse", "multiplechoiceresponse", "stringresponse", "numericalresponse", "choiceresponse"];

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Elements of HTML that never have content.
const VOID: [&str; 18] = [
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen",
    "link", "meta", "param", "source", "track", "wbr",
];

/// Moves what stands beside a part's only question into it; a part with no question or several stays as it is.
///
/// # Errors
/// [`MarkdownError::InvalidXml`] where the part is no XML, [`MarkdownError::NestedQuestion`] where its only question stands
/// inside other markup.
pub(super) fn gather(xml: String) -> Result<String, MarkdownError> {
    let whole = format!("<prob>{xml}</prob>");
    let source = Source::new(FileName::from("problem.xml"), whole.as_str().into());
    let mut options = ParseOptions::default();
    options.cdata = CDataSections::Keep;
    let document = match Document::parse_text(source, &options) {
        Ok(document) => document,
        Err(error) => {
            let (line, reason) = (error.position.line, error.kind.to_string());
            return Err(MarkdownError::InvalidXml { xml: whole, line, reason });
        }
    };
    let prob = &document.root;
    let mut questions = 0;
    count_questions(prob, &mut questions);
    if questions != 1 {
        return Ok(xml);
    }
    let at = prob.elements().position(is_question).ok_or(MarkdownError::NestedQuestion)?;
    let elements: Vec<&Element> = prob.elements().collect();
    let (before, rest) = elements.split_at(at);
    let Some((question, after)) = rest.split_first() else { return Ok(xml) };
    Ok(separate_tags(&without_namespaces(&write_question(question, before, after))))
}

fn is_question(element: &Element) -> bool {
    RESPONSES.contains(&element.local_name())
}

fn count_questions(element: &Element, count: &mut usize) {
    for child in element.elements() {
        *count += usize::from(is_question(child));
        count_questions(child, count);
    }
}

/// Writes the question with the elements before it put before its first element, and those after it at its end.
fn write_question(question: &Element, before: &[&Element], after: &[&Element]) -> String {
    let mut out = String::new();
    write_start(question, &mut out);
    if question.children.is_empty() && before.is_empty() && after.is_empty() {
        close_empty(question, &mut out);
        return out;
    }
    out.push('>');
    let mut before = Some(before);
    for child in &question.children {
        if child.as_element().is_some() {
            before.take().unwrap_or_default().iter().for_each(|element| write(element, &mut out));
        }
        write_node(child, &mut out);
    }
    before.unwrap_or_default().iter().chain(after).for_each(|element| write(element, &mut out));
    write_end(question, &mut out);
    out
}

/// Writes an element the way browsers serialise XML.
fn write(element: &Element, out: &mut String) {
    write_start(element, out);
    if element.children.is_empty() {
        close_empty(element, out);
        return;
    }
    out.push('>');
    for child in &element.children {
        write_node(child, out);
    }
    write_end(element, out);
}

fn write_node(node: &Node, out: &mut String) {
    match node {
        Node::Element(element) => write(element, out),
        Node::Text(chars) => escape(&chars.value, false, out),
        Node::CData(chars) => out.push_str(&format!("<![CDATA[{}]]>", &*chars.value)),
        Node::Comment(chars) => out.push_str(&format!("<!--{}-->", &*chars.value)),
        Node::ProcessingInstruction(instruction) => {
            out.push_str(&format!("<?{} {}?>", &*instruction.target, &*instruction.content));
        }
    }
}

fn write_start(element: &Element, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    let own = element
        .namespaces
        .as_deref()
        .filter(|scope| scope.declared_at as usize == element.span().range().start);
    let declared: &[(String, Arc<str>)] = own.map_or(&[], |scope| &scope.declarations);
    // Default namespaces are left out, as the editor does.
    for (prefix, uri) in declared.iter().filter(|(prefix, _)| !prefix.is_empty()) {
        out.push_str(&format!(" xmlns:{prefix}=\""));
        escape(uri, true, out);
        out.push('"');
    }
    for attribute in &element.attributes {
        out.push(' ');
        out.push_str(&attribute.name);
        out.push_str("=\"");
        escape(&attribute.value, true, out);
        out.push('"');
    }
}

fn write_end(element: &Element, out: &mut String) {
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

fn close_empty(element: &Element, out: &mut String) {
    if element.namespace() != Some(XHTML) {
        out.push_str("/>");
    } else if VOID.contains(&element.local_name()) {
        out.push_str(" />");
    } else {
        out.push('>');
        write_end(element, out);
    }
}

fn escape(text: &str, is_attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if is_attribute => out.push_str("&quot;"),
            '\t' if is_attribute => out.push_str("&#x9;"),
            '\n' if is_attribute => out.push_str("&#xA;"),
            '\r' if is_attribute => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

/// Removes what reads as a declaration of a default namespace, in text too.
fn without_namespaces(xml: &str) -> String {
    let is_quote = |c: char| matches!(c, '\'' | '"');
    remove_after_blank(xml, "xmlns=", |value| {
        let quoted = value.strip_prefix(is_quote)?;
        let closing = quoted.find(|c| is_quote(c) || ends_line(c))?;
        from(quoted, closing).starts_with(is_quote).then_some(closing + 2)
    })
}

/// Puts an end of a line between an end tag and a tag right after it. The end tag is taken to reach to the first `>` on its
/// line that a tag follows, so that tags after text are parted too.
fn separate_tags(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len());
    let mut copied = 0;
    let mut at = 0;
    let mut end = 0;
    while let Some(start) = find(xml, at, "</") {
        // Generated markup can be one long line.
        if start >= end {
            end = line_end(xml, start);
        }
        let line = between(xml, 0, end);
        let next = find(line, start + 2, "><").map(|close| close + 1);
        let Some((next, after)) = next.and_then(|next| Some((next, find(line, next + 1, ">")? + 1))) else {
            at = end;
            continue;
        };
        out.push_str(between(xml, copied, next));
        out.push('\n');
        out.push_str(between(xml, next, after));
        copied = after;
        at = after;
    }
    out.push_str(from(xml, copied));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_parted_up_to_the_end_of_the_line() {
        assert_eq!(separate_tags("<a><b></b></a>"), "<a><b></b>\n</a>");
        assert_eq!(separate_tags("</b> t <i><u></u>\n</i>"), "</b> t <i>\n<u></u>\n</i>");
    }

    #[test]
    fn default_namespaces_go() {
        assert_eq!(without_namespaces("<a xmlns=\"b\" c=\"d\" XMLNS='e\">"), "<a c=\"d\">");
        assert_eq!(without_namespaces("<a xmlns:m=\"b\">"), "<a xmlns:m=\"b\">");
    }

    #[test]
    fn the_only_question_must_not_stand_in_other_markup() {
        let nested = gather("<div><stringresponse/></div>".into());
        assert!(matches!(nested, Err(MarkdownError::NestedQuestion)), "{nested:?}");
    }
}
