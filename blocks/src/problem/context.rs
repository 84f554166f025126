//! The names a problem's text can refer to as `$name` (capa reference, sections 1.5 and 1.6).

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::python;

/// The names a problem knows, in the order in which they were defined: those every problem has, what its script left,
/// and, while answers are graded, what graders put there for each other.
///
/// Integers beyond 64 bits are `{"__int__": "digits"}`, as the sandbox writes them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Context {
    names: IndexMap<String, Json>,
}

impl Context {
    /// Makes the context that a script begins with.
    pub(super) fn new(seed: i64, anonymous_student_id: &str) -> Self {
        let mut context = Self::default();
        context.set("seed", seed);
        context.set("anonymous_student_id", anonymous_student_id);
        context
    }

    /// Defines a name; one that is known already keeps its place.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Json>) {
        self.names.insert(name.to_owned(), value.into());
    }

    /// Takes over what a script left. Names it deleted stay as they were.
    pub(super) fn update(&mut self, globals: Map<String, Json>) {
        self.names.extend(globals);
    }

    /// Returns the value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.names.get(name)
    }

    /// Lists names and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.names.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns all names with their values, as a run of code takes them.
    pub(super) fn to_globals(&self) -> Map<String, Json> {
        self.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    /// Replaces every `$name` by the value as Python's `str` writes it, longest names first and blindly: nothing ends a
    /// name and nothing escapes the dollar.
    pub(super) fn substitute(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if !text.contains('$') {
            return text;
        }
        let mut names: Vec<(&String, &Json)> = self.names.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
        for (name, value) in names {
            let reference = format!("${name}");
            if text.contains(&reference) {
                text = text.replace(&reference, &python::printed(value));
            }
        }
        text
    }

    /// Returns the first name whose value reads as this text.
    pub(super) fn name_of(&self, value: &str) -> Option<&str> {
        self.iter().find(|(_, known)| python::printed(known) == value).map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_replaced_blindly_and_longest_first() {
        let mut context = Context::new(7, "anon");
        context.set("s", "str");
        context.set("list", json!([1, "a", 2.0, {"k": null}, {"__int__": "100000000000000000000"}]));
        assert_eq!(context.substitute("$seedling $$s ${s} $st"), "7ling $str ${s} strt");
        assert_eq!(context.substitute("$list"), "[1, 'a', 2.0, {'k': None}, 100000000000000000000]");
        assert_eq!(context.name_of("7"), Some("seed"));
    }
}
