//! The state of one import, and what happens to every element that is a block.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use crate::block::Registry;
use crate::fields::Json;
use crate::keys::{ContextKey, UsageKey, Within};
use crate::runtime::BlockData;
use foldhash::fast::RandomState;

use super::super::convention::OlxConvention;
use super::super::course_xml::{is_pointer, pointer_path};
use super::super::diagnostic::{Diagnostic, Outcome, Severity};
use super::super::document::{Document, Source};
use super::super::element::{Element, Node};
use super::super::error::{OlxError, Place};
use super::super::parse_options::ParseOptions;
use super::super::plain::FAMILY_ATTRIBUTE;
use super::super::unknown::UnknownOlx;
use super::ahead::Queue;
use super::child::Child;
use super::links::Rewriter;
use super::names::{NameRemark, Repeated, UsedNames, sha1_hex, write_name};
use super::options::{BrokenBlocks, Fidelity, Names, ReadOptions, UnknownTypes};
use super::policy::Policy;
use super::reading::{PointerChildren, Reading};
use super::source::{PackageSource, read_within};
use super::trace::{Provenance, Tracer};

/// The setting of videos that names a static file.
pub(super) const HANDOUT: &str = "handout";

/// How deep blocks may be nested; more means that a file points back to one above it.
const MAX_DEPTH: usize = 64;

/// The type and the name that a pointer gives.
pub(super) type PointerKey = Within;

/// What pointers led to.
type Pointers = HashMap<PointerKey, UsageKey, RandomState>;

/// A block that was just read.
struct Fresh {
    /// How its type and name begin: enough to put most blocks of a context in order.
    beginning: u128,
    usage: UsageKey,
    data: Arc<BlockData>,
}

impl Fresh {
    fn new(usage: UsageKey, data: BlockData) -> Self {
        // No type and no name has a zero, so that what is shorter comes first, as it does among keys.
        let mut beginning = [0; 16];
        let texts = usage.block_type().bytes().chain([0]).chain(usage.block_id().bytes());
        beginning.iter_mut().zip(texts).for_each(|(place, byte)| *place = byte);
        Self { beginning: u128::from_be_bytes(beginning), usage, data: Arc::new(data) }
    }
}

