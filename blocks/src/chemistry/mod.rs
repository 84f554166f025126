//! Chemical expressions and equations as learners type them: shown as HTML and compared; lattice planes.
//!
//! An expression is molecules joined by `+`, each with a count (`2` or `1/2`) before it and a phase (`(s)`, `(l)`,
//! `(g)`, `(aq)`) behind; an equation is two of them with an arrow between. The same texts are understood, and the same
//! are equal, as in Python's `chem`.

mod compare;
mod error;
mod html;
mod miller;
mod parse;
#[cfg(test)]
mod tests;

pub use compare::{
    Phases, Ratio, chemical_equations_equal, compare_chemical_expression, divide_chemical_expression,
};
pub use error::ChemistryError;
pub use html::render_to_html;
pub use miller::{miller_grade, miller_indices};
pub use parse::{Arrow, split_on_arrow};
