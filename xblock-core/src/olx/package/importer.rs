//! The state of one import, and what happens to every element that is a block.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use serde_json::Map;

use crate::block::Registry;
use crate::fields::{FieldType, Json};
use crate::keys::{ContextKey, UsageKey};
use crate::runtime::BlockData;

use super::super::convention::OlxConvention;
use super::super::course_xml::{is_pointer, pointer_path};
use super::super::diagnostic::{Diagnostic, Outcome, Severity};
use super::super::document::Source;
use super::super::element::{Element, Node};
use super::super::error::{OlxError, Place};
use super::super::parse_options::ParseOptions;
use super::super::plain::FAMILY_ATTRIBUTE;
use super::super::serialise::{Charset, WriteOptions};
use super::super::unknown::UnknownOlx;
use super::names::{NameRemark, Repeated, UsedNames, sha1_hex};
use super::options::{BrokenBlocks, Fidelity, Names, ReadOptions, UnknownTypes};
use super::reading::Reading;
use super::source::{PackageSource, read_within};
use super::trace::{Provenance, Tracer};

/// How deep blocks may be nested; more means that a file points back to one above it.
const MAX_DEPTH: usize = 64;

/// An element that is to become a block.
pub(super) enum Child<'e> {
    /// A node inside another element; text behind it belongs to it.
    Inside { parent: &'e Element, index: usize },
    /// An element by itself.
    Alone(&'e Element),
    /// An element by itself that has its name from outside; its own `url_name`, if any, is this.
    Lent { element: &'e Element, own_name: Option<String> },
}

impl Child<'_> {
    fn element(&self) -> Option<&Element> {
        match self {
            Self::Inside { parent, index } => parent.children.get(*index).and_then(Node::as_element),
            Self::Alone(element) | Self::Lent { element, .. } => Some(element),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Inside { parent, index } => parent.child_text(*index, Charset::Unicode),
            Self::Alone(element) | Self::Lent { element, .. } => element.to_text(WriteOptions::default()),
        }
    }

    fn has_tail(&self) -> bool {
        match self {
            Self::Inside { parent, index } => parent.tail(*index).is_some_and(|tail| !tail.trim().is_empty()),
            Self::Alone(_) | Self::Lent { .. } => false,
        }
    }

    /// Returns the text without blanks behind the element, which are its parent's.
    fn own_text(&self) -> String {
        match self.element() {
            Some(element) if !self.has_tail() => element.to_text(WriteOptions::default()),
            _ => self.text(),
        }
    }
}

/// One import at work.
pub(super) struct Importer<'p> {
    pub(super) package: &'p dyn PackageSource,
    pub(super) registry: &'p Registry,
    pub(super) options: &'p ReadOptions,
    pub(super) parse: ParseOptions,
    pub(super) context: ContextKey,
    pub(super) policy: Map<String, Json>,
    pub(super) names: UsedNames,
    pub(super) blocks: BTreeMap<UsageKey, BlockData>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The published blocks, while drafts are read.
    pub(super) published: Option<&'p BTreeMap<UsageKey, BlockData>>,
    /// What each pointer led to.
    pointers: HashMap<(String, String), UsageKey>,
    /// The key under which the root was read, where it has another now.
    moved_root: Option<UsageKey>,
    depth: usize,
    /// The pointers that are being followed, from the top.
    followed: Vec<(String, String)>,
    /// Notes where blocks come from, for those who ask.
    pub(super) tracer: Option<Tracer>,
}

impl<'p> Importer<'p> {
    pub(super) fn new(
        package: &'p dyn PackageSource,
        registry: &'p Registry,
        options: &'p ReadOptions,
        context: ContextKey,
    ) -> Self {
        Self {
            package,
            registry,
            options,
            parse: options.parse.clone().unwrap_or_else(ParseOptions::platform),
            context,
            policy: Map::new(),
            names: UsedNames::default(),
            blocks: BTreeMap::new(),
            diagnostics: Vec::new(),
            published: None,
            pointers: HashMap::new(),
            moved_root: None,
            depth: 0,
            followed: Vec::new(),
            tracer: None,
        }
    }

    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, OlxError> {
        read_within(self.package, path, &self.parse)
    }

