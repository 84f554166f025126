//! Field vectors: conversions, defaults, storage keys, unique ids, and scripts of block operations.
mod encoding;
mod scripts;

use serde_json::{Map, Value as Json};
use xblock_core::fields::{
    Conversion, FieldError, FieldSpec, FieldType, Scope, ScopeIds, StateKey, Value, Values, YamlStage,
    scope_key, unique_id,
};

use super::Report;
use encoding::{decode, encode, same};

/// Runs a file of field vectors.
pub(super) fn run(file: &Json, report: &mut Report) {
    let conversion = Conversion::on(chrono::Utc::now().date_naive());
    let Some(members) = file.as_object() else {
        report.case("file", Err("the file is no object".to_owned()));
        return;
    };
    for (member, cases) in members {
        if member == "meta" {
            continue;
        }
        for (index, case) in cases.as_array().into_iter().flatten().enumerate() {
            let id = case["id"].as_str().map_or_else(|| format!("{member}[{index}]"), str::to_owned);
            let result = match member.as_str() {
                "cases" => run_conversion(case, &conversion),
                "default_cases" => run_default(case),
                "script_cases" => scripts::run(case, &conversion),
                "key_cases" => run_key(case),
                "unique_id_cases" => run_unique_id(case),
                "scopes" => run_scope(case, index),
                "scope_facts" => run_scope_fact(case),
                other => Err(format!("unknown member `{other}`")),
            };
            report.case(&id, result);
        }
    }
}

/// Fails when a case has members the runner does not look at.
fn check_members(case: &Json, known: &[&str]) -> Result<(), String> {
    let members = case.as_object().ok_or("the case is no object")?;
    match members.keys().find(|member| !known.contains(&member.as_str())) {
        Some(member) => Err(format!("unknown member `{member}`")),
        None => Ok(()),
    }
}

fn text<'a>(case: &'a Json, member: &str) -> Result<&'a str, String> {
    case[member].as_str().ok_or_else(|| format!("`{member}` is no text"))
}

fn field_type(case: &Json) -> Result<FieldType, String> {
    let name = text(case, "field")?;
    FieldType::from_class_name(name).ok_or_else(|| format!("unknown field type `{name}`"))
}

/// Why a case failed in Python's terms: the built-in class, and the class itself when it is another one.
struct Raised {
    builtin: &'static str,
    class: Option<&'static str>,
}

impl Raised {
    fn by(error: &FieldError, kind: FieldType) -> Self {
        let class = match error {
            FieldError::Yaml(error) => match error.stage {
                YamlStage::Reader => Some("yaml.reader.ReaderError"),
                YamlStage::Scanner => Some("yaml.scanner.ScannerError"),
                YamlStage::Parser => Some("yaml.parser.ParserError"),
                YamlStage::Composer => Some("yaml.composer.ComposerError"),
                YamlStage::Constructor => Some("yaml.constructor.ConstructorError"),
                _ => None,
            },
            FieldError::NotXml { .. } => Some("lxml.etree.XMLSyntaxError"),
            // The date-time field raises an error of its own instead.
            FieldError::InvalidDate { .. } if kind == FieldType::Date => {
                Some("dateutil.parser._parser.ParserError")
            }
            _ => None,
        };
        Self { builtin: error.python_class(), class }
    }
}

/// Compares what happened with what a case expects under `member`.
fn compare(case: &Json, member: &str, outcome: Result<Json, Raised>) -> Result<(), String> {
    let expected_error = case.get("error").map(|error| error.as_str().unwrap_or_default());
    match (outcome, expected_error) {
        (Ok(value), None) => {
            let expected = case.get(member).ok_or_else(|| format!("no `{member}`"))?;
            if same(&value, expected) { Ok(()) } else { Err(format!("expected {expected}, got {value}")) }
        }
        (Ok(value), Some(error)) => Err(format!("expected {error}, got {value}")),
        (Err(raised), None) => {
            Err(format!("expected {}, raised {} {:?}", case[member], raised.builtin, raised.class))
        }
        (Err(raised), Some(error)) => {
            let class = case["error_class"].as_str();
            if raised.builtin == error && raised.class == class {
                Ok(())
            } else {
                Err(format!("expected {error} {class:?}, raised {} {:?}", raised.builtin, raised.class))
            }
        }
    }
}

