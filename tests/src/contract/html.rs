//! HTML as a browser reads it, as a flat list of elements that know their parents.

use html5ever::tendril::TendrilSink;
use html5ever::tokenizer::TokenizerOpts;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// A fragment of HTML.
pub(super) struct Html {
    pub(super) elements: Vec<Element>,
    /// What the parser had to mend.
    pub(super) errors: Vec<String>,
    /// Text outside all elements.
    pub(super) loose_text: String,
}

/// An element.
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) parent: Option<usize>,
    /// All text inside, and the texts that stand for pictures.
    pub(super) text: String,
    /// The texts directly inside.
    pub(super) own_texts: Vec<String>,
}

impl Element {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has_text_in(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.trim().is_empty())
    }

    /// The element's opening tag, short enough for a message.
    pub(super) fn tag(&self) -> String {
        let mut tag = format!("<{}", self.name);
        for (name, value) in self.attributes.iter().take(4) {
            let short: String = value.chars().take(40).collect();
            tag.push_str(&format!(" {name}={short:?}"));
        }
        tag.push('>');
        tag
    }
}

impl Html {
    /// Reads a fragment as the content of a `div`.
    pub(super) fn parse(html: &str) -> Self {
        let options = ParseOpts {
            tokenizer: TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() },
            tree_builder: TreeBuilderOpts {
                exact_errors: true,
                scripting_enabled: false,
                ..TreeBuilderOpts::default()
            },
        };
        let context = QualName::new(None, ns!(html), local_name!("div"));
        let dom = parse_fragment(RcDom::default(), options, context, Vec::new(), false).one(html);
        let mut elements = Vec::new();
        collect(&dom.document, None, &mut elements);
        // The parser stands everything in an `html` element of its own.
        let mut loose_text = String::new();
        if !elements.is_empty() {
            loose_text = elements.remove(0).own_texts.concat();
            for element in &mut elements {
                element.parent = element.parent.and_then(|parent| parent.checked_sub(1));
            }
        }
        let mut errors: Vec<String> = dom.errors.borrow().iter().map(ToString::to_string).collect();
        errors.dedup();
        Self { elements, errors, loose_text }
    }

    /// The elements around one, nearest first.
    pub(super) fn around(&self, index: usize) -> impl Iterator<Item = &Element> {
        std::iter::successors(self.elements[index].parent, |at| self.elements[*at].parent)
            .map(|at| &self.elements[at])
    }

    /// The elements inside one.
    pub(super) fn inside(&self, index: usize) -> impl Iterator<Item = &Element> {
        (index + 1..self.elements.len())
            .take_while(move |at| {
                std::iter::successors(self.elements[*at].parent, |up| self.elements[*up].parent)
                    .any(|up| up == index)
            })
            .map(|at| &self.elements[at])
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.get("id") == Some(id))
    }
}

fn collect(node: &Handle, parent: Option<usize>, elements: &mut Vec<Element>) {
    let mut own = parent;
    match &node.data {
        NodeData::Element { name, attrs, .. } => {
            let attributes: Vec<_> = attrs
                .borrow()
                .iter()
                .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()))
                .collect();
            let element = Element {
                name: name.local.to_string(),
                attributes,
                parent,
                text: String::new(),
                own_texts: Vec::new(),
            };
            let alt = element.get("alt").unwrap_or_default().to_owned();
            elements.push(element);
            own = Some(elements.len() - 1);
            if !alt.is_empty() {
                add_text(&alt, own, elements);
            }
        }
        NodeData::Text { contents } => {
            if let Some(parent) = parent {
                elements[parent].own_texts.push(contents.borrow().to_string());
            }
            add_text(&contents.borrow(), parent, elements);
        }
        _ => {}
    }
    for child in node.children.borrow().iter() {
        collect(child, own, elements);
    }
}

fn add_text(text: &str, mut at: Option<usize>, elements: &mut [Element]) {
    while let Some(index) = at {
        elements[index].text.push_str(text);
        at = elements[index].parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_html_has_no_errors() {
        for html in [
            "<p>a &amp; b <br> c<br/></p><ul><li>x<li>y</ul>",
            "<table><tbody><tr><td>1</td></tr></tbody></table>",
            "<svg viewBox=\"0 0 1 1\"><path d=\"M0 0\"/></svg><button type=\"button\">x</button>",
            "<input disabled value=1><script type=\"application/json\">{\"a\": \"<b>\"}</script>",
            "",
        ] {
            assert_eq!(Html::parse(html).errors, Vec::<String>::new(), "{html}");
        }
    }

    #[test]
    fn what_a_browser_must_mend_is_an_error() {
        for html in [
            "<div><p>a</div></span>",
            "<b><p>x</b></p>",
            "<div>open",
            "<p a=1 a=2>x</p>",
            "<p>a & b &x; <</p>",
        ] {
            assert!(!Html::parse(html).errors.is_empty(), "{html}");
        }
    }

    #[test]
    fn elements_know_their_surroundings_and_their_text() {
        let html = Html::parse("<p>a <b>c <img alt=\"d\"></b></p><i>e</i>");
        assert_eq!(html.elements.len(), 4);
        assert_eq!(html.elements[0].text, "a c d");
        assert_eq!(html.around(2).map(|element| element.name.as_str()).collect::<Vec<_>>(), ["b", "p"]);
        assert_eq!(html.inside(0).count(), 2);
        assert!(html.elements[3].parent.is_none());
    }
}
