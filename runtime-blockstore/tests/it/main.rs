//! Tests of the bundles store and of the runtime over it.

mod crash;
mod fixture;
mod foreign;
mod golden;
mod python_app;
mod reopening;
mod suite;
