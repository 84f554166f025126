//! Puts the fields of a loaded block together: authored values, inherited settings, defaults and the learner's state.

use std::sync::{Arc, OnceLock};

use crate::block::{BlockType, User};
use crate::fields::{
    Ancestors, BlockFields, Conversion, FieldData, FieldSpec, InheritingFieldData, Json, KvsError,
    KvsFieldData, Scope, ScopeIds, SplitFieldData,
};
use crate::keys::UsageKey;
use crate::runtime::{BlockData, BlockRecord, Branch, Runtime, RuntimeExt};

use super::Host;

/// Builds the field stack of a block. `above` are the blocks above it, nearest first, where the caller knows them.
pub(super) fn assemble(
    host: &Host,
    record: &BlockRecord,
    block_type: &BlockType,
    user: Option<&User>,
    above: Option<&[Arc<BlockRecord>]>,
) -> BlockFields {
    let mut ids = scope_ids(record);
    if let Some(user) = user {
        ids = ids.with_user(user.id.clone());
    }
    let authored = Arc::new(AuthoredFieldData {
        runtime: host.runtime.clone(),
        branch: host.branch,
        usage: record.usage.clone(),
        usage_id: ids.usage_id.clone(),
        data: record.data.clone(),
        above: OnceLock::new(),
    });
    if let Some(above) = above {
        // A fresh lock is empty, so this cannot fail.
        let _ =
            authored.above.set(above.iter().map(|above| (scope_ids(above), above.data.clone())).collect());
    }
    let inheriting = Arc::new(InheritingFieldData::new(authored.clone(), authored));
    let learner = Arc::new(KvsFieldData::new(host.learner_state.clone()));
    let data = Arc::new(SplitFieldData::authored_and_learner(inheriting, learner));
    BlockFields::new([block_type.fields().clone()], data, ids)
        .with_conversion(Conversion::on(host.clock.now().date_naive()))
}

fn scope_ids(record: &BlockRecord) -> ScopeIds {
    ScopeIds::new(record.usage.block_type(), record.definition.to_string(), record.usage.to_string())
}

/// What authors wrote of a block and of the blocks above it, for reading.
///
/// The blocks above are read from the runtime when an unset inheritable field is first asked for.
struct AuthoredFieldData {
    runtime: Arc<dyn Runtime>,
    branch: Branch,
    usage: UsageKey,
    usage_id: Arc<str>,
    data: Arc<BlockData>,
    above: OnceLock<Vec<(ScopeIds, Arc<BlockData>)>>,
}

impl AuthoredFieldData {
    fn data_of(&self, ids: &ScopeIds) -> Option<&BlockData> {
        if ids.usage_id == self.usage_id {
            return Some(&self.data);
        }
        let (_, data) = self.above.get()?.iter().find(|(above, _)| above.usage_id == ids.usage_id)?;
        Some(data)
    }

    fn read_only(field: &FieldSpec) -> KvsError {
        KvsError::InvalidScope { field: field.name.to_owned(), scope: field.scope }
    }
}

impl FieldData for AuthoredFieldData {
    fn get(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        let Some(data) = self.data_of(ids) else { return Ok(None) };
        Ok(match field.scope {
            Scope::Children => {
                Some(Json::Array(data.children.iter().map(|child| child.to_string().into()).collect()))
            }
            // A field that moved between scopes stays where it was written (modulestore reference, section 2.5).
            Scope::Content => data.content.get(field.name).or_else(|| data.settings.get(field.name)).cloned(),
            _ => data.settings.get(field.name).or_else(|| data.content.get(field.name)).cloned(),
        })
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

    fn default(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok(self.data_of(ids).and_then(|data| data.defaults.get(field.name)).cloned())
    }
}

impl Ancestors for AuthoredFieldData {
    fn ancestors(&self, _: &ScopeIds) -> Result<Vec<ScopeIds>, KvsError> {
        let above = match self.above.get() {
            Some(above) => above,
            None => {
                let read = self.runtime.ancestors(&self.usage, self.branch);
                let read = read.map_err(|source| KvsError::Backend { source: Box::new(source) })?;
                self.above
                    .get_or_init(|| read.iter().map(|above| (scope_ids(above), above.data.clone())).collect())
            }
        };
        Ok(above.iter().map(|(ids, _)| ids.clone()).collect())
    }
}
