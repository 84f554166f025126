//! Copies of library blocks in courses: `copy_from_template` (modulestore reference, section 9).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bson::raw::RawDocumentBuf;
use bson::{Bson, Document};
use sha1::{Digest, Sha1};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{BlockPatch, Branch, RuntimeError, VersionId};

use super::branch::set_children;
use super::bulk::Bulk;
use super::is_direct_only;
use crate::commit::unsupported;
use crate::documents::{BlockKey, LIBRARY_BRANCH, Structure, corrupt, to_bson, to_document};
use crate::reader::{Reader, block_key};

/// How many hex digits of a digest are the id of a copy.
const DIGITS: usize = 20;
/// The type whose children are copies of library blocks.
const LIBRARY_CONTENT: &str = "library_content";
/// The type whose settings are not all copied, and the one that is not: it is the source of its text.
const PROBLEM: (&str, &str) = ("problem", "markdown");

/// By which rule the ids of copies are made. The platform's changed when it moved to Python 3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DerivedIds {
    /// The rule by which copies are there already, so that learners keep their state; else that of Python 3.
    #[default]
    AsBefore,
    /// The rule of releases until 2020.
    Python2,
    /// The rule of releases since.
    Python3,
}

impl DerivedIds {
    /// Makes the id of a copy: of which block of which library, below which block.
    #[must_use]
    pub fn id(self, library: &ContextKey, source_id: &str, parent_id: &str) -> String {
        let library = format!("{}+branch@{LIBRARY_BRANCH}", library.plain());
        let text = match self {
            Self::Python2 => format!("{library}:{source_id}:{parent_id}"),
            // Python 3 wrote the bytes of the key as it shows them.
            Self::AsBefore | Self::Python3 => format!("b'{library}':{source_id}:{parent_id}"),
        };
        let mut id = hex::encode(Sha1::digest(text.as_bytes()));
        id.truncate(DIGITS);
        id
    }
}

/// The copies of one call.
struct Copying<'c> {
    library: &'c ContextKey,
    source: Arc<Structure>,
    ids: DerivedIds,
    made: BTreeSet<BlockKey>,
}

