//! Blockstore bundles and the XBlock runtime over them.
