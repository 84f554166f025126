//! Tests of the cage.
mod escapes;
mod running;
