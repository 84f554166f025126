//! Scripts of operations on one block over a store that records what it is asked to write.
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};
use xblock_core::fields::{
    BlockFields, BlockFieldsError, CHILDREN_FIELDS, Conversion, FieldData, FieldError, FieldList, FieldSpec,
    FieldType, KvsError, Scope, ScopeIds, Value, XBLOCK_FIELDS,
};

use super::encoding::{decode, encode, same};
use super::{check_members, text};

/// The block of the scripts, as the vectors' own description of it says.
static BLOCK: &[FieldSpec] = &[
    FieldSpec::new("any", FieldType::Any, Scope::Settings),
    FieldSpec::new("b", FieldType::Boolean, Scope::Settings).default("false"),
    FieldSpec::new("d", FieldType::Dict, Scope::Content).default("{\"k\": [1]}"),
    FieldSpec::new("dt", FieldType::Date, Scope::Settings),
    FieldSpec::new("i", FieldType::Integer, Scope::Settings).default("3"),
    FieldSpec::new("ie", FieldType::Integer, Scope::Settings).default("3").enforce_type(),
    FieldSpec::new("l", FieldType::List, Scope::Content).default("[1]"),
    FieldSpec::new("rt", FieldType::RelativeTime, Scope::Settings).default("0"),
    FieldSpec::new("s", FieldType::String, Scope::Content).default("\"dflt\""),
    FieldSpec::new("st", FieldType::Set, Scope::Settings),
    FieldSpec::new("u", FieldType::String, Scope::UserState).unique_id(),
];

#[derive(Debug, Default)]
struct Contents {
    values: Map<String, Json>,
    writes: Vec<Json>,
}

/// Keeps values by field name, remembers each write, and fails at chosen names.
#[derive(Debug, Default)]
struct RecordingStore {
    contents: Mutex<Contents>,
    fails_on: Vec<String>,
}