    pub(super) fn exists(&self, path: &str) -> Result<bool, OlxError> {
        self.package.exists(path).map_err(|source| OlxError::Source { path: path.to_owned(), source })
    }

    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, OlxError> {
        self.package.list(folder).map_err(|source| OlxError::Source { path: folder.to_owned(), source })
    }

    pub(super) fn usage(
        &self,
        block_type: &str,
        name: &str,
        place: impl FnOnce() -> Box<Place>,
    ) -> Result<UsageKey, OlxError> {
        self.context.make_usage_key(block_type, name).map_err(|source| OlxError::InvalidName {
            name: name.to_owned(),
            source,
            place: place(),
        })
    }

    /// Returns a reference to a block as a key of the context being read into.
    pub(super) fn reference(&self, text: &str) -> Option<UsageKey> {
        let usage = UsageKey::from_str(text).ok()?.map_into_course(&self.context).ok()?;
        // Old keys allow blanks where those of the context do not; what could not be read again stays a text.
        usage.to_string().parse::<UsageKey>().is_ok_and(|again| again == usage).then_some(usage)
    }

    /// Returns the block that a pointer was found to mean before, or that it can only mean: a published one, where a
    /// draft points to what it has no file for.
    pub(super) fn known(&self, pointer: &Element) -> Option<UsageKey> {
        let key = (pointer.name.to_string(), pointer.get("url_name")?.to_owned());
        if let Some(usage) = self.pointers.get(&key) {
            return Some(usage.clone());
        }
        let published = self.published?;
        let usage = self.context.make_usage_key(&key.0, &key.1).ok()?;
        let has_file = self.exists(&pointer_path(pointer)).unwrap_or(true);
        (!has_file && published.contains_key(&usage)).then_some(usage)
    }

    /// Says whether a pointer is on the way to itself.
    pub(super) fn is_followed(&self, pointer: &Element) -> bool {
        let name = pointer.get("url_name").unwrap_or_default();
        self.followed.iter().any(|(block_type, other)| *pointer.name == **block_type && name == other)
    }

    /// Notes that the file of a pointer is read, until [`Importer::leave`].
    pub(super) fn follow(&mut self, pointer: &Element) {
        let name = pointer.get("url_name").unwrap_or_default().to_owned();
        self.followed.push((pointer.name.to_string(), name));
    }

    /// Notes that the file of the last pointer was read.
    pub(super) fn leave(&mut self) {
        self.followed.pop();
    }

    /// Keeps in mind what a pointer led to.
    pub(super) fn remember(&mut self, pointer: &Element, usage: &UsageKey) {
        if usage.block_type() != "error" {
            let name = pointer.get("url_name").unwrap_or_default().to_owned();
            self.pointers.insert((pointer.name.to_string(), name), usage.clone());
        }
    }

    /// Makes a block of the element at the top, which must be readable.
    pub(super) fn root(&mut self, child: &Child<'_>, source: &Source) -> Result<UsageKey, OlxError> {
        if let Some(tracer) = &self.tracer {
            tracer.enter();
        }
        let result = self.block(child, source);
        let files = self.tracer.as_ref().map(Tracer::leave).unwrap_or_default();
        let usage = result?;
        self.trace(&usage, child, source, files);
        Ok(usage)
    }

    /// Puts the root where its context wants it, and returns its key.
    pub(super) fn place_root(
        &mut self,
        read: &UsageKey,
        block_type: &str,
        place: impl FnOnce() -> Box<Place>,
    ) -> Result<UsageKey, OlxError> {
        if self.context.is_deprecated() {
            return Ok(read.clone());
        }
        let root = self.usage(block_type, block_type, place)?;
        if let Some(data) = self.blocks.remove(read) {
            self.blocks.insert(root.clone(), data);
        }
        if let Some(tracer) = &mut self.tracer
            && let Some(block) = tracer.trace.blocks.remove(read)
        {
            tracer.trace.blocks.insert(root.clone(), block);
        }
        self.moved_root = Some(read.clone());
        Ok(root)
    }

    /// Brings references that kept their old form, and those to a root that was moved, to the context.
    pub(super) fn map_kept_references(&self, usage: &UsageKey, data: &mut BlockData, root: &UsageKey) {
        let block_type = self.registry.block_type(usage.block_type());
        let is_reference = |name: &str| block_type.field(name).is_some_and(|spec| is_reference(spec.kind));
        for map in [&mut data.content, &mut data.settings] {
            for (_, value) in map.iter_mut().filter(|(name, _)| is_reference(name)) {
                self.map_references(value);
                if let Some(read) = &self.moved_root {
                    replace_text(value, &read.to_string(), &root.to_string());
                }
            }
        }
    }

