//! Puts the fields of a loaded block together: authored values, inherited settings, defaults and the learner's state.

use std::sync::{Arc, OnceLock};

use crate::block::{BlockType, User};
use crate::fields::{
    BlockFields, Conversion, FieldData, FieldSpec, Json, KvsError, KvsFieldData, Scope, ScopeIds,
    SplitFieldData, inherited, is_inheritable,
};
use crate::keys::UsageKey;
use crate::runtime::{BlockData, BlockRecord, Branch, FieldMap, Runtime, RuntimeExt};

use super::Host;

/// The blocks above a block, nearest first.
pub(super) type Above = Arc<[Arc<BlockRecord>]>;

/// Builds the field stack of a block. `above` are the blocks above it, where the caller knows them.
pub(super) fn assemble(
    host: &Host,
    record: &BlockRecord,
    block_type: &BlockType,
    user: Option<&User>,
    above: Option<Above>,
) -> BlockFields {
    let mut ids =
        ScopeIds::new(record.usage.block_type(), record.definition.to_string(), record.usage.to_string());
    if let Some(user) = user {
        ids = ids.with_user(user.id.clone());
    }
    let authored = Arc::new(AuthoredFieldData {
        runtime: host.runtime.clone(),
        branch: host.branch,
        usage: record.usage.clone(),
        data: record.data.clone(),
        above: above.map_or_else(OnceLock::new, OnceLock::from),
    });
    let learner = Arc::new(KvsFieldData::new(host.learner_state.clone()));
    let data = Arc::new(SplitFieldData::authored_and_learner(authored, learner));
    BlockFields::of(block_type.table().clone(), data, ids)
        .with_conversion(Conversion::on(host.clock.now().date_naive()))
}

/// What authors wrote of a block and what it inherits from the blocks above it, for reading.
///
/// The blocks above are read from the runtime when an unset inheritable field is first asked for, unless they are known.
struct AuthoredFieldData {
    runtime: Arc<dyn Runtime>,
    branch: Branch,
    usage: UsageKey,
    data: Arc<BlockData>,
    above: OnceLock<Above>,
}

impl AuthoredFieldData {
    fn above(&self) -> Result<&Above, KvsError> {
        if let Some(above) = self.above.get() {
            return Ok(above);
        }
        let read = self.runtime.ancestors(&self.usage, self.branch);
        let read = read.map_err(|source| KvsError::Backend { source: Box::new(source) })?;
        Ok(self.above.get_or_init(|| read.into_iter().map(Arc::new).collect()))
    }

    /// Finds what an unset field has instead: what it inherits, or the default that came with the block.
    fn instead(&self, field: &FieldSpec) -> Result<Option<&Json>, KvsError> {
        let own = || Ok(find(&self.data.defaults, field.name));
        if !is_inheritable(field.name) {
            return own();
        }
        let above = self.above()?;
        let parent_type = above.first().map(|parent| parent.usage.block_type());
        inherited(parent_type, own, above.iter().map(|above| Ok(written(&above.data, field))))
    }

    fn read_only(field: &FieldSpec) -> KvsError {
        KvsError::InvalidScope { field: field.name.to_owned(), scope: field.scope }
    }
}

/// Finds what an author wrote for a field.
fn written<'d>(data: &'d BlockData, field: &FieldSpec) -> Option<&'d Json> {
    // A field that moved between scopes stays where it was written (modulestore reference, section 2.5).
    let (first, second) = match field.scope {
        Scope::Content => (&data.content, &data.settings),
        _ => (&data.settings, &data.content),
    };
    find(first, field.name).or_else(|| find(second, field.name))
}

/// Finds a field in a map; most maps are so small that looking at all names is faster than hashing one.
fn find<'m>(map: &'m FieldMap, name: &str) -> Option<&'m Json> {
    const SMALL: usize = 16;
    if map.len() > SMALL {
        return map.get(name);
    }
    map.iter().find(|(field, _)| ***field == *name).map(|(_, value)| value)
}

impl FieldData for AuthoredFieldData {
    fn get(&self, field: &FieldSpec, _: &ScopeIds) -> Result<Option<Json>, KvsError> {
        if field.scope == Scope::Children {
            let children = self.data.children.iter().map(|child| child.to_string().into());
            return Ok(Some(Json::Array(children.collect())));
        }
        Ok(written(&self.data, field).cloned())
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], _: &ScopeIds) -> Result<(), KvsError> {
        match values.first() {
            Some((field, _)) => Err(Self::read_only(field)),
            None => Ok(()),
        }
    }

    fn delete(&self, field: &FieldSpec, _: &ScopeIds) -> Result<(), KvsError> {
        Err(Self::read_only(field))
    }

    fn default(&self, field: &FieldSpec, _: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok(self.instead(field)?.cloned())
    }

    fn show(&self, field: &FieldSpec, ids: &ScopeIds, show: &mut dyn FnMut(&Json)) -> Result<bool, KvsError> {
        if field.scope == Scope::Children {
            self.get(field, ids)?.iter().for_each(show);
            return Ok(true);
        }
        let value = match written(&self.data, field) {
            None if !field.is_structural() => self.instead(field)?,
            value => value,
        };
        value.into_iter().for_each(show);
        Ok(value.is_some())
    }

    fn has(&self, field: &FieldSpec, _: &ScopeIds) -> Result<bool, KvsError> {
        Ok(field.scope == Scope::Children || written(&self.data, field).is_some())
    }
}