impl RecordingStore {
    fn with<T>(&self, act: impl FnOnce(&mut Contents) -> T) -> T {
        act(&mut self.contents.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl FieldData for RecordingStore {
    fn get(&self, field: &FieldSpec, _ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok(self.with(|contents| contents.values.get(field.name).cloned()))
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], _ids: &ScopeIds) -> Result<(), KvsError> {
        self.with(|contents| {
            let mut written = Map::new();
            for (field, value) in values {
                if self.fails_on.iter().any(|name| name == field.name) {
                    return Err(KvsError::PartialWrite {
                        saved: written.keys().cloned().collect(),
                        source: "this field cannot be stored".into(),
                    });
                }
                written.insert(field.name.to_owned(), value.clone());
                contents.values.insert(field.name.to_owned(), value.clone());
            }
            contents.writes.push(Json::Object(written));
            Ok(())
        })
    }

    fn delete(&self, field: &FieldSpec, _ids: &ScopeIds) -> Result<(), KvsError> {
        self.with(|contents| contents.values.shift_remove(field.name));
        Ok(())
    }

    fn default(&self, _field: &FieldSpec, _ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok(None)
    }
}

struct Script {
    store: Arc<RecordingStore>,
    block: BlockFields,
    saves: u64,
}

/// Runs all steps of a script.
pub(super) fn run(case: &Json, conversion: &Conversion) -> Result<(), String> {
    check_members(case, &["id", "title", "initial_store", "steps", "store_fails_on"])?;
    let initial = case["initial_store"].as_object().ok_or("no `initial_store`")?;
    let values: Map<String, Json> = initial
        .iter()
        .map(|(name, value)| Ok((name.clone(), stored(value)?)))
        .collect::<Result<_, String>>()?;
    let fails_on = case["store_fails_on"].as_array().into_iter().flatten();
    let store = Arc::new(RecordingStore {
        contents: Mutex::new(Contents { values, writes: Vec::new() }),
        fails_on: fails_on.filter_map(Json::as_str).map(str::to_owned).collect(),
    });
    let ids = ScopeIds::new("tb", "def1", "usage1").with_user("user1");
    let lists: [FieldList; 3] = [XBLOCK_FIELDS.into(), BLOCK.into(), CHILDREN_FIELDS.into()];
    let block = BlockFields::new(lists, store.clone(), ids).with_conversion(*conversion);
    let mut script = Script { store, block, saves: 0 };
    let steps = case["steps"].as_array().ok_or("no `steps`")?;
    for (index, step) in steps.iter().enumerate() {
        script.step(step).map_err(|problem| format!("step {index} {step}: {problem}"))?;
    }
    Ok(())
}

/// Returns the stored form of a value of the vectors.
fn stored(json: &Json) -> Result<Json, String> {
    decode(json)?.to_json().map_err(|error| error.to_string())
}

/// Tells whether a stored value is the expected one; the stored form of a set, and of a tuple, is an array.
fn same_stored(actual: &Json, expected: &Json) -> bool {
    let items = || expected.get("items").unwrap_or(&Json::Null);
    match (expected.get("$type").and_then(Json::as_str), actual) {
        (Some("set"), Json::Array(_)) => {
            same(&json!({"$type": "set", "items": super::encoding::with_floats(actual)}), expected)
        }
        (Some("tuple"), Json::Array(_)) => same_stored(actual, items()),
        (None, Json::Object(actual)) => same_all_stored(actual, expected),
        (None, Json::Array(actual)) => expected.as_array().is_some_and(|expected| {
            actual.len() == expected.len()
                && actual.iter().zip(expected).all(|(actual, expected)| same_stored(actual, expected))
        }),
        _ => same(&super::encoding::with_floats(actual), expected),
    }
}

fn same_all_stored(actual: &Map<String, Json>, expected: &Json) -> bool {
    expected.as_object().is_some_and(|expected| {
        actual.len() == expected.len()
            && actual
                .iter()
                .all(|(name, value)| expected.get(name).is_some_and(|expected| same_stored(value, expected)))
    })
}

impl Script {
    fn step(&mut self, step: &Json) -> Result<(), String> {
        const MEMBERS: [&str; 9] = [
            "do",
            "args",
            "result",
            "error",
            "error_class",
            "wrote",
            "save_block_calls",
            "saved_fields",
            "dirty_fields",
        ];
        check_members(step, &MEMBERS)?;
        let arguments: &[Json] = step["args"].as_array().map_or(&[], Vec::as_slice);
        let name = arguments.first().and_then(Json::as_str).unwrap_or_default();
        let argument = |index: usize| arguments.get(index).ok_or("an argument is missing");
        let writes_before = self.store.with(|contents| contents.writes.len());
        let outcome: Result<Option<Json>, BlockFieldsError> = match text(step, "do")? {
            "get" => self.block.get(name).map(|value| Some(encode(&value))),
            "set" => self.block.set(name, decode(argument(1)?)?).map(|()| None),
            "del" => self.block.delete(name).map(|()| None),
            "is_set" => self.block.is_set_on(name).map(|is_set| Some(Json::from(is_set))),
            "default" => self.block.default_value(name).map(|value| Some(encode(&value))),
            "read_json" => return self.check_stored(step, self.block.json(name)),
            "dirty" => Ok(Some(sorted(self.block.dirty()))),
            "tracked" => Ok(Some(sorted(self.block.tracked()))),
            "append" | "add" | "put" => {
                let values = arguments.iter().skip(1).map(decode).collect::<Result<Vec<_>, _>>()?;
                let operation = text(step, "do")?;
                match self.block.update(name, |value| change(operation, value, values)) {
                    Ok(Err(class)) if step["error"].as_str() == Some(class) => return Ok(()),
                    Ok(Err(class)) => return Err(format!("raised {class}")),
                    Ok(Ok(())) => Ok(None),
                    Err(error) => Err(error),
                }
            }
            "store_set" => {
                let value = stored(argument(1)?)?;
                self.store.with(|contents| contents.values.insert(name.to_owned(), value));
                Ok(None)
            }
            "store" => {
                let values = self.store.with(|contents| contents.values.clone());
                let expected = &step["result"];
                return if same_all_stored(&values, expected) {
                    Ok(())
                } else {
                    Err(format!("the store holds {}", Json::Object(values)))
                };
            }
            "explicit" => {
                let scope = Scope::from_name(name).map_err(|error| error.to_string())?;
                return self.check_stored(step, self.block.explicitly_set_by_scope(scope).map(Json::Object));
            }
            "save" => self.block.save().map(|was_tracked| {
                self.saves += u64::from(was_tracked);
                None
            }),
            "force_save" => {
                let names = argument(0)?.as_array().ok_or("names are missing")?;
                let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
                self.block.force_save_fields(&names).map(|()| None)
            }
            other => return Err(format!("unknown operation `{other}`")),
        };
        self.check(step, outcome, writes_before)
    }

    /// Checks a result in stored form, in which sets are arrays.
    fn check_stored(&self, step: &Json, outcome: Result<Json, BlockFieldsError>) -> Result<(), String> {
        match (outcome, step["error"].as_str()) {
            (Err(error), Some(expected)) => check_error(step, &error, expected),
            (Err(error), None) => Err(error.to_string()),
            (Ok(value), Some(expected)) => Err(format!("expected {expected}, got {value}")),
            (Ok(value), None) if step.get("result").is_some_and(|result| same_stored(&value, result)) => {
                Ok(())
            }
            (Ok(value), None) => Err(format!("got {value}")),
        }
    }

    fn check(
        &self,
        step: &Json,
        outcome: Result<Option<Json>, BlockFieldsError>,
        writes_before: usize,
    ) -> Result<(), String> {
        let value = match (outcome, step["error"].as_str()) {
            (Err(error), Some(expected)) => return check_error(step, &error, expected),
            (Err(error), None) => return Err(error.to_string()),
            (Ok(value), Some(expected)) => return Err(format!("expected {expected}, got {value:?}")),
            (Ok(value), None) => value,
        };
        if let Some(expected) = step.get("result")
            && !value.as_ref().is_some_and(|value| same(value, expected))
        {
            return Err(format!("got {value:?}"));
        }
        if let Some(expected) = step.get("wrote") {
            let writes = self.store.with(|contents| contents.writes[writes_before..].to_vec());
            let expected: &[Json] = expected.as_array().map_or(&[], Vec::as_slice);
            let agree = writes.len() == expected.len()
                && writes.iter().zip(expected).all(|(write, expected)| {
                    write.as_object().is_some_and(|write| same_all_stored(write, expected))
                });
            if !agree {
                return Err(format!("wrote {writes:?}"));
            }
        }
        match step.get("save_block_calls") {
            Some(calls) if calls.as_u64() != Some(self.saves) => {
                Err(format!("{} calls of save_block", self.saves))
            }
            _ => Ok(()),
        }
    }
}

/// Changes a value in place: appends to a list, adds to a set, or puts a value into a mapping. Any other value has no such
/// operation, which Python says with one of two classes of errors.
fn change(operation: &str, value: &mut Value, arguments: Vec<Value>) -> Result<(), &'static str> {
    let mut arguments = arguments.into_iter();
    match (operation, value) {
        ("append", Value::List(items)) => items.extend(arguments),
        ("add", Value::Set(items)) => items.extend(arguments),
        ("put", Value::Dict(dict)) => match (arguments.next(), arguments.next()) {
            (Some(key), Some(value)) => {
                dict.insert(key, value);
            }
            _ => return Err("TypeError"),
        },
        ("put", _) => return Err("TypeError"),
        _ => return Err("AttributeError"),
    }
    Ok(())
}

fn sorted(mut names: Vec<&str>) -> Json {
    names.sort_unstable();
    Json::from(names)
}

fn check_error(step: &Json, error: &BlockFieldsError, expected: &str) -> Result<(), String> {
    let (builtin, class) = match error {
        BlockFieldsError::Conversion { source, .. } => (source.python_class(), None),
        BlockFieldsError::NothingToSave { .. } | BlockFieldsError::NoSuchField { .. } => ("KeyError", None),
        BlockFieldsError::Save { .. } => ("Exception", Some("xblock.exceptions.XBlockSaveError")),
        BlockFieldsError::Store(KvsError::InvalidScope { .. }) => {
            ("Exception", Some("xblock.exceptions.InvalidScopeError"))
        }
        _ => ("Exception", None),
    };
    let is_date =
        matches!(error, BlockFieldsError::Conversion { source: FieldError::InvalidDate { .. }, .. });
    let class = if is_date { Some("dateutil.parser._parser.ParserError") } else { class };
    if builtin != expected || class != step["error_class"].as_str() {
        return Err(format!("raised {builtin} {class:?}: {error}"));
    }
    if let BlockFieldsError::Save { saved, dirty, .. } = error {
        for (member, names) in [("saved_fields", saved), ("dirty_fields", dirty)] {
            let actual = sorted(names.iter().map(String::as_str).collect());
            if step.get(member).is_some_and(|expected| *expected != actual) {
                return Err(format!("{member}: {actual}"));
            }
        }
    }
    Ok(())
}
