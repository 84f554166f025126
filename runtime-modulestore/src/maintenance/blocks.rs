//! The blocks of one head: keys, definitions, children, what is said of their last change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::raw::RawDocument;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{RuntimeError, Severity};

use super::fsck::Check;
use super::repair::Repair;
use crate::documents::{BlockKey, DefinitionView, Structure, is_too_deep};
use crate::fields::FieldCodec;
use crate::operations::orphans;
use crate::reader::CHILDREN;
use crate::store::ContentKind;

/// What mends a block of which nobody here knows what it was.
const BLOCK_BY_HAND: &str = "by hand: import a package of the course over it, or delete the block, or take the draft's back to what is published; else from a dump";
/// What mends a block that is there twice.
const TWICE_BY_HAND: &str =
    "by hand: edit the block, which leaves one, or delete it, which leaves none, and publish that";
/// What mends a branch that lost its root.
const ROOT_BY_HAND: &str = "by hand: import a package of the course over it; else from a dump";

/// A head being checked.
pub(super) struct BlockCheck<'b, 'c> {
    pub(super) check: &'b mut Check<'c>,
    pub(super) context: &'b ContextKey,
    pub(super) place: String,
    pub(super) structure: Arc<Structure>,
    /// Whether it is the draft's, which repairs are made in.
    pub(super) is_draft: bool,
    /// Whether it was not checked for another branch.
    pub(super) is_new: bool,
}

impl BlockCheck<'_, '_> {
    pub(super) fn run(&mut self) -> Result<(), RuntimeError> {
        let structure = self.structure.clone();
        let root = structure.root();
        if !structure.contains(&root.block_type, &root.block_id) {
            let reason = format!("its root {root} is not among its blocks");
            self.check.find(Severity::Damage, "no_root", &self.place, reason, None);
            self.check.by_hand(ROOT_BY_HAND);
        }
        if !self.is_new {
            return Ok(());
        }
        self.check.report.blocks += structure.len();
        let mut last: Option<BlockKey> = None;
        let mut below: BTreeMap<BlockKey, Vec<BlockKey>> = BTreeMap::new();
        let mut damaged = BTreeSet::new();
        let mut is_all_read = true;
        for (block_type, block_id, view) in structure.blocks() {
            let key = BlockKey::new(block_type, block_id);
            let place = format!("{}, {key}", self.place);
            if last.as_ref() == Some(&key) {
                let reason = "it is there twice; the last is read, and what edits it leaves that one only, what \
                              deletes it none";
                self.check.find(Severity::Damage, "twice", &place, reason, None);
                self.check.by_hand(TWICE_BY_HAND);
            }
            if let Err(error) = self.context.make_usage_key(block_type, block_id) {
                self.check.find(Severity::Damage, "block_key", &place, error, None);
            }
            match view.definition() {
                Ok(Some(id)) => self.definition(id, &key, &place)?,
                Ok(None) => self.damage("no_definition", &place, "it names none", None),
                Err(error) => self.damage("block", &place, told(error)?, None),
            }
            for failed in [
                view.edit_info().err(),
                values(view.fields(), &place),
                values(view.defaults(), &place),
                view.asides().err(),
            ]
            .into_iter()
            .flatten()
            {
                damaged.insert(key.clone());
                self.damage("block", &place, told(failed)?, None);
            }
            if is_too_deep(view.raw()) && damaged.insert(key.clone()) {
                self.damage("block", &place, "it is nested too deep", None);
            }
            match view.children() {
                Ok(children) => {
                    let children = children.into_iter().map(|(t, id)| BlockKey::new(t, id));
                    below.insert(key.clone(), children.collect());
                }
                Err(error) => {
                    is_all_read = false;
                    let reason = told(error)?;
                    if !damaged.contains(&key) {
                        self.damage("block", &place, reason, None);
                    }
                }
            }
            last = Some(key);
        }
        self.children(&below);
        self.cycles(&below, is_all_read);
        if let Ok(found) = orphans(&structure)
            && let Some((block_type, block_id)) = found.first()
        {
            let reason = format!("nothing leads to {} blocks like {block_type}+{block_id}", found.len());
            self.check.find(Severity::Note, "orphan", &self.place, reason, None);
        }
        Ok(())
    }

    /// Notes damage of a block. Where no repair is known, there are ways to put another in its place.
    fn damage(
        &mut self,
        code: &'static str,
        place: impl Display,
        reason: impl Display,
        repair: Option<Repair>,
    ) {
        let is_by_hand = repair.is_none();
        self.check.find(Severity::Damage, code, place, reason, repair);
        if is_by_hand {
            self.check.by_hand(BLOCK_BY_HAND);
        }
    }

