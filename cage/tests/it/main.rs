//! Tests of the cage.
mod apart;
mod escapes;
mod helpers;
mod more_escapes;
mod recorded;
mod remote;
mod running;
mod waiting;
