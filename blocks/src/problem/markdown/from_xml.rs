//! From a problem back to the simple editor's language, where nothing is lost.

use xblock_core::olx::{Element, Node};

use super::single_response::RESPONSES;
use super::{meaning, to_xml};

/// Why a problem has no text in the simple editor's language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotMarkdown {
    /// It is no XML.
    #[error("line {line}: {reason}")]
    Xml {
        /// The line, counted from 1.
        line: u32,
        /// What is wrong.
        reason: String,
    },
    /// Its root is no problem.
    #[error("<{name}> is no problem")]
    NoProblem {
        /// The root.
        name: String,
    },
    /// The language has no words for an element, or for an attribute it has.
    #[error("line {line}: the simple editor has no words for {what}")]
    NoWords {
        /// The line, counted from 1.
        line: u32,
        /// What there are no words for.
        what: String,
    },
    /// The text closest to it would be read as another problem.
    #[error("the text closest to it would be read as another problem, which differs at {place}")]
    Differs {
        /// The first element of the problem that would be another.
        place: String,
    },
}

/// Converts a problem to the simple editor's language, where [`to_xml`] makes a problem of it that means the same: the same
/// markup in the same order, the same questions, hints and answers. Settings in attributes of `<problem>` stay outside.
///
/// What stands beside a question may come to stand in it, where it is shown all the same; that is how the editor saves it.
///
/// # Errors
/// [`NotMarkdown`] says why not.
///
/// ```
/// use blocks::problem::markdown::from_xml;
///
/// let xml = "<problem><numericalresponse answer=\"4\"><label>Two and two?</label><formulaequationinput/></numericalresponse></problem>";
/// assert_eq!(from_xml(xml).expect("it has words"), ">>Two and two?<<\n\n= 4\n");
/// ```
pub fn from_xml(xml: &str) -> Result<String, NotMarkdown> {
    let root = meaning::parse(xml).map_err(|(line, reason)| NotMarkdown::Xml { line, reason })?;
    if &*root.name != "problem" {
        return Err(NotMarkdown::NoProblem { name: root.name.to_string() });
    }
    let mut writer = Writer::default();
    writer.problem(&root)?;
    let text = writer.finish();
    let wanted = meaning::of_problem(&root);
    let again =
        to_xml(&text).ok().and_then(|xml| meaning::parse(&xml).ok()).map(|root| meaning::of_problem(&root));
    match again {
        Some(found) if found == wanted => Ok(text),
        found => {
            let found = found.unwrap_or_default();
            let at = wanted.iter().zip(&found).position(|(a, b)| a != b).unwrap_or(found.len());
            let place = match wanted.get(at) {
                Some(meaning::Meaning::Element { name, .. }) => format!("<{name}>"),
                Some(meaning::Meaning::Text(text)) => format!("{text:?}"),
                Some(meaning::Meaning::Other(_)) => "a comment".to_owned(),
                None => "its end".to_owned(),
            };
            Err(NotMarkdown::Differs { place })
        }
    }
}

