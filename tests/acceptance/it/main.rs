//! Tests of the whole house.

mod tidy;
