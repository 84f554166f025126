//! Carrying an edit out: the documents edx-platform would have written for it.
//!
//! Each run of draft changes makes one draft structure, each publish one published structure (modulestore reference,
//! sections 6 and 7). Where the platform would do something that depends on the call rather than on the result, the
//! result counts: a block that is put unchanged keeps its `edit_info`, and publishing everything versions only what
//! differs. Publishing a subtree follows the platform to the letter: every block of it is versioned.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use bson::Document;
use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use chrono::{DateTime, Utc};
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{
    AssetStep, Base, BlockChanges, BlockData, Branch, BranchState, Commit, Edit, EditInfo, EditOp, Extent,
    OpenVersion, Plan, RuntimeError, Stage, VersionId,
};

use crate::assets;
use crate::branch::BranchAt;
use crate::documents::{
    BlockEditInfo, BlockKey, BlockView, CourseIndex, IndexKey, NextStructure, Stamp, Structure, assets_of,
    corrupt, put_record, remove_record,
};
use crate::lost_head::{does_without_published, published_head};
use crate::reader::{Known, Reader, block_key};
use crate::store::DocumentWrites;
use crate::twins::refuse_twin;
use crate::writing::{BlockWriter, publish_copy};

/// The name of this kind of store in messages.
pub(crate) const STORE: &str = "modulestore";

/// What a commit did, and the structures to remember.
pub(crate) struct Committed {
    pub(crate) commit: Commit,
    pub(crate) structures: Vec<Arc<Structure>>,
}

/// Carries an edit out within a transaction, which the caller commits.
pub(crate) fn carry_out(
    docs: &dyn DocumentWrites,
    reader: Reader<'_>,
    edit: &Edit,
    now: DateTime<Utc>,
) -> Result<Committed, RuntimeError> {
    let old = find_base(&reader, edit)?;
    let draft = old.as_ref().map(CourseIndex::draft).transpose()?;
    let draft = draft.map(|id| reader.structure(id)).transpose()?;
    let published = old.as_ref().and_then(|index| index.head(Branch::Published));
    let (published, lost) = published_head(&reader, published)?;
    if let Some(lost) = lost.as_ref().filter(|_| !does_without_published(edit)) {
        return Err(lost.refusal());
    }
    if let (Base::Version(base), Some(draft)) = (&edit.base, &draft)
        && *base != draft.header().version()
    {
        return Err(RuntimeError::Conflict {
            context: edit.context.clone(),
            base: base.clone(),
            head: draft.header().version(),
        });
    }
    let root = match (&edit.base, &draft) {
        (Base::New { root }, _) => root.clone(),
        (_, Some(draft)) => {
            let BlockKey { block_type, block_id } = draft.root();
            reader.usage(block_type, block_id, format!("structure {}", draft.id()))?
        }
        (_, None) => return Err(RuntimeError::NoSuchContext { key: edit.context.clone() }),
    };
    let root_key = block_key(&root).ok_or_else(|| unsupported(&root))?;
    let mut writer = Writer {
        docs,
        reader,
        edit,
        now,
        root: root_key,
        draft: BranchAt::new(reader, Branch::Draft, draft),
        published: BranchAt::new(reader, Branch::Published, published),
        lost: lost.map(|lost| lost.id),
        found: None,
        made: Vec::new(),
    };
    let plan = {
        let published_head = writer.published.structure().map(|structure| structure.id());
        let open: &OpenVersion<'_> = &|version| {
            let newer = versions_after(&reader, published_head, &version.0)?;
            let id = ObjectId::parse_str(&*version.0).ok().filter(|_| newer.is_some());
            let id = id.ok_or_else(|| no_such_version(&reader, version))?;
            Ok(Box::new(BranchAt::new(reader, Branch::Published, Some(reader.structure(id)?))))
        };
        Plan::make(edit, &writer.draft, &writer.published, &root, open)?
    };
    for (number, stage) in plan.stages.iter().enumerate() {
        match stage {
            Stage::Draft { blocks, assets } => {
                let later = &plan.stages[number + 1..];
                writer.draft_stage(blocks, assets, later)?;
            }
            Stage::Published { blocks, extent } => writer.published_stage(blocks, extent)?,
        }
    }
    writer.move_heads(old)
}

