//! What a type's reader may ask of the importer while it reads one block.

use std::borrow::Cow;
use std::collections::HashSet;

use foldhash::fast::RandomState;
use serde_json::Map;

use crate::block::BlockType;
use crate::fields::{ASIDE_FAMILY, Conversion, FieldSpec, Json};
use crate::keys::{ContextKey, UsageKey};
use crate::runtime::AsideData;

use super::super::aside::{RefusedValue, read_aside};
use super::super::course_xml::stored_json;
use super::super::diagnostic::{Outcome, Severity};
use super::super::document::{Document, Source};
use super::super::element::{Element, Node};
use super::super::error::{OlxError, Place};
use super::super::plain::FAMILY_ATTRIBUTE;
use super::super::position::Located;
use super::super::text::Text;
use super::ahead::with_help;
use super::child::Child;
use super::drafts::PLACE_ATTRIBUTES;
use super::importer::Importer;
use super::names::sha1_hex;
use super::options::Fidelity;

/// What becomes of children that point to files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerChildren {
    /// They follow their pointers themselves.
    Follow,
    /// The file's element takes the place of the pointer first.
    Inline,
}

/// One block being read.
pub struct Reading<'r, 'p> {
    pub(super) importer: &'r mut Importer<'p>,
    pub(super) block_type: Cow<'p, BlockType>,
    pub(super) name: Text,
    pub(super) usage: UsageKey,
    pub(super) family: Option<String>,
    pub(super) source: Source,
    pub(super) asides: Vec<AsideData>,
    pub(super) kept_references: Vec<&'static str>,
}

impl Reading<'_, '_> {
    /// Returns the block's type.
    #[must_use]
    pub fn block_type(&self) -> &BlockType {
        &self.block_type
    }

    /// Returns the block's `url_name`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key the block will have.
    #[must_use]
    pub const fn usage(&self) -> &UsageKey {
        &self.usage
    }

    /// Gives the block another type or name than its element says.
    ///
    /// # Errors
    /// [`OlxError::InvalidName`].
    pub fn rename(&mut self, block_type: &str, name: &str, at: impl Located) -> Result<(), OlxError> {
        self.usage = self.importer.usage(block_type, name, || self.source.place_at(at))?;
        self.block_type = self.importer.registry.find(block_type);
        Ok(())
    }

    /// Returns the id that an error block with these contents has.
    #[must_use]
    pub fn content_id(contents: &str) -> String {
        sha1_hex(contents)
    }

    /// Returns the context the package is read into.
    #[must_use]
    pub fn context(&self) -> &ContextKey {
        &self.importer.context
    }

    /// Returns the `xblock-family` the element named.
    #[must_use]
    pub fn family(&self) -> Option<&str> {
        self.family.as_deref()
    }

    /// Returns what dates without a year are completed with.
    #[must_use]
    pub fn conversion(&self) -> &Conversion {
        &self.importer.options.conversion
    }

    /// Returns how far the platform is followed where it loses content.
    #[must_use]
    pub const fn fidelity(&self) -> Fidelity {
        self.importer.options.fidelity
    }

    /// Returns the settings the course's policy has for this block.
    #[must_use]
    pub fn policy(&self) -> Option<&Map<String, Json>> {
        self.importer.policy.of(&self.usage)
    }

    /// Says whether an attribute only tells where a draft stands, and is no part of the block.
    #[must_use]
    pub fn is_place_of_draft(&self, attribute: &str) -> bool {
        self.importer.published.is_some()
            && self.fidelity() == Fidelity::LoseNothing
            && PLACE_ATTRIBUTES.contains(&attribute)
    }

    /// Returns the file being read.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Gives the file being read for change.
    pub const fn source_mut(&mut self) -> &mut Source {
        &mut self.source
    }

    /// Goes on in another file: positions mean places in it from here on.
    pub fn enter(&mut self, source: Source) {
        self.source = source;
    }

    /// Returns a place in the file being read.
    #[must_use]
    pub fn place(&self, at: impl Located) -> Box<Place> {
        self.source.place_at(at)
    }

    /// Makes the error of an element its type cannot use.
    #[must_use]
    pub fn refuse(&self, at: impl Located, reason: impl Into<String>) -> OlxError {
        OlxError::InvalidContent { reason: reason.into(), place: self.place(at) }
    }

    /// Remarks on a place in the file being read.
    pub fn report(
        &mut self,
        code: &'static str,
        severity: Severity,
        at: impl Located,
        message: impl Into<String>,
    ) {
        let diagnostic = self.source.diagnostic(code, severity, at, message).outcome(Outcome::Kept);
        self.importer.diagnostics.push(diagnostic);
    }

