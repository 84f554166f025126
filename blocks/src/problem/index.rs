//! What search indexes know of a problem (capa reference, section 7.11).

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::error::LoadError;
use super::loncapa::parse;
use super::responses::is_response;

/// What a search index should know of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemIndex {
    /// What learners can read without an answer, as HTML without tags; dropdowns with their options.
    pub content: String,
    /// The tags of its questions, each once.
    pub problem_types: Vec<String>,
}

/// Reads what a search index should know of a problem.
///
/// # Errors
/// [`LoadError::Xml`] for what is no XML.
pub fn index_problem(data: &str) -> Result<ProblemIndex, LoadError> {
    let root = parse(data)?;
    let mut problem_types: Vec<String> = Vec::new();
    for node in std::iter::once(&root).chain(root.descendants()) {
        if is_response(&node.name) && !problem_types.contains(&node.name) {
            problem_types.push(node.name.clone());
        }
    }
    Ok(ProblemIndex { content: content(data), problem_types })
}

/// The rewritings of a problem's text, one after the other, blind to its structure as those of the platform are.
static REWRITINGS: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
    let regex = |pattern: &str| Regex::new(pattern).expect("a test compiles every pattern");
    [
        // Dropdowns become their options.
        (regex(r#"<optioninput options="\(([^"]+)\)".*?>\s*|\S*</optioninput>"#), "$1"),
        // What gives an answer away goes with all that is in it, and so does what is for machines.
        (
            regex(
                "(?s)<solution.*?>.*?</solution.*?>|<targetedfeedback.*?>.*?</targetedfeedback.*?>|\
                 <answer.*?>.*?</answer>|<script.*?>.*?</script>|<style.*?>.*?</style>|\
                 <[a-z]*hint.*?>.*?</[a-z]*hint.*?>",
            ),
            "",
        ),
        // Words of neighbouring elements stay apart.
        (regex(r"</(\w+)><([^>]+)>"), "</$1> <$2>"),
    ]
});

fn content(data: &str) -> String {
    let mut text = data.to_owned();
    for (pattern, replacement) in REWRITINGS.iter() {
        // A text on which the engine gives up stays as it is; it only is searched.
        text = pattern.try_replacen(&text, 0, *replacement).map_or(text.clone(), |text| text.into_owned());
    }
    let text = without_tags(&text).replace("&nbsp;", " ").replace("//", " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Elements in which tags are text.
const RAW: [&str; 6] = ["textarea", "title", "iframe", "noembed", "noframes", "xmp"];

/// Takes the tags out of HTML, and escapes what is left.
fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        push_text(&rest[..at], &mut out);
        rest = &rest[at..];
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if !is_tag {
            out.push_str("&lt;");
            rest = &rest[1..];
            continue;
        }
        let tag_name: String = rest[1..].chars().take_while(char::is_ascii_alphanumeric).collect();
        rest = &rest[end_of_tag(rest)..];
        let name = tag_name.to_ascii_lowercase();
        if RAW.contains(&name.as_str()) {
            let end = rest.to_ascii_lowercase().find(&format!("</{name}")).unwrap_or(rest.len());
            push_text(&rest[..end], &mut out);
            rest = &rest[end..];
        }
    }
    push_text(rest, &mut out);
    out
}

/// Returns the length of a tag or comment; a greater-than sign in quotation marks does not end a tag.
pub(super) fn end_of_tag(rest: &str) -> usize {
    if rest.starts_with("<!--") {
        return rest.find("-->").map_or(rest.len(), |at| at + 3);
    }
    let is_quoting = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic());
    let mut quote = None;
    for (at, character) in rest.char_indices() {
        match (quote, character) {
            (None, '"' | '\'') if is_quoting => quote = Some(character),
            (None, '>') => return at + 1,
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    rest.len()
}

fn push_text(text: &str, out: &mut String) {
    for character in htmlize::unescape(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn problems_are_indexed_as_recorded() {
        let recorded: Json =
            serde_json::from_str(include_str!("../../../tests/vectors/capa/index_report.json"))
                .expect("the vectors are JSON");
        for case in recorded["index"].as_array().expect("a list") {
            let index = index_problem(case["xml"].as_str().expect("a text")).expect("it is XML");
            let expected = &case["index_dictionary"];
            assert_eq!(expected["content"]["capa_content"], index.content, "{case}");
            assert_eq!(serde_json::json!(index.problem_types), expected["problem_types"], "{case}");
        }
    }

    #[test]
    fn only_what_is_shown_is_left() {
        assert_eq!(content("<p title='a>b'>x<!-- > -->y</p> 1 < 2 &amp; 3"), "xy 1 &lt; 2 &amp; 3");
        assert_eq!(content("<textarea><b>&amp;</textarea>&nbsp;z"), "&lt;b&gt;&amp; z");
    }
}