/// Finds the index an edit is made on; none for a context that is to be made.
fn find_base(reader: &Reader<'_>, edit: &Edit) -> Result<Option<CourseIndex>, RuntimeError> {
    let key = || edit.context.clone();
    let filed = reader.filed_index()?;
    match (&edit.base, filed) {
        (Base::New { .. }, Some((_, true))) => Err(RuntimeError::ContextExists { key: key() }),
        (Base::New { .. }, Some((twin, false))) => Err(RuntimeError::Unstorable {
            place: key().to_string(),
            reason: format!("Split files it in the place of {}", twin.context()?),
        }),
        (Base::New { .. }, None) => match IndexKey::of(&edit.context) {
            Ok(index) => refuse_twin(reader.docs, &index).map(|()| None),
            Err(reason) => Err(RuntimeError::UnsupportedKey { key: key().to_string(), store: STORE, reason }),
        },
        (_, Some((index, true))) => Ok(Some(index)),
        _ => Err(reader.no_index()?),
    }
}

pub(crate) fn unsupported(usage: &UsageKey) -> RuntimeError {
    RuntimeError::UnsupportedKey {
        key: usage.to_string(),
        store: STORE,
        reason: "a structure holds blocks of courses and v1 libraries only",
    }
}

pub(crate) fn no_such_version(reader: &Reader<'_>, version: &VersionId) -> RuntimeError {
    RuntimeError::NoSuchVersion { context: reader.context.clone(), version: version.clone() }
}

/// Lists the versions of a branch after a given one, newest first; nothing where the branch never was at it.
pub(crate) fn versions_after(
    reader: &Reader<'_>,
    head: Option<ObjectId>,
    version: &str,
) -> Result<Option<Vec<ObjectId>>, RuntimeError> {
    let mut newer = Vec::new();
    let mut seen = HashSet::new();
    let mut at = head;
    while let Some(id) = at.filter(|id| seen.insert(*id)) {
        if id.to_hex() == version {
            return Ok(Some(newer));
        }
        newer.push(id);
        at = reader.docs.header(id)?.and_then(|header| header.previous_version);
    }
    Ok(None)
}

struct Writer<'w> {
    docs: &'w dyn DocumentWrites,
    reader: Reader<'w>,
    edit: &'w Edit,
    now: DateTime<Utc>,
    root: BlockKey,
    draft: BranchAt<'w>,
    published: BranchAt<'w>,
    /// The published head that cannot be read.
    lost: Option<ObjectId>,
    /// The draft as the edit found it, once a stage made another of it.
    found: Option<BranchAt<'w>>,
    made: Vec<(Branch, Arc<Structure>)>,
}

