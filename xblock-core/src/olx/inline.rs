//! One block and what is below it in one XML text: the form of clipboards, of the OLX export interface and of library
//! synchronisation, and the definition form of Blockstore libraries (xblock reference, section 22).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::block::Registry;
use crate::fields::Json;
use crate::keys::{UsageKey, clean_asset_name};
use crate::runtime::{BlockData, Branch, Runtime};

use super::diagnostic::Diagnostic;
use super::element::{Element, Node};
use super::namespaces::Namespaces;
use super::plain::{BLOCK_NAMESPACE, OPTION_NAMESPACE};
use super::serialise::WriteOptions;
use super::write::{BlockSource, Placement, WriteError, WriteHost};

/// How deep blocks may be nested; deeper ones can only be a circle in damaged data.
const MAX_DEPTH: usize = 200;
/// What `export_to_xml` begins with.
const PLAIN_DECLARATION: &str = "<?xml version='1.0' encoding='UTF-8'?>\n";
/// The library of Python code that problems share.
const PYTHON_LIB: &str = "python_lib.zip";

/// Which form is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InlineForm {
    /// Every block has its `url_name`, children stand in full inside their parents.
    Nested,
    /// As XBlock's `export_to_xml`: no `url_name`s, children nested, the two namespaces declared on the root.
    Plain,
    /// The block has no `url_name`, a `vertical` is a `unit`, children are includes.
    Definition,
}

/// A block as one XML text with the files it needs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InlineBlock {
    /// The text.
    pub olx: String,
    /// Files by name: those the block's type wrote, and the static files its text names.
    pub files: Vec<(String, Vec<u8>)>,
    /// Remarks.
    pub diagnostics: Vec<Diagnostic>,
}

/// Writes a block as one XML text, as edx-platform does: what that form cannot say is left out with a remark.
///
/// # Errors
/// [`WriteError::Runtime`] where a block or file cannot be read.
pub fn write_inline(
    runtime: &dyn Runtime,
    usage: &UsageKey,
    branch: Branch,
    registry: &Registry,
    form: InlineForm,
) -> Result<InlineBlock, WriteError> {
    let mut writer = InlineWriter { runtime, registry, branch, form, out: InlineBlock::default(), depth: 0 };
    let mut element = writer.block(usage)?.unwrap_or_else(|| Element::new(usage.block_type()));
    let mut out = writer.out;
    if form == InlineForm::Plain {
        declare_namespaces(&mut element);
        out.olx = format!("{PLAIN_DECLARATION}{}", element.to_text(WriteOptions::PRETTY));
        return Ok(out);
    }
    out.olx = localise_assets(&element.to_text(WriteOptions::PRETTY), usage);
    for path in static_files(&out.olx) {
        let Ok(key) = usage.context_key().make_asset_key(&clean_asset_name(&path)) else { continue };
        match runtime.read_asset(&key, branch) {
            Ok(bytes) => out.files.push((path, bytes)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(out)
}

struct InlineWriter<'a> {
    runtime: &'a dyn Runtime,
    registry: &'a Registry,
    branch: Branch,
    form: InlineForm,
    out: InlineBlock,
    depth: usize,
}

impl InlineWriter<'_> {
    fn block(&mut self, usage: &UsageKey) -> Result<Option<Element>, WriteError> {
        let record = self.runtime.block(usage, self.branch)?;
        let block_type = self.registry.block_type(usage.block_type());
        // Children are added afterwards, whatever form their parent gives them elsewhere.
        let own = BlockData { children: Vec::new(), ..(*record.data).clone() };
        let source = BlockSource { usage, block_type: &block_type, data: &own };
        let mut node = Element::new(usage.block_type());
        if !block_type.class.olx.write(&source, self, &mut node)? {
            return Ok(None);
        }
        match self.form {
            InlineForm::Nested => {
                if node.get("url_name").is_none() {
                    node.set("url_name", usage.block_id());
                }
                self.add_children(&record.data.children, &mut node)?;
            }
            InlineForm::Plain => self.add_children(&record.data.children, &mut node)?,
            InlineForm::Definition => self.make_definition(usage, &record.data, &mut node),
        }
        Ok(Some(node))
    }

    fn add_children(&mut self, children: &[UsageKey], node: &mut Element) -> Result<(), WriteError> {
        self.depth += 1;
        for child in children {
            if self.depth > MAX_DEPTH {
                let host: &mut dyn WriteHost = self;
                host.warn("circle", child, "blocks are nested too deep; the rest is left out");
                break;
            }
            let element = match self.block(child) {
                Ok(element) => element,
                Err(WriteError::Runtime(error)) if error.is_not_found() => {
                    let host: &mut dyn WriteHost = self;
                    host.warn("missing-child", child, "the block is named as a child but does not exist");
                    None
                }
                Err(error) => return Err(error),
            };
            node.children.extend(element.map(Node::from));
        }
        self.depth -= 1;
        Ok(())
    }

    fn make_definition(&mut self, usage: &UsageKey, data: &BlockData, node: &mut Element) {
        node.remove("url_name");
        if node.name == "vertical" {
            node.name = "unit".into();
            if node.attributes.iter().any(|a| a.name != "display_name") {
                let host: &mut dyn WriteHost = self;
                host.warn("unit-settings", usage, "a unit in a library keeps nothing but its name");
            }
        }
        for child in &data.children {
            let block_type = if child.block_type() == "vertical" { "unit" } else { child.block_type() };
            let mut include = Element::new("xblock-include");
            include.set("definition", format!("{block_type}/{}", child.block_id()));
            node.children.push(Node::from(include));
        }
    }
}

impl WriteHost for InlineWriter<'_> {
    fn placement(&self) -> Placement {
        Placement::Inline
    }

    fn child(&mut self, _: &UsageKey) -> Result<Option<Element>, WriteError> {
        Ok(None)
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.out.files.push((name.to_owned(), bytes.to_owned()));
        Ok(())
    }

    fn reference(&self, key: &str) -> String {
        key.to_owned()
    }

    fn policy(&mut self, _: &UsageKey, _: &str, _: &Json) -> bool {
        false
    }

    fn loses_nothing(&self) -> bool {
        false
    }

    fn report(&mut self, remark: Diagnostic) {
        self.out.diagnostics.push(remark);
    }
}

