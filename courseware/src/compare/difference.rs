//! One way in which two stores differ, and how it is said.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use xblock_core::fields::Json;
use xblock_core::keys::{AssetKey, UsageKey};
use xblock_core::runtime::Branch;

use crate::sides::{FieldPlace, Side};

/// One way in which the two stores differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Difference {
    /// The context hangs below different blocks.
    Root {
        /// The root on the left.
        left: UsageKey,
        /// The root on the right.
        right: UsageKey,
    },
    /// Only one store has the branch.
    BranchOnlyIn {
        /// The branch.
        branch: Branch,
        /// The store that has it.
        side: Side,
    },
    /// Only one store has the block.
    BlockOnlyIn {
        /// The branch.
        branch: Branch,
        /// The block.
        usage: UsageKey,
        /// The store that has it.
        side: Side,
    },
    /// A field has two values, or is set in one store only.
    Field {
        /// The branch.
        branch: Branch,
        /// The block.
        usage: UsageKey,
        /// Where the value is kept.
        scope: FieldPlace,
        /// The field.
        name: Arc<str>,
        /// The value on the left, absent where it is not set.
        #[serde(skip_serializing_if = "Option::is_none")]
        left: Option<Json>,
        /// The value on the right, absent where it is not set.
        #[serde(skip_serializing_if = "Option::is_none")]
        right: Option<Json>,
    },
    /// A block's children differ, or stand in another order.
    Children {
        /// The branch.
        branch: Branch,
        /// The block.
        usage: UsageKey,
        /// The children on the left.
        left: Vec<UsageKey>,
        /// The children on the right.
        right: Vec<UsageKey>,
    },
    /// A block's asides differ.
    Asides {
        /// The branch.
        branch: Branch,
        /// The block.
        usage: UsageKey,
        /// The asides on the left.
        left: Json,
        /// The asides on the right.
        right: Json,
    },
    /// A store has the block and cannot read it.
    BlockUnreadable {
        /// The branch.
        branch: Branch,
        /// The block, where its name is a key.
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<UsageKey>,
        /// The store.
        side: Side,
        /// Why not.
        reason: String,
    },
    /// A store has the static file and cannot read it.
    AssetUnreadable {
        /// The branch.
        branch: Branch,
        /// The file, where it still says which.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<AssetKey>,
        /// The store.
        side: Side,
        /// Why not.
        reason: String,
    },
    /// Only one store has the static file.
    AssetOnlyIn {
        /// The branch.
        branch: Branch,
        /// The file.
        key: AssetKey,
        /// The store that has it.
        side: Side,
    },
    /// An attribute of a static file differs.
    AssetAttribute {
        /// The branch.
        branch: Branch,
        /// The file.
        key: AssetKey,
        /// The attribute.
        name: Arc<str>,
        /// The value on the left, absent where it is not set.
        #[serde(skip_serializing_if = "Option::is_none")]
        left: Option<Json>,
        /// The value on the right, absent where it is not set.
        #[serde(skip_serializing_if = "Option::is_none")]
        right: Option<Json>,
    },
    /// The bytes of a static file differ.
    AssetBytes {
        /// The branch.
        branch: Branch,
        /// The file.
        key: AssetKey,
        /// The digest of the bytes on the left.
        left: Arc<str>,
        /// The digest of the bytes on the right.
        right: Arc<str>,
    },
    /// Something is said about a file in one store only.
    AssetMetadataOnlyIn {
        /// The branch.
        branch: Branch,
        /// The file, which need not exist.
        key: AssetKey,
        /// The store that has it.
        side: Side,
    },
    /// What is said about a file differs.
    AssetMetadata {
        /// The branch.
        branch: Branch,
        /// The file, which need not exist.
        key: AssetKey,
        /// What of it.
        name: Arc<str>,
        /// The value on the left, absent where it is not set.
        #[serde(skip_serializing_if = "Option::is_none")]
        left: Option<Json>,
        /// The value on the right, absent where it is not set.
        #[serde(skip_serializing_if = "Option::is_none")]
        right: Option<Json>,
    },
    /// A store says something about a file, or files, and cannot read it.
    AssetMetadataUnreadable {
        /// The branch.
        branch: Branch,
        /// The file, where the record still says which.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<AssetKey>,
        /// The store.
        side: Side,
        /// Where it is and why not.
        reason: String,
    },
    /// The bytes of a static file are not those its store says they are.
    AssetDigest {
        /// The branch.
        branch: Branch,
        /// The file.
        key: AssetKey,
        /// The store.
        side: Side,
        /// The digest the store gives.
        stored: Arc<str>,
        /// The digest of the bytes.
        actual: Arc<str>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root { left, right } => write!(f, "root: {left} | {right}"),
            Self::BranchOnlyIn { branch, side } => write!(f, "{branch}: branch only on the {side}"),
            Self::BlockOnlyIn { branch, usage, side } => write!(f, "{branch}: {usage}: only on the {side}"),
            Self::Field { branch, usage, scope, name, left, right } => {
                write!(f, "{branch}: {usage}: {scope} field {name}: {} | {}", shown(left), shown(right))
            }
            Self::Children { branch, usage, left, right } => {
                let (left, right) = (ids(left), ids(right));
                write!(f, "{branch}: {usage}: children: {left} | {right}")
            }
            Self::Asides { branch, usage, left, right } => {
                write!(f, "{branch}: {usage}: asides: {} | {}", short(left), short(right))
            }
            Self::BlockUnreadable { branch, usage: Some(usage), side, reason } => {
                write!(f, "{branch}: {usage}: unreadable on the {side}: {reason}")
            }
            Self::BlockUnreadable { branch, usage: None, side, reason } => {
                write!(f, "{branch}: block unreadable on the {side}: {reason}")
            }
            Self::AssetUnreadable { branch, key: Some(key), side, reason } => {
                write!(f, "{branch}: {key}: unreadable on the {side}: {reason}")
            }
            Self::AssetUnreadable { branch, key: None, side, reason } => {
                write!(f, "{branch}: static file unreadable on the {side}: {reason}")
            }
            Self::AssetOnlyIn { branch, key, side } => write!(f, "{branch}: {key}: only on the {side}"),
            Self::AssetAttribute { branch, key, name, left, right } => {
                write!(f, "{branch}: {key}: attribute {name}: {} | {}", shown(left), shown(right))
            }
            Self::AssetBytes { branch, key, left, right } => {
                write!(f, "{branch}: {key}: bytes with digest {left} | {right}")
            }
            Self::AssetMetadataOnlyIn { branch, key, side } => {
                write!(f, "{branch}: {key}: record only on the {side}")
            }
            Self::AssetMetadata { branch, key, name, left, right } => {
                write!(f, "{branch}: {key}: record, {name}: {} | {}", shown(left), shown(right))
            }
            Self::AssetMetadataUnreadable { branch, key: Some(key), side, reason } => {
                write!(f, "{branch}: {key}: record unreadable on the {side}: {reason}")
            }
            Self::AssetMetadataUnreadable { branch, key: None, side, reason } => {
                write!(f, "{branch}: record about a file unreadable on the {side}: {reason}")
            }
            Self::AssetDigest { branch, key, side, stored, actual } => {
                write!(
                    f,
                    "{branch}: {key}: on the {side} the bytes have digest {actual}, the store says {stored}"
                )
            }
        }
    }
}

fn shown(value: &Option<Json>) -> String {
    value.as_ref().map_or_else(|| "not set".to_owned(), short)
}

/// A value on one line, cut where it is very long.
fn short(value: &Json) -> String {
    const WIDTH: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn ids(usages: &[UsageKey]) -> String {
    let ids: Vec<_> =
        usages.iter().map(|usage| format!("{}:{}", usage.block_type(), usage.block_id())).collect();
    format!("[{}]", ids.join(" "))
}
