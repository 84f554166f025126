//! Courses, and everything else whose bundle says itself what it is.

use xblock_core::keys::ContextKey;

use super::LearningContext;

/// Courses of all kinds and libraries of the first generation, in the form of `docs/course-bundle.md`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CourseContext;

impl LearningContext for CourseContext {
    fn takes(&self, key: &ContextKey) -> bool {
        matches!(key, ContextKey::Course(_) | ContextKey::Ccx(_) | ContextKey::Library(_))
    }

    fn is_told(&self) -> bool {
        false
    }

    fn root(&self) -> (&str, &str) {
        ("course", "course")
    }
}
