//! Namespace declarations, innermost first.

use std::fmt;
use std::sync::Arc;

/// The namespace every document has without declaring it, under the prefix `xml`.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// The namespaces in force at an element: those declared on it, then those around it.
#[derive(Clone)]
pub struct Namespaces {
    /// Prefix and name of each declaration, in order; the default namespace has an empty prefix.
    pub declarations: Vec<(String, Arc<str>)>,
    /// The declarations around it.
    pub outer: Option<Arc<Self>>,
    /// The first byte of the element they were written on.
    pub declared_at: u32,
}

impl Namespaces {
    /// Finds the namespace a prefix stands for; an empty name undeclares the default namespace.
    #[must_use]
    pub fn lookup(&self, prefix: &str) -> Option<&Arc<str>> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some((_, uri)) = here.declarations.iter().rev().find(|(p, _)| p == prefix) {
                return (!uri.is_empty()).then_some(uri);
            }
            scope = here.outer.as_deref();
        }
        None
    }
}

impl fmt::Debug for Namespaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespaces").field("declarations", &self.declarations).finish_non_exhaustive()
    }
}

// Without this, a long chain would be dropped by as many calls inside each other.
impl Drop for Namespaces {
    fn drop(&mut self) {
        let mut next = self.outer.take();
        while let Some(mut scope) = next.and_then(Arc::into_inner) {
            next = scope.outer.take();
        }
    }
}

/// Splits a name into prefix and local part.
pub(super) fn split_name(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}
