//! Tests of the whole house.

mod packages;
mod tidy;
