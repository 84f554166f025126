//! The engine of one block beyond the recorded scripts.
use std::sync::Arc;

use serde_json::json;
use xblock_core::fields::{
    BlockFields, BlockFieldsError, FieldError, FieldSpec, FieldType, KvsFieldData, MemoryStore, Scope,
    ScopeIds, Value, XBLOCK_FIELDS,
};

static FIELDS: &[FieldSpec] = &[
    FieldSpec::new("attempts", FieldType::Integer, Scope::UserState).default("0"),
    FieldSpec::new("data", FieldType::String, Scope::Content).default("\"\""),
    FieldSpec::new("seen", FieldType::List, Scope::UserState),
    FieldSpec::new("weight", FieldType::Float, Scope::Settings),
];

fn block() -> (Arc<MemoryStore>, BlockFields) {
    let store = Arc::new(MemoryStore::new());
    let data = Arc::new(KvsFieldData::new(store.clone()));
    let ids = ScopeIds::new("problem", "d", "u").with_user("ada");
    (store, BlockFields::new([XBLOCK_FIELDS, FIELDS], data, ids))
}

#[test]
fn blocks_cross_threads() {
    fn assert_shared<T: Send + Sync>() {}
    assert_shared::<BlockFields>();
    let (_, block) = block();
    #[expect(clippy::disallowed_methods, reason = "a test may have threads")]
    std::thread::scope(|scope| {
        for number in 0..8 {
            let block = &block;
            scope.spawn(move || {
                block.update("seen", |value| match value {
                    Value::List(items) => items.push(Value::Int(number)),
                    _ => panic!("no list"),
                })
            });
        }
    });
    assert_eq!(block.get("seen").unwrap().as_list().unwrap().len(), 8);
}

#[test]
fn changes_are_told_without_being_written() {
    let (store, block) = block();
    block.set("attempts", 1_i64).unwrap();
    block.update("seen", |value| *value = Value::List(vec![Value::from("a")])).unwrap();
    let changes: Vec<_> =
        block.changes().unwrap().into_iter().map(|(spec, json)| (spec.name, json)).collect();
    assert_eq!(changes, [("attempts", json!(1)), ("seen", json!(["a"]))]);
    assert!(store.snapshot().is_empty());
    block.mark_saved();
    assert!(block.changes().unwrap().is_empty() && block.dirty().is_empty());
}

#[test]
fn changing_an_immutable_value_in_place_is_setting_it() {
    let (_, block) = block();
    block.update("attempts", |value| *value = Value::Int(value.as_int().unwrap_or(0) + 1)).unwrap();
    assert_eq!(block.dirty(), ["attempts"]);
    assert_eq!(block.int("attempts").unwrap(), Some(1));
}

#[test]
fn reading_alone_writes_nothing() {
    let (store, block) = block();
    for spec in block.specs().to_vec() {
        block.get(spec.name).unwrap();
    }
    assert!(block.save().unwrap(), "mutable values are watched");
    assert!(store.snapshot().is_empty());
}

#[test]
fn typed_getters_tell_what_they_found() {
    let (_, block) = block();
    assert_eq!(&*block.str("data").unwrap(), "");
    assert_eq!(block.float("weight").unwrap(), None);
    assert!(!block.bool("attempts").unwrap());
    block.set("data", 5_i64).unwrap();
    match block.str("data") {
        Err(BlockFieldsError::Conversion { field, source: FieldError::WrongType { found: "int", .. } }) => {
            assert_eq!(field, "data");
        }
        other => panic!("{other:?}"),
    }
    match block.get("nowhere") {
        Err(BlockFieldsError::NoSuchField { field }) => assert_eq!(field, "nowhere"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_stored_value_is_not_cached() {
    let (_, block) = block();
    let weight = FIELDS[3];
    block.data().set_many(&[(weight, json!("heavy"))], block.ids()).unwrap();
    assert!(block.get("weight").is_err());
    block.data().set_many(&[(weight, json!(2))], block.ids()).unwrap();
    assert_eq!(block.float("weight").unwrap(), Some(2.0));
}

#[test]
fn a_later_declaration_replaces_an_earlier_one_in_its_place() {
    static OWN: &[FieldSpec] =
        &[FieldSpec::new("tags", FieldType::String, Scope::Content).default("\"own\"")];
    let data = Arc::new(KvsFieldData::new(Arc::new(MemoryStore::new())));
    let block = BlockFields::new([XBLOCK_FIELDS, OWN], data, ScopeIds::new("html", "d", "u"));
    assert_eq!(block.specs().iter().map(|spec| spec.name).collect::<Vec<_>>(), ["name", "parent", "tags"]);
    assert_eq!(&*block.str("tags").unwrap(), "own");
}
