//! What a block is written from, and whom it is written for.

use std::borrow::Cow;
use std::sync::Arc;

use crate::block::BlockType;
use crate::fields::{Json, Value};
use crate::keys::UsageKey;
use crate::olx::{Diagnostic, Element, Severity};
use crate::runtime::{BlockData, RuntimeError};

/// A block that is being written.
#[derive(Clone, Copy)]
pub struct BlockSource<'a> {
    /// Its usage.
    pub usage: &'a UsageKey,
    /// Its type as the registry has it.
    pub block_type: &'a BlockType,
    /// What authors wrote of it.
    pub data: &'a BlockData,
}

impl BlockSource<'_> {
    /// Returns the stored value of a field, where it is set.
    #[must_use]
    pub fn own(&self, name: &str) -> Option<&Json> {
        self.data.own(name)
    }

    /// Returns the native value of a field: the one that is set, where it fits, else the field's default.
    #[must_use]
    pub fn value(&self, name: &str) -> Value {
        let Some(spec) = self.block_type.field(name) else { return Value::None };
        if let Some(value) = self.own(name).and_then(|stored| spec.from_json(stored).ok()) {
            return value;
        }
        spec.default_json().and_then(|json| spec.from_json(&json)).unwrap_or_default()
    }

    /// Returns the text a field holds, set or by default.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Arc<str>> {
        match self.value(name) {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the name by which files and pointers know the block: its id, or a course's run.
    #[must_use]
    pub fn url_name(&self) -> Cow<'_, str> {
        match self.usage.context_key().as_course() {
            Some(course) if self.usage.block_type() == "course" => Cow::Owned(course.run().to_owned()),
            _ => Cow::Borrowed(self.usage.block_id()),
        }
    }

    /// Returns the path of the block's own file in a package, without its extension.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.usage.block_type(), self.url_name().replace(':', "/"))
    }
}

/// Where a block's own XML goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Into a file of its own, with a pointer in the parent, where the type does so.
    File,
    /// Into the parent's element.
    Inline,
}

/// What writing a block cannot go on after; trouble with single values is reported instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A block or asset cannot be read.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A file cannot be written.
    #[error("writing {path} failed: {source}")]
    File {
        /// Its path in the package.
        path: String,
        /// What the medium said.
        #[source]
        source: std::io::Error,
    },
    /// Somebody asked to stop.
    #[error("stopped before the end")]
    Stopped,
}

/// Whoever has blocks written: takes their files and writes their children.
pub trait WriteHost {
    /// Says where the block's own XML goes.
    fn placement(&self) -> Placement;

    /// Writes a child and returns what stands for it in its parent; nothing for a child that has no XML.
    ///
    /// # Errors
    /// [`WriteError`].
    fn child(&mut self, child: &UsageKey) -> Result<Option<Element>, WriteError>;

    /// Takes a file of the package.
    ///
    /// # Errors
    /// [`WriteError::File`].
    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError>;

    /// Returns the form in which a usage key stands in the package.
    fn reference(&self, key: &str) -> String;

    /// Takes a value that no attribute can hold, for a place beside the XML; says whether there is one.
    fn policy(&mut self, usage: &UsageKey, name: &str, value: &Json) -> bool;

    /// Says whether a pointer of this type and name would be read as a block; where nobody knows, it would not.
    fn leads_to_block(&self, block_type: &str, name: &str) -> bool {
        let _ = (block_type, name);
        false
    }

    /// Says whether content is kept where edx-platform would change or lose it.
    fn loses_nothing(&self) -> bool {
        true
    }

    /// Takes a remark.
    fn report(&mut self, remark: Diagnostic);
}

impl dyn WriteHost + '_ {
    /// Remarks that something of a block cannot be written as it is.
    pub fn warn(&mut self, code: &'static str, usage: &UsageKey, message: &str) {
        self.report(Diagnostic::new(code, Severity::Warning, format!("{usage}: {message}")));
    }
}