impl Bulk<'_> {
    /// Fills a `library_content` block with copies of all that is in a library: at its head, or at one of its versions.
    ///
    /// The copies' settings are those of the library, until they are set here; a refresh keeps what was.
    ///
    /// # Errors
    /// [`RuntimeError::Unstorable`] for blocks of other types, whose children would be lost;
    /// [`RuntimeError::NoSuchContext`] where there is no such library, [`RuntimeError::NoSuchVersion`], and those of
    /// [`Bulk::update_item`].
    pub fn refresh_library_content(
        &mut self,
        usage: &UsageKey,
        library: &ContextKey,
        version: Option<&VersionId>,
        ids: DerivedIds,
    ) -> Result<(), RuntimeError> {
        self.existing(usage)?;
        if usage.block_type() != LIBRARY_CONTENT {
            return Err(RuntimeError::Unstorable {
                place: format!("what is in {library} below {usage}"),
                reason: format!("only blocks of the type {LIBRARY_CONTENT} are filled from libraries"),
            });
        }
        let source = self.library(library, version)?;
        let source_version = source.header().version();
        let patch = BlockPatch {
            settings: vec![("source_library_version".into(), Some((*source_version.0).into()))],
            ..BlockPatch::default()
        };
        self.update_item(usage, &patch)?;
        let root = source.root();
        let children = source.block(&root.block_type, &root.block_id).map(|root| root.children());
        let children: Vec<_> = children
            .transpose()?
            .into_iter()
            .flatten()
            .map(|(block_type, id)| {
                library.make_usage_key(block_type, id).map_err(|e| corrupt("the library", e))
            })
            .collect::<Result<_, _>>()?;
        self.copy_from_template(&children, usage, version, ids)
    }

    /// Makes a block's children copies of library blocks, with everything below them; what was below it and is not made
    /// again is deleted.
    ///
    /// The sources are of one library, at its head or at one of its versions.
    ///
    /// # Errors
    /// As [`Bulk::refresh_library_content`]; [`RuntimeError::WrongContext`] for sources of different libraries.
    pub fn copy_from_template(
        &mut self,
        sources: &[UsageKey],
        destination: &UsageKey,
        version: Option<&VersionId>,
        ids: DerivedIds,
    ) -> Result<(), RuntimeError> {
        let top = self.existing(destination)?;
        let found_at = self.draft.version();
        let former = self.draft.subtree(&top);
        let mut children = Vec::new();
        let mut made = BTreeSet::new();
        if let Some(first) = sources.first() {
            let library = first.context_key();
            let source = self.library(&library, version)?;
            let mut keys = Vec::new();
            for usage in sources {
                if usage.context_key() != library {
                    return Err(RuntimeError::WrongContext { key: usage.to_string(), context: library });
                }
                let key = block_key(usage).ok_or_else(|| unsupported(usage))?;
                if !source.contains(&key.block_type, &key.block_id) {
                    return Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch: Branch::Draft });
                }
                keys.push(key);
            }
            let ids = self.ids(ids, &library, &keys, &top);
            let mut copying = Copying { library: &library, source, ids, made: BTreeSet::new() };
            for key in &keys {
                children.push(self.copy(&mut copying, key, &top.block_id)?);
            }
            made = copying.made;
        }
        let stamp = self.draft.stamp;
        let info = self.draft.block(&top).map(|view| view.edit_info()).transpose()?.unwrap_or_default();
        let info = info.moved_to(&stamp, found_at.unwrap_or(stamp.version));
        self.draft.set_children(&top, &children, Some(&info))?;
        let gone = former.into_iter().filter(|key| *key != top && !made.contains(key));
        let orphans: Vec<_> = gone.filter(|key| self.draft.parents(key).is_empty()).collect();
        self.draft.delete_with_orphans(orphans);
        for key in made.iter().filter(|key| is_direct_only(&key.block_type)) {
            self.publish_if_direct(key, &key.block_type)?;
        }
        Ok(())
    }

    fn library(
        &self,
        library: &ContextKey,
        version: Option<&VersionId>,
    ) -> Result<Arc<Structure>, RuntimeError> {
        let reader = Reader { context: library, ..self.reader };
        let index = reader.existing_index()?;
        let head = index.draft()?;
        let Some(version) = version else { return reader.structure(head) };
        let missing = || RuntimeError::NoSuchVersion { context: library.clone(), version: version.clone() };
        let id = bson::oid::ObjectId::parse_str(&*version.0).map_err(|_| missing())?;
        if crate::commit::versions_after(&reader, Some(head), &version.0)?.is_none() {
            return Err(missing());
        }
        reader.structure(id)
    }

    /// Says by which rule ids are made: the one by which there are copies already.
    fn ids(&self, ids: DerivedIds, library: &ContextKey, keys: &[BlockKey], top: &BlockKey) -> DerivedIds {
        if ids != DerivedIds::AsBefore {
            return ids;
        }
        let is_old = keys.iter().any(|key| {
            let id = DerivedIds::Python2.id(library, &key.block_id, &top.block_id);
            self.draft.contains(&BlockKey::new(&key.block_type, &id))
        });
        if is_old { DerivedIds::Python2 } else { DerivedIds::Python3 }
    }

    /// Copies one block with all below it; returns the copy.
    fn copy(
        &mut self,
        copying: &mut Copying<'_>,
        key: &BlockKey,
        parent_id: &str,
    ) -> Result<BlockKey, RuntimeError> {
        let copy = BlockKey::new(&key.block_type, &copying.ids.id(copying.library, &key.block_id, parent_id));
        if !copying.made.insert(copy.clone()) {
            return Ok(copy);
        }
        let source = copying.source.clone();
        let missing = || corrupt(format!("structure {}", source.id()), format!("{key} is missing"));
        let view = source.block(&key.block_type, &key.block_id).ok_or_else(missing)?;
        let mut children = Vec::new();
        for (block_type, block_id) in view.children()? {
            if source.contains(block_type, block_id) {
                children.push(self.copy(copying, &BlockKey::new(block_type, block_id), &copy.block_id)?);
            }
        }
        let place = view.place();
        let failed = |error: &dyn std::fmt::Display| corrupt(place, error);
        let mut defaults: BTreeMap<_, _> = BTreeMap::new();
        for element in view.fields()?.into_iter().flatten() {
            let (name, value) = element.map_err(|error| failed(&error))?;
            let is_left_out = (&*key.block_type, name.as_str()) == PROBLEM || name.as_str() == "children";
            if !is_left_out {
                defaults.insert(name.as_str(), to_bson(value).map_err(|error| failed(&error))?);
            }
        }
        let stamp = self.draft.stamp;
        let old = self.draft.block(&copy);
        let mut info = old.as_ref().map(|old| old.edit_info()).transpose()?.unwrap_or_default();
        info = info.moved_to(&stamp, stamp.version);
        info.original_usage = Some(self.original(copying.library, key)?);
        info.original_usage_version = view.edit_info()?.update_version;
        let mut document = match &old {
            Some(old) => to_document(old.raw()).map_err(|error| failed(&error))?,
            None => bson::doc! {
                "block_type": &*copy.block_type, "block_id": &*copy.block_id, "fields": {}, "asides": [],
            },
        };
        document.insert("definition", view.definition()?.map_or(Bson::Null, Bson::from));
        let defaults: Document = defaults.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        document.insert("defaults", defaults);
        document.insert("edit_info", info.to_document());
        if !children.is_empty() || view.sets_children()? {
            set_children(&mut document, &children);
        }
        let document = RawDocumentBuf::try_from(&document).map_err(|error| failed(&error))?;
        self.draft.put(copy.clone(), document);
        Ok(copy)
    }

    fn original(&self, library: &ContextKey, key: &BlockKey) -> Result<String, RuntimeError> {
        let usage = library.make_usage_key(&key.block_type, &key.block_id);
        usage.map(|usage| usage.to_string()).map_err(|error| corrupt("the library", error))
    }
}