    /// Says whether the package has a file.
    ///
    /// # Errors
    /// [`OlxError::Source`].
    pub fn exists(&self, path: &str) -> Result<bool, OlxError> {
        self.importer.exists(path)
    }

    /// Returns the first of several files that exists.
    ///
    /// # Errors
    /// [`OlxError::Source`].
    pub fn first_existing(&self, paths: Vec<String>) -> Result<Option<String>, OlxError> {
        for path in paths {
            if self.exists(&path)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Reads a text file that the element at `at` points to.
    ///
    /// # Errors
    /// [`OlxError::MissingFile`], [`OlxError::NotUtf8`], [`OlxError::Source`].
    pub fn load_text(&self, path: &str, at: impl Located) -> Result<String, OlxError> {
        text(path, self.load(path, at)?)
    }

    /// Reads a text file, if there is one.
    ///
    /// # Errors
    /// [`OlxError::NotUtf8`], [`OlxError::Source`].
    pub fn find_text(&self, path: &str) -> Result<Option<String>, OlxError> {
        let Some(bytes) = self.importer.read(path)? else { return Ok(None) };
        if let Some(tracer) = &self.importer.tracer {
            tracer.read(path);
        }
        text(path, bytes).map(Some)
    }

    /// Reads an XML file that the element at `at` points to.
    ///
    /// # Errors
    /// [`OlxError::MissingFile`], [`OlxError::Xml`], [`OlxError::Source`].
    pub fn load_xml(&self, path: &str, at: impl Located) -> Result<Document, OlxError> {
        let bytes = self.load(path, at)?;
        Ok(Document::parse_vec(path.into(), bytes, &self.importer.parse)?)
    }

    fn load(&self, path: &str, at: impl Located) -> Result<Vec<u8>, OlxError> {
        if let Some(tracer) = &self.importer.tracer {
            tracer.read(path);
        }
        self.importer.load(path, || self.place(at))
    }

    /// Brings a value to the form in which stores keep it; one the field refuses stays and is remarked on.
    pub fn stored(&mut self, spec: &FieldSpec, value: Json, at: impl Located) -> Json {
        self.stored_from(spec, value, at, "")
    }

    /// Does the same for a value that does not stand at its place in the file; `whence` says where it comes from.
    pub(in crate::olx) fn stored_from(
        &mut self,
        spec: &FieldSpec,
        value: Json,
        at: impl Located,
        whence: &str,
    ) -> Json {
        match stored_json(spec, value) {
            Ok(stored) => stored,
            Err((value, error)) => {
                let message = format!("{} cannot be {value}: {error}{whence}", spec.name);
                self.report("invalid-value", Severity::Error, at, message);
                value
            }
        }
    }

    /// Returns a reference to a block as a key of the context being read into.
    #[must_use]
    pub fn reference(&self, text: &str) -> Option<UsageKey> {
        self.importer.reference(text)
    }

    /// Leaves the references in a field as they are; otherwise they become keys of the context being read into.
    pub fn keep_references(&mut self, field: &'static str) {
        self.kept_references.push(field);
    }

    /// Takes the asides out of an element and keeps them for the block.
    pub fn take_asides(&mut self, element: &mut Element) {
        let is_aside =
            |node: &Node| node.as_element().is_some_and(|e| e.get(FAMILY_ATTRIBUTE) == Some(ASIDE_FAMILY));
        if !element.children.iter().any(is_aside) {
            return;
        }
        let mut at = 0;
        while at < element.children.len() {
            if !is_aside(&element.children[at]) {
                at += 1;
                continue;
            }
            // The text after an aside goes with it.
            let tail = element.children[at + 1..].iter().take_while(|n| n.as_text().is_some()).count();
            let removed: Vec<Node> = element.children.drain(at..=at + tail).collect();
            if let Some(aside) = removed.first().and_then(Node::as_element) {
                let class = self.block_type.aside_type(&aside.name);
                let (read, refused) = read_aside(aside, class, &self.importer.options.conversion);
                for RefusedValue { field, problem, position } in refused {
                    let message = format!("<{}> {field}: {problem}", aside.name);
                    self.report("invalid-value", Severity::Warning, position, message);
                }
                // A block has one aside of a type; what a second element says of it comes on top.
                match self.asides.iter_mut().find(|kept| kept.aside_type == read.aside_type) {
                    Some(kept) => kept.fields.extend(read.fields),
                    None => self.asides.push(read),
                }
            }
        }
    }

    /// Reads one child block, given its place in the element.
    ///
    /// # Errors
    /// Whatever is wrong with the child, where broken blocks are left out.
    pub fn child(&mut self, parent: &Element, index: usize) -> Result<UsageKey, OlxError> {
        let source = self.source.clone();
        let usage = self.importer.child(Child::Inside { parent, index }, &source)?;
        if let Some(element) = parent.children.get(index).and_then(Node::as_element) {
            self.trace_child(element, &usage);
        }
        Ok(usage)
    }

    /// Reads all children of an element; those that are left out are remarked on.
    ///
    /// # Errors
    /// [`OlxError::Source`]; everything else is remarked on.
    pub fn children(
        &mut self,
        parent: &Element,
        pointers: PointerChildren,
    ) -> Result<Vec<UsageKey>, OlxError> {
        self.children_where(parent, pointers, |_| true)
    }

    /// Reads the children that `wanted` chooses.
    ///
    /// # Errors
    /// As [`Reading::children`].
    pub fn children_where(
        &mut self,
        parent: &Element,
        pointers: PointerChildren,
        wanted: impl Fn(&Element) -> bool,
    ) -> Result<Vec<UsageKey>, OlxError> {
        let nodes = parent.children.iter().enumerate();
        let places = nodes.filter(|(_, node)| node.as_element().is_some_and(&wanted)).map(|(index, _)| index);
        let places: Vec<usize> = places.collect();
        match self.importer.helpers(places.len()) {
            None => self.children_at(parent, places, pointers),
            Some(pool) => with_help(pool, |queue| {
                self.importer.queue = Some(queue);
                let children = self.children_at(parent, places, pointers);
                self.importer.queue = None;
                children
            }),
        }
    }

    /// Reads the children at these places of an element.
    fn children_at(
        &mut self,
        parent: &Element,
        places: Vec<usize>,
        pointers: PointerChildren,
    ) -> Result<Vec<UsageKey>, OlxError> {
        let is_strict = self.importer.options.fidelity == Fidelity::Platform;
        let mut children: Vec<UsageKey> = Vec::with_capacity(places.len());
        let mut seen: HashSet<UsageKey, RandomState> = HashSet::default();
        let source = self.source.clone();
        let mut ahead = self.importer.read_ahead(parent, &places, &source, pointers);
        let mut places = places.into_iter().peekable();
        for (index, node) in parent.children.iter().enumerate() {
            let result = match node {
                Node::Element(_) if places.next_if_eq(&index).is_none() => continue,
                Node::Element(_) => {
                    let read = ahead.as_mut().and_then(|children| self.importer.take_over(children));
                    read.unwrap_or_else(|| self.importer.element_child(parent, index, &source, pointers))
                }
                Node::Text(chars) | Node::CData(chars) => {
                    let is_loss = !is_strict && !chars.value.trim().is_empty();
                    if is_loss {
                        let message = format!("text between blocks is lost: {:?}", chars.value.trim());
                        let blank = chars.value.len() - chars.value.trim_start().len();
                        let at = self.source.text.position(chars.span.range().start + blank);
                        self.report("stray-text", Severity::Warning, at, message);
                    }
                    continue;
                }
                Node::Comment(_) | Node::ProcessingInstruction(_) if is_strict => {
                    self.importer.element_child(parent, index, &source, pointers)
                }
                Node::Comment(_) | Node::ProcessingInstruction(_) => continue,
            };
            if let (Some(element), Ok(usage)) = (node.as_element(), &result) {
                self.trace_child(element, usage);
            }
            match result {
                Ok(usage) if !is_strict && is_there(&children, &mut seen, &usage) => {
                    let at = node.as_element().map_or(parent.position(), |e| e.position());
                    let message = format!("{} stands here twice; once is enough", usage.block_id());
                    self.report("duplicate-child", Severity::Warning, at, message);
                }
                Ok(usage) => children.push(usage),
                Err(error @ OlxError::Source { .. }) => return Err(error),
                Err(error) => {
                    let diagnostic = error.diagnostic().outcome(Outcome::LeftOut);
                    self.importer.diagnostics.push(diagnostic);
                }
            }
        }
        Ok(children)
    }

    /// Notes what an element stands for, where that is asked.
    fn trace_child(&mut self, element: &Element, usage: &UsageKey) {
        if let Some(tracer) = &mut self.importer.tracer {
            tracer.trace.children.insert((self.source.file.clone(), element.span()), usage.clone());
        }
    }
}

/// Says whether a child stands in a list already. Of a long one, `seen` has those before it.
fn is_there(children: &[UsageKey], seen: &mut HashSet<UsageKey, RandomState>, usage: &UsageKey) -> bool {
    /// How many are looked through one by one.
    const FEW: usize = 16;
    if children.len() < FEW {
        return children.contains(usage);
    }
    seen.extend(children[seen.len()..].iter().cloned());
    seen.contains(usage)
}

fn text(path: &str, bytes: Vec<u8>) -> Result<String, OlxError> {
    String::from_utf8(bytes).map_err(|error| OlxError::NotUtf8 {
        path: path.to_owned(),
        valid_up_to: error.utf8_error().valid_up_to(),
    })
}
