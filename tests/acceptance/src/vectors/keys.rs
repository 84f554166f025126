//! Checks of opaque keys: what the Python packages read, write, refuse, convert and compare.
//!
//! Every member of a case is checked, and a member, method or class that is not known is a failure.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};
use xblock_core::keys::python::{KeyValue, construct, python_cmp};
use xblock_core::keys::{
    AnyKey, Integer, KeyClass, KeyError, KeyFamily, KeyKind, KeyRegistry, LocalId, ObjectId, Scalar, clean,
    clean_for_html, clean_for_url_name, clean_keeping_underscores, is_decimal, is_digit, is_word,
};

use super::Report;

type Outcome<T = ()> = Result<T, String>;

/// Checks a file of key vectors.
pub(super) fn run(file: &Value, report: &mut Report) {
    let Some(file) = file.as_object() else {
        report.case("file", Err("not an object".into()));
        return;
    };
    if !file.keys().any(|name| name.ends_with("cases")) {
        report.case("file", Err("no cases".into()));
    }
    for (name, cases) in file {
        let check: fn(&Map<String, Value>) -> Outcome = match name.as_str() {
            "meta" => continue,
            "cases" => text_case,
            "constructor_cases" => constructor_case,
            "compare_cases" => compare_case,
            "clean_cases" => clean_case,
            "word_char_cases" => word_char_case,
            other => {
                report.case(other, Err("unknown kind of cases".into()));
                continue;
            }
        };
        let Some(cases) = cases.as_array() else {
            report.case(name, Err("not a list".into()));
            continue;
        };
        for case in cases {
            let id = case["id"].as_str().unwrap_or(name);
            let outcome = match case.as_object() {
                Some(case) => check(case),
                None => Err("not an object".into()),
            };
            report.case(id, outcome);
        }
    }
}

/// Collects what differs within one case.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn equal(&mut self, what: &str, expected: &Value, actual: &Value) {
        if expected != actual {
            self.0.push(format!("{what}: expected {expected}, got {actual}"));
        }
    }

    fn note(&mut self, what: &str, outcome: Outcome) {
        if let Err(reason) = outcome {
            self.0.push(format!("{what}: {reason}"));
        }
    }

    fn outcome(self) -> Outcome {
        if self.0.is_empty() { Ok(()) } else { Err(self.0.join("; ")) }
    }
}

fn member<'a>(case: &'a Map<String, Value>, name: &str) -> Outcome<&'a Value> {
    case.get(name).ok_or_else(|| format!("member {name} is missing"))
}

fn text_member<'a>(case: &'a Map<String, Value>, name: &str) -> Outcome<&'a str> {
    member(case, name)?.as_str().ok_or_else(|| format!("member {name} is not a text"))
}

fn only_members(case: &Map<String, Value>, known: &[&str]) -> Outcome {
    match case.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("unknown member {name}")),
        None => Ok(()),
    }
}

fn kind(name: &str) -> Outcome<KeyKind> {
    Ok(match name {
        "learning_context_key" => KeyKind::Family(KeyFamily::Context),
        "course_key" => KeyKind::Course,
        "usage_key" => KeyKind::Family(KeyFamily::Usage),
        "usage_key_v2" => KeyKind::UsageV2,
        "aside_usage_key" => KeyKind::AsideUsage,
        "definition_key" => KeyKind::Family(KeyFamily::Definition),
        "aside_definition_key" => KeyKind::AsideDefinition,
        "asset_key" => KeyKind::Family(KeyFamily::Asset),
        "block_type_key" => KeyKind::Family(KeyFamily::BlockType),
        "collection_key" => KeyKind::Family(KeyFamily::Collection),
        "container_key" => KeyKind::Family(KeyFamily::Container),
        other => match other.strip_prefix("class:") {
            Some(name) => KeyKind::Class(class(name)?),
            None => return Err(format!("unknown kind {other}")),
        },
    })
}

fn class(name: &str) -> Outcome<KeyClass> {
    KeyClass::by_name(name).ok_or_else(|| format!("unknown class {name}"))
}

