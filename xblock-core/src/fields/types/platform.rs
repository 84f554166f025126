//! The types edx-platform adds: partitions, group access, textbooks, tabs and when to draw a problem anew.
use super::super::error::FieldError;
use super::super::python::number::parse_int;
use super::super::value::{Dict, Value};
use super::collections;

/// The version of user partitions written today.
const PARTITION_VERSION: i64 = 3;
/// The version of groups written today.
const GROUP_VERSION: i64 = 1;

pub(super) fn load_randomization(value: Value) -> Result<Value, FieldError> {
    match value.as_str() {
        Some("" | "true") => Ok(Value::from("always")),
        Some("false") => Ok(Value::from("per_student")),
        // Any other value, of any type, is left alone.
        _ => Ok(value),
    }
}

/// Partition ids are texts in JSON and integers natively.
pub(super) fn load_group_access(value: Value) -> Result<Value, FieldError> {
    rekey(value, |key| {
        let number = match key {
            Value::Str(text) => parse_int(text).map(Value::from),
            Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => return super::numbers::load_integer(key),
            _ => None,
        };
        number.ok_or_else(|| FieldError::InvalidValue {
            expected: "the id of a partition",
            found: key.excerpt(),
        })
    })
}

pub(super) fn dump_group_access(value: &Value) -> Result<Value, FieldError> {
    rekey(value.clone(), |key| super::super::python::json_text::key_text(key).map(Value::from))
}

fn rekey(value: Value, convert: impl Fn(&Value) -> Result<Value, FieldError>) -> Result<Value, FieldError> {
    match value {
        Value::None => Ok(Value::None),
        Value::Dict(dict) => dict
            .into_iter()
            .map(|(key, groups)| Ok((convert(&key)?, groups)))
            .collect::<Result<Dict, FieldError>>()
            .map(Value::Dict),
        other => Err(FieldError::WrongType {
            expected: "a mapping of partitions to groups",
            found: other.type_name(),
        }),
    }
}

/// Reads partitions of any version, bringing them to the current one.
pub(super) fn load_user_partitions(value: Value) -> Result<Value, FieldError> {
    match collections::load_list(value)? {
        Value::List(partitions) => {
            partitions.into_iter().map(load_partition).collect::<Result<Vec<_>, _>>().map(Value::List)
        }
        other => Ok(other),
    }
}

fn load_partition(value: Value) -> Result<Value, FieldError> {
    const PARTITION: &str = "a user partition with id, name, description, version and groups";
    let Value::Dict(mut partition) = value else {
        return Err(FieldError::WrongType { expected: PARTITION, found: value.type_name() });
    };
    for member in ["id", "name", "description", "version", "groups"] {
        if !partition.contains_key(&Value::from(member)) {
            return Err(FieldError::WrongType { expected: PARTITION, found: "dict" });
        }
    }
    let version = partition.get(&Value::from("version")).and_then(Value::as_int);
    // Version 1 had no schemes: its partitions were always random.
    match version {
        Some(1) => {
            partition.insert(Value::from("scheme"), Value::from("random"));
        }
        Some(2 | PARTITION_VERSION) if partition.contains_key(&Value::from("scheme")) => {}
        _ => {
            return Err(FieldError::WrongType {
                expected: "a user partition of a known version",
                found: "dict",
            });
        }
    }
    if version != Some(PARTITION_VERSION) {
        partition.insert(Value::from("version"), Value::Int(PARTITION_VERSION));
    }
    for (member, default) in [("parameters", Value::Dict(Dict::new())), ("active", Value::Bool(true))] {
        partition.entry(Value::from(member)).or_insert(default);
    }
    if let Some(Value::List(groups)) = partition.get(&Value::from("groups")) {
        for group in groups {
            check_group(group)?;
        }
    }
    Ok(Value::Dict(partition))
}

fn check_group(group: &Value) -> Result<(), FieldError> {
    const GROUP: &str = "a group with id, name and version 1";
    let wrong = FieldError::WrongType { expected: GROUP, found: group.type_name() };
    let Value::Dict(members) = group else { return Err(wrong) };
    let named = ["id", "name"].iter().all(|&member| members.contains_key(&Value::from(member)));
    if named && members.get(&Value::from("version")) == Some(&Value::Int(GROUP_VERSION)) {
        Ok(())
    } else {
        Err(wrong)
    }
}

/// Reads pairs of title and address.
pub(super) fn load_textbooks(value: Value) -> Result<Value, FieldError> {
    const TEXTBOOK: &str = "a textbook of title and address";
    let value = collections::load_list(value)?;
    for textbook in value.as_list().unwrap_or_default() {
        match textbook {
            Value::List(parts) | Value::Tuple(parts) if parts.len() == 2 => {}
            other => return Err(FieldError::WrongType { expected: TEXTBOOK, found: other.type_name() }),
        }
    }
    Ok(value)
}

/// Reads tabs, each a mapping that names its type.
pub(super) fn load_tabs(value: Value) -> Result<Value, FieldError> {
    const TAB: &str = "a tab with its type";
    let value = collections::load_list(value)?;
    for tab in value.as_list().unwrap_or_default() {
        match tab {
            Value::Dict(members) if members.contains_key(&Value::from("type")) => {}
            other => return Err(FieldError::WrongType { expected: TAB, found: other.type_name() }),
        }
    }
    Ok(value)
}
