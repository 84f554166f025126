//! Native blocks inside Python's own XBlock runtime: Python holds the fields, native code renders and handles.

mod calls;
mod classes;
mod context;
mod field_data;
mod olx;
mod surroundings;

pub(crate) use calls::{Answer, handle_block, max_score, render_block, take_grader_reply, validate_block};
pub(crate) use classes::{block_class, registry};
pub(crate) use olx::{read_olx, write_olx};
