//! Courses of Old Mongo, read: one document for each block and revision, without versions.
//!
//! A course is read whole: its branches are overlays of single documents, so no block can be placed without the others.

mod course;
mod document;

pub(crate) use course::{COURSE, OldCourse, children, context, contexts};
pub(crate) use document::OldDocument;
