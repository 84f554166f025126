//! Tests of the bundles store and of the runtime over it.

mod fixture;
mod suite;
