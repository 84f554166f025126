//! Work that may panic without ending the test or filling its output.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local!(static IS_CALM: Cell<bool> = const { Cell::new(false) });

/// Runs work and turns a panic into what is wrong.
pub(super) fn calmly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_CALM.get() {
                before(info);
            }
        }));
    });
    let was_calm = IS_CALM.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CALM.set(was_calm);
    outcome.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        format!(
            "it panics: {}",
            said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("something")
        )
    })
}
