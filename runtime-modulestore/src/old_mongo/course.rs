//! A course of Old Mongo with both of its branches.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::raw::RawDocument;
use md5::{Digest, Md5};
use xblock_core::block::Registry;
use xblock_core::keys::{ContextKey, CourseKey, UsageKey};
use xblock_core::runtime::{
    AssetMetadataRecords, AssetRecord, BlockData, BlockRecord, Branch, ContextRecord, EditInfo, Head,
    RuntimeError, Unlisted, VersionContent, VersionId, VersionRecord,
};

use super::document::OldDocument;
use crate::documents::corrupt;
use crate::fields::FieldCodec;
use crate::reader::definition_key;
use crate::store::DocumentReads;

/// The type of the root, whose name is the run.
pub(crate) const COURSE: &str = "course";

/// A block in one revision; a damaged one keeps its reason.
type OldBlock = Result<Arc<Block>, Arc<RuntimeError>>;

struct Block {
    record: BlockRecord,
    published: EditInfo,
}

/// A course, read once.
pub(crate) struct OldCourse {
    context: ContextKey,
    root: UsageKey,
    draft: BranchBlocks,
    published: BranchBlocks,
    /// What has no key: the blocks, and the children that documents name.
    unnamed: BTreeSet<Unnamed>,
    /// Which blocks have a document of their own in the draft revision.
    drafts: HashSet<UsageKey>,
}

/// A block, or a child, that has no key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Unnamed {
    place: String,
    reason: String,
    /// Whether only the draft has it.
    is_draft: bool,
}

/// What a branch has.
struct BranchBlocks {
    blocks: BTreeMap<UsageKey, OldBlock>,
    parents: BTreeMap<UsageKey, Vec<UsageKey>>,
    head: Head,
}

/// Lists the courses, documents of type `course`; of one that is damaged what is wrong with it.
pub(crate) fn contexts(
    docs: &dyn DocumentReads,
) -> Result<Vec<Result<ContextKey, RuntimeError>>, RuntimeError> {
    let mut found = Vec::new();
    docs.each_old_course(&mut |raw| {
        found.extend(context(raw).transpose());
        Ok(())
    })?;
    Ok(found)
}

/// Returns the course that a document is the root of.
pub(crate) fn context(raw: &RawDocument) -> Result<Option<ContextKey>, RuntimeError> {
    let document = OldDocument::new(raw)?;
    if document.category()? != COURSE || document.is_draft()? {
        return Ok(None);
    }
    let (org, course) = document.owner()?;
    CourseKey::new_deprecated(org, course, Some(document.name()?))
        .map(|key| Some(key.into()))
        .map_err(|error| corrupt(document.place(), error))
}

impl OldCourse {
    /// Reads a course; nothing where the store has none with this key.
    pub(crate) fn read(
        docs: &dyn DocumentReads,
        registry: &Registry,
        context: &ContextKey,
    ) -> Result<Option<Self>, RuntimeError> {
        let Some(key) = context.as_course().filter(|key| key.is_deprecated()) else { return Ok(None) };
        let root =
            context.make_usage_key(COURSE, key.run()).map_err(|error| corrupt(context.to_string(), error))?;
        let (mut published, mut drafts) = (BTreeMap::new(), BTreeMap::new());
        let (mut published_digest, mut draft_digest) = (Md5::new(), Md5::new());
        let mut unnamed = BTreeSet::new();
        docs.each_old_block(key.org(), key.course(), &mut |raw| {
            let document = OldDocument::new(raw)?;
            let (category, name, is_draft) = match document.block() {
                Err(RuntimeError::Corrupt { place, reason }) => {
                    unnamed.insert(Unnamed { place, reason, is_draft: false });
                    return Ok(());
                }
                named => named?,
            };
            if category == COURSE && name != key.run() {
                // Another run; its blocks could not be told from those of this one.
                return Ok(());
            }
            let no_key = |reason| Unnamed { place: document.place().to_owned(), reason, is_draft };
            let usage = match context.make_usage_key(category, name) {
                Ok(usage) => usage,
                Err(error) => {
                    unnamed.insert(no_key(error.to_string()));
                    return Ok(());
                }
            };
            draft_digest.update(raw.as_bytes());
            if !is_draft {
                published_digest.update(raw.as_bytes());
            }
            let mut no_children = Vec::new();
            let block = Block::read(&document, registry, context, &usage, &mut no_children);
            unnamed.extend(no_children.into_iter().map(no_key));
            if let Err(error) = &block
                && !error.is_damage()
            {
                return block.map(drop);
            }
            let revision = if is_draft { &mut drafts } else { &mut published };
            revision.insert(usage, block.map(Arc::new).map_err(Arc::new));
            Ok(())
        })?;
        if !published.contains_key(&root) {
            return Ok(None);
        }
        let own_drafts = drafts.keys().cloned().collect();
        let mut overlaid = published.clone();
        overlaid.extend(drafts);
        let published = BranchBlocks::new(published, published_digest);
        let mut draft = BranchBlocks::new(overlaid, draft_digest);
        // A block that only its parent's draft dropped is found below the published one, as the platform finds parents.
        for (child, parents) in &published.parents {
            draft.parents.entry(child.clone()).or_insert_with(|| parents.clone());
        }
        Ok(Some(Self { context: context.clone(), root, draft, published, unnamed, drafts: own_drafts }))
    }

