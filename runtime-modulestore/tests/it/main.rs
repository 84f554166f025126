//! The runtime over Split documents.

mod fixture;
mod golden;
mod shapes;
mod suite;
