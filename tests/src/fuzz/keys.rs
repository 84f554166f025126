//! Any text, read as a key of every kind.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use xblock_core::keys::python::python_cmp;
use xblock_core::keys::{AnyKey, KeyClass, KeyFamily, KeyKind, KeyRegistry};

/// Reads a text, or two texts with a NUL between them, as keys of every kind: nothing panics, what is written reads back, and
/// equality, order and hash agree.
pub fn keys(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (left, right) = text.split_once('\0').unwrap_or((text, ""));
    let mut read = Vec::new();
    for kind in kinds() {
        for text in [left, right] {
            if let Ok(key) = KeyRegistry::BUILTIN.parse(kind, text) {
                check(kind, &key);
                read.push(key);
            }
        }
    }
    for left in &read {
        for right in &read {
            compare(left, right);
        }
    }
}

fn kinds() -> impl Iterator<Item = KeyKind> {
    let families = [
        KeyFamily::Context,
        KeyFamily::Usage,
        KeyFamily::Definition,
        KeyFamily::Asset,
        KeyFamily::BlockType,
        KeyFamily::Collection,
        KeyFamily::Container,
    ];
    let others = [KeyKind::Course, KeyKind::UsageV2, KeyKind::AsideUsage, KeyKind::AsideDefinition];
    families.into_iter().map(KeyKind::Family).chain(others).chain(KeyClass::ALL.map(KeyKind::Class))
}

fn check(kind: KeyKind, key: &AnyKey) {
    let text = key.to_text().expect("a key that was read has a text");
    assert_eq!(text, key.to_string());
    let again = KeyRegistry::BUILTIN.parse(kind, &text).expect("what is written is a key");
    assert_eq!(again.to_text().as_ref(), Ok(&text), "a second writing changes nothing");
    // Beside a version, org, course and branch are written only with a run, and a type that is missing becomes `None`.
    if !text.contains("version@") && !text.contains("type@None") && !text.contains("type@$None") {
        assert_eq!(&again, key, "{text:?}");
    }
    for (name, value) in key.fields() {
        assert_eq!(key.attribute(&name).as_ref(), Ok(&value));
    }
    let _ = (key.version_agnostic(), key.course_agnostic(), key.for_branch("b".into()), key.html_id());
}

fn compare(left: &AnyKey, right: &AnyKey) {
    let order = left.cmp(right);
    assert_eq!(order, right.cmp(left).reverse());
    assert_eq!(order == Ordering::Equal, left == right);
    let hash = |key: &AnyKey| {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish()
    };
    if left == right {
        assert_eq!(hash(left), hash(right));
    }
    if let (Ok(there), Ok(back)) = (python_cmp(left, right), python_cmp(right, left)) {
        assert_eq!(there, back.reverse());
        assert_eq!(there == Ordering::Equal, left == right);
    }
}
