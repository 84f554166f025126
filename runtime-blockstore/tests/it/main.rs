//! Tests of the bundles store and of the runtime over it.

mod crash;
mod fixture;
mod foreign;
mod golden;
mod reopening;
mod suite;
