//! How often, and for how long, a writer begins anew whom others overtake.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{RuntimeError, VersionId};

/// The longest pause before another try; the first are much shorter.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What a context's index was when a change of it was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    /// Its id and when it changed; nothing where there was none.
    pub(crate) index: Option<(ObjectId, Option<bson::DateTime>)>,
    /// The version its draft was at.
    pub(crate) draft: Option<ObjectId>,
}

/// The tries of one edit in a store without locks, where others may come first.
///
/// Somebody far away may be overtaken by somebody near at each of them; so they end when the store's time is up.
pub(crate) struct Attempts {
    until: Instant,
    pause: Duration,
    last: Option<Tried>,
}

impl Attempts {
    /// Begins; tries are made for as long as given.
    pub(crate) fn begin(patience: Duration) -> Self {
        Self { until: Instant::now() + patience, pause: Duration::from_millis(1), last: None }
    }

    /// Says whether to begin anew after the try that was overtaken, and waits a little before.
    ///
    /// There is none where the last one was made on the very same index: nobody came first then, and all others would fail
    /// like it and leave contents each time.
    pub(crate) fn again(&mut self, tried: Tried) -> bool {
        if self.last.replace(tried) == Some(tried) {
            return false;
        }
        // Of two writers that began together one is to come first.
        let part = RandomState::new().hash_one(()) % 1000;
        let pause = self.pause.mul_f64(part as f64 / 1000.0);
        self.pause = LONGEST_PAUSE.min(self.pause * 2);
        if Instant::now() + pause >= self.until {
            return false;
        }
        std::thread::sleep(pause);
        true
    }

    /// Tells the last try's end: the draft it was made on, where the edit names no version of its own, and the one there now.
    pub(crate) fn conflict(
        self,
        context: ContextKey,
        base: Option<VersionId>,
        head: VersionId,
    ) -> RuntimeError {
        let tried = self.last.and_then(|tried| tried.draft).map(|draft| VersionId(draft.to_hex().into()));
        RuntimeError::Conflict { context, base: base.or(tried).unwrap_or_else(|| head.clone()), head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(draft: ObjectId) -> Tried {
        Tried { index: Some((ObjectId::new(), None)), draft: Some(draft) }
    }

    #[test]
    fn tries_end_with_the_time() {
        let mut attempts = Attempts::begin(Duration::from_millis(30));
        // The longest of them takes a third of the time, so that the end is far below this number.
        assert!((0..100_000).any(|_| !attempts.again(on(ObjectId::new()))), "they never end");
        assert!(!Attempts::begin(Duration::ZERO).again(on(ObjectId::new())));
    }

    #[test]
    fn a_second_try_on_the_very_same_index_is_the_last() {
        let mut attempts = Attempts::begin(Duration::from_secs(3600));
        let tried = on(ObjectId::new());
        assert!(attempts.again(tried));
        assert!(attempts.again(on(ObjectId::new())));
        let other = on(ObjectId::new());
        assert!(attempts.again(other));
        assert!(!attempts.again(other));
    }

    #[test]
    fn a_conflict_names_what_the_last_try_was_made_on() {
        let (draft, head) = (ObjectId::new(), VersionId("head".into()));
        let context: ContextKey = "course-v1:O+C+R".parse().expect("a key");
        let told = |base: Option<&str>| {
            let mut attempts = Attempts::begin(Duration::ZERO);
            attempts.again(on(draft));
            let base = base.map(|base| VersionId(base.into()));
            match attempts.conflict(context.clone(), base, head.clone()) {
                RuntimeError::Conflict { base, head: now, .. } => {
                    assert_eq!(now, head);
                    base.0.to_string()
                }
                other => panic!("{other}"),
            }
        };
        assert_eq!(told(None), draft.to_hex());
        assert_eq!(told(Some("mine")), "mine");
    }
}
