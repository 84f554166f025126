//! Field data and its combinations.
use std::sync::Arc;

use serde_json::json;
use xblock_core::fields::{
    ASIDE_FAMILY, BlockFields, DictFieldData, FieldData, FieldSpec, FieldType, InheritingFieldData, Json,
    KeyValueStore, KvsError, KvsFieldData, MemoryStore, ReadOnlyFieldData, Scope, ScopeIds, SplitFieldData,
    StateKey,
};

const DATA: FieldSpec = FieldSpec::new("data", FieldType::String, Scope::Content);
const DUE: FieldSpec = FieldSpec::new("due", FieldType::Date, Scope::Settings);
const FORMAT: FieldSpec = FieldSpec::new("format", FieldType::String, Scope::Settings);
const DONE: FieldSpec = FieldSpec::new("done", FieldType::Boolean, Scope::UserState).default("false");

fn ids(usage: &str) -> ScopeIds {
    ScopeIds::new("vertical", format!("def-{usage}"), usage)
}

fn memory() -> (Arc<MemoryStore>, Arc<KvsFieldData>) {
    let store = Arc::new(MemoryStore::new());
    let data = Arc::new(KvsFieldData::new(store.clone()));
    (store, data)
}

#[test]
fn learners_are_kept_apart_and_definitions_shared() {
    let (store, data) = memory();
    for user in ["ada", "bob"] {
        let ids = ids("u1").with_user(user);
        data.set_many(&[(DONE, json!(user == "ada")), (DATA, json!(user))], &ids).unwrap();
    }
    assert_eq!(data.get(&DONE, &ids("u1").with_user("ada")).unwrap(), Some(json!(true)));
    assert_eq!(data.get(&DONE, &ids("u1").with_user("bob")).unwrap(), Some(json!(false)));
    assert_eq!(data.get(&DATA, &ids("u1")).unwrap(), Some(json!("bob")));
    assert_eq!(store.snapshot().len(), 3);
}

#[test]
fn asides_are_kept_apart_from_their_blocks() {
    let (store, data) = memory();
    data.set_many(&[(DATA, json!("block"))], &ids("u")).unwrap();
    let aside = KvsFieldData::new(store).with_family(ASIDE_FAMILY);
    assert_eq!(aside.get(&DATA, &ids("u")).unwrap(), None);
}

#[test]
fn read_only_data_refuses_writes() {
    let data = ReadOnlyFieldData::new(Arc::new(DictFieldData::new(
        json!({"data": "x"}).as_object().cloned().unwrap_or_default(),
    )));
    assert_eq!(data.get(&DATA, &ids("u")).unwrap(), Some(json!("x")));
    assert!(data.set_many(&[], &ids("u")).is_ok());
    for outcome in [data.set_many(&[(DATA, json!("y"))], &ids("u")), data.delete(&DATA, &ids("u"))] {
        match outcome {
            Err(KvsError::InvalidScope { field, scope: Scope::Content }) => assert_eq!(field, "data"),
            other => panic!("{other:?}"),
        }
    }
}

/// Saves the first value of a write and fails at the second.
struct HalfStore(MemoryStore);

impl KeyValueStore for HalfStore {
    fn get(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        self.0.get(key)
    }

    fn set_many(&self, values: &[(StateKey, Json)]) -> Result<(), KvsError> {
        self.0.set_many(&values[..1])?;
        let saved = vec![values[0].0.field_name.to_string()];
        if values.len() > 1 { Err(KvsError::PartialWrite { saved, source: "full".into() }) } else { Ok(()) }
    }

    fn set_many_if_unchanged(
        &self,
        _: &[(StateKey, Option<Json>)],
        values: &[(StateKey, Json)],
    ) -> Result<(), KvsError> {
        self.set_many(values)
    }

    fn delete(&self, key: &StateKey) -> Result<(), KvsError> {
        self.0.delete(key)
    }

    fn default(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        self.0.default(key)
    }
}

