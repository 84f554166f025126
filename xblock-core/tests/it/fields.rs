//! Fields: declarations, conversions there and back, field data, and the engine of one block.
mod block_fields;
mod conversions;
mod data;
mod declared;
mod texts;
