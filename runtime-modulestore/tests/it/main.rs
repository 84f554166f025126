//! The runtime over Split documents.

mod failures;
mod fixture;
mod golden;
mod shapes;
mod suite;
mod values;