fn run_conversion(case: &Json, conversion: &Conversion) -> Result<(), String> {
    check_members(case, &["id", "field", "op", "input", "output", "error", "error_class", "kwargs"])?;
    let kind = field_type(case)?;
    let mut spec = FieldSpec::new("f", kind, Scope::Content);
    for (option, value) in case["kwargs"].as_object().into_iter().flatten() {
        match (option.as_str(), value) {
            ("enforce_type", Json::Bool(true)) => spec = spec.enforce_type(),
            ("enforce_type", Json::Bool(false)) => {}
            (other, value) => return Err(format!("unknown argument {other}={value}")),
        }
    }
    let input = decode(case.get("input").ok_or("no `input`")?)?;
    let raise = |error: FieldError| Raised::by(&error, kind);
    let outcome = match text(case, "op")? {
        "from_json" => kind.load(input, conversion).map_err(raise),
        "enforce_type" => kind.enforce(input, conversion).map_err(raise),
        "to_json" => {
            let dumped = spec.dump(&input).map_err(raise);
            if let Ok(dumped) = &dumped {
                check_stored_form(&spec, &input, dumped)?;
            }
            dumped
        }
        "to_string" => spec.dump_text(&input).map_err(raise),
        "from_string" => match &input {
            Value::Str(text) => kind.parse_text(text, conversion).map_err(raise),
            Value::None if kind.is_text() => kind.load(Value::None, conversion).map_err(raise),
            // Python finds out when it asks the missing text for its `read` method; here the type of the parameter says so.
            Value::None => Err(Raised { builtin: "AttributeError", class: None }),
            other => return Err(format!("a text should be read, not a {}", other.type_name())),
        },
        other => return Err(format!("unknown operation `{other}`")),
    };
    compare(case, "output", outcome.map(|value| encode(&value)))
}

/// Checks that what is stored as JSON is what Python hands its store, whenever that is JSON.
fn check_stored_form(spec: &FieldSpec, value: &Value, dumped: &Value) -> Result<(), String> {
    // A value written with a type has no JSON form of its own, or another one.
    if encode(dumped).to_string().contains("\"$type\"") {
        return Ok(());
    }
    match spec.to_json(value) {
        Ok(json) if Value::from(&json) == *dumped => Ok(()),
        Ok(json) => Err(format!("stored as {json} instead of {}", encode(dumped))),
        Err(error) => Err(format!("cannot be stored: {error}")),
    }
}

fn leak(text: &str) -> &'static str {
    // Declarations are constants; a short-lived command may make some at run time.
    Box::leak(text.to_owned().into_boxed_str())
}

fn scope_of(json: &Json) -> Result<Scope, String> {
    let found = match json {
        Json::String(name) => Scope::from_name(name).ok(),
        Json::Object(members) => match members.get("sentinel").and_then(Json::as_str) {
            Some("Scope.parent") => Some(Scope::Parent),
            Some("Scope.children") => Some(Scope::Children),
            Some(_) => None,
            // A named tuple of user scope, block scope and name.
            None if members.get("$type") == Some(&Json::from("tuple")) => {
                members["items"][2].as_str().and_then(|name| Scope::from_name(name).ok())
            }
            None => {
                let scope =
                    members.get("name").and_then(Json::as_str).and_then(|name| Scope::from_name(name).ok());
                scope.filter(|scope| {
                    members.get("user") == Some(&Json::from(scope.user().name()))
                        && members.get("block") == Some(&Json::from(scope.block().name()))
                })
            }
        },
        _ => None,
    };
    found.ok_or_else(|| format!("unknown scope {json}"))
}

/// What a constructor makes of the arguments of a default case.
struct Built {
    spec: FieldSpec,
    default: Json,
}

