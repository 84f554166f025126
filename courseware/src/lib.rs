//! Imports, publishes, compares, exports and serves courseware.