    /// Makes a block of an element; a broken one becomes an error block where the options say so.
    pub(super) fn child(&mut self, child: &Child<'_>, source: &Source) -> Result<UsageKey, OlxError> {
        if let Some(tracer) = &self.tracer {
            tracer.enter();
        }
        let result = self.block(child, source);
        let files = self.tracer.as_ref().map(Tracer::leave).unwrap_or_default();
        let error = match result {
            Ok(usage) => {
                self.trace(&usage, child, source, files);
                return Ok(usage);
            }
            Err(error @ OlxError::Source { .. }) => return Err(error),
            Err(error) => error,
        };
        if self.options.broken_blocks == BrokenBlocks::LeaveOut {
            return Err(error);
        }
        self.diagnostics.push(error.diagnostic().outcome(Outcome::ErrorBlock));
        // The block is called by its contents, and a second export may put other blanks behind it.
        let is_strict = self.options.fidelity == Fidelity::Platform;
        let contents = if is_strict { child.text() } else { child.own_text() };
        let usage = self.error_block(contents, error.to_string())?;
        self.trace(&usage, child, source, files);
        Ok(usage)
    }

    /// Notes where a block came from, where that is asked; the first place counts.
    fn trace(&mut self, usage: &UsageKey, child: &Child<'_>, source: &Source, files: Vec<String>) {
        let Some(tracer) = &mut self.tracer else { return };
        if tracer.trace.blocks.contains_key(usage) {
            return;
        }
        let element = child.element();
        let block = Provenance {
            file: source.file.clone(),
            span: element.map(|element| element.span()).unwrap_or_default(),
            is_pointer: element.is_some_and(is_pointer),
            files,
        };
        tracer.trace.blocks.insert(usage.clone(), block);
    }

    /// Keeps what cannot be read.
    fn error_block(&mut self, contents: String, message: String) -> Result<UsageKey, OlxError> {
        let usage = self
            .context
            .make_usage_key("error", &sha1_hex(&contents))
            .map_err(|source| OlxError::Source { path: "error".into(), source: Box::new(source) })?;
        let mut data = BlockData::default();
        data.content.insert("contents".into(), contents.into());
        data.content.insert("error_msg".into(), message.into());
        self.blocks.insert(usage.clone(), data);
        Ok(usage)
    }