/// Writes a value the way the vectors do.
fn encode(value: &KeyValue) -> Value {
    match value {
        KeyValue::Bool(value) => json!(value),
        KeyValue::Key(key) => encode_key(key),
        KeyValue::Scalar(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Text(text) => json!(text.as_str()),
            Scalar::Int(integer) => serde_json::from_str(integer.as_str()).unwrap_or(Value::Null),
            Scalar::ObjectId(id) => json!({ "$oid": id.to_string() }),
            Scalar::Uuid(uuid) => json!({ "$uuid": uuid.to_string() }),
            Scalar::Local(local) => json!({ "$local_id": local.id() }),
            other => json!({ "$unknown": other.to_string() }),
        },
    }
}

fn encode_fields(key: &AnyKey) -> Value {
    let fields = key.fields();
    Value::Object(fields.iter().map(|(name, value)| (name.to_string(), encode(value))).collect())
}

fn encode_key(key: &AnyKey) -> Value {
    let mut out = Map::new();
    out.insert("type".into(), json!(key.class_name()));
    out.insert("deprecated".into(), json!(key.is_deprecated()));
    let text = key.to_text();
    let family = key.class().map(KeyClass::family);
    let reads_back = match (&text, family) {
        (Ok(text), Some(family)) => {
            KeyRegistry::BUILTIN.parse(KeyKind::Family(family), text).as_ref() == Ok(key)
        }
        _ => false,
    };
    match text {
        Ok(text) => out.insert("str".into(), json!(text)),
        Err(error) => {
            out.insert("str".into(), Value::Null);
            out.insert("str_error".into(), json!(error.python_class()))
        }
    };
    if !reads_back {
        out.insert("fields".into(), encode_fields(key));
    }
    json!({ "$key": out })
}

fn single<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|_| object.len() == 1)
}

/// Reads a value written the way the vectors do.
fn decode(value: &Value) -> Outcome<KeyValue> {
    Ok(match value {
        Value::Null => KeyValue::NULL,
        Value::Bool(value) => (*value).into(),
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => match Integer::parse(&number.to_string()) {
            Some(integer) => Scalar::Int(integer).into(),
            None => return Err(format!("number {number} is no integer")),
        },
        Value::Array(_) => return Err("a list where a value was expected".into()),
        Value::Object(object) => {
            let text = |name: &str| single(object, name).and_then(Value::as_str);
            if let Some(hex) = text("$oid") {
                let id: ObjectId = hex.parse().map_err(|error: KeyError| error.to_string())?;
                Scalar::ObjectId(id).into()
            } else if let Some(uuid) = text("$uuid") {
                Scalar::Uuid(uuid.parse().map_err(|_| format!("{uuid} is no UUID"))?).into()
            } else if let Some(id) = text("$local_id") {
                Scalar::Local(LocalId::new(id)).into()
            } else if let Some(key) = single(object, "$key").and_then(Value::as_object) {
                KeyValue::Key(decode_key(key)?)
            } else {
                return Err(format!("unknown encoding {value}"));
            }
        }
    })
}

fn decode_key(key: &Map<String, Value>) -> Outcome<AnyKey> {
    only_members(key, &["type", "deprecated", "str", "str_error", "fields"])?;
    let class = class(text_member(key, "type")?)?;
    let built = if let Some(fields) = key.get("fields").and_then(Value::as_object) {
        let mut kwargs = Vec::new();
        for (name, value) in fields {
            kwargs.push((name.as_str().into(), decode(value)?));
        }
        // Other keys take their form from their context or their family, and some constructors have no such argument.
        let has_form = matches!(class, KeyClass::CourseLocator);
        if has_form && key.get("deprecated") == Some(&Value::Bool(true)) {
            kwargs.push(("deprecated".into(), true.into()));
        }
        construct(class, Vec::new(), kwargs)
    } else {
        KeyRegistry::BUILTIN.parse(KeyKind::Family(class.family()), text_member(key, "str")?)
    };
    let built = built.map_err(|error| format!("cannot build {key:?}: {error}"))?;
    let encoded = encode_key(&built);
    let mut differences = Differences::default();
    for name in ["type", "deprecated", "str"] {
        differences.equal(name, member(key, name)?, &encoded["$key"][name]);
    }
    differences.outcome()?;
    Ok(built)
}

