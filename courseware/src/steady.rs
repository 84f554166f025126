//! Reading a whole context block by block while others write it.
//!
//! Stores read each block as it is at that moment. What is read in many steps is of one state only if the heads of the
//! context stood still meanwhile; where they moved, it is read again, or is a conflict where it is to be replaced.

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{ContextRecord, Runtime, RuntimeError};

use crate::error::CoursewareError;

/// How often to read before giving up.
const ATTEMPTS: usize = 5;

/// Reads contexts, each of a store, until none of them changed meanwhile.
///
/// `read` begins anew at each attempt, and what it returned before is dropped.
///
/// # Errors
/// [`CoursewareError::Unsteady`] where one of them changed at every attempt, that of `read` where none did, and
/// [`RuntimeError::NoSuchContext`].
pub(crate) fn steady<T>(
    of: &[(&dyn Runtime, &ContextKey)],
    mut read: impl FnMut() -> Result<T, CoursewareError>,
) -> Result<T, CoursewareError> {
    let mut before = heads(of)?;
    let mut attempts = 0;
    loop {
        let result = read();
        attempts += 1;
        if let Err(CoursewareError::Interrupted | CoursewareError::Package(_)) = &result {
            return result;
        }
        let after = match heads(of) {
            Ok(after) => after,
            // What went wrong first is the one to report.
            Err(error) => return result.and(Err(error.into())),
        };
        match before.iter().zip(&after).find(|(before, after)| before != after) {
            None => return result,
            Some((changed, _)) if attempts == ATTEMPTS => {
                return Err(CoursewareError::Unsteady { context: changed.key.clone(), attempts });
            }
            Some(_) => before = after,
        }
    }
}

/// Says of what failed on a context that was found whether that is because somebody deleted it.
///
/// # Errors
/// [`CoursewareError::Deleted`] where the context is not there any more, whatever the work came upon; otherwise the work's own.
pub(crate) fn unless_deleted<T>(
    store: &dyn Runtime,
    context: &ContextKey,
    result: Result<T, CoursewareError>,
) -> Result<T, CoursewareError> {
    result.map_err(|error| match (&error, store.context(context)) {
        (CoursewareError::Interrupted, _) => error,
        (_, Err(RuntimeError::NoSuchContext { .. })) => CoursewareError::Deleted { context: context.clone() },
        _ => error,
    })
}

/// Reads a context that is to be replaced, in the state it was found in.
///
/// # Errors
/// [`RuntimeError::Conflict`] where somebody changed it meanwhile, [`CoursewareError::Deleted`] where somebody deleted it, whatever `read` then came upon; otherwise that of `read`.
pub(crate) fn as_found<T>(
    store: &dyn Runtime,
    found: &ContextRecord,
    read: impl FnOnce() -> Result<T, CoursewareError>,
) -> Result<T, CoursewareError> {
    let result = read();
    if let Err(CoursewareError::Interrupted) = &result {
        return result;
    }
    match store.context(&found.key) {
        Ok(now) if now == *found => result,
        Ok(now) => {
            let of = |record: &ContextRecord| match &record.published {
                Some(head) if found.draft.version == now.draft.version => head.version.clone(),
                _ => record.draft.version.clone(),
            };
            let (context, base, head) = (found.key.clone(), of(found), of(&now));
            Err(RuntimeError::Conflict { context, base, head }.into())
        }
        Err(RuntimeError::NoSuchContext { .. }) => {
            Err(CoursewareError::Deleted { context: found.key.clone() })
        }
        // What went wrong first is the one to report.
        Err(error) => result.and(Err(error.into())),
    }
}

/// Returns what the stores say of the contexts: the heads of both branches, with the time they were made at, because a draft
/// that comes back to what it was is called the same.
fn heads(of: &[(&dyn Runtime, &ContextKey)]) -> Result<Vec<ContextRecord>, RuntimeError> {
    of.iter().map(|(store, context)| store.context(context)).collect()
}
