//! Scopes, field types, their conversions, and where field values live.
