//! Tests of the blocks from outside.

mod containers;
mod context;
mod contracts;
mod declarations;
mod html;
mod olx_import;
mod package;
mod placeholder;
mod problem;
mod problem_bounds;
mod problem_faults;
mod problem_files;
mod problem_html;
mod problem_queue;
mod settings;
mod translated;
mod video;
