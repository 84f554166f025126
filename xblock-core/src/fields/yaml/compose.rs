//! Makes a tree of nodes of the tokens.
use std::collections::HashMap;

use super::error::{YamlError, YamlStage};
use super::resolve::{self, resolve_plain};
use super::scanner::Scanner;
use super::token::{Mark, Token, TokenKind};

/// How deep collections may nest.
const MAX_DEPTH: usize = 200;

/// Names a node in [`Nodes`]; an alias names the same node again.
pub(super) type NodeId = usize;

#[derive(Debug, Clone)]
pub(super) enum Content {
    Scalar(String),
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) tag: String,
    pub(super) content: Content,
    pub(super) mark: Mark,
}

pub(super) struct Composer {
    scanner: Scanner,
    handles: HashMap<String, String>,
    anchors: HashMap<String, NodeId>,
    nodes: Vec<Node>,
    depth: usize,
}

/// Which node may stand somewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Flow,
    Block,
    /// A value or key of a block mapping, where a list need not be indented.
    BlockOrIndentless,
}

fn default_handles() -> HashMap<String, String> {
    [("!", "!"), ("!!", resolve::PREFIX)]
        .into_iter()
        .map(|(handle, prefix)| (handle.into(), prefix.into()))
        .collect()
}

fn fail<T>(mark: Mark, problem: impl Into<String>) -> Result<T, YamlError> {
    Err(YamlError::new(YamlStage::Parser, mark, problem))
}

impl Composer {
    pub(super) fn new(text: &str) -> Result<Self, YamlError> {
        Ok(Self {
            scanner: Scanner::new(text)?,
            handles: default_handles(),
            anchors: HashMap::new(),
            nodes: Vec::new(),
            depth: 0,
        })
    }

    /// Reads the one document of the text, if there is any.
    pub(super) fn compose(mut self) -> Result<Option<(Vec<Node>, NodeId)>, YamlError> {
        let first = self.scanner.peek()?;
        let root = match first.kind {
            TokenKind::StreamEnd => return Ok(None),
            TokenKind::YamlDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::UnknownDirective
            | TokenKind::DocumentStart => {
                self.document_start()?;
                let ends = self.next_is(|kind| {
                    matches!(
                        kind,
                        TokenKind::YamlDirective { .. }
                            | TokenKind::TagDirective { .. }
                            | TokenKind::UnknownDirective
                            | TokenKind::DocumentStart
                            | TokenKind::DocumentEnd
                            | TokenKind::StreamEnd
                    )
                })?;
                if ends { self.empty(first.mark) } else { self.node(Place::Block)? }
            }
            _ => self.node(Place::Block)?,
        };
        while self.next_is(|kind| *kind == TokenKind::DocumentEnd)? {
            self.scanner.next()?;
        }
        if !self.next_is(|kind| *kind == TokenKind::StreamEnd)? {
            let mark = self.document_start()?;
            return Err(YamlError::new(YamlStage::Composer, mark, "a second document"));
        }
        Ok(Some((self.nodes, root)))
    }

    /// Reads directives and `---`.
    fn document_start(&mut self) -> Result<Mark, YamlError> {
        let mut handles = HashMap::new();
        let mut has_version = false;
        loop {
            let token = self.scanner.next()?;
            match token.kind {
                TokenKind::YamlDirective { major } => {
                    if has_version {
                        return fail(token.mark, "a second YAML directive");
                    }
                    if major.trim_start_matches('0') != "1" {
                        return fail(token.mark, "a version other than 1");
                    }
                    has_version = true;
                }
                TokenKind::TagDirective { handle, prefix } => {
                    if handles.insert(handle, prefix).is_some() {
                        return fail(token.mark, "a second directive for a tag handle");
                    }
                }
                TokenKind::UnknownDirective => {}
                TokenKind::DocumentStart => {
                    self.handles = default_handles();
                    self.handles.extend(handles);
                    return Ok(token.mark);
                }
                other => return fail(token.mark, format!("{} where `---` should be", other.name())),
            }
        }
    }

    fn next_is(&mut self, condition: impl Fn(&TokenKind) -> bool) -> Result<bool, YamlError> {
        self.scanner.next_is(condition)
    }

    fn add(&mut self, tag: String, content: Content, mark: Mark) -> NodeId {
        self.nodes.push(Node { tag, content, mark });
        self.nodes.len() - 1
    }

    fn empty(&mut self, mark: Mark) -> NodeId {
        self.add(resolve::tag("null"), Content::Scalar(String::new()), mark)
    }