    fn branch(&self, branch: Branch) -> &BranchBlocks {
        match branch {
            Branch::Draft => &self.draft,
            Branch::Published => &self.published,
        }
    }

    pub(crate) fn record(&self) -> ContextRecord {
        ContextRecord {
            key: self.context.clone(),
            root: self.root.clone(),
            draft: self.draft.head.clone(),
            published: Some(self.published.head.clone()),
        }
    }

    pub(crate) fn usages(&self, branch: Branch) -> Vec<UsageKey> {
        self.branch(branch).blocks.keys().cloned().collect()
    }

    /// Lists what [`OldCourse::usages`], and the children of blocks, leave out.
    pub(crate) fn unlisted(&self, branch: Branch) -> Vec<Unlisted> {
        let of_branch = self.unnamed.iter().filter(|one| branch == Branch::Draft || !one.is_draft);
        let found: BTreeSet<_> = of_branch
            .map(|one| Unlisted::Block { place: one.place.clone(), reason: one.reason.clone() })
            .collect();
        found.into_iter().collect()
    }

    pub(crate) fn block(&self, usage: &UsageKey, branch: Branch) -> Result<BlockRecord, RuntimeError> {
        let blocks = self.branch(branch);
        match blocks.blocks.get(usage) {
            None => Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch }),
            Some(Err(error)) => Err(damage(error)),
            Some(Ok(block)) => Ok(block.record.clone()),
        }
    }

    /// Returns who published a block last, and when.
    pub(crate) fn published(&self, usage: &UsageKey) -> Option<EditInfo> {
        let block = self.published.blocks.get(usage)?.as_ref().ok()?;
        Some(block.published.clone())
    }

    pub(crate) fn parents(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        let blocks = self.branch(branch);
        if !blocks.blocks.contains_key(usage) {
            return Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch });
        }
        Ok(blocks.parents.get(usage).cloned().unwrap_or_default())
    }

    /// Says whether a block or one below it has a draft, or a child that is not there.
    pub(crate) fn has_changes(&self, usage: &UsageKey) -> Result<bool, RuntimeError> {
        let mut seen = HashSet::new();
        let mut left = vec![usage.clone()];
        while let Some(at) = left.pop() {
            if self.drafts.contains(&at) {
                return Ok(true);
            }
            match self.draft.blocks.get(&at) {
                None if at == *usage => {
                    return Err(RuntimeError::NoSuchUsage { key: at, branch: Branch::Draft });
                }
                None | Some(Err(_)) => return Ok(true),
                Some(Ok(block)) => {
                    left.extend(
                        block
                            .record
                            .data
                            .children
                            .iter()
                            .filter(|child| seen.insert((*child).clone()))
                            .cloned(),
                    );
                }
            }
        }
        Ok(false)
    }

    /// Returns the one version a branch has: Old Mongo keeps no history.
    pub(crate) fn history(&self, branch: Branch) -> Vec<VersionRecord> {
        let Head { version, edit_info } = self.branch(branch).head.clone();
        vec![VersionRecord { version, previous: None, edit_info, message: String::new() }]
    }

    pub(crate) fn version(
        &self,
        version: &VersionId,
        assets: Vec<AssetRecord>,
        asset_metadata: AssetMetadataRecords,
    ) -> Result<VersionContent, RuntimeError> {
        let branch = [Branch::Draft, Branch::Published]
            .into_iter()
            .find(|branch| self.branch(*branch).head.version == *version)
            .ok_or_else(|| RuntimeError::NoSuchVersion {
                context: self.context.clone(),
                version: version.clone(),
            })?;
        let blocks = self.branch(branch);
        let content = blocks.blocks.iter().map(|(usage, block)| {
            let data = match block {
                Ok(block) => Ok(block.record.data.clone()),
                Err(error) => Err(damage(error)),
            };
            (usage.clone(), data)
        });
        Ok(VersionContent {
            root: self.root.clone(),
            blocks: content.collect(),
            assets: Some(assets),
            asset_metadata,
        })
    }
}