/// Declares the namespaces of XBlock on the root and makes everything below use them.
fn declare_namespaces(root: &mut Element) {
    let declarations = [("option", OPTION_NAMESPACE), ("block", BLOCK_NAMESPACE)];
    let namespaces = Arc::new(Namespaces {
        declarations: declarations.map(|(prefix, uri)| (prefix.to_owned(), uri.into())).into(),
        outer: None,
        declared_at: root.span().start,
    });
    adopt(root, &namespaces);
}

fn adopt(element: &mut Element, namespaces: &Arc<Namespaces>) {
    if element.namespace() == Some(OPTION_NAMESPACE) {
        element.name = format!("option:{}", element.local_name()).into();
        element.namespaces = Some(namespaces.clone());
    } else if element.namespaces.is_none() {
        element.namespaces = Some(namespaces.clone());
    }
    for child in &mut element.children {
        if let Node::Element(child) = child {
            adopt(child, namespaces);
        }
    }
}

/// Makes absolute addresses of the course's own assets `/static/` ones.
fn localise_assets(text: &str, usage: &UsageKey) -> String {
    let context = usage.context_key();
    let Ok(probe) = context.make_asset_key("x") else { return text.to_owned() };
    let probe = probe.to_string();
    let Some(prefix) = probe.strip_suffix('x').filter(|_| context.is_course()) else {
        return text.to_owned();
    };
    let needle = if prefix.starts_with('/') { prefix.to_owned() } else { format!("/{prefix}") };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&needle) {
        let (before, after) = rest.split_at(at);
        let host = before.rfind("://").filter(|mark| {
            let host = &before[mark + 3..];
            !host.is_empty()
                && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'))
        });
        let start = host.and_then(|mark| {
            let scheme = &before[..mark];
            scheme.strip_suffix("https").or_else(|| scheme.strip_suffix("http")).map(str::len)
        });
        match start {
            Some(start) => {
                out.push_str(&before[..start]);
                out.push_str("/static/");
            }
            None => {
                out.push_str(before);
                out.push_str(&needle);
            }
        }
        rest = &after[needle.len()..];
    }
    out.push_str(rest);
    out
}

/// Lists the static files a text names, by their paths below `/static/`, and the Python library where scripts use it.
fn static_files(text: &str) -> BTreeSet<String> {
    let text = text.replace("&quot;", "\"");
    let mut files = BTreeSet::new();
    for (at, mark) in text.match_indices("/static/") {
        let Some(quote) = text[..at].chars().next_back().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let rest = &text[at + mark.len()..];
        if let Some(end) = rest.find(quote) {
            let path = rest[..end].trim_end_matches('\\');
            let path = path.split(['?', '#']).next().unwrap_or(path);
            if !path.is_empty() && !path.contains(['<', '>', '\n']) {
                files.insert(path.to_owned());
            }
        }
    }
    let scripts = ["text/python", "loncapa/python"];
    let has_script = text.match_indices("<script").any(|(at, _)| {
        let tag = text[at..].split('>').next().unwrap_or_default();
        scripts.iter().any(|kind| {
            [format!("type=\"{kind}\""), format!("type='{kind}'")]
                .iter()
                .any(|wanted| tag.contains(wanted.as_str()))
        })
    });
    if has_script {
        files.insert(PYTHON_LIB.to_owned());
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_files_are_those_in_quotes() {
        let text = r#"<p a="/static/a b.png" b='/static/x/y.js?z' c="&quot;/static/q.css&quot;">/static/no <script type="loncapa/python">"#;
        let found: Vec<_> = static_files(text).into_iter().collect();
        assert_eq!(found, ["a b.png", "python_lib.zip", "q.css", "x/y.js"]);
    }

    #[test]
    fn own_assets_become_local() {
        let usage: UsageKey = "block-v1:O+C+R+type@html+block@h".parse().expect("a usage key");
        let text = "x https://studio.example:8001/asset-v1:O+C+R+type@asset+block@a.png \
                    /asset-v1:O+C+R+type@asset+block@b.png http://h/asset-v1:O+C+Q+type@asset+block@c.png";
        assert_eq!(
            localise_assets(text, &usage),
            "x /static/a.png /asset-v1:O+C+R+type@asset+block@b.png http://h/asset-v1:O+C+Q+type@asset+block@c.png"
        );
    }
}
