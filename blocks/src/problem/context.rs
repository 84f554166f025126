//! The names a problem's text can refer to as `$name` (capa reference, sections 1.5 and 1.6).

use std::sync::atomic::{AtomicUsize, Ordering};

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::error::LoadError;
use super::python;
use super::render::REMOVED;
use super::tree::Node;

/// The most bytes that values may put in the places of names, for the whole of a problem: values hold names themselves,
/// so that forty of them would fill any memory.
pub(super) const MAX_SUBSTITUTED: usize = 16 << 20;

/// The names a problem knows, in the order in which they were defined: those every problem has, what its script left,
/// and, while answers are graded, what graders put there for each other.
///
/// Integers beyond 64 bits are `{"__int__": "digits"}`, as the sandbox writes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    names: IndexMap<String, Json>,
    made: Made,
}

/// How many bytes values put in the places of names since the problem was put together.
#[derive(Debug, Default)]
struct Made(AtomicUsize);

impl Clone for Made {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
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
    /// name and nothing escapes the dollar. Beyond [`MAX_SUBSTITUTED`] for the whole problem the text stays as it is, and
    /// [`check_limit`](Self::check_limit) says so.
    pub(super) fn substitute(&self, text: &str) -> String {
        let mut left = MAX_SUBSTITUTED.saturating_sub(self.made.0.load(Ordering::Relaxed));
        let replaced = self.replaced(text, &mut left);
        let made = if replaced.is_some() { MAX_SUBSTITUTED - left } else { MAX_SUBSTITUTED + 1 };
        self.made.0.fetch_max(made, Ordering::Relaxed);
        replaced.unwrap_or_else(|| text.to_owned())
    }

    /// Does the same for texts that belong together, such as a page, counted for themselves; nothing comes of what is
    /// beyond the limit.
    pub(super) fn substitution(&self) -> impl FnMut(&str) -> Option<String> {
        let mut left = MAX_SUBSTITUTED;
        move |text| self.replaced(text, &mut left)
    }

    fn replaced(&self, text: &str, left: &mut usize) -> Option<String> {
        let mut text = text.to_owned();
        if !text.contains('$') {
            return Some(text);
        }
        let mut names: Vec<(&String, &Json)> = self.names.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
        for (name, value) in names {
            let reference = format!("${name}");
            let count = text.matches(&reference).count();
            if count > 0 {
                let value = python::printed(value);
                *left = left.checked_sub(count.checked_mul(value.len())?)?;
                text = text.replace(&reference, &value);
            }
        }
        Some(text)
    }

    /// Says that the element is where values went beyond [`MAX_SUBSTITUTED`].
    ///
    /// # Errors
    /// [`LoadError::Substitution`].
    pub(super) fn check_limit(&self, node: &Node) -> Result<(), LoadError> {
        if self.made.0.load(Ordering::Relaxed) > MAX_SUBSTITUTED {
            return Err(LoadError::Substitution { limit: MAX_SUBSTITUTED, line: node.line });
        }
        Ok(())
    }

    /// Tries the substitution of all texts that are shown, so that the line is known of one that is too long.
    ///
    /// # Errors
    /// [`LoadError::Substitution`].
    pub(super) fn check_texts(&self, node: &Node) -> Result<(), LoadError> {
        // What questions read of these was counted when they read it.
        if REMOVED.contains(&node.name.as_str()) {
            return Ok(());
        }
        let attributes = node.attributes.iter().map(|(_, value)| value);
        for text in attributes.chain([&node.text]).filter(|text| text.contains('$')) {
            self.substitute(text);
        }
        self.check_limit(node)?;
        for child in &node.children {
            self.check_texts(child)?;
            if child.tail.contains('$') {
                self.substitute(&child.tail);
                self.check_limit(child)?;
            }
        }
        Ok(())
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

    #[test]
    fn values_that_grow_without_end_are_given_up() {
        let mut context = Context::new(7, "anon");
        context.set("half", "x".repeat(MAX_SUBSTITUTED / 2));
        let mut page = context.substitution();
        assert_eq!(page("$half$half").map(|text| text.len()), Some(MAX_SUBSTITUTED));
        assert_eq!(page("$seed"), None, "the texts of a page count together");
        let mut others = context.substitution();
        assert_eq!(others("$seed").as_deref(), Some("7"), "another page begins anew");
        let node = Node { line: 5, ..Node::new("p") };
        assert_eq!(context.substitute("$half$half").len(), MAX_SUBSTITUTED);
        assert_eq!(context.check_limit(&node), Ok(()));
        assert_eq!(context.substitute("$half"), "$half");
        let beyond = LoadError::Substitution { limit: MAX_SUBSTITUTED, line: 5 };
        assert_eq!(context.check_limit(&node), Err(beyond));
    }
}
