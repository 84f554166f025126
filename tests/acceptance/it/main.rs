//! Tests of the whole house.

mod definitions;
mod packages;
mod tidy;
mod vectors;
