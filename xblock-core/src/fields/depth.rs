//! How deep a value may be nested.

use super::Json;

/// How many levels of lists and objects a value may have.
///
/// Whatever reads values level by level calls itself for each, and JSON's own reader stops at 128, with what stands around
/// a value. MongoDB promises 100 levels in one document.
pub const MAX_DEPTH: usize = 120;

/// Says whether a value has more levels than [`MAX_DEPTH`]; a text or a number has none, an empty list has one.
#[must_use]
pub fn is_too_deep(value: &Json) -> bool {
    let mut open = vec![Members::of(value)];
    while let Some(last) = open.last_mut() {
        match last.next() {
            None => {
                open.pop();
            }
            Some(Json::Array(_) | Json::Object(_)) if open.len() == MAX_DEPTH => return true,
            Some(inner @ (Json::Array(_) | Json::Object(_))) => open.push(Members::of(inner)),
            Some(_) => {}
        }
    }
    false
}

/// What one list or object holds.
enum Members<'j> {
    List(std::slice::Iter<'j, Json>),
    Object(serde_json::map::Values<'j>),
    None,
}

impl<'j> Members<'j> {
    fn of(value: &'j Json) -> Self {
        match value {
            Json::Array(items) => Self::List(items.iter()),
            Json::Object(members) => Self::Object(members.values()),
            _ => Self::None,
        }
    }
}

impl<'j> Iterator for Members<'j> {
    type Item = &'j Json;

    fn next(&mut self) -> Option<&'j Json> {
        match self {
            Self::List(items) => items.next(),
            Self::Object(values) => values.next(),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize, wrap: fn(Json) -> Json) -> Json {
        (1..levels).fold(Json::Array(Vec::new()), |inner, _| wrap(inner))
    }

    #[test]
    fn levels_are_counted_exactly() {
        let wraps: [fn(Json) -> Json; 2] = [
            |inner| Json::Array(vec![Json::Null, inner]),
            |inner| {
                Json::Object([("a".to_owned(), Json::from(1)), ("b".to_owned(), inner)].into_iter().collect())
            },
        ];
        for wrap in wraps {
            assert!(!is_too_deep(&nested(MAX_DEPTH, wrap)));
            assert!(is_too_deep(&nested(MAX_DEPTH + 1, wrap)));
        }
        assert!(!is_too_deep(&Json::from("text")));
    }

    #[test]
    fn what_is_deep_enough_is_read_again() {
        let text = nested(MAX_DEPTH, |inner| Json::Array(vec![inner])).to_string();
        assert!(serde_json::from_str::<Json>(&format!("[[{text}]]")).is_ok());
    }
}
