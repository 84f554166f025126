//! What can be wrong with a key.

/// Why a key could not be read, built, changed or written.
///
/// Each variant stands for one exception of the Python packages, named by [`KeyError::python_class`], so that a Python
/// caller can be given what it knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not a key of this class or family.
    #[error("{class}: {text:?} is not a valid key")]
    InvalidKey {
        /// Class or family asked for.
        class: &'static str,
        /// The refused text.
        text: String,
    },
    /// A part of a key breaks the rules of its class.
    #[error("{class}: {value:?} is not allowed as {field}")]
    InvalidField {
        /// Class of the key that was to be built.
        class: &'static str,
        /// Name of the part.
        field: &'static str,
        /// The refused value.
        value: String,
    },
    /// Parts that together do not identify anything.
    #[error("{class}: {needs}")]
    Incomplete {
        /// Class of the key that was to be built.
        class: &'static str,
        /// What is needed.
        needs: &'static str,
    },
    /// A value that the second generation of keys (libraries v2, bundles) refuses.
    #[error("{class}: {value:?} is not a valid {field}")]
    InvalidValue {
        /// Class of the key that was to be built.
        class: &'static str,
        /// Name of the part.
        field: &'static str,
        /// The refused value.
        value: String,
    },
    /// A value of a kind that cannot stand here.
    #[error("{class}: {field} cannot be {value}")]
    WrongType {
        /// Class of the key that was to be built.
        class: &'static str,
        /// Name of the part or argument.
        field: String,
        /// What was given.
        value: String,
    },
    /// A bundle version that is not an integer.
    #[error("{class}: {field} must be an integer")]
    NotAnInteger {
        /// Class of the key that was to be built.
        class: &'static str,
        /// Name of the part.
        field: &'static str,
    },
    /// A name that is no field of the key.
    #[error("{class} has no field {field}")]
    UnknownField {
        /// Class of the key.
        class: &'static str,
        /// The unknown name.
        field: String,
    },
    /// A property or method that this class does not have.
    #[error("{class} has no {name}")]
    NoAttribute {
        /// Class of the key.
        class: &'static str,
        /// The missing name.
        name: String,
    },
    /// A property or method that this class declares and leaves out.
    #[error("{class} does not implement {name}")]
    NotImplemented {
        /// Class of the key.
        class: &'static str,
        /// The missing name.
        name: &'static str,
    },
    /// A key of a class whose instances cannot be changed.
    #[error("{class} keys cannot be changed")]
    NotReplaceable {
        /// Class of the key.
        class: &'static str,
    },
    /// A key in a state that has no text, such as an old-style course without a run.
    #[error("{class} without {field} has no text")]
    Unwritable {
        /// Class of the key.
        class: &'static str,
        /// The part that is missing.
        field: &'static str,
    },
    /// Two keys that have no order among each other.
    #[error("{left} and {right} have no order")]
    NotComparable {
        /// Text or value on the left.
        left: String,
        /// Text or value on the right.
        right: String,
    },
}

impl KeyError {
    /// Returns the name of the exception that the Python packages raise in this situation.
    pub fn python_class(&self) -> &'static str {
        match self {
            KeyError::InvalidKey { .. } | KeyError::InvalidField { .. } | KeyError::Incomplete { .. } => {
                "InvalidKeyError"
            }
            KeyError::InvalidValue { .. } => "ValueError",
            KeyError::NotAnInteger { .. } => "AssertionError",
            KeyError::UnknownField { .. } => "KeyError",
            KeyError::NoAttribute { .. } => "AttributeError",
            KeyError::NotImplemented { .. } => "NotImplementedError",
            KeyError::WrongType { .. }
            | KeyError::NotReplaceable { .. }
            | KeyError::Unwritable { .. }
            | KeyError::NotComparable { .. } => "TypeError",
        }
    }

    /// Tells whether the Python packages raise their own `InvalidKeyError` here.
    pub fn is_invalid_key(&self) -> bool {
        self.python_class() == "InvalidKeyError"
    }

    pub(crate) fn invalid(class: &'static str, text: impl Into<String>) -> KeyError {
        KeyError::InvalidKey { class, text: text.into() }
    }

    pub(crate) fn field(class: &'static str, field: &'static str, value: impl ToString) -> KeyError {
        KeyError::InvalidField { class, field, value: value.to_string() }
    }

    pub(crate) fn value(class: &'static str, field: &'static str, value: impl ToString) -> KeyError {
        KeyError::InvalidValue { class, field, value: value.to_string() }
    }

    pub(crate) fn wrong_type(
        class: &'static str,
        field: impl Into<String>,
        value: impl ToString,
    ) -> KeyError {
        KeyError::WrongType { class, field: field.into(), value: value.to_string() }
    }

    pub(crate) fn no_attribute(class: &'static str, name: impl Into<String>) -> KeyError {
        KeyError::NoAttribute { class, name: name.into() }
    }
}
