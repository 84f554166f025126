//! Tests of the whole house.

mod courses;
mod definitions;
mod documents;
mod fuzz;
mod origins;
mod packages;
mod schemas;
mod tidy;
mod vectors;
