//! Tests of the whole house.

mod courses;
mod definitions;
mod packages;
mod tidy;
mod vectors;
