//! What is recorded of a database of the platform is all compared: any other value, one more and one fewer are failures.

use std::fs;
use std::path::Path;

use acceptance::vectors::{Report, by_kind, run};
use serde_json::{Value, json};

/// Copies recorded files to a place where they can be changed, but for the copies of the documents as text.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("room on the disk");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).expect("room on the disk");
        }
    }
}

fn report(folder: &Path) -> Report {
    let mut report = Report { verbose: true, ..Report::default() };
    run(by_kind("split").expect("a kind of vectors"), &[folder.to_owned()], &mut report).expect("vectors");
    report
}

/// Writes a recorded file with a change, and returns what then fails.
fn failures(folder: &Path, name: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let file = folder.join(name);
    let bytes = fs::read(&file).expect("a recorded file");
    let mut recorded: Value = serde_json::from_slice(&bytes).expect("JSON");
    change(&mut recorded);
    fs::write(&file, recorded.to_string()).expect("room on the disk");
    let failures = report(folder).failures;
    fs::write(&file, bytes).expect("room on the disk");
    failures
}

/// Makes another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_i64().unwrap_or_default() + 1),
        Value::String(text) => json!(format!("{text}x")),
        Value::Array(_) => json!(["other"]),
        Value::Object(_) => json!({ "other": 1 }),
        Value::Null => json!("other"),
    }
}

#[test]
fn every_recorded_value_of_a_read_is_compared() {
    let Some(golden) = crate::courses::shared_folder("golden/split") else { return };
    for place in ["simple_with_draft/split", "simple_with_draft/migrate/before"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&golden.join(place), folder.path());
        let expected: Value =
            serde_json::from_slice(&fs::read(folder.path().join("expected.json")).expect("a read"))
                .expect("JSON");
        // Of each kind of object: one with all that such objects have.
        let mut pointers = vec![String::new()];
        pointers.extend(expected.get("index").map(|_| "/index".to_owned()));
        for branch in ["draft", "published"] {
            let at = format!("/branches/{branch}");
            let blocks = expected["branches"][branch]["blocks"].as_object().expect("blocks");
            let fullest = blocks.iter().max_by_key(|(_, block)| block.to_string().len()).expect("a block").0;
            pointers.push(format!("{at}/blocks/{}", fullest.replace('~', "~0").replace('/', "~1")));
            pointers.extend(expected.pointer(&format!("{at}/structure")).map(|_| format!("{at}/structure")));
            pointers.push(at);
        }
        pointers.push("/branches".to_owned());
        pointers.extend(expected.pointer("/assets/0").map(|_| "/assets/0".to_owned()));
        for pointer in pointers {
            let object = expected.pointer(&pointer).and_then(Value::as_object).expect("an object");
            for (name, value) in object {
                // Told as not proven.
                if name == "class" {
                    continue;
                }
                let changed = |with: Option<Value>| {
                    failures(folder.path(), "expected.json", |recorded| {
                        let at = recorded.pointer_mut(&pointer).and_then(Value::as_object_mut).expect("it");
                        match with {
                            Some(value) => drop(at.insert(name.clone(), value)),
                            None => drop(at.remove(name)),
                        }
                    })
                };
                assert_ne!(changed(Some(other(value))), [""; 0], "{place} {pointer}/{name} changed");
                assert_ne!(changed(None), [""; 0], "{place} {pointer}/{name} removed");
            }
            let more = failures(folder.path(), "expected.json", |recorded| {
                recorded.pointer_mut(&pointer).expect("it")["other"] = json!(1);
            });
            assert_ne!(more, [""; 0], "{place} {pointer}: one member more");
        }
        assert_eq!(report(folder.path()).failures, [""; 0], "{place}");
    }
}

#[test]
fn every_recorded_value_of_steps_is_compared() {
    let Some(golden) = crate::courses::shared_folder("golden/split/library") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&golden, folder.path());
    for at in [0, 7, 15, 21] {
        for (name, value) in [
            ("call", json!("nobody_knows")),
            ("result", json!("block-v1:a+b+c+type@html+block@d")),
            ("n", json!(99)),
            ("after", json!({ "x": 1 })),
            ("more", json!(1)),
        ] {
            let failures = failures(folder.path(), "steps.json", |steps| steps[at][name] = value);
            assert!(failures.iter().any(|failure| failure.contains(", step ")), "{at} {name}: {failures:?}");
        }
        for name in ["structures", "definitions"] {
            let failures = failures(folder.path(), "steps.json", |steps| {
                let count = steps[at]["after"][name].as_i64().expect("a number");
                steps[at]["after"][name] = json!(count + 1);
            });
            assert_ne!(failures, [""; 0], "{at} {name}");
        }
    }
    let counted =
        failures(folder.path(), "counts.json", |counts| counts["modulestore.structures"] = json!(1));
    assert_eq!(counted.len(), 1, "{counted:?}");
}

#[test]
fn what_is_not_recorded_of_a_database_is_told_and_not_proven() {
    let Some(golden) = crate::courses::shared_folder("golden/split/simple_with_draft/split") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&golden.join("dump"), &folder.path().join("dump"));
    let report = report(folder.path());
    assert_eq!(report.failures, [""; 0]);
    for name in ["expected.json", "steps.json", "counts.json"] {
        assert!(report.unproven.iter().any(|one| one.contains(name)), "{name}: {:?}", report.unproven);
    }
}