    fn node(&mut self, place: Place) -> Result<NodeId, YamlError> {
        let token = self.scanner.peek()?;
        if let TokenKind::Alias(name) = token.kind {
            self.scanner.next()?;
            let unknown =
                || YamlError::new(YamlStage::Composer, token.mark, format!("unknown alias `{name}`"));
            return self.anchors.get(&name).copied().ok_or_else(unknown);
        }
        let (anchor, tag) = self.properties()?;
        if let Some(name) = &anchor
            && self.anchors.contains_key(name)
        {
            return Err(YamlError::new(YamlStage::Composer, token.mark, format!("a second anchor `{name}`")));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(YamlError::new(YamlStage::Composer, token.mark, "collections nested too deeply"));
        }
        let node = self.content(place, anchor, tag, token.mark)?;
        self.depth -= 1;
        Ok(node)
    }

    /// Reads an anchor and a tag, in either order.
    fn properties(&mut self) -> Result<(Option<String>, Option<String>), YamlError> {
        let mut anchor = None;
        let mut tag = None;
        for _ in 0..2 {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::Anchor(name) if anchor.is_none() => anchor = Some(name),
                TokenKind::Tag { handle, suffix } if tag.is_none() => {
                    tag = Some((handle, suffix, token.mark))
                }
                _ => break,
            }
            self.scanner.next()?;
        }
        let tag = match tag {
            None => None,
            Some((None, suffix, _)) => Some(suffix),
            Some((Some(handle), suffix, mark)) => match self.handles.get(&handle) {
                Some(prefix) => Some(format!("{prefix}{suffix}")),
                None => return fail(mark, format!("unknown tag handle `{handle}`")),
            },
        };
        Ok((anchor, tag))
    }

    fn content(
        &mut self,
        place: Place,
        anchor: Option<String>,
        tag: Option<String>,
        mark: Mark,
    ) -> Result<NodeId, YamlError> {
        let Token { kind, mark: content_mark } = self.scanner.peek()?;
        // A tag of `!` alone asks for the tag the content suggests.
        let is_open = tag.as_deref().is_none_or(|tag| tag == "!");
        let tag_or = |default: &str| match &tag {
            Some(tag) if !is_open => tag.clone(),
            _ => resolve::tag(default),
        };
        match kind {
            TokenKind::Scalar { text, plain } => {
                self.scanner.next()?;
                let is_implicit = (plain && tag.is_none()) || tag.as_deref() == Some("!");
                let tag = if is_implicit { resolve::tag(resolve_plain(&text)) } else { tag_or("str") };
                let node = self.add(tag, Content::Scalar(text), mark);
                self.name(anchor, node);
                Ok(node)
            }
            TokenKind::BlockEntry if place == Place::BlockOrIndentless => {
                let node = self.start(anchor, tag_or("seq"), Content::Sequence(Vec::new()), mark);
                let items = self.indentless_sequence()?;
                self.nodes[node].content = Content::Sequence(items);
                Ok(node)
            }
            TokenKind::FlowSequenceStart => {
                let node = self.start(anchor, tag_or("seq"), Content::Sequence(Vec::new()), mark);
                let items = self.flow_sequence()?;
                self.nodes[node].content = Content::Sequence(items);
                Ok(node)
            }
            TokenKind::FlowMappingStart => {
                let node = self.start(anchor, tag_or("map"), Content::Mapping(Vec::new()), mark);
                let pairs = self.flow_mapping()?;
                self.nodes[node].content = Content::Mapping(pairs);
                Ok(node)
            }
            TokenKind::BlockSequenceStart if place != Place::Flow => {
                let node = self.start(anchor, tag_or("seq"), Content::Sequence(Vec::new()), mark);
                let items = self.block_sequence()?;
                self.nodes[node].content = Content::Sequence(items);
                Ok(node)
            }
            TokenKind::BlockMappingStart if place != Place::Flow => {
                let node = self.start(anchor, tag_or("map"), Content::Mapping(Vec::new()), mark);
                let pairs = self.block_mapping()?;
                self.nodes[node].content = Content::Mapping(pairs);
                Ok(node)
            }
            _ if anchor.is_some() || tag.is_some() => {
                let node = self.start(anchor, tag_or("null"), Content::Scalar(String::new()), mark);
                Ok(node)
            }
            other => fail(content_mark, format!("{} where a value should be", other.name())),
        }
    }

    /// Adds a collection before its contents, so that they can refer to it.
    fn start(&mut self, anchor: Option<String>, tag: String, content: Content, mark: Mark) -> NodeId {
        let node = self.add(tag, content, mark);
        self.name(anchor, node);
        node
    }

    fn name(&mut self, anchor: Option<String>, node: NodeId) {
        if let Some(name) = anchor {
            self.anchors.insert(name, node);
        }
    }

    /// Reads a node unless the next token shows that it was left out.
    fn node_unless(
        &mut self,
        place: Place,
        mark: Mark,
        left_out: impl Fn(&TokenKind) -> bool,
    ) -> Result<NodeId, YamlError> {
        if self.next_is(left_out)? { Ok(self.empty(mark)) } else { self.node(place) }
    }

    fn block_sequence(&mut self) -> Result<Vec<NodeId>, YamlError> {
        self.scanner.next()?;
        let mut items = Vec::new();
        loop {
            let token = self.scanner.next()?;
            match token.kind {
                TokenKind::BlockEntry => items.push(self.node_unless(Place::Block, token.mark, |kind| {
                    matches!(kind, TokenKind::BlockEntry | TokenKind::BlockEnd)
                })?),
                TokenKind::BlockEnd => return Ok(items),
                other => return fail(token.mark, format!("{} within a list", other.name())),
            }
        }
    }

    fn indentless_sequence(&mut self) -> Result<Vec<NodeId>, YamlError> {
        let mut items = Vec::new();
        while self.next_is(|kind| *kind == TokenKind::BlockEntry)? {
            let mark = self.scanner.next()?.mark;
            items.push(self.node_unless(Place::Block, mark, |kind| {
                matches!(
                    kind,
                    TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
                )
            })?);
        }
        Ok(items)
    }

    fn block_mapping(&mut self) -> Result<Vec<(NodeId, NodeId)>, YamlError> {
        let left_out =
            |kind: &TokenKind| matches!(kind, TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd);
        self.scanner.next()?;
        let mut pairs = Vec::new();
        loop {
            let token = self.scanner.next()?;
            match token.kind {
                TokenKind::Key => {
                    let key = self.node_unless(Place::BlockOrIndentless, token.mark, left_out)?;
                    let next = self.scanner.peek()?;
                    let value = if next.kind == TokenKind::Value {
                        self.scanner.next()?;
                        self.node_unless(Place::BlockOrIndentless, next.mark, left_out)?
                    } else {
                        self.empty(next.mark)
                    };
                    pairs.push((key, value));
                }
                TokenKind::BlockEnd => return Ok(pairs),
                other => return fail(token.mark, format!("{} within a mapping", other.name())),
            }
        }
    }

    fn flow_sequence(&mut self) -> Result<Vec<NodeId>, YamlError> {
        let ends = |kind: &TokenKind| matches!(kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd);
        self.scanner.next()?;
        let mut items = Vec::new();
        loop {
            if self.next_is(|kind| *kind == TokenKind::FlowSequenceEnd)? {
                self.scanner.next()?;
                return Ok(items);
            }
            if !items.is_empty() {
                self.expect_entry("a list")?;
            }
            let token = self.scanner.peek()?;
            match token.kind {
                // A pair alone in a list is a mapping of one.
                TokenKind::Key => {
                    self.scanner.next()?;
                    let key = self.node_unless(Place::Flow, token.mark, |kind| {
                        *kind == TokenKind::Value || ends(kind)
                    })?;
                    let value = self.flow_value(ends)?;
                    items.push(self.add(
                        resolve::tag("map"),
                        Content::Mapping(vec![(key, value)]),
                        token.mark,
                    ));
                }
                TokenKind::FlowSequenceEnd => {}
                _ => items.push(self.node(Place::Flow)?),
            }
        }
    }

    fn flow_mapping(&mut self) -> Result<Vec<(NodeId, NodeId)>, YamlError> {
        let ends = |kind: &TokenKind| matches!(kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd);
        self.scanner.next()?;
        let mut pairs = Vec::new();
        loop {
            if self.next_is(|kind| *kind == TokenKind::FlowMappingEnd)? {
                self.scanner.next()?;
                return Ok(pairs);
            }
            if !pairs.is_empty() {
                self.expect_entry("a mapping")?;
            }
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::Key => {
                    self.scanner.next()?;
                    let key = self.node_unless(Place::Flow, token.mark, |kind| {
                        *kind == TokenKind::Value || ends(kind)
                    })?;
                    let value = self.flow_value(ends)?;
                    pairs.push((key, value));
                }
                TokenKind::FlowMappingEnd => {}
                // A key alone, without even a colon.
                _ => {
                    let key = self.node(Place::Flow)?;
                    let value = self.empty(token.mark);
                    pairs.push((key, value));
                }
            }
        }
    }

    fn flow_value(&mut self, ends: impl Fn(&TokenKind) -> bool) -> Result<NodeId, YamlError> {
        let next = self.scanner.peek()?;
        if next.kind == TokenKind::Value {
            self.scanner.next()?;
            self.node_unless(Place::Flow, next.mark, ends)
        } else {
            Ok(self.empty(next.mark))
        }
    }

    fn expect_entry(&mut self, collection: &str) -> Result<(), YamlError> {
        let token = self.scanner.next()?;
        if token.kind == TokenKind::FlowEntry {
            Ok(())
        } else {
            fail(token.mark, format!("{} where `,` or the end of {collection} should be", token.kind.name()))
        }
    }
}
