//! Tests of the cage.
mod escapes;
mod helpers;
mod recorded;
mod running;