fn build(kind: FieldType, arguments: &Map<String, Json>) -> Result<Result<Built, FieldError>, String> {
    let mut spec = FieldSpec::new("f", kind, Scope::Content);
    let mut options = Vec::new();
    let mut default = None;
    for (name, value) in arguments {
        match (name.as_str(), value) {
            ("default", value) => default = Some(value),
            ("enforce_type", Json::Bool(true)) => spec = spec.enforce_type(),
            ("xml_node", Json::Bool(true)) => spec = spec.xml_node(),
            ("force_export", Json::Bool(true)) => spec = spec.force_export(),
            ("enforce_type" | "xml_node" | "force_export", Json::Bool(false)) => {}
            ("help", Json::String(help)) => spec = spec.help(leak(help)),
            ("display_name", Json::String(shown)) => spec = spec.display_name(leak(shown)),
            ("scope", scope) => spec.scope = scope_of(scope)?,
            // A truth value always has the same two.
            ("values", _) if kind == FieldType::Boolean => {
                return Ok(Err(FieldError::WrongType { expected: "a field without values", found: "bool" }));
            }
            ("values", values) => spec = spec.values(values_of(values)?),
            (other, value) => options.push((leak(other), leak(&value.to_string()))),
        }
    }
    let options: &'static [(&'static str, &'static str)] = Box::leak(options.into_boxed_slice());
    spec = spec.options(options);
    let unique = serde_json::json!({"$type": "sentinel", "name": "fields.UNIQUE_ID"});
    let default = match default {
        None => Ok(encode(&kind.default_value())),
        // The marker is no collection a set could be made of.
        Some(marker) if *marker == unique && kind == FieldType::Set => {
            Err(FieldError::WrongType { expected: "a collection", found: "a marker" })
        }
        Some(marker) if *marker == unique => {
            spec = spec.unique_id();
            Ok(unique)
        }
        Some(value) => kind.check_default(decode(value)?, spec.enforce_type).map(|value| encode(&value)),
    };
    Ok(default.map(|default| Built { spec, default }))
}

fn values_of(json: &Json) -> Result<Values, String> {
    match json {
        Json::Null => Ok(Values::Any),
        Json::Array(items) if items.iter().all(|item| item.get("display_name").is_some()) => {
            let pairs: Vec<_> = items
                .iter()
                .map(|item| {
                    (
                        leak(item["display_name"].as_str().unwrap_or_default()),
                        leak(&item["value"].to_string()),
                    )
                })
                .collect();
            Ok(Values::Named(Box::leak(pairs.into_boxed_slice())))
        }
        Json::Array(items) => {
            let texts: Vec<_> = items.iter().map(|item| leak(&item.to_string())).collect();
            Ok(Values::OneOf(Box::leak(texts.into_boxed_slice())))
        }
        Json::Object(bounds) => {
            if let Some(bound) = bounds.keys().find(|bound| !["min", "max", "step"].contains(&bound.as_str()))
            {
                return Err(format!("unknown bound `{bound}`"));
            }
            let bound = |name: &str| match bounds.get(name) {
                None => Ok(None),
                Some(json) => {
                    decode(json)?.as_float().map(Some).ok_or_else(|| format!("bound `{name}` is no number"))
                }
            };
            Ok(Values::Range { min: bound("min")?, max: bound("max")?, step: bound("step")? })
        }
        other => Err(format!("unknown values {other}")),
    }
}

fn run_default(case: &Json) -> Result<(), String> {
    const MEMBERS: [&str; 16] = [
        "id",
        "field",
        "kwargs",
        "default",
        "display_name",
        "help",
        "values",
        "mutable",
        "none_to_xml",
        "scope",
        "runtime_options",
        "xml_node",
        "force_export",
        "error",
        "error_class",
        "name",
    ];
    check_members(case, &MEMBERS)?;
    let kind = field_type(case)?;
    let arguments = case["kwargs"].as_object().ok_or("no `kwargs`")?;
    let built = match build(kind, arguments)? {
        Ok(built) => built,
        Err(error) => return compare(case, "default", Err(Raised::by(&error, kind))),
    };
    compare(case, "default", Ok(built.default))?;
    let spec = built.spec;
    // The help of a field that has none is empty here, and empty or nothing there.
    let no_help = spec.help.is_empty() && case.get("help") == Some(&Json::Null);
    let help = if no_help { Json::Null } else { Json::from(spec.help) };
    let mut values = spec.values_json().map_err(|error| error.to_string())?;
    if kind == FieldType::Boolean {
        values = serde_json::json!({"$type": "tuple", "items": values});
    }
    let values = encoding::with_floats(&values);
    let options = spec.options_json().map_err(|error| error.to_string())?;
    for (member, actual) in [
        ("display_name", Json::from(spec.shown_name())),
        ("help", help),
        ("values", values),
        ("mutable", Json::from(kind.is_mutable())),
        ("none_to_xml", Json::from(kind.none_to_xml())),
        ("scope", Json::from(spec.scope.name())),
        ("runtime_options", options),
        ("xml_node", Json::from(spec.xml_node)),
        ("force_export", Json::from(spec.force_export)),
    ] {
        let expected = case.get(member).ok_or_else(|| format!("no `{member}`"))?;
        if !same(&actual, expected) {
            return Err(format!("{member}: expected {expected}, got {actual}"));
        }
    }
    Ok(())
}

