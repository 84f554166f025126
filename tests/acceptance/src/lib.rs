//! Cross-backend tests of the whole house, the vectors command, and the benchmark.
pub mod bench;
pub mod catalogue;
pub mod vectors;
