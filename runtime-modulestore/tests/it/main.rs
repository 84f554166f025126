//! The runtime over Split documents.

mod fixture;
mod suite;
