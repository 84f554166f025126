//! Scores: points earned out of points possible.
use super::Value;

/// Holds a raw score. The two numbers keep the type they were given in, because an integer is stored as an integer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Score {
    /// Points earned.
    pub raw_earned: Value,
    /// Points possible.
    pub raw_possible: Value,
}
