//! Keys as Python code sees them: attributes, constructors and methods by name, with values of any kind.
//!
//! The typed keys are for Rust; this view is for the Python wheel and for the recorded vectors. It has Python's errors where
//! the typed methods have a sane answer (a library block has no `for_branch`), and it builds keys that no parser gives.
//!
//! Left out, since nothing makes such keys: an object that is no learning context as `course_key`, and asides built with
//! `deprecated=True`, which cannot be written.

mod attributes;
mod compare;
mod construct;
mod fields;
mod methods;
mod replace;
mod stray;
mod value;

pub use compare::python_cmp;
pub use construct::construct;
pub use stray::StrayAside;
pub use value::KeyValue;