    fn block(&mut self, child: &Child<'_>, source: &Source) -> Result<UsageKey, OlxError> {
        let is_strict = self.options.fidelity == Fidelity::Platform;
        let Some(given) = child.element() else {
            let position = match child {
                Child::Inside { parent, .. } => parent.position(),
                Child::Alone(element) | Child::Lent { element, .. } => element.position(),
            };
            return Err(OlxError::NotABlock { what: "a comment", place: source.place_at(position) });
        };
        // Only a mark: most blocks give no reason to work out lines.
        let position = given.mark();
        let place = || source.place_at(&position);
        if is_strict && child.has_tail() {
            return Err(OlxError::NotABlock { what: "text", place: place() });
        }
        if self.depth >= MAX_DEPTH {
            return Err(OlxError::TooDeep { limit: MAX_DEPTH, place: place() });
        }
        if !is_strict
            && is_pointer(given)
            && let Some(usage) = self.known(given)
        {
            return Ok(usage);
        }
        // What was lent its name is the end of a pointer, even where it looks like one.
        let is_way = is_pointer(given) && !matches!(child, Child::Lent { .. });
        if is_way && self.is_followed(given) {
            return Err(OlxError::Circle { path: pointer_path(given), place: place() });
        }
        let mut element = given.clone();
        let repeated = if is_strict { Repeated::Share } else { Repeated::Rename };
        let (name, remark) = self.names.name(&mut element, &|| child.text(), repeated);
        if let Some(remark) = remark {
            self.remark(&remark, &element, &name, source);
        }
        if self.options.names == Names::AsGiven && given.get("url_name").is_none() {
            element.remove("url_name");
        }
        let block_type = self.registry.block_type(&element.name);
        let olx: &'static dyn OlxConvention = match (block_type.is_known, self.options.unknown_types) {
            (true, _) => block_type.class.olx,
            (false, UnknownTypes::Keep) => &UnknownOlx,
            (false, UnknownTypes::Broken) => {
                return Err(OlxError::UnknownType { block_type: element.name.to_string(), place: place() });
            }
        };
        let usage = self.usage(&element.name, &name, place)?;
        if !block_type.is_known {
            // The whole element is kept, without what was only put onto it.
            match child {
                Child::Lent { own_name: Some(own), .. } if !is_strict => element.set("url_name", own.clone()),
                Child::Lent { own_name: None, .. } if !is_strict => drop(element.remove("url_name")),
                _ => {}
            }
            let message = format!("block type {} is not known; the block is kept as it is", element.name);
            let remark = source.diagnostic("unknown-type", Severity::Note, &position, message);
            self.diagnostics.push(remark.outcome(Outcome::Kept));
        }
        let family = element.remove(FAMILY_ATTRIBUTE).map(String::from);
        self.depth += 1;
        if is_way {
            self.follow(given);
        }
        let mut reading = Reading {
            importer: self,
            block_type,
            name,
            usage,
            family,
            source: source.clone(),
            asides: Vec::new(),
            kept_references: Vec::new(),
        };
        reading.take_asides(&mut element);
        let result = olx.read(element, &mut reading);
        let Reading { usage, asides, block_type, kept_references, .. } = reading;
        self.depth -= 1;
        if is_way {
            self.leave();
        }
        let mut data = result?;
        data.asides.extend(asides);
        for spec in block_type.fields().iter().filter(|spec| is_reference(spec.kind)) {
            if kept_references.contains(&spec.name) {
                continue;
            }
            for map in [&mut data.content, &mut data.settings] {
                if let Some(value) = map.get_mut(spec.name) {
                    self.map_references(value);
                }
            }
        }
        if is_pointer(given) {
            self.remember(given, &usage);
        }
        self.blocks.insert(usage.clone(), data);
        Ok(usage)
    }

    fn remark(&mut self, remark: &NameRemark, element: &Element, name: &str, source: &Source) {
        let (code, severity, message, fix) = match remark {
            NameRemark::NoName => (
                "no-name",
                Severity::Warning,
                format!("<{}> has no name; it is called {name} by its content", element.name),
                "give it a url_name, or learner state is lost when its content changes",
            ),
            NameRemark::Renamed { old } => (
                "duplicate-name",
                Severity::Warning,
                format!("there is a {} named {old} already; this one is called {name}", element.name),
                "give each block of a type a url_name of its own",
            ),
            NameRemark::SameContent => (
                "duplicate-name",
                Severity::Warning,
                format!(
                    "two <{}> without a name have the same content; both are the block {name}",
                    element.name
                ),
                "give each of them a url_name of its own",
            ),
            NameRemark::Shared if self.options.fidelity == Fidelity::Platform => return,
            NameRemark::Shared => (
                "duplicate-name",
                Severity::Warning,
                format!("there is a {} named {name} already; the last one stays", element.name),
                "give each block of a type a url_name of its own",
            ),
        };
        let diagnostic = source
            .diagnostic(code, severity, element.position(), message)
            .with_fix(fix)
            .outcome(Outcome::Kept);
        self.diagnostics.push(diagnostic);
    }

    /// Makes the references in a value keys of the context; what is no reference stays.
    pub(super) fn map_references(&self, value: &mut Json) {
        match value {
            Json::String(text) => {
                if let Some(usage) = self.reference(text) {
                    *text = usage.to_string();
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.map_references(item)),
            Json::Object(map) => map.values_mut().for_each(|item| self.map_references(item)),
            _ => {}
        }
    }
}

const fn is_reference(kind: FieldType) -> bool {
    matches!(kind, FieldType::Reference | FieldType::ReferenceList | FieldType::ReferenceValueDict)
}

fn replace_text(value: &mut Json, old: &str, new: &str) {
    match value {
        Json::String(text) if text == old => new.clone_into(text),
        Json::Array(items) => items.iter_mut().for_each(|item| replace_text(item, old, new)),
        Json::Object(map) => map.values_mut().for_each(|item| replace_text(item, old, new)),
        _ => {}
    }
}
