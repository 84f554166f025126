//! The behaviour suite every runtime runs.
