//! Tests that authors write into their problems: answers, and the grades they should get.
//!
//! They stand in `<responseparam type="tests">` directly below `<problem>`, an element the platform neither shows nor
//! uses (`docs/decisions/`), and hold everything in attributes, so that no search index finds it either. `read` reads them,
//! `run` runs them, `own_answers` needs none: it asks a problem whether it takes its own answers.

mod own_answers;
mod read;
mod run;

pub use own_answers::{OwnAnswers, own_answers};
pub use read::{AuthorTest, AuthorTests, TestFault, author_tests};

pub(super) use read::read_tests;
pub(super) use run::is_named;
