//! Tests of the blocks from outside.

mod declarations;
