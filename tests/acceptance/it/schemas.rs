//! JSON Schemas of all block types, held against their defaults and against what real courses hold.
#![expect(clippy::print_stderr, reason = "a skipped course must be heard")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use courseware::{ArchiveLimits, ImportOptions, SystemClock};
use jsonschema::Validator;
use serde_json::{Map, Value as Json};
use xblock_core::block::Registry;
use xblock_core::runtime::{Branch, MemoryRuntime, Runtime};

use super::courses::{sample, shared};

fn validator(registry: &Registry, block_type: &str) -> Validator {
    let schema = registry.block_type(block_type).json_schema().expect("declarations are JSON");
    jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{block_type}: {error}"))
}

#[test]
fn schemas_are_schemas_and_every_default_is_valid() {
    let registry = blocks::registry().expect("the registry");
    for block_type in registry.types() {
        let schema = block_type.json_schema().expect("declarations are JSON");
        jsonschema::draft202012::meta::validate(&schema)
            .unwrap_or_else(|error| panic!("{}: {error}", block_type.name));
        let validator = validator(&registry, &block_type.name);
        for field in block_type.fields().iter() {
            assert!(schema["properties"][field.name]["x-xblock-scope"].is_string(), "{}", field.name);
            let default = field.default_json().expect("declarations are JSON");
            let values = Json::Object([(field.name.to_owned(), default)].into_iter().collect());
            if let Err(error) = validator.validate(&values) {
                panic!("{} of {}: {error}", field.name, block_type.name);
            }
        }
    }
}

#[test]
fn schemas_refuse_what_fields_refuse() {
    let registry = blocks::registry().expect("the registry");
    let problem = validator(&registry, "problem");
    let is_valid = |text: &str| problem.is_valid(&serde_json::from_str(text).expect("JSON"));
    for wrong in [
        r#"{"max_attempts": "many"}"#,
        r#"{"max_attempts": []}"#,
        r#"{"display_name": 7}"#,
        r#"{"data": {}}"#,
        r#"{"correct_map": []}"#,
        r#"{"score": {"raw_earned": 1}}"#,
        r#"{"due": true, "weight": {}}"#,
        r#"{"graceperiod": 5}"#,
    ] {
        assert!(!is_valid(wrong), "{wrong}");
    }
    for right in [
        r#"{"max_attempts": "3", "weight": "0.5", "due": "2031-03-01T00:00:00Z", "name": null}"#,
        r#"{"score": {"raw_earned": 1, "raw_possible": 2}, "what_nobody_knows": 1}"#,
    ] {
        assert!(is_valid(right), "{right}");
    }
}

fn check(course: &Path) {
    let registry = blocks::registry().expect("the registry");
    let clock = Arc::new(SystemClock);
    let store: Arc<dyn Runtime> = Arc::new(MemoryRuntime::new(clock));
    let source = courseware::open_package(course, &ArchiveLimits::default()).expect("a package");
    let report = courseware::import(&source, &store, &registry, &ImportOptions::default())
        .unwrap_or_else(|error| panic!("{}: {error}", course.display()));
    let mut validators: BTreeMap<String, Validator> = BTreeMap::new();
    let (mut count, mut failures) = (0, Vec::new());
    for branch in Branch::ALL {
        for usage in store.usages(&report.context, branch).unwrap_or_default() {
            let data = store.block(&usage, branch).expect("a block").data;
            let values: Map<String, Json> = data
                .content
                .iter()
                .chain(&data.settings)
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect();
            count += values.len();
            let values = Json::Object(values);
            let validator = validators
                .entry(usage.block_type().to_owned())
                .or_insert_with(|| validator(&registry, usage.block_type()));
            failures.extend(
                validator
                    .iter_errors(&values)
                    .map(|error| format!("{usage} {}: {error:.200}", error.instance_path())),
            );
        }
    }
    eprintln!("{}: {count} values", course.display());
    assert!(count > 0 && failures.is_empty(), "{}:\n{}", course.display(), failures.join("\n"));
}

#[test]
fn what_courses_hold_is_valid() {
    check(&sample("tides"));
    check(&sample("tides-library"));
    let Some(courses) = shared("") else { return };
    let mut courses: Vec<_> = std::fs::read_dir(courses)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    courses.sort();
    courses.iter().for_each(|course| check(course));
}
