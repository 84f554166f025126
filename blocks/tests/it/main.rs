//! Tests of the blocks from outside.

mod containers;
mod context;
mod declarations;
mod html;
mod package;
mod placeholder;
mod video;
