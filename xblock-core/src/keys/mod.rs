//! Opaque keys: the identities of learning contexts, usages, definitions and assets.
