//! The runtime over Split documents.

mod classes;
mod failures;
mod fixture;
mod golden;
mod model;
mod shapes;
mod suite;
mod values;
mod versions;
