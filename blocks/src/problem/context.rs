//! The names a problem's text can refer to as `$name` (capa reference, sections 1.5 and 1.6).

/// The names a problem knows with their values as Python prints them, in the order in which they were defined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Context {
    names: Vec<(String, String)>,
}

impl Context {
    /// Makes the context of a problem without scripts.
    pub(super) fn new(seed: i64, anonymous_student_id: &str) -> Self {
        let mut context = Self::default();
        context.set("seed", seed.to_string());
        context.set("anonymous_student_id", anonymous_student_id);
        context.set("script_code", "");
        context.set("python_path", "[]");
        context.set("extra_files", "None");
        context
    }

    /// Defines a name.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.names.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.names.push((name.to_owned(), value)),
        }
    }

    /// Replaces every `$name`, longest names first and blindly: nothing ends a name and nothing escapes the dollar.
    pub(super) fn substitute(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if !text.contains('$') {
            return text;
        }
        let mut names: Vec<&(String, String)> = self.names.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
        for (name, value) in names {
            text = text.replace(&format!("${name}"), value);
        }
        text
    }

    /// Returns the first name whose value is this text.
    pub(super) fn name_of(&self, value: &str) -> Option<&str> {
        self.names.iter().find(|(_, known)| known == value).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_blindly_and_longest_first() {
        let mut context = Context::new(7, "anon");
        context.set("s", "str");
        assert_eq!(context.substitute("$seedling $$s ${s} $st"), "7ling $str ${s} strt");
        assert_eq!(context.name_of("7"), Some("seed"));
    }
}