fn scope_ids(case: &Json) -> Result<ScopeIds, String> {
    let ids = &case["scope_ids"];
    check_members(ids, &["user_id", "block_type", "def_id", "usage_id"])?;
    let built = ScopeIds::new(text(ids, "block_type")?, text(ids, "def_id")?, text(ids, "usage_id")?);
    Ok(match &ids["user_id"] {
        Json::Null => built,
        Json::String(user) => built.with_user(user.as_str()),
        other => built.with_user(other.to_string()),
    })
}

fn run_key(case: &Json) -> Result<(), String> {
    check_members(case, &["id", "field", "scope", "scope_ids", "key"])?;
    let key = StateKey::new(scope_of(&case["scope"])?, &scope_ids(case)?, text(case, "field")?);
    let actual = serde_json::json!({
        "user_id": key.user_id,
        "block_scope_id": key.block_scope_id,
        "field_name": key.field_name,
        "block_family": key.block_family,
    });
    if actual == case["key"] { Ok(()) } else { Err(format!("expected {}, got {actual}", case["key"])) }
}

fn run_unique_id(case: &Json) -> Result<(), String> {
    check_members(case, &["id", "field", "scope", "scope_ids", "scope_key", "unique_id"])?;
    let (scope, field, ids) = (scope_of(&case["scope"])?, text(case, "field")?, scope_ids(case)?);
    for (member, actual) in
        [("scope_key", scope_key(scope, field, &ids)), ("unique_id", unique_id(scope, field, &ids))]
    {
        if actual != text(case, member)? {
            return Err(format!("{member}: expected {}, got {actual}", case[member]));
        }
    }
    Ok(())
}

/// Prints a scope as Python does: a named one as the bare tuple it is there.
fn python_str(scope: Scope) -> String {
    match scope {
        Scope::Other(..) => scope.name().to_owned(),
        named => {
            format!("ScopeBase(user={}, block={}, name='{}')", named.user(), named.block(), named.name())
        }
    }
}

fn run_scope(case: &Json, index: usize) -> Result<(), String> {
    check_members(case, &["str", "repr_class", "user", "block", "name"])?;
    let scope = *Scope::all().get(index).ok_or("more scopes than there are")?;
    let class = if matches!(scope, Scope::Other(..)) { "Scope" } else { "ScopeBase" };
    let actual = serde_json::json!({
        "str": python_str(scope),
        "repr_class": class,
        "user": scope.user().name(),
        "block": scope.block().name(),
        "name": scope.name(),
    });
    if actual == *case { Ok(()) } else { Err(format!("expected {case}, got {actual}")) }
}

/// Translates the expressions of the facts; an expression not known is a failure.
fn run_scope_fact(case: &Json) -> Result<(), String> {
    use xblock_core::fields::{BlockScope, UserScope};

    check_members(case, &["expr", "value"])?;
    let pair = Scope::Other;
    let actual = match text(case, "expr")? {
        "Scope(UserScope.NONE, BlockScope.DEFINITION) == Scope.content" => {
            Json::from(pair(UserScope::None, BlockScope::Definition) == Scope::Content)
        }
        "Scope.content == ScopeBase(NONE, DEFINITION, \"content\")" => Json::from(
            Scope::from_name("content") == Ok(Scope::Content)
                && (Scope::Content.user(), Scope::Content.block())
                    == (UserScope::None, BlockScope::Definition),
        ),
        // A pair has no other name here, so there is nothing that could make two of them differ.
        "Scope(ONE, USAGE) == Scope(ONE, USAGE, \"other name\")" => {
            Json::from(pair(UserScope::One, BlockScope::Usage) == pair(UserScope::One, BlockScope::Usage))
        }
        "len(Scope.scopes())" => Json::from(Scope::all().len()),
        "isinstance(Scope.content, Scope)" => Json::from(matches!(Scope::Content, Scope::Other(..))),
        "str(Scope.content)" => Json::from(python_str(Scope::Content)),
        "str(Scope(UserScope.ONE, BlockScope.TYPE))" => {
            Json::from(python_str(pair(UserScope::One, BlockScope::Type)))
        }
        other => return Err(format!("unknown expression `{other}`")),
    };
    if actual == case["value"] { Ok(()) } else { Err(format!("expected {}, got {actual}", case["value"])) }
}
