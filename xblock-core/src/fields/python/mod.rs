//! The parts of Python's own value rules that stored values depend on: number grammar, text classes, printed forms.
pub(crate) mod json_text;
pub(crate) mod number;
pub(crate) mod repr;
pub(crate) mod text;