fn decode_list(case: &Map<String, Value>, name: &str) -> Outcome<Vec<KeyValue>> {
    match case.get(name) {
        None => Ok(Vec::new()),
        Some(list) => {
            list.as_array().ok_or_else(|| format!("{name} is no list"))?.iter().map(decode).collect()
        }
    }
}

fn decode_named<N: for<'a> From<&'a str>>(
    case: &Map<String, Value>,
    name: &str,
) -> Outcome<Vec<(N, KeyValue)>> {
    let Some(object) = case.get(name) else { return Ok(Vec::new()) };
    let object = object.as_object().ok_or_else(|| format!("{name} is no object"))?;
    object.iter().map(|(name, value)| Ok((N::from(name), decode(value)?))).collect()
}

/// Holds a result against the `result` or `error` that is expected.
fn check_result(case: &Map<String, Value>, actual: Result<Value, KeyError>) -> Outcome {
    let expected = match (case.get("result"), case.get("error")) {
        (Some(result), None) => Ok(result),
        (None, Some(error)) => Err(error),
        _ => return Err("neither result nor error, or both".into()),
    };
    let told = |actual: &Result<Value, KeyError>| match actual {
        Ok(value) => value.to_string(),
        Err(error) => format!("{} ({error})", error.python_class()),
    };
    let same = match (&expected, &actual) {
        // Objects are compared with the order of their members, which maps of documents have.
        (Ok(expected), Ok(actual)) => {
            let keys = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
            *expected == actual && (keys(expected) == keys(actual))
        }
        (Err(expected), Err(error)) => **expected == error.python_class(),
        _ => false,
    };
    if same {
        return Ok(());
    }
    match expected {
        Ok(value) => Err(format!("expected {value}, got {}", told(&actual))),
        Err(error) => Err(format!("expected {error}, got {}", told(&actual))),
    }
}

const TEXT_MEMBERS: &[&str] = &[
    "id",
    "kind",
    "input",
    "valid",
    "error",
    "type",
    "deprecated",
    "fields",
    "canonical",
    "canonical_error",
    "reparse",
    "reparsed_key",
    "input_is_canonical",
    "properties",
    "conversions",
];

fn text_case(case: &Map<String, Value>) -> Outcome {
    only_members(case, TEXT_MEMBERS)?;
    let kind = kind(text_member(case, "kind")?)?;
    let input = text_member(case, "input")?;
    let parsed = KeyRegistry::BUILTIN.parse(kind, input);
    let valid = member(case, "valid")?.as_bool().ok_or("valid is no truth value")?;
    match (valid, parsed) {
        (false, Err(error)) => {
            let expected = text_member(case, "error")?;
            if expected == error.python_class() {
                Ok(())
            } else {
                Err(format!("{input:?}: expected {expected}, got {} ({error})", error.python_class()))
            }
        }
        (false, Ok(key)) => Err(format!("{input:?} was read as {key:?}")),
        (true, Err(error)) => Err(format!("{input:?} was refused: {error}")),
        (true, Ok(key)) => {
            valid_case(case, kind, input, &key).map_err(|reason| format!("{input:?}: {reason}"))
        }
    }
}