/// One import at work.
pub(super) struct Importer<'p> {
    pub(super) package: &'p dyn PackageSource,
    pub(super) registry: &'p Registry,
    pub(super) options: &'p ReadOptions,
    pub(super) parse: ParseOptions,
    pub(super) context: ContextKey,
    pub(super) policy: Arc<Policy>,
    pub(super) names: UsedNames,
    /// The blocks below the one being read; those that are read later replace others of their key.
    fresh: Vec<Fresh>,
    /// Those of them that are to be looked at again when all are read.
    unfinished: Vec<UsageKey>,
    /// The blocks of trees that were read to the end.
    pub(super) blocks: BTreeMap<UsageKey, Arc<BlockData>>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The published blocks, while drafts are read.
    pub(super) published: Option<&'p BTreeMap<UsageKey, Arc<BlockData>>>,
    /// What each pointer led to.
    pointers: Pointers,
    /// The pointers that were asked for in vain, while children are read ahead of their turn.
    asked: Option<Vec<PointerKey>>,
    /// The key under which the root was read, where it has another now.
    moved_root: Option<UsageKey>,
    depth: usize,
    /// The pointers that are being followed, from the top.
    followed: Vec<PointerKey>,
    /// Notes where blocks come from, for those who ask.
    pub(super) tracer: Option<Tracer>,
    /// What other threads help to read.
    pub(super) queue: Option<Arc<Queue<'p>>>,
    /// Makes old links portable, where that is asked.
    pub(super) rewriter: Option<Arc<Rewriter>>,
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
            policy: Arc::default(),
            names: UsedNames::default(),
            fresh: Vec::new(),
            unfinished: Vec::new(),
            blocks: BTreeMap::new(),
            diagnostics: Vec::new(),
            published: None,
            pointers: Pointers::default(),
            asked: None,
            moved_root: None,
            depth: 0,
            followed: Vec::new(),
            tracer: None,
            queue: None,
            rewriter: None,
        }
    }

    /// Begins an import that goes on from here, but knows nothing of what was read before.
    pub(super) fn fork(&self) -> Self {
        Self {
            parse: self.parse.clone(),
            policy: self.policy.clone(),
            published: self.published,
            asked: Some(Vec::new()),
            queue: self.queue.clone(),
            rewriter: self.rewriter.clone(),
            depth: self.depth,
            followed: self.followed.clone(),
            ..Self::new(self.package, self.registry, self.options, self.context.clone())
        }
    }

    /// Goes on with what a fork read, and says whether that is what would have been read here.
    pub(super) fn join(&mut self, mut fork: Self) -> bool {
        let asked = fork.asked.take().unwrap_or_default();
        if !fork.names.is_disjoint(&self.names)
            || asked.iter().any(|pointer| self.pointers.contains_key(pointer))
        {
            return false;
        }
        self.names.extend(fork.names);
        self.pointers.extend(fork.pointers);
        self.asked.iter_mut().for_each(|own| own.extend_from_slice(&asked));
        self.fresh.append(&mut fork.fresh);
        self.unfinished.append(&mut fork.unfinished);
        self.diagnostics.append(&mut fork.diagnostics);
        true
    }

    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Puts the blocks of a tree that was read to the end where they belong.
    fn settle(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh);
        // A map is made faster of what is in order already. Those of equal keys stay as they are: the last one counts.
        fresh.sort_by(|a, b| a.beginning.cmp(&b.beginning).then_with(|| a.usage.cmp(&b.usage)));
        let fresh = fresh.into_iter().map(|block| (block.usage, block.data));
        if self.blocks.is_empty() {
            self.blocks = fresh.collect();
        } else {
            self.blocks.extend(fresh);
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
        let again = UsageKey::from_str(&usage.to_string()).ok()?;
        // The text of an old key does not name the run.
        (again.map_into_course(&self.context).ok()? == usage).then_some(usage)
    }

    /// Returns the block that a pointer was found to mean before, or that it can only mean: a published one, where a
    /// draft points to what it has no file for.
    pub(super) fn known(&mut self, pointer: &Element, key: &PointerKey) -> Option<UsageKey> {
        if let Some(usage) = self.pointers.get(key) {
            return Some(usage.clone());
        }
        if let Some(asked) = &mut self.asked {
            asked.push(key.clone());
        }
        let published = self.published?;
        let usage = self.context.make_usage_key(key.block_type(), key.block_id()).ok()?;
        let has_file = self.exists(&pointer_path(pointer)).unwrap_or(true);
        (!has_file && published.contains_key(&usage)).then_some(usage)
    }

    /// Keeps in mind what a pointer led to.
    pub(super) fn remember(&mut self, pointer: PointerKey, usage: &UsageKey) {
        if usage.block_type() != "error" {
            self.pointers.insert(pointer, usage.clone());
        }
    }

    /// Makes a block of the element at the top, which must be readable.
    pub(super) fn root(&mut self, mut child: Child<'_>, source: &Source) -> Result<UsageKey, OlxError> {
        let traced = self.begin_trace(&child, source);
        let result = self.block(&mut child, source);
        self.settle();
        self.end_trace(traced, result.as_ref().ok());
        result
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
        self.unfinished.iter_mut().filter(|usage| *usage == read).for_each(|usage| usage.clone_from(&root));
        self.moved_root = Some(read.clone());
        Ok(root)
    }

    /// Notes that a block is to be looked at again when all are read.
    pub(super) fn look_again(&mut self, usage: &UsageKey) {
        self.unfinished.push(usage.clone());
    }

    /// Returns the blocks that are to be looked at again.
    pub(super) fn unfinished(&mut self) -> Vec<UsageKey> {
        std::mem::take(&mut self.unfinished)
    }

    /// Brings references that kept their old form, and those to a root that was moved, to the context.
    pub(super) fn map_kept_references(&self, usage: &UsageKey, data: &mut Arc<BlockData>, root: &UsageKey) {
        let block_type = self.registry.find(usage.block_type());
        let is_set = |name: &&&str| data.content.contains_key(**name) || data.settings.contains_key(**name);
        let names: Vec<_> = block_type.table().references().iter().filter(is_set).collect();
        for name in names {
            let data = Arc::make_mut(data);
            for value in
                [&mut data.content, &mut data.settings].into_iter().filter_map(|map| map.get_mut(*name))
            {
                self.map_references(value);
                if let Some(read) = &self.moved_root {
                    replace_text(value, &read.to_string(), &root.to_string());
                }
            }
        }
    }

    /// Makes the old links in a block's text portable, where that is asked.
    pub(super) fn rewrite(&self, data: &mut BlockData) {
        if let Some(rewriter) = &self.rewriter
            && let Some(Json::String(text)) = data.content.get_mut("data")
        {
            rewriter.rewrite(text);
        }
    }

    /// Makes blocks of an element by itself; a broken one becomes an error block where the options say so.
    pub(super) fn top(&mut self, element: &Element, source: &Source) -> Result<UsageKey, OlxError> {
        let result = self.child(Child::Alone(element), source);
        self.settle();
        result
    }

    /// Makes a block of an element; a broken one becomes an error block where the options say so.
    pub(super) fn child(&mut self, mut child: Child<'_>, source: &Source) -> Result<UsageKey, OlxError> {
        let traced = self.begin_trace(&child, source);
        let result = self.block(&mut child, source);
        let result = match result {
            Err(error @ OlxError::Source { .. }) => Err(error),
            Err(error) if self.options.broken_blocks == BrokenBlocks::KeepAsError => {
                self.diagnostics.push(error.diagnostic().outcome(Outcome::ErrorBlock));
                // The block is called by its contents, and a second export may put other blanks behind it.
                let is_strict = self.options.fidelity == Fidelity::Platform;
                child.put_back(source, &self.parse);
                let contents = if is_strict { child.text() } else { child.own_text() };
                self.error_block(contents, error.to_string())
            }
            result => result,
        };
        self.end_trace(traced, result.as_ref().ok());
        result
    }

    /// Begins to note which files are read for a block, where that is asked.
    fn begin_trace(&self, child: &Child<'_>, source: &Source) -> Option<Provenance> {
        self.tracer.as_ref()?.enter();
        let element = child.element();
        Some(Provenance {
            file: source.file.clone(),
            span: element.map(|element| element.span()).unwrap_or_default(),
            is_pointer: element.is_some_and(is_pointer),
            files: Vec::new(),
        })
    }

    /// Notes where a block came from, if it became one; the first place counts.
    fn end_trace(&mut self, traced: Option<Provenance>, usage: Option<&UsageKey>) {
        let (Some(tracer), Some(mut block)) = (&mut self.tracer, traced) else { return };
        block.files = tracer.leave();
        if let Some(usage) = usage
            && !tracer.trace.blocks.contains_key(usage)
        {
            tracer.trace.blocks.insert(usage.clone(), block);
        }
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
        self.fresh.push(Fresh::new(usage.clone(), data));
        Ok(usage)
    }

    fn block(&mut self, child: &mut Child<'_>, source: &Source) -> Result<UsageKey, OlxError> {
        let is_strict = self.options.fidelity == Fidelity::Platform;
        let Some(given) = child.element() else {
            let position = match child {
                Child::Inside { parent, .. } => parent.position(),
                Child::Alone(element) => element.position(),
                Child::Root { root, .. } => root.position(),
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
        let pointer = is_pointer(given).then(|| pointer_key(given));
        if !is_strict
            && let Some(pointer) = &pointer
            && let Some(usage) = self.known(given, pointer)
        {
            return Ok(usage);
        }
        // What has its name from outside is the end of a pointer, even where it looks like one.
        let is_way = pointer.is_some() && !matches!(child, Child::Root { .. });
        if is_way && pointer.as_ref().is_some_and(|pointer| self.followed.contains(pointer)) {
            return Err(OlxError::Circle { path: pointer_path(given), place: place() });
        }
        let repeated = if is_strict { Repeated::Share } else { Repeated::Rename };
        let (name, remark) = self.names.name(given, &|| child.text(), repeated);
        if let Some(remark) = remark {
            self.remark(&remark, given, &name, source);
        }
        let keeps_no_name = self.options.names == Names::AsGiven && given.get("url_name").is_none();
        let Some(mut element) = child.take() else { return Err(OlxError::NotOlx) };
        write_name(&mut element, &name);
        if keeps_no_name {
            element.remove("url_name");
        }
        let block_type = self.registry.find(&element.name);
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
                Child::Root { own_name: Some(own), .. } if !is_strict => {
                    element.set("url_name", &*own);
                }
                Child::Root { own_name: None, .. } if !is_strict => drop(element.remove("url_name")),
                _ => {}
            }
            let message = format!("block type {} is not known; the block is kept as it is", element.name);
            let remark = source.diagnostic("unknown-type", Severity::Note, &position, message);
            self.diagnostics.push(remark.outcome(Outcome::Kept));
        }
        let family = element.remove(FAMILY_ATTRIBUTE).map(String::from);
        self.depth += 1;
        if let Some(pointer) = pointer.as_ref().filter(|_| is_way) {
            self.followed.push(pointer.clone());
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
            self.followed.pop();
        }
        let mut data = result?;
        data.asides.extend(asides);
        let mut has_references = false;
        for name in block_type.table().references() {
            for value in
                [&mut data.content, &mut data.settings].into_iter().filter_map(|map| map.get_mut(*name))
            {
                has_references = true;
                if !kept_references.contains(name) {
                    self.map_references(value);
                }
            }
        }
        if let Some(pointer) = pointer {
            self.remember(pointer, &usage);
        }
        self.rewrite(&mut data);
        if has_references || data.settings.contains_key(HANDOUT) {
            self.look_again(&usage);
        }
        self.fresh.push(Fresh::new(usage.clone(), data));
        Ok(usage)
    }

    /// Reads one child of an element.
    pub(super) fn element_child(
        &mut self,
        parent: &Element,
        index: usize,
        source: &Source,
        pointers: PointerChildren,
    ) -> Result<UsageKey, OlxError> {
        let pointer = match parent.children.get(index) {
            Some(Node::Element(child)) if pointers == PointerChildren::Inline && is_pointer(child) => child,
            _ => return self.child(Child::Inside { parent, index }, source),
        };
        let key = pointer_key(pointer);
        let path = pointer_path(pointer);
        let is_strict = self.options.fidelity == Fidelity::Platform;
        // Which block a second pointer to one file means is clear: the one that was read already.
        if !is_strict && let Some(usage) = self.known(pointer, &key) {
            return Ok(usage);
        }
        if self.followed.contains(&key) {
            return self.child(Child::Inside { parent, index }, source);
        }
        let bytes = match self.read(&path)? {
            Some(bytes) => bytes,
            None if is_strict => {
                return Err(OlxError::MissingFile { path, place: source.place_at(&**pointer) });
            }
            None => return self.child(Child::Inside { parent, index }, source),
        };
        let Document { source, root, .. } =
            match Document::parse_vec(path.as_str().into(), bytes, &self.parse) {
                Ok(document) => document,
                Err(error) if is_strict || self.options.broken_blocks == BrokenBlocks::LeaveOut => {
                    return Err(error.into());
                }
                Err(_) => return self.child(Child::Inside { parent, index }, source),
            };
        let child = match pointer.attribute("url_name") {
            Some(name) => Child::root(root, name),
            None => return self.child(Child::Alone(&root), &source),
        };
        self.followed.push(key.clone());
        let usage = self.child(child, &source);
        self.followed.pop();
        let usage = usage?;
        self.remember(key, &usage);
        Ok(usage)
    }

    /// Reads a file that something points to.
    pub(super) fn load(&self, path: &str, place: impl FnOnce() -> Box<Place>) -> Result<Vec<u8>, OlxError> {
        self.read(path)?.ok_or_else(|| OlxError::MissingFile { path: path.to_owned(), place: place() })
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

/// Returns the type and the name that a pointer gives.
pub(super) fn pointer_key(pointer: &Element) -> PointerKey {
    Within::of_texts(&pointer.name, pointer.get("url_name").unwrap_or_default())
}

fn replace_text(value: &mut Json, old: &str, new: &str) {
    match value {
        Json::String(text) if text == old => new.clone_into(text),
        Json::Array(items) => items.iter_mut().for_each(|item| replace_text(item, old, new)),
        Json::Object(map) => map.values_mut().for_each(|item| replace_text(item, old, new)),
        _ => {}
    }
}
