//! Reading, writing, hashing and comparing keys.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::hint::black_box;
use std::path::Path;

use xblock_core::keys::{AnyKey, KeyFamily, KeyKind, KeyRegistry};

use super::{Contest, Goal, Outcome, Pick, Round, Side, Unit, seconds_each};

/// How often one round goes through the list.
const TIMES: usize = 100;

/// Returns the contests on a list of keys: on each line a family and a text.
///
/// # Errors
/// When the list cannot be read, or holds what is no key.
pub fn contests(list: &Path) -> Outcome<Vec<Contest>> {
    let text = std::fs::read_to_string(list).map_err(|error| format!("{}: {error}", list.display()))?;
    let lines = text.lines().map(parse_line).collect::<Outcome<Vec<_>>>()?;
    Ok(vec![
        Contest {
            name: "key: parse and print",
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Rust(parse_print(lines.clone())),
            theirs: Some(("opaque-keys", Side::Python("key_parse_print"))),
            goal: Some(Goal::TimesLess(100.0)),
        },
        Contest {
            name: "key: hash and compare with an equal one",
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Rust(hash_compare(&lines)?),
            theirs: Some(("opaque-keys", Side::Python("key_hash_compare"))),
            goal: Some(Goal::TimesLess(100.0)),
        },
        Contest {
            name: "key, through Python: parse and print",
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Python("wheel_key_parse_print"),
            theirs: Some(("opaque-keys", Side::Python("key_parse_print"))),
            goal: Some(Goal::TimesLess(25.0)),
        },
        Contest {
            name: "key, through Python: hash and compare",
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Python("wheel_key_hash_compare"),
            theirs: Some(("opaque-keys", Side::Python("key_hash_compare"))),
            goal: None,
        },
    ])
}

fn parse_line(line: &str) -> Outcome<(KeyKind, String)> {
    let (family, text) = line.split_once(' ').ok_or("a line of keys has no family")?;
    let family = match family {
        "asset" => KeyFamily::Asset,
        "context" => KeyFamily::Context,
        "definition" => KeyFamily::Definition,
        "usage" => KeyFamily::Usage,
        other => return Err(format!("{other} is no family of keys").into()),
    };
    let kind = KeyKind::Family(family);
    if KeyRegistry::BUILTIN.parse(kind, text)?.to_text()? != text {
        return Err(format!("{text} is written otherwise").into());
    }
    Ok((kind, text.to_owned()))
}

fn parse_all(lines: &[(KeyKind, String)]) -> Outcome<Vec<AnyKey>> {
    Ok(lines
        .iter()
        .map(|(kind, text)| KeyRegistry::BUILTIN.parse(*kind, text))
        .collect::<Result<Vec<_>, _>>()?)
}

fn parse_print(lines: Vec<(KeyKind, String)>) -> Round {
    Box::new(move || {
        seconds_each(lines.len() * TIMES, || {
            for _ in 0..TIMES {
                for (kind, text) in &lines {
                    black_box(KeyRegistry::BUILTIN.parse(*kind, black_box(text))?.to_text()?);
                }
            }
            Ok(())
        })
    })
}

fn hash_compare(lines: &[(KeyKind, String)]) -> Outcome<Round> {
    let (ones, others) = (parse_all(lines)?, parse_all(lines)?);
    Ok(Box::new(move || {
        seconds_each(ones.len() * TIMES, || {
            for _ in 0..TIMES {
                for (one, other) in ones.iter().zip(&others) {
                    let mut hasher = DefaultHasher::new();
                    black_box(one).hash(&mut hasher);
                    black_box(hasher.finish());
                    black_box(one == black_box(other));
                }
            }
            Ok(())
        })
    }))
}