/// Makes every run of blanks one space.
pub(super) fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_whitespace() {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

#[derive(Default)]
struct Writer {
    parts: Vec<String>,
    part: String,
    has_question: bool,
    demand_hints: Vec<String>,
}

type Written = Result<(), NotMarkdown>;

fn no_words(element: &Element, what: impl std::fmt::Display) -> NotMarkdown {
    NotMarkdown::NoWords { line: element.position().line, what: what.to_string() }
}

impl Writer {
    fn problem(&mut self, root: &Element) -> Written {
        for child in &root.children {
            match child {
                Node::Element(element) if RESPONSES.contains(&&*element.name) => {
                    if self.has_question {
                        self.parts.push(std::mem::take(&mut self.part));
                    }
                    self.has_question = true;
                    self.question(element)?;
                }
                Node::Element(element) if &*element.name == "demandhint" => {
                    for hint in element.elements() {
                        self.demand_hints.push(inner(hint));
                    }
                }
                Node::Element(element) => self.markup(element),
                Node::Text(chars) if chars.value.trim().is_empty() => {}
                Node::Comment(_) => return Err(no_words(root, "a comment")),
                _ => return Err(no_words(root, "text outside of elements")),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> String {
        for hint in &self.demand_hints {
            self.part.push_str(&format!("\n|| {} ||\n", hint.trim()));
        }
        self.parts.push(self.part);
        let text = self.parts.join("\n---\n\n");
        format!("{}\n", text.trim_matches('\n'))
    }

    /// Writes markup: a paragraph as its text where that reads as nothing else, all other as it is.
    fn markup(&mut self, element: &Element) {
        let text = inner(element);
        let is_plain = &*element.name == "p"
            && element.attributes.is_empty()
            && text.starts_with(|c: char| c.is_alphanumeric() && !matches!(c, 's' | 'o' | 'n'));
        let is_label = matches!(&*element.name, "label") && element.attributes.is_empty();
        let line = if is_label {
            format!(">>{text}<<")
        } else if is_plain {
            text
        } else {
            raw(element)
        };
        self.part.push_str(&line);
        self.part.push_str("\n\n");
    }

    fn question(&mut self, response: &Element) -> Written {
        let mut own = Vec::new();
        let mut after = Vec::new();
        for child in response.elements() {
            let is_own = matches!(
                &*child.name,
                "choicegroup"
                    | "checkboxgroup"
                    | "optioninput"
                    | "textline"
                    | "formulaequationinput"
                    | "responseparam"
                    | "additional_answer"
                    | "stringequalhint"
                    | "correcthint"
            );
            if is_own {
                own.push(child);
            } else if own.is_empty() {
                self.markup(child);
            } else {
                after.push(child);
            }
        }
        let text = match &*response.name {
            "multiplechoiceresponse" | "choiceresponse" => choices(response, &own)?,
            "optionresponse" => dropdown(response, &own)?,
            "numericalresponse" | "stringresponse" => typed(response, &own)?,
            name => return Err(no_words(response, format!("<{name}>"))),
        };
        self.part.push_str(&text);
        self.part.push('\n');
        after.into_iter().for_each(|child| self.markup(child));
        Ok(())
    }
}

fn choices(response: &Element, own: &[&Element]) -> Result<String, NotMarkdown> {
    let [group] = own else { return Err(no_words(response, "a question without one group of choices")) };
    let is_checkboxes = &*group.name == "checkboxgroup";
    let mut shuffle = if group.get("shuffle") == Some("true") { "!" } else { "" };
    let mut out = String::new();
    for choice in group.elements() {
        if &*choice.name == "compoundhint" {
            out.push_str(&format!(
                "{{{{ (({})) {} }}}}\n",
                choice.get("value").unwrap_or_default(),
                inner(choice)
            ));
            continue;
        }
        let (text, hints) = apart(choice, "choicehint");
        let is_correct = choice.get("correct").is_some_and(|correct| correct.eq_ignore_ascii_case("true"));
        if is_checkboxes {
            let hints: Vec<_> = hints
                .iter()
                .map(|hint| {
                    let word = if hint.get("selected") == Some("false") { "unselected" } else { "selected" };
                    format!("{{{word}: {}}}", inner(hint))
                })
                .collect();
            let hints = if hints.is_empty() { String::new() } else { format!(" {{{}}}", hints.join(",")) };
            out.push_str(&format!("[{}] {text}{hints}\n", if is_correct { "x" } else { " " }));
        } else {
            let fixed = if choice.get("fixed") == Some("true") { "@" } else { "" };
            let mark = format!("{shuffle}{}{fixed}", if is_correct { "x" } else { "" });
            shuffle = "";
            let mark = if mark.is_empty() { " ".to_owned() } else { mark };
            out.push_str(&format!(
                "({mark}) {text}{}\n",
                hints.first().map(|hint| braces(hint)).unwrap_or_default()
            ));
        }
    }
    Ok(out)
}

fn dropdown(response: &Element, own: &[&Element]) -> Result<String, NotMarkdown> {
    let [input] = own else { return Err(no_words(response, "a question without one dropdown")) };
    let Some(options) = input.get("options") else {
        let mut out = String::from("[[\n");
        for option in input.elements() {
            let (text, hints) = apart(option, "optionhint");
            let is_correct =
                option.get("correct").is_some_and(|correct| correct.eq_ignore_ascii_case("true"));
            let text = if is_correct { format!("({text})") } else { text };
            out.push_str(&format!(
                "  {text}{}\n",
                hints.first().map(|hint| braces(hint)).unwrap_or_default()
            ));
        }
        return Ok(out + "]]\n");
    };
    let list = options.trim().strip_prefix("('").and_then(|rest| rest.strip_suffix("')"));
    let list = list.ok_or_else(|| no_words(input, "options written otherwise"))?;
    let correct = input.get("correct").unwrap_or_default();
    let options = list.split("','").map(|option| {
        let option = escaped(option);
        if option == escaped(correct) { format!("({option})") } else { option }
    });
    Ok(format!("[[{}]]\n", options.collect::<Vec<_>>().join(",")))
}

fn typed(response: &Element, own: &[&Element]) -> Result<String, NotMarkdown> {
    let answer = response.get("answer").ok_or_else(|| no_words(response, "a question without an answer"))?;
    let is_pattern = response.get("type").is_some_and(|kind| kind.split(' ').any(|word| word == "regexp"));
    let is_text = &*response.name == "stringresponse";
    let mut line = format!(
        "{}= {}{}",
        if is_text { "s" } else { "" },
        if is_pattern { "|" } else { "" },
        escaped(answer)
    );
    let mut others = String::new();
    for child in own {
        match &*child.name {
            "responseparam" => {
                line.push_str(&format!(" +- {}", escaped(child.get("default").unwrap_or_default())))
            }
            "correcthint" => line.push_str(&braces(child)),
            "additional_answer" => {
                let hint = child.elements().next().map(braces).unwrap_or_default();
                others.push_str(&format!("or= {}{hint}\n", escaped(child.get("answer").unwrap_or_default())));
            }
            "stringequalhint" => {
                others.push_str(&format!(
                    "not= {}{}\n",
                    escaped(child.get("answer").unwrap_or_default()),
                    braces(child)
                ));
            }
            _ => {}
        }
    }
    Ok(format!("{line}\n{others}"))
}

/// Parts the text of a choice from its hints.
fn apart<'e>(choice: &'e Element, hint: &str) -> (String, Vec<&'e Element>) {
    let mut text = String::new();
    for node in &choice.children {
        if node.as_element().is_none_or(|element| &*element.name != hint) {
            write(node, &mut text);
        }
    }
    (collapsed(&text).trim().to_owned(), choice.elements().filter(|element| &*element.name == hint).collect())
}

fn braces(hint: &Element) -> String {
    match hint.get("label") {
        Some(label) => format!(" {{{{{}:: {}}}}}", escaped(label), inner(hint)),
        None => format!(" {{{{{}}}}}", inner(hint)),
    }
}

/// Writes what is inside an element on one line.
fn inner(element: &Element) -> String {
    let mut out = String::new();
    element.children.iter().for_each(|node| write(node, &mut out));
    collapsed(&out).trim().to_owned()
}

/// Writes an element as it stands, on one line where its blanks mean nothing.
fn raw(element: &Element) -> String {
    let mut out = String::new();
    write_element(element, &mut out);
    let has_whole = ["<pre", "<script"].iter().any(|tag| out.contains(tag));
    if has_whole { out } else { collapsed(&out) }
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Element(element) => write_element(element, out),
        Node::Text(chars) | Node::CData(chars) => out.push_str(&escaped(&chars.value)),
        // They are missed when the text is compared with the problem.
        Node::Comment(_) | Node::ProcessingInstruction(_) => {}
    }
}

fn write_element(element: &Element, out: &mut String) {
    out.push_str(&format!("<{}", element.name));
    for attribute in &element.attributes {
        out.push_str(&format!(" {}=\"{}\"", &*attribute.name, escaped(&attribute.value)));
    }
    if element.children.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    element.children.iter().for_each(|node| write(node, out));
    out.push_str(&format!("</{}>", element.name));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
