//! Field data divided by scope.
use std::sync::Arc;

use super::FieldData;
use crate::fields::ids::ScopeIds;
use crate::fields::kvs::KvsError;
use crate::fields::scope::Scope;
use crate::fields::spec::FieldSpec;
use crate::fields::value::Json;

/// Sends each field to the field data of its scope.
#[derive(Clone, Default)]
pub struct SplitFieldData {
    parts: Vec<Arc<dyn FieldData>>,
    by_scope: Vec<(Scope, usize)>,
}

impl SplitFieldData {
    /// Starts with no scope mapped.
    #[must_use]
    pub fn new() -> Self {
        <Self as Default>::default()
    }

    /// Divides as the LMS does: authored data for content, settings and structure, learner data for the rest.
    #[must_use]
    pub fn authored_and_learner(authored: Arc<dyn FieldData>, learner: Arc<dyn FieldData>) -> Self {
        Self::new()
            .with(&[Scope::Content, Scope::Settings, Scope::Parent, Scope::Children], authored)
            .with(&[Scope::UserState, Scope::Preferences, Scope::UserInfo, Scope::UserStateSummary], learner)
    }

    /// Keeps fields of these scopes in a field data; a later mapping of a scope replaces an earlier one.
    #[must_use]
    pub fn with(mut self, scopes: &[Scope], data: Arc<dyn FieldData>) -> Self {
        let index = self.parts.len();
        self.parts.push(data);
        self.by_scope.retain(|(scope, _)| !scopes.contains(scope));
        self.by_scope.extend(scopes.iter().map(|&scope| (scope, index)));
        self
    }

    fn index(&self, field: &FieldSpec) -> Result<usize, KvsError> {
        self.by_scope
            .iter()
            .find(|(scope, _)| *scope == field.scope)
            .map(|&(_, index)| index)
            .ok_or_else(|| KvsError::InvalidScope { field: field.name.to_owned(), scope: field.scope })
    }

    fn part(&self, field: &FieldSpec) -> Result<&dyn FieldData, KvsError> {
        self.index(field).map(|index| &*self.parts[index])
    }
}

impl FieldData for SplitFieldData {
    fn get(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        self.part(field)?.get(field, ids)
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], ids: &ScopeIds) -> Result<(), KvsError> {
        let mut groups: Vec<Vec<(FieldSpec, Json)>> = vec![Vec::new(); self.parts.len()];
        for (field, value) in values {
            groups[self.index(field)?].push((*field, value.clone()));
        }
        let mut saved = Vec::new();
        for (part, group) in self.parts.iter().zip(&groups).filter(|(_, group)| !group.is_empty()) {
            if let Err(error) = part.set_many(group, ids) {
                return Err(after(saved, error));
            }
            saved.extend(group.iter().map(|(field, _)| field.name.to_owned()));
        }
        Ok(())
    }

    fn delete(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<(), KvsError> {
        self.part(field)?.delete(field, ids)
    }

    fn default(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        self.part(field)?.default(field, ids)
    }

    fn show(&self, field: &FieldSpec, ids: &ScopeIds, show: &mut dyn FnMut(&Json)) -> Result<bool, KvsError> {
        self.part(field)?.show(field, ids, show)
    }
}

/// Adds what earlier stores saved to the error of a later one.
fn after(mut saved: Vec<String>, error: KvsError) -> KvsError {
    match error {
        KvsError::PartialWrite { saved: more, source } => {
            saved.extend(more);
            KvsError::PartialWrite { saved, source }
        }
        other if saved.is_empty() => other,
        other => KvsError::PartialWrite { saved, source: Box::new(other) },
    }
}