#[test]
fn split_data_goes_where_its_scope_says() {
    let (authored, learner) = (memory(), memory());
    let data = SplitFieldData::authored_and_learner(authored.1, learner.1);
    let ids = ids("u").with_user("ada");
    data.set_many(&[(DATA, json!("x")), (DONE, json!(true)), (FORMAT, json!("Lab"))], &ids).unwrap();
    assert_eq!((authored.0.snapshot().len(), learner.0.snapshot().len()), (2, 1));
    let (store, _) = memory();
    let content_only = SplitFieldData::new().with(&[Scope::Content], Arc::new(KvsFieldData::new(store)));
    match content_only.get(&DONE, &ids) {
        Err(KvsError::InvalidScope { field, scope: Scope::UserState }) => assert_eq!(field, "done"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failing_part_tells_what_the_others_saved() {
    let (_, authored) = memory();
    let half = Arc::new(KvsFieldData::new(Arc::new(HalfStore(MemoryStore::new()))));
    let data = SplitFieldData::authored_and_learner(authored, half);
    let other = FieldSpec::new("other", FieldType::Any, Scope::UserState);
    match data.set_many(&[(DONE, json!(true)), (other, json!(1)), (DATA, json!("x"))], &ids("u")) {
        Err(KvsError::PartialWrite { saved, .. }) => assert_eq!(saved, ["data", "done"]),
        outcome => panic!("{outcome:?}"),
    }
}

/// A course of one chapter of one vertical; the tree is in the names.
fn chain(ids: &ScopeIds) -> Result<Vec<ScopeIds>, KvsError> {
    let mut ancestors = Vec::new();
    let mut name = &*ids.usage_id;
    while let Some((parent, _)) = name.rsplit_once('/') {
        let block_type = if parent.ends_with("library") { "library_content" } else { "chapter" };
        ancestors.push(ScopeIds::new(block_type, format!("def-{parent}"), parent));
        name = parent;
    }
    Ok(ancestors)
}

fn inheriting() -> (Arc<KvsFieldData>, Arc<InheritingFieldData>) {
    let (_, data) = memory();
    (data.clone(), Arc::new(InheritingFieldData::new(data, Arc::new(chain))))
}

#[test]
fn the_nearest_ancestor_that_has_a_setting_gives_it() {
    let (data, inheriting) = inheriting();
    let vertical = ids("course/chapter/vertical");
    assert_eq!(inheriting.default(&DUE, &vertical).unwrap(), None);
    data.set_many(&[(DUE, json!("2031-01-01T00:00:00Z")), (FORMAT, json!("Lab"))], &ids("course")).unwrap();
    let block = || {
        BlockFields::new(
            [[DUE, FORMAT].to_vec().leak() as &'static [FieldSpec]],
            inheriting.clone(),
            vertical.clone(),
        )
    };
    assert_eq!(block().json("due").unwrap(), json!("2031-01-01T00:00:00Z"));
    assert!(!block().is_set_on("due").unwrap());
    assert_eq!(block().json("format").unwrap(), Json::Null, "not inheritable");
    data.set_many(&[(DUE, Json::Null)], &ids("course/chapter")).unwrap();
    assert_eq!(block().json("due").unwrap(), Json::Null, "a set null is a value");
    block().save().unwrap();
    assert_eq!(data.get(&DUE, &vertical).unwrap(), None, "reading writes nothing");
}

/// Has a default of its own for due dates.
struct WithDefault(Arc<KvsFieldData>);

impl FieldData for WithDefault {
    fn get(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        self.0.get(field, ids)
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], ids: &ScopeIds) -> Result<(), KvsError> {
        self.0.set_many(values, ids)
    }

    fn delete(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<(), KvsError> {
        self.0.delete(field, ids)
    }

    fn default(&self, field: &FieldSpec, _ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok((field.name == "due").then(|| json!("2032-01-01T00:00:00Z")))
    }
}

#[test]
fn children_of_library_content_keep_their_own_default() {
    let (_, data) = memory();
    data.set_many(&[(DUE, json!("2031-01-01T00:00:00Z"))], &ids("course")).unwrap();
    let data = InheritingFieldData::new(Arc::new(WithDefault(data)), Arc::new(chain));
    assert_eq!(
        data.default(&DUE, &ids("course/library/problem")).unwrap(),
        Some(json!("2032-01-01T00:00:00Z"))
    );
    assert_eq!(
        data.default(&DUE, &ids("course/chapter/problem")).unwrap(),
        Some(json!("2031-01-01T00:00:00Z"))
    );
}