impl Writer<'_> {
    fn stamp(&self) -> Stamp {
        Stamp { version: ObjectId::new(), edited_on: self.now, edited_by: self.edit.author }
    }

    fn writer(&self) -> BlockWriter<'_> {
        BlockWriter { docs: self.docs, reader: self.reader }
    }

    fn insert(&mut self, branch: Branch, next: NextStructure<'_>) -> Result<Arc<Structure>, RuntimeError> {
        let structure = Arc::new(next.finish(&self.edit.context.to_string(), self.reader.document_limit)?);
        self.docs.insert_structure(&structure, &self.edit.message)?;
        self.made.push((branch, structure.clone()));
        Ok(structure)
    }

    fn draft_stage(
        &mut self,
        blocks: &BlockChanges,
        asset_steps: &[AssetStep],
        later: &[Stage],
    ) -> Result<(), RuntimeError> {
        let stamp = self.stamp();
        let discards = self.edit.ops.iter().any(|op| matches!(op, EditOp::Discard(_)));
        let base = self.draft.structure().cloned();
        let mut next = NextStructure::begin(base.as_deref(), self.root.clone(), stamp);
        let mut changed = Vec::new();
        for usage in &blocks.deleted {
            if let Some(key) = block_key(usage) {
                next.delete(key);
                changed.push((usage.clone(), None));
            }
        }
        for (usage, data) in &blocks.put {
            let key = block_key(usage).ok_or_else(|| unsupported(usage))?;
            if let Some(child) = data.children.iter().find(|child| block_key(child).is_none()) {
                return Err(unsupported(child));
            }
            let old = self.draft.readable(usage)?;
            if old.as_ref().is_some_and(|old| same(&old.data, data)) {
                continue;
            }
            let published = self.published.readable(usage)?;
            let found = self.found.as_ref().map(|found| found.readable(usage)).transpose()?.flatten();
            let reverted = published.as_ref().filter(|published| discards && same(&published.data, data));
            // A stage between may have taken the block out or changed it; what it was before is what the edit must not lose.
            let found_view = match (&self.found, &found) {
                (Some(branch), Some(_)) => branch.view(&key),
                _ => None,
            };
            let published_view = published.as_ref().and_then(|_| self.published.view(&key));
            let (document, known) = match (reverted, &found, &published_view, &found_view) {
                // Taken back, a block is its published copy, edit info and all, so that nothing counts as changed.
                (Some(reverted), _, Some(view), _) => (view.raw().to_owned(), reverted.clone()),
                (_, Some(found), _, Some(view)) if same(&found.data, data) => {
                    (view.raw().to_owned(), found.clone())
                }
                _ => {
                    let draft_view = self.draft.view(&key);
                    let last = draft_view.as_ref().or(found_view.as_ref()).or(published_view.as_ref());
                    let mut info = match last {
                        Some(view) => view.known_edit_info()?.updated(&stamp),
                        None => BlockEditInfo::created(&stamp),
                    };
                    // What is put only to be published is another state of the published block, not of the draft's: each keeps
                    // the version of the library block it was copied from.
                    let is_published_only = later.iter().any(|stage| {
                        matches!(stage, Stage::Draft { blocks, .. } if blocks.put.contains_key(usage))
                    });
                    let copied = if is_published_only { &published_view } else { &found_view };
                    if let Some(copied) = copied.as_ref().map(BlockView::known_edit_info).transpose()? {
                        info.original_usage = copied.original_usage;
                        info.original_usage_version = copied.original_usage_version;
                    }
                    let known = [found.as_ref(), old.as_ref(), published.as_ref()];
                    let definition = self.writer().define(usage, &data.content, &known, &stamp)?;
                    let write = |info, before: Option<&BlockView<'_>>| {
                        self.writer().write_block(usage, &key, data, definition, info, before, false)
                    };
                    let document = match write(info.clone(), found_view.as_ref().or(last)) {
                        // What cannot be read is replaced, all of it.
                        Err(error) if error.is_damage() && old.is_none() && draft_view.is_some() => {
                            write(info, None)?
                        }
                        written => written?,
                    };
                    (document, Known { data: data.clone(), definition })
                }
            };
            next.put(key, document);
            changed.push((usage.clone(), Some(known)));
        }
        if discards {
            self.settle_discarded_blocks(&mut next, blocks)?;
        }
        if let Some(metadata) = self.changed_metadata(asset_steps)? {
            next.set_assets(self.raw_metadata(&metadata)?);
        }
        if !next.is_changed() && asset_steps.is_empty() && base.is_some() {
            return Ok(());
        }
        let structure = self.insert(Branch::Draft, next)?;
        if self.found.is_none() {
            self.found = Some(BranchAt::new(self.reader, Branch::Draft, base));
        }
        self.draft.move_to(structure, changed);
        let head = self.published.structure().map(|structure| structure.id());
        let newer = |version: &str| {
            let found = versions_after(&self.reader, head, version)?;
            found.ok_or_else(|| no_such_version(&self.reader, &VersionId(version.into())))
        };
        for step in asset_steps {
            assets::apply(self.docs, &self.edit.context, step, self.now, &newer)?;
        }
        Ok(())
    }

    fn published_stage(&mut self, blocks: &BlockChanges, extent: &Extent) -> Result<(), RuntimeError> {
        let stamp = self.stamp();
        let base = self.published.structure().cloned();
        let mut next = NextStructure::begin(base.as_deref(), self.root.clone(), stamp);
        if let Some(lost) = self.lost.filter(|_| base.is_none()) {
            let original = self.draft.structure().and_then(|draft| draft.header().original_version);
            next.come_after(lost, original);
        }
        let mut changed = Vec::new();
        for usage in &blocks.deleted {
            if let Some(key) = block_key(usage) {
                next.delete(key);
                changed.push((usage.clone(), None));
            }
        }
        let published_subtree: Option<BTreeSet<_>> = match extent {
            Extent::All => None,
            Extent::Subtree(top) => Some(subtree(&self.draft, top)?.into_iter().collect()),
        };
        let goes_along =
            |usage: &UsageKey| published_subtree.as_ref().is_none_or(|tree| tree.contains(usage));
        for (usage, data) in &blocks.put {
            let key = block_key(usage).ok_or_else(|| unsupported(usage))?;
            let (draft, old) = (self.draft.readable(usage)?, self.published.readable(usage)?);
            let (document, definition) = match (draft, self.draft.view(&key), self.published.view(&key)) {
                (Some(draft), Some(view), old_view) if goes_along(usage) && same(&draft.data, data) => {
                    (publish_copy(&view, old_view.as_ref(), &stamp)?, draft.definition)
                }
                // A parent beside the published subtree: its list of children changes, its edit info does not.
                (draft, _, Some(view)) => {
                    let known = [old.as_ref(), draft.as_ref()];
                    let definition = self.writer().define(usage, &data.content, &known, &stamp)?;
                    let info = view.known_edit_info()?;
                    (
                        self.writer().write_block(usage, &key, data, definition, info, Some(&view), true)?,
                        definition,
                    )
                }
                _ => return Err(corrupt(usage.to_string(), "the plan publishes what neither branch has")),
            };
            next.put(key, document);
            changed.push((usage.clone(), Some(Known { data: data.clone(), definition })));
        }
        match published_subtree {
            None => self.settle_equal_blocks(&mut next, blocks)?,
            Some(tree) => self.version_subtree(&mut next, blocks, tree, &stamp)?,
        }
        if let Some(metadata) = self.published_metadata()? {
            next.set_assets(self.raw_metadata(&metadata)?);
        }
        let structure = self.insert(Branch::Published, next)?;
        self.published.move_to(structure, changed);
        assets::publish(self.docs, &self.edit.context, stamp.version)
    }

    /// Returns what the draft says about files after some steps, where that is something else.
    fn changed_metadata(&self, steps: &[AssetStep]) -> Result<Option<Document>, RuntimeError> {
        let of = |branch: &BranchAt<'_>| match branch.structure() {
            Some(structure) => assets_of(structure),
            None => Ok(Document::new()),
        };
        let before = of(&self.draft)?;
        let mut metadata = before.clone();
        for step in steps {
            match step {
                AssetStep::PutMetadata { key, metadata: new } => put_record(&mut metadata, key, new),
                AssetStep::DeleteMetadata { key } => drop(remove_record(&mut metadata, key)),
                AssetStep::TakePublished => metadata = of(&self.published)?,
                AssetStep::TakeVersion(version) => {
                    let id = ObjectId::parse_str(&*version.0);
                    let id = id.map_err(|_| no_such_version(&self.reader, version))?;
                    metadata = assets_of(&*self.reader.structure(id)?)?;
                }
                AssetStep::Put { .. } | AssetStep::Delete { .. } => {}
            }
        }
        Ok((metadata != before).then_some(metadata))
    }

    /// Returns what a publish says about files, where that is something else: what the draft says. A draft that never said
    /// anything leaves what is published.
    fn published_metadata(&self) -> Result<Option<Document>, RuntimeError> {
        let Some(draft) = self.draft.structure().filter(|draft| draft.raw().get_document("assets").is_ok())
        else {
            return Ok(None);
        };
        let before = match self.published.structure() {
            Some(published) => assets_of(published)?,
            None => Document::new(),
        };
        let metadata = assets_of(draft)?;
        Ok((metadata != before).then_some(metadata))
    }

    fn raw_metadata(&self, metadata: &Document) -> Result<RawDocumentBuf, RuntimeError> {
        RawDocumentBuf::try_from(metadata).map_err(|error| RuntimeError::Unstorable {
            place: format!("the asset metadata of {}", self.edit.context),
            reason: error.to_string(),
        })
    }

    /// Makes discarded blocks that were equal already count as unchanged too: they take the published edit info.
    fn settle_discarded_blocks(
        &self,
        next: &mut NextStructure<'_>,
        blocks: &BlockChanges,
    ) -> Result<(), RuntimeError> {
        let mut discarded = BTreeSet::new();
        for op in &self.edit.ops {
            match op {
                EditOp::Discard(Extent::All) => discarded.extend(self.published.usages()?),
                EditOp::Discard(Extent::Subtree(top)) => discarded.extend(subtree(&self.published, top)?),
                _ => {}
            }
        }
        for usage in discarded.into_iter().filter(|usage| is_untouched(blocks, usage)) {
            let Some(key) = block_key(&usage) else { continue };
            let (Some(draft), Some(published)) = (self.draft.view(&key), self.published.view(&key)) else {
                continue;
            };
            let compared = (known_version(&draft)?, known_version(&published)?);
            if matches!(compared, (Some(ours), Some(theirs)) if ours == theirs) {
                continue;
            }
            if let (Some(ours), Some(theirs)) =
                (self.draft.readable(&usage)?, self.published.readable(&usage)?)
                && same(&ours.data, &theirs.data)
            {
                next.put(key, published.raw().to_owned());
            }
        }
        Ok(())
    }

    /// Makes blocks that are equal count as unchanged: a draft that was changed and changed back has a newer version.
    fn settle_equal_blocks(
        &self,
        next: &mut NextStructure<'_>,
        blocks: &BlockChanges,
    ) -> Result<(), RuntimeError> {
        let (Some(draft), Some(published)) = (self.draft.structure(), self.published.structure()) else {
            return Ok(());
        };
        let touched: BTreeSet<_> = blocks.put.keys().chain(&blocks.deleted).filter_map(block_key).collect();
        for (block_type, block_id) in draft.keys() {
            // Of several by the same key the one that is read.
            let Some(view) = draft.block(block_type, block_id) else { continue };
            let key = BlockKey::new(block_type, block_id);
            let Some(old) = published.block(block_type, block_id).filter(|_| !touched.contains(&key)) else {
                continue;
            };
            // What does not say which version it is stays as it is.
            let (Some(source_version), Some(version)) = (known_version(&view)?, known_version(&old)?) else {
                continue;
            };
            if source_version != version {
                let mut info = old.edit_info()?;
                info.source_version = source_version;
                next.put(key, old.with_edit_info(&info)?);
            }
        }
        Ok(())
    }

    /// Versions the blocks of a published subtree that did not change, as the platform does.
    fn version_subtree(
        &self,
        next: &mut NextStructure<'_>,
        blocks: &BlockChanges,
        tree: BTreeSet<UsageKey>,
        stamp: &Stamp,
    ) -> Result<(), RuntimeError> {
        for usage in tree.into_iter().filter(|usage| is_untouched(blocks, usage)) {
            let Some(key) = block_key(&usage) else { continue };
            if let Some(view) = self.draft.view(&key) {
                let old = self.published.view(&key);
                next.put(key, publish_copy(&view, old.as_ref(), stamp)?);
            }
        }
        Ok(())
    }

    fn move_heads(self, old: Option<CourseIndex>) -> Result<Committed, RuntimeError> {
        let Self { docs, edit, now, .. } = self;
        let heads = [(Branch::Published, &self.published), (Branch::Draft, &self.draft)];
        let version =
            |branch: &BranchAt<'_>| branch.structure().map(|structure| structure.header().version());
        let commit = Commit {
            draft: version(&self.draft)
                .ok_or_else(|| RuntimeError::NoSuchContext { key: edit.context.clone() })?,
            published: version(&self.published).or_else(|| Some(VersionId(self.lost?.to_hex().into()))),
        };
        if self.made.is_empty() {
            return Ok(Committed { commit, structures: Vec::new() });
        }
        let mut index = match &old {
            Some(old) => old.clone(),
            None => {
                let key = IndexKey::of(&edit.context).map_err(|reason| RuntimeError::UnsupportedKey {
                    key: edit.context.to_string(),
                    store: STORE,
                    reason,
                })?;
                CourseIndex::create(&edit.context, key, edit.author, now)
            }
        };
        for (branch, at) in heads {
            if let Some(structure) = at.structure() {
                index.set_head(&edit.context, branch, structure.id());
            }
        }
        if let Some(slug) = self.wiki_slug()? {
            index.set_wiki_slug(&slug);
        }
        index.touch(now);
        let document = index.to_raw()?;
        match &old {
            None => docs.insert_index(index.key(), index.id(), &document)?,
            Some(old) => {
                if !docs.replace_index(old.id(), old.last_update(), &document)? {
                    return Err(self.lost_race(&commit));
                }
            }
        }
        self.tell_feed()?;
        Ok(Committed { commit, structures: self.made.into_iter().map(|(_, structure)| structure).collect() })
    }

    /// Another writer moved the index although the transaction holds it: only a store without locks can get there.
    fn lost_race(&self, commit: &Commit) -> RuntimeError {
        let base = match &self.edit.base {
            Base::Version(base) => base.clone(),
            _ => commit.draft.clone(),
        };
        let head = self.reader.index().ok().flatten().and_then(|index| index.head(Branch::Draft));
        let head = head.map_or_else(|| base.clone(), |id| VersionId(id.to_hex().into()));
        RuntimeError::Conflict { context: self.edit.context.clone(), base, head }
    }

    fn wiki_slug(&self) -> Result<Option<String>, RuntimeError> {
        if self.edit.context.as_course().is_none() {
            return Ok(None);
        }
        let BlockKey { block_type, block_id } = &self.root;
        let usage = self.reader.usage(block_type, block_id, "the root")?;
        // Of one that cannot be read it is not known.
        let root = self.draft.readable(&usage)?.map(|root| root.data);
        Ok(root.and_then(|root| root.own("wiki_slug").and_then(|slug| slug.as_str()).map(str::to_owned)))
    }

    /// Tells of every published version, and of the draft's last one: those between were never to be seen.
    fn tell_feed(&self) -> Result<(), RuntimeError> {
        let info = EditInfo { edited_on: Some(self.now), edited_by: self.edit.author };
        let context = self.edit.context.to_string();
        let published = self.made.iter().filter(|(branch, _)| *branch == Branch::Published);
        let draft = self.made.iter().rfind(|(branch, _)| *branch == Branch::Draft);
        for (branch, structure) in published.chain(draft) {
            self.docs.append_feed(&context, branch.name(), structure.id(), &info)?;
        }
        Ok(())
    }
}

/// Returns the version a block is compared by, which may be none; nothing where that cannot be read.
fn known_version(view: &BlockView<'_>) -> Result<Option<Option<ObjectId>>, RuntimeError> {
    match view.compared_version() {
        Err(error) if error.is_damage() => Ok(None),
        version => version.map(Some),
    }
}

fn is_untouched(blocks: &BlockChanges, usage: &UsageKey) -> bool {
    !blocks.put.contains_key(usage) && !blocks.deleted.contains(usage)
}

/// Lists a block and all that exist below it.
fn subtree(branch: &BranchAt<'_>, top: &UsageKey) -> Result<Vec<UsageKey>, RuntimeError> {
    let mut seen = HashSet::from([top.clone()]);
    let mut found = Vec::new();
    let mut queue = VecDeque::from([top.clone()]);
    while let Some(usage) = queue.pop_front() {
        let Some(known) = branch.known(&usage)? else { continue };
        found.push(usage);
        for child in &known.data.children {
            if seen.insert(child.clone()) {
                queue.push_back(child.clone());
            }
        }
    }
    Ok(found)
}

fn same(a: &Arc<BlockData>, b: &Arc<BlockData>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}
