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

impl Score {
    /// Makes a score of points earned and possible. Nothing is checked here; fields refuse what is out of range.
    ///
    /// ```
    /// use xblock_core::fields::Score;
    ///
    /// let score = Score::new(1.0, 2.0);
    /// assert_eq!((score.earned(), score.possible()), (1.0, 2.0));
    /// ```
    #[must_use]
    pub const fn new(earned: f64, possible: f64) -> Self {
        Self { raw_earned: Value::Float(earned), raw_possible: Value::Float(possible) }
    }

    /// Returns the points earned, 0 where they are no number.
    #[must_use]
    pub fn earned(&self) -> f64 {
        self.raw_earned.as_float().unwrap_or_default()
    }

    /// Returns the points possible, 0 where they are no number.
    #[must_use]
    pub fn possible(&self) -> f64 {
        self.raw_possible.as_float().unwrap_or_default()
    }
}
