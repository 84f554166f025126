//! Tests of the cage.
mod running;
