//! The cage in which the vectors' scripts run.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use cage::{Cage, CageOptions, CageSandbox, RunLimits};
use chrono::{DateTime, Utc};
use xblock_core::clock::FixedClock;
use xblock_core::runtime::{Branch, MemoryRuntime};
use xblock_core::services::SandboxService;

/// The moment at which the vectors are run.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).expect("a moment of this century")
}

/// Returns the Python that code of authors runs in: that of `CAGE_PYTHON`, of the project's virtualenv, or any.
#[must_use]
pub fn sandbox_python() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
    let python: Option<PathBuf> =
        std::env::var_os("CAGE_PYTHON").map(Into::into).or_else(|| made.exists().then_some(made));
    python.unwrap_or_else(|| "python3".into())
}

/// The cage, or why there is none.
static CAGE: LazyLock<Result<Arc<Cage>, String>> = LazyLock::new(|| {
    let options = CageOptions { python: sandbox_python(), ..CageOptions::default() };
    Cage::start(options).map(Arc::new).map_err(|error| error.to_string())
});

/// Lists the modules that code of authors has ready.
///
/// # Errors
/// Why no code of authors runs here.
pub fn sandbox_modules() -> Result<Vec<String>, String> {
    CAGE.clone().map(|cage| cage.loaded_modules())
}

/// Returns the sandbox that code of authors runs in.
///
/// # Errors
/// Why no code of authors runs here.
pub fn sandbox() -> Result<Arc<dyn SandboxService>, String> {
    let cage = CAGE.clone()?;
    let runtime = Arc::new(MemoryRuntime::new(Arc::new(FixedClock(now()))));
    // How much a run may use is not what is checked here, and machines are busy.
    let limits = RunLimits {
        cpu: Duration::from_secs(20),
        real_time: Duration::from_secs(60),
        ..RunLimits::default()
    };
    Ok(Arc::new(CageSandbox::new(cage, runtime, Branch::Draft).with_limits(limits)))
}