fn valid_case(case: &Map<String, Value>, kind: KeyKind, input: &str, key: &AnyKey) -> Outcome {
    let mut differences = Differences::default();
    differences.equal("type", member(case, "type")?, &json!(key.class_name()));
    differences.equal("deprecated", member(case, "deprecated")?, &json!(key.is_deprecated()));
    differences.equal("fields", member(case, "fields")?, &encode_fields(key));
    let canonical = key.to_text();
    match (&canonical, case.get("canonical_error")) {
        (Ok(text), None) => {
            differences.equal("canonical", member(case, "canonical")?, &json!(text));
            let again = KeyRegistry::BUILTIN.parse(kind, text);
            let reparse = match &again {
                Ok(again) if again == key => "equal".to_owned(),
                Ok(_) => "different".to_owned(),
                Err(error) => format!("error:{}", error.python_class()),
            };
            differences.equal("reparse", member(case, "reparse")?, &json!(reparse));
            if let Some(expected) = case.get("reparsed_key") {
                let again = again.map_err(|error| error.to_string())?;
                differences.equal("reparsed_key", expected, &encode_key(&again));
            }
            differences.equal(
                "input_is_canonical",
                member(case, "input_is_canonical")?,
                &json!(text == input),
            );
        }
        (Err(error), Some(expected)) => {
            differences.equal("canonical_error", expected, &json!(error.python_class()));
        }
        (Ok(text), Some(expected)) => {
            differences.note("canonical", Err(format!("expected {expected}, got {text:?}")));
        }
        (Err(error), None) => differences.note("canonical", Err(error.to_string())),
    }
    let properties = member(case, "properties")?.as_object().ok_or("properties is no object")?;
    for (name, expected) in properties {
        let actual = match key.attribute(name) {
            Ok(value) => encode(&value),
            Err(error) => json!({ "$error": error.python_class() }),
        };
        differences.equal(name, expected, &actual);
    }
    if let Some(conversions) = case.get("conversions") {
        for (at, conversion) in conversions.as_array().ok_or("conversions is no list")?.iter().enumerate() {
            let conversion = conversion.as_object().ok_or("a conversion is no object")?;
            let op = text_member(conversion, "op")?;
            differences.note(&format!("conversion {at}, {op}"), conversion_case(conversion, op, key));
        }
    }
    differences.outcome()
}

fn conversion_case(case: &Map<String, Value>, op: &str, key: &AnyKey) -> Outcome {
    only_members(case, &["op", "args", "kwargs", "result", "error"])?;
    let args = decode_list(case, "args")?;
    let kwargs = decode_named(case, "kwargs")?;
    let scalar = |value: &KeyValue| match value {
        KeyValue::Scalar(scalar) => Ok(scalar.clone()),
        other => Err(format!("{op} of {other}")),
    };
    let encoded = |result: Result<AnyKey, KeyError>| result.map(|key| encode_key(&key));
    let named = !kwargs.is_empty();
    let actual = match (op, args.as_slice()) {
        ("replace", []) => encoded(key.replace(kwargs)),
        _ if named => return Err(format!("{op} with named arguments")),
        ("version_agnostic", []) => encoded(key.version_agnostic()),
        ("course_agnostic", []) => encoded(key.course_agnostic()),
        ("for_branch", [branch]) => encoded(key.for_branch(scalar(branch)?)),
        ("for_version", [version]) => encoded(key.for_version(scalar(version)?)),
        ("make_usage_key", [block_type, id]) => encoded(key.make_usage_key(scalar(block_type)?, scalar(id)?)),
        ("make_asset_key", [asset_type, path]) => {
            encoded(key.make_asset_key(scalar(asset_type)?, scalar(path)?))
        }
        ("make_usage_key_from_deprecated_string", [KeyValue::Scalar(Scalar::Text(text))]) => {
            encoded(key.make_usage_key_from_deprecated_string(text))
        }
        ("map_into_course", [context]) => encoded(key.map_into_course(context.clone())),
        ("html_id", []) => key.html_id().map(|id| encode(&id.into())),
        ("to_course_locator", []) => encoded(key.to_course_locator()),
        ("to_block_locator", []) => encoded(key.to_block_locator()),
        ("to_deprecated_son", []) => key.to_deprecated_son("", "i4x").map(|son| {
            Value::Object(son.iter().map(|(name, value)| (name.clone(), encode(value))).collect())
        }),
        ("to_deprecated_list_repr", []) => {
            key.to_deprecated_list_repr().map(|list| Value::Array(list.iter().map(encode).collect()))
        }
        _ => return Err(format!("unknown method {op} with {} arguments", args.len())),
    };
    check_result(case, actual)
}

