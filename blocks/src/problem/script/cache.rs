//! What is kept of a run, and under which key: the platform's own (capa reference, section 10.5).

use md5::{Digest, Md5};
use serde_json::{Value as Json, json};
use xblock_core::services::Globals;

use super::ScriptError;
use crate::problem::python;

/// Returns the key of a run: equal for the same code, seed and names.
pub(super) fn key(code: &str, globals: &Globals, seed: Option<i64>) -> String {
    let mut digest = Md5::new();
    digest.update(python::repr(&Json::from(code)).as_bytes());
    update(&mut digest, &Json::Object(globals.clone()));
    let seed = seed.map_or_else(|| "None".to_owned(), |seed| seed.to_string());
    let digest = digest.finalize();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("safe_exec.{seed}.{digest}")
}

/// Adds a value: the type of each node, members in the order of their names, and the text of leaves.
fn update(digest: &mut Md5, value: &Json) {
    let class = match value {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_f64() => "float",
        Json::Number(_) => "int",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) if python::big_integer(value).is_some() => "int",
        Json::Object(_) => "dict",
    };
    digest.update(format!("<class '{class}'>").as_bytes());
    match value {
        Json::Array(items) => items.iter().for_each(|item| update(digest, item)),
        Json::Object(members) if class == "dict" => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in members {
                update(digest, &Json::from(name.as_str()));
                update(digest, value);
            }
        }
        leaf => digest.update(python::repr(leaf).as_bytes()),
    }
}

/// Returns what is kept of an outcome; nothing of what says nothing of the code.
pub(super) fn write(outcome: &Result<Globals, ScriptError>) -> Option<Json> {
    match outcome {
        Ok(globals) => Some(json!([null, globals])),
        Err(ScriptError::Failed { message, last_line, line }) => Some(json!([message, {}, last_line, line])),
        Err(ScriptError::NotRun(_)) => None,
    }
}

/// Reads what was kept; nothing where it is none of ours.
pub(super) fn read(kept: &Json) -> Option<Result<Globals, ScriptError>> {
    match kept.get(0)? {
        Json::Null => Some(Ok(kept.get(1)?.as_object()?.clone())),
        Json::String(message) => Some(Err(ScriptError::Failed {
            message: message.clone(),
            last_line: kept.get(2).and_then(Json::as_str).map(str::to_owned),
            line: kept.get(3).and_then(Json::as_u64).and_then(|line| u32::try_from(line).ok()),
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_recorded_ones() {
        let recorded: Json =
            serde_json::from_str(include_str!("../../../../tests/vectors/capa/seeds_and_keys.json"))
                .expect("the vectors are JSON");
        let cases = recorded["cache_keys"].as_array().expect("a list");
        assert!(cases.len() >= 5);
        for case in cases {
            let code = case["code"].as_str().expect("code");
            let globals = case["globals"].as_object().expect("names");
            assert_eq!(key(code, globals, case["random_seed"].as_i64()), case["key"], "{case}");
        }
    }

    #[test]
    fn what_is_kept_reads_back() {
        let failed = ScriptError::Failed { message: "m".into(), last_line: Some("l".into()), line: Some(3) };
        for outcome in [Ok(Globals::new()), Err(failed)] {
            assert_eq!(read(&write(&outcome).expect("it is kept")), Some(outcome));
        }
        assert_eq!(write(&Err(ScriptError::NotRun("why".into()))), None);
    }
}
