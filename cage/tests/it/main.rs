//! Tests of the cage.
mod escapes;
mod helpers;
mod running;
