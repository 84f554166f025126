//! What makes a structure big. MongoDB takes 16 MiB in one document, and a structure is one.

use std::collections::BTreeMap;
use std::fmt;

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument};
use serde::Serialize;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Commit, RuntimeError};

use crate::documents::{MAX_DOCUMENT, Structure};
use crate::runtime::ModulestoreRuntime;

/// From which part of what a document may take on there is a warning, in percent.
const WARN_FROM: usize = 80;
/// How many fields and blocks a report names.
const NAMED: usize = 10;

/// What one branch's structure takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizeReport {
    /// The course or library.
    pub context: String,
    /// The branch.
    pub branch: &'static str,
    /// The bytes of the structure.
    pub bytes: usize,
    /// The most bytes MongoDB takes in one document.
    pub limit: usize,
    /// The number of blocks.
    pub blocks: usize,
    /// The fields that take most, first those that take more.
    pub fields: Vec<SizedField>,
    /// The blocks that take most.
    pub biggest_blocks: Vec<SizedBlock>,
}

/// A field of one type, in all blocks of a structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizedField {
    /// The block type; none for what every block has.
    pub block_type: Option<String>,
    /// The field: of a block (`fields.data`), or beside its fields (`edit_info`).
    pub field: String,
    /// How many blocks have it.
    pub blocks: usize,
    /// What it takes in all of them.
    pub bytes: usize,
}

/// A block and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizedBlock {
    /// Its type and id.
    pub block: String,
    /// Its bytes in the structure; its definition is a document of its own.
    pub bytes: usize,
}

/// A branch whose structure comes near the size that MongoDB takes in one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeWarning {
    /// The course or library.
    pub context: ContextKey,
    /// The branch.
    pub branch: Branch,
    /// The bytes of the structure.
    pub bytes: usize,
    /// The most bytes MongoDB takes in one document.
    pub limit: usize,
}

impl fmt::Display for SizeWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, branch, bytes, limit } = self;
        write!(
            f,
            "{context}, {branch}: its structure takes {bytes} bytes of the {limit} that MongoDB takes in one document; \
             courseware stats says what is big"
        )
    }
}

impl SizeWarning {
    fn of(structure: &Structure, context: &ContextKey, branch: Branch) -> Option<Self> {
        let (bytes, limit) = (structure.raw().as_bytes().len(), MAX_DOCUMENT);
        is_near(bytes, limit).then(|| Self { context: context.clone(), branch, bytes, limit })
    }
}

const fn is_near(bytes: usize, limit: usize) -> bool {
    bytes * 100 >= limit * WARN_FROM
}

impl SizeReport {
    /// Says whether a warning is due: the structure takes four fifths of what MongoDB takes, or more.
    #[must_use]
    pub const fn is_near_limit(&self) -> bool {
        is_near(self.bytes, self.limit)
    }
}

impl ModulestoreRuntime {
    /// Says what a branch's structure takes, and which fields and blocks take most of it.
    ///
    /// # Errors
    /// As [`ModulestoreRuntime::view`].
    pub fn sizes(&self, context: &ContextKey, branch: Branch) -> Result<SizeReport, RuntimeError> {
        self.refuse_old_course(context)?;
        self.in_branch(context, branch, |_, structure| report(structure, context, branch))
    }
}

impl ModulestoreRuntime {
    /// Names the branches of a context that come near the size MongoDB takes.
    ///
    /// # Errors
    /// As [`ModulestoreRuntime::view`].
    pub fn size_warnings(&self, context: &ContextKey) -> Result<Vec<SizeWarning>, RuntimeError> {
        let mut found = Vec::new();
        for branch in Branch::ALL {
            match self
                .in_branch(context, branch, |_, structure| Ok(SizeWarning::of(structure, context, branch)))
            {
                Err(error) if error.is_not_found() && branch == Branch::Published => {}
                warning => found.extend(warning?),
            }
        }
        Ok(found)
    }

    /// Names those branches that a commit brought near the size MongoDB takes, by the structures that are kept in memory.
    #[must_use]
    pub fn size_warnings_of(&self, context: &ContextKey, commit: &Commit) -> Vec<SizeWarning> {
        let heads = [(Branch::Draft, Some(&commit.draft)), (Branch::Published, commit.published.as_ref())];
        heads
            .into_iter()
            .filter_map(|(branch, version)| {
                let id = ObjectId::parse_str(&*version?.0).ok()?;
                SizeWarning::of(&*self.structures.get(&id)?, context, branch)
            })
            .collect()
    }
}

fn report(structure: &Structure, context: &ContextKey, branch: Branch) -> Result<SizeReport, RuntimeError> {
    let mut blocks: Vec<_> = structure
        .blocks()
        .map(|(block_type, id, view)| SizedBlock {
            block: format!("{block_type}+{id}"),
            bytes: view.raw().as_bytes().len(),
        })
        .collect();
    blocks.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.block.cmp(&b.block)));
    let count = blocks.len();
    blocks.truncate(NAMED);
    let mut fields = weigh(structure.blocks().map(|(block_type, _, view)| (block_type, view.raw())));
    fields.truncate(NAMED);
    Ok(SizeReport {
        context: context.to_string(),
        branch: branch.name(),
        bytes: structure.raw().as_bytes().len(),
        limit: MAX_DOCUMENT,
        blocks: count,
        fields,
        biggest_blocks: blocks,
    })
}

/// Says in words which fields take most, for the error that a structure is too big.
pub(crate) fn biggest_fields<'a>(blocks: impl Iterator<Item = (&'a str, &'a RawDocument)>) -> String {
    let named: Vec<_> = weigh(blocks)
        .into_iter()
        .take(3)
        .map(|field| {
            let of = field.block_type.map(|block_type| format!(" of {block_type}")).unwrap_or_default();
            format!("{}{of} {} bytes in {} blocks", field.field, field.bytes, field.blocks)
        })
        .collect();
    named.join(", ")
}

/// Adds up what each field takes, with its name; the biggest first.
fn weigh<'a>(blocks: impl Iterator<Item = (&'a str, &'a RawDocument)>) -> Vec<SizedField> {
    let mut weights: BTreeMap<(Option<&str>, String), (usize, usize)> = BTreeMap::new();
    let mut add = |block_type, field: String, bytes| {
        let (count, sum) = weights.entry((block_type, field)).or_default();
        *count += 1;
        *sum += bytes;
    };
    for (block_type, block) in blocks {
        for element in block.iter_elements().flatten() {
            let name = element.key();
            let nested = match name {
                name if name == "fields" || name == "defaults" => element.value().ok(),
                _ => None,
            };
            match nested {
                Some(RawBsonRef::Document(fields)) => {
                    for field in fields.iter_elements().flatten() {
                        let path = format!("{}.{}", name.as_str(), field.key().as_str());
                        add(Some(block_type), path, field.size());
                    }
                }
                _ => add(None, name.as_str().to_owned(), element.size()),
            }
        }
    }
    let mut fields: Vec<_> = weights
        .into_iter()
        .map(|((block_type, field), (blocks, bytes))| SizedField {
            block_type: block_type.map(str::to_owned),
            field,
            blocks,
            bytes,
        })
        .collect();
    fields.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.field.cmp(&b.field)));
    fields
}