    fn definition(&mut self, id: ObjectId, key: &BlockKey, place: &str) -> Result<(), RuntimeError> {
        if !self.check.definitions.contains(&id) {
            let put_back = self.check.put_back(ContentKind::Definition, id);
            let (code, reason, repair) = match self.check.damage_kept(ContentKind::Definition, id)? {
                // It is there, and may be mended by hand: no older content takes its place.
                Some(reason) => ("definition", format!("its definition {id} is damaged: {reason}"), put_back),
                None => {
                    let repair = put_back.or_else(|| {
                        let older = self.older_definition(key, id)?;
                        let (context, key) = (self.context.clone(), key.clone());
                        self.is_draft.then_some(Repair::OlderDefinition { context, key, definition: older })
                    });
                    ("missing_definition", format!("its definition {id} is missing"), repair)
                }
            };
            self.damage(code, place, reason, repair);
            return Ok(());
        }
        let Some(bytes) = self.check.docs.definition(id)? else { return Ok(()) };
        let definition = DefinitionView::read(id, bytes);
        let read = definition.and_then(|definition| {
            FieldCodec::UNTYPED.read(definition.fields()?, &[], definition.place())?;
            Ok(definition.block_type()?.to_owned())
        });
        match read {
            Ok(found) if found == *key.block_type => {}
            Ok(found) => {
                let reason = format!("its definition {id} is of type {found}");
                self.check.find(Severity::Warning, "definition_type", place, reason, None);
            }
            Err(error) => {
                let error = told(error)?;
                self.damage("definition", format!("{place}, definition {id}"), error, None);
            }
        }
        Ok(())
    }

    /// Finds what the block had before, in the newest older version whose definition is there.
    fn older_definition(&self, key: &BlockKey, missing: ObjectId) -> Option<ObjectId> {
        let mut at = self.structure.header().previous_version;
        let mut left = 100;
        while let Some(id) = at {
            let bytes = self.check.docs.structure(id).ok()??;
            let older = Structure::read(id, bytes).ok()?;
            let block = older.block(&key.block_type, &key.block_id)?;
            let definition = block.definition().ok()??;
            if definition != missing && self.check.definitions.contains(&definition) {
                return Some(definition);
            }
            left -= 1;
            at = older.header().previous_version.filter(|_| left > 0);
        }
        None
    }

    /// Children that do not exist: the platform passes them over, and so do readers here.
    fn children(&mut self, below: &BTreeMap<BlockKey, Vec<BlockKey>>) {
        for (parent, children) in below {
            let mut seen = BTreeSet::new();
            for child in children {
                let place = format!("{}, {parent}", self.place);
                // A block whose own children cannot be read is there.
                if !self.structure.contains(&child.block_type, &child.block_id) {
                    let repair = self.without_child(parent, child);
                    let reason = format!("its child {child} does not exist");
                    self.check.find(Severity::Warning, "missing_child", &place, reason, repair);
                } else if !seen.insert(child) {
                    let reason = format!("its child {child} is listed twice");
                    self.check.find(Severity::Warning, "child_twice", &place, reason, None);
                }
            }
        }
    }

    fn without_child(&self, parent: &BlockKey, child: &BlockKey) -> Option<Repair> {
        self.is_draft.then(|| Repair::WithoutChild {
            context: self.context.clone(),
            parent: parent.clone(),
            child: child.clone(),
        })
    }

    /// Blocks that stand above themselves. Which child is the way back is known by the ways down from the root; where a list
    /// of children cannot be read, one of these may be missing, and what is taken for the way back may be the way down.
    fn cycles(&mut self, below: &BTreeMap<BlockKey, Vec<BlockKey>>, is_all_read: bool) {
        for (parent, child) in find_cycles(below, [self.structure.root()]) {
            let repair = self.without_child(&parent, &child).filter(|_| is_all_read);
            let place = format!("{}, {parent}", self.place);
            let reason = format!("its child {child} stands above it");
            self.check.find(Severity::Damage, "cycle", place, reason, repair);
        }
    }
}

/// Finds blocks that stand above themselves, each way back into such a circle once: a block, and the child above it.
///
/// The ways begin at the roots, so that what leads down from them is never the way back.
pub(super) fn find_cycles<'k>(
    below: &'k BTreeMap<BlockKey, Vec<BlockKey>>,
    roots: impl IntoIterator<Item = &'k BlockKey>,
) -> Vec<(BlockKey, BlockKey)> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Open,
        Done,
    }
    let mut states: HashMap<&BlockKey, State> = HashMap::new();
    let mut found = Vec::new();
    let roots = roots.into_iter().filter_map(|root| below.get_key_value(root)).map(|(root, _)| root);
    for start in roots.chain(below.keys()) {
        // Children are taken from the end; `None` says that a block's children are done.
        let mut left = vec![(start, None)];
        while let Some((key, parent)) = left.pop() {
            match (states.get(key), parent) {
                (Some(State::Open), None) => {
                    states.insert(key, State::Done);
                    continue;
                }
                (Some(State::Open), Some(parent)) => {
                    found.push((BlockKey::clone(parent), key.clone()));
                    continue;
                }
                (Some(State::Done), _) => continue,
                (None, _) => {}
            }
            states.insert(key, State::Open);
            left.push((key, None));
            for child in below.get(key).into_iter().flatten() {
                if let Some((child, _)) = below.get_key_value(child) {
                    left.push((child, Some(key)));
                }
            }
        }
    }
    found
}

/// Returns what a damaged document is told to be; other errors end the check.
pub(super) fn told(error: RuntimeError) -> Result<String, RuntimeError> {
    match error {
        RuntimeError::Corrupt { reason, .. } => Ok(reason),
        other => Err(other),
    }
}

/// Says what is wrong with fields, or with a value: texts are proved to be some only where they are read.
fn values(fields: Result<Option<&RawDocument>, RuntimeError>, place: &str) -> Option<RuntimeError> {
    fields.and_then(|fields| FieldCodec::UNTYPED.read(fields, &[CHILDREN], place)).err()
}
