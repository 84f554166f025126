//! The Python wheel xblock-runtime.
