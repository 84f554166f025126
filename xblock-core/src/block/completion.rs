//! Completion (XBlock's `CompletableXBlockMixin`; xblock reference, section 15).

use serde::{Deserialize, Serialize};

use super::class::{BlockClass, CompletionMode};

/// How far a learner completed a block, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// 0 is not at all, 1 is whole.
    pub completion: f64,
}

impl Completion {
    /// Checks a completion. Unlike a grade it may go down.
    ///
    /// # Errors
    /// [`CompletionError::OutOfRange`] where it is not between 0 and 1.
    pub fn new(completion: f64) -> Result<Self, CompletionError> {
        if (0.0..=1.0).contains(&completion) {
            Ok(Self { completion })
        } else {
            Err(CompletionError::OutOfRange { completion })
        }
    }

    /// Checks a completion that blocks of a class report themselves.
    ///
    /// # Errors
    /// [`CompletionError::NotReported`] where blocks of the class do not report their completion themselves, and as
    /// [`Completion::new`].
    pub fn of_class(class: &BlockClass, completion: f64) -> Result<Self, CompletionError> {
        if !class.has_custom_completion || class.completion_mode != CompletionMode::Completable {
            return Err(CompletionError::NotReported {
                block_type: class.block_type,
                completion_mode: class.completion_mode,
                has_custom_completion: class.has_custom_completion,
            });
        }
        Self::new(completion)
    }
}

/// Why a completion is not reported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompletionError {
    /// The class does not report completion.
    #[error(
        "{block_type} cannot report its completion: that needs custom completion (it has {}) and the mode completable \
         (it is {})",
        has_custom_completion,
        completion_mode.name()
    )]
    NotReported {
        /// The block's type.
        block_type: &'static str,
        /// How it counts.
        completion_mode: CompletionMode,
        /// Whether it says that it reports its completion itself.
        has_custom_completion: bool,
    },
    /// The number is none between 0 and 1.
    #[error("completion must be between 0 and 1, {completion} is not")]
    OutOfRange {
        /// The number.
        completion: f64,
    },
}
