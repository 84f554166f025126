//! Cross-backend tests of the whole house, and the vectors command.
pub mod vectors;
