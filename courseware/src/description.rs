//! One block with all its fields, and where each value comes from.

use std::sync::Arc;

use serde::Serialize;
use xblock_core::block::Registry;
use xblock_core::fields::{Json, Scope, is_inheritable};
use xblock_core::keys::{DefinitionKey, UsageKey};
use xblock_core::runtime::{AsideData, BlockData, Branch, EditInfo, Runtime, RuntimeExt};

use crate::error::CoursewareError;

/// Where a field's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum Origin {
    /// It is set on the block.
    Own,
    /// A block above it has it.
    Inherited {
        /// The block.
        from: UsageKey,
    },
    /// It was copied from a library along with the block.
    Library,
    /// Nobody set it.
    Default,
}

/// A field's value as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDescription {
    /// The field.
    pub name: Arc<str>,
    /// Its scope: `content` or `settings`.
    pub scope: &'static str,
    /// Whether the block type declares it.
    pub declared: bool,
    /// Where the value comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// The value; the default of a field that makes one up for each block is null.
    pub value: Json,
}

/// One block, as authors see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockDescription {
    /// The block.
    pub usage: UsageKey,
    /// The branch it was read from.
    pub branch: Branch,
    /// Its type.
    pub block_type: String,
    /// Whether this build has a class for the type.
    pub known_type: bool,
    /// The definition it refers to.
    pub definition: DefinitionKey,
    /// Who changed it last.
    pub edit_info: EditInfo,
    /// The blocks it is a child of.
    pub parents: Vec<UsageKey>,
    /// Its children in order.
    pub children: Vec<UsageKey>,
    /// Its fields of scopes content and settings: first those the type declares, in their order, then what else is set.
    pub fields: Vec<FieldDescription>,
    /// Its asides.
    pub asides: Vec<AsideData>,
}

impl BlockDescription {
    /// Reads a block and what it inherits.
    ///
    /// # Errors
    /// The store's own.
    pub fn read(
        runtime: &dyn Runtime,
        registry: &Registry,
        usage: &UsageKey,
        branch: Branch,
    ) -> Result<Self, CoursewareError> {
        let record = runtime.block(usage, branch)?;
        let above: Vec<_> =
            runtime.ancestors(usage, branch)?.into_iter().map(|block| (block.usage, block.data)).collect();
        let block_type = registry.block_type(usage.block_type());
        let mut fields = Vec::new();
        for spec in
            block_type.fields().iter().filter(|spec| matches!(spec.scope, Scope::Content | Scope::Settings))
        {
            let (origin, value) = match value_of(&record.data, &above, spec.name, spec.scope) {
                Some(found) => found,
                None => (Origin::Default, spec.default_json().unwrap_or(Json::Null)),
            };
            fields.push(FieldDescription {
                name: spec.name.into(),
                scope: spec.scope.name(),
                declared: true,
                origin,
                value,
            });
        }
        let undeclared = [(Scope::Content, &record.data.content), (Scope::Settings, &record.data.settings)];
        for (scope, map) in undeclared {
            let mut names: Vec<_> = map.iter().filter(|(name, _)| block_type.field(name).is_none()).collect();
            names.sort_by_key(|(name, _)| *name);
            fields.extend(names.into_iter().map(|(name, value)| FieldDescription {
                name: name.clone(),
                scope: scope.name(),
                declared: false,
                origin: Origin::Own,
                value: value.clone(),
            }));
        }
        Ok(Self {
            usage: usage.clone(),
            branch,
            block_type: usage.block_type().to_owned(),
            known_type: block_type.is_known,
            definition: record.definition.clone(),
            edit_info: record.edit_info.clone(),
            parents: runtime.parents(usage, branch)?,
            children: record.data.children.clone(),
            fields,
            asides: record.data.asides.clone(),
        })
    }
}

/// Finds a value in the order in which a host does (xblock reference, sections 6 and 7).
pub(crate) fn value_of(
    data: &BlockData,
    above: &[(UsageKey, Arc<BlockData>)],
    name: &str,
    scope: Scope,
) -> Option<(Origin, Json)> {
    let own = |data: &BlockData| {
        let (first, second) = match scope {
            Scope::Content => (&data.content, &data.settings),
            _ => (&data.settings, &data.content),
        };
        first.get(name).or_else(|| second.get(name)).cloned()
    };
    if let Some(value) = own(data) {
        return Some((Origin::Own, value));
    }
    let library = || data.defaults.get(name).map(|value| (Origin::Library, value.clone()));
    if !is_inheritable(name) {
        return library();
    }
    // Copies below a library_content block follow their library before their course.
    let is_copy = above.first().is_some_and(|parent| parent.0.block_type() == "library_content");
    if is_copy && let Some(found) = library() {
        return Some(found);
    }
    above
        .iter()
        .find_map(|(usage, data)| own(data).map(|value| (Origin::Inherited { from: usage.clone() }, value)))
        .or_else(library)
}