/// Reads all of a document, and returns the children, and what is wrong with those that have no key.
pub(crate) fn children(
    document: &OldDocument<'_>,
    registry: &Registry,
    context: &ContextKey,
) -> Result<(Vec<UsageKey>, Vec<String>), RuntimeError> {
    let usage = context
        .make_usage_key(document.category()?, document.name()?)
        .map_err(|error| corrupt(document.place(), error))?;
    let mut no_children = Vec::new();
    let block = Block::read(document, registry, context, &usage, &mut no_children)?;
    Ok((block.record.data.children.clone(), no_children))
}

impl Block {
    fn read(
        document: &OldDocument<'_>,
        registry: &Registry,
        context: &ContextKey,
        usage: &UsageKey,
        no_children: &mut Vec<String>,
    ) -> Result<Self, RuntimeError> {
        let children = document.children(context)?.into_iter();
        let children = children.filter_map(|child| child.map_err(|reason| no_children.push(reason)).ok());
        let children = children.collect();
        let block_type = registry.block_type(usage.block_type());
        let codec = FieldCodec::new(&block_type, Some(context));
        let data = BlockData {
            content: document.content(codec)?,
            settings: document.settings(codec)?,
            children,
            ..BlockData::default()
        };
        let record = BlockRecord {
            usage: usage.clone(),
            definition: definition_key(usage.block_type(), id_of(document.place())),
            data: Arc::new(data),
            edit_info: document.edit_info()?,
        };
        Ok(Self { record, published: document.publish_info()? })
    }
}

impl BranchBlocks {
    fn new(blocks: BTreeMap<UsageKey, OldBlock>, digest: Md5) -> Self {
        let mut parents: BTreeMap<UsageKey, Vec<UsageKey>> = BTreeMap::new();
        let mut last = EditInfo::default();
        for (usage, block) in &blocks {
            let Ok(block) = block else { continue };
            for child in &block.record.data.children {
                let known = parents.entry(child.clone()).or_default();
                if known.last() != Some(usage) {
                    known.push(usage.clone());
                }
            }
            if block.record.edit_info.edited_on > last.edited_on {
                last = block.record.edit_info.clone();
            }
        }
        let version = VersionId(hex::encode(&digest.finalize()[..ID_BYTES]).into());
        Self { blocks, parents, head: Head { version, edit_info: last } }
    }
}

/// How many bytes the ids of Split have.
const ID_BYTES: usize = 12;

/// Names the content of a block, which has no document of its own: by what names the block and its revision.
fn id_of(place: &str) -> ObjectId {
    let digest = Md5::digest(place);
    let mut id = [0; ID_BYTES];
    id.copy_from_slice(&digest[..ID_BYTES]);
    ObjectId::from_bytes(id)
}

fn damage(error: &RuntimeError) -> RuntimeError {
    match error {
        RuntimeError::Corrupt { place, reason } => corrupt(place.as_str(), reason),
        other => corrupt("a block of Old Mongo", other),
    }
}
