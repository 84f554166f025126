//! How much a run may use.

use std::time::Duration;

/// How much one run may use. What is beyond ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLimits {
    /// Time on a processor, rounded up to whole seconds.
    pub cpu: Duration,
    /// Time on the wall, waiting for a free place not included.
    pub real_time: Duration,
    /// Bytes of memory beyond what Python and the modules loaded before have.
    pub memory: u64,
    /// Bytes of what it gives back.
    pub output: usize,
}

impl Default for RunLimits {
    /// One second on a processor as the code jail has it; more on the wall, because machines are busy.
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(1),
            real_time: Duration::from_secs(5),
            memory: 512 << 20,
            output: 8 << 20,
        }
    }
}