fn constructor_case(case: &Map<String, Value>) -> Outcome {
    only_members(case, &["id", "class", "args", "kwargs", "result", "error"])?;
    let class = class(text_member(case, "class")?)?;
    let built = construct(class, decode_list(case, "args")?, decode_named(case, "kwargs")?);
    check_result(case, built.map(|key| encode_key(&key)))
}

fn compare_case(case: &Map<String, Value>) -> Outcome {
    only_members(case, &["id", "left", "right", "eq", "same_hash", "lt", "gt", "le", "ge"])?;
    let key = |name: &str| match decode(member(case, name)?)? {
        KeyValue::Key(key) => Ok(key),
        other => Err(format!("{name} is no key: {other}")),
    };
    let (left, right) = (key("left")?, key("right")?);
    let hash = |key: &AnyKey| {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish()
    };
    let mut differences = Differences::default();
    differences.equal("eq", member(case, "eq")?, &json!(left == right));
    differences.equal("same_hash", member(case, "same_hash")?, &json!(hash(&left) == hash(&right)));
    let order = python_cmp(&left, &right);
    let told = |holds: fn(Ordering) -> bool| match &order {
        Ok(order) => json!(holds(*order)),
        Err(error) => json!({ "error": error.python_class() }),
    };
    differences.equal("lt", member(case, "lt")?, &told(Ordering::is_lt));
    differences.equal("gt", member(case, "gt")?, &told(Ordering::is_gt));
    differences.equal("le", member(case, "le")?, &told(Ordering::is_le));
    differences.equal("ge", member(case, "ge")?, &told(Ordering::is_ge));
    if (left == right) != (left.cmp(&right) == Ordering::Equal) {
        differences.note("total order", Err("does not go with equality".into()));
    }
    differences.outcome()
}

fn clean_case(case: &Map<String, Value>) -> Outcome {
    only_members(case, &["id", "fn", "input", "output"])?;
    let function: fn(&str) -> String = match text_member(case, "fn")? {
        "clean" => clean,
        "clean_keeping_underscores" => clean_keeping_underscores,
        "clean_for_url_name" => clean_for_url_name,
        "clean_for_html" => clean_for_html,
        other => return Err(format!("unknown function {other}")),
    };
    let (input, expected) = (text_member(case, "input")?, text_member(case, "output")?);
    let actual = function(input);
    if actual == expected { Ok(()) } else { Err(format!("{input:?}: expected {expected:?}, got {actual:?}")) }
}

fn word_char_case(case: &Map<String, Value>) -> Outcome {
    let known =
        ["id", "char", "codepoint", "category", "word", "isdigit", "isdecimal", "isnumeric", "isalpha"];
    only_members(case, &known)?;
    let mut chars = text_member(case, "char")?.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return Err("char is not one character".into());
    };
    let category = text_member(case, "category")?;
    let truth = |name: &str| member(case, name)?.as_bool().ok_or(format!("{name} is no truth value"));
    let mut differences = Differences::default();
    differences.equal("codepoint", member(case, "codepoint")?, &json!(format!("U+{:04X}", u32::from(c))));
    differences.equal("word", member(case, "word")?, &json!(is_word(c)));
    differences.equal("isdigit", member(case, "isdigit")?, &json!(is_digit(c)));
    differences.equal("isdecimal", member(case, "isdecimal")?, &json!(is_decimal(c)));
    // Letters and numbers have no tables of their own; together they make up the words.
    let (alpha, numeric) = (truth("isalpha")?, truth("isnumeric")?);
    differences.equal("isalpha or isnumeric", &json!(alpha || numeric), &json!(is_word(c) && c != '_'));
    differences.equal("isalpha by category", &json!(alpha), &json!(category.starts_with('L')));
    differences.equal("isdecimal by category", &json!(category == "Nd"), &json!(is_decimal(c)));
    differences.outcome()
}
