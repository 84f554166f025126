//! The library of modules that a course brings for its scripts.

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime, RuntimeError};
use xblock_core::services::SandboxError;

/// The static file of a course that its scripts import modules from.
const LIBRARY: &str = "python_lib.zip";

/// Reads a course's library from the store, none where it has none.
pub(crate) fn read(
    runtime: &dyn Runtime,
    branch: Branch,
    context: &ContextKey,
) -> Result<Option<Vec<u8>>, SandboxError> {
    // A context that cannot have static files has no library either.
    let Ok(key) = context.make_asset_key(LIBRARY) else { return Ok(None) };
    match runtime.read_asset(&key, branch) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(RuntimeError::NoSuchAsset { .. } | RuntimeError::NoSuchContext { .. }) => Ok(None),
        Err(error) => Err(SandboxError::Engine { message: error.to_string() }),
    }
}
